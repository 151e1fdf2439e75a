"""Several relay workers on one journal and one contact centre, with everything drawn from a seed.

Deliveries come twice and out of order, answers are lost, processes stall for longer than a lease
and are killed at any await. A kill is a SIGKILL: the process's tasks end where they stand, nothing
that they would still do reaches a store or a service, and a request that was on its way may arrive
all the same, for the network carries it and not the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from random import Random
from typing import Any, TypeVar, cast

from schemas.connect import ChatMessage
from schemas.own import (
    CallSweep,
    ChatWatch,
    Command,
    Notice,
    OptOutSync,
    Remind,
    ReminderWatch,
)
from schemas.sms_voice import InboundSms
from tests.fakes.carrier import Sent
from tests.fakes.contact_centre import Chat
from tests.fakes.wire import Wire
from tests.unit.handlers.relay import OURS, THEIRS, Worker, World, brand_with, make_world
from workers.brands import Brand
from workers.errors import Fenced, InDoubt, Throttled, TransientError
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome, Retry, Wait
from workers.testing import VirtualLoop

T = TypeVar("T")

VISIBILITY_S = 30.0
GIVE_UP_S = 6 * 3600.0
"""Virtual time in which everything must have been settled."""


@dataclass(frozen=True, slots=True)
class Chances:
    """How likely is what, per call or per letter."""

    kills: int = 5
    refused: float = 0.01
    answer_lost: float = 0.02
    stalled: float = 0.01
    slow: float = 0.1
    twice: float = 0.1
    late: float = 0.3
    receipt_lost: float = 0.0


@dataclass(slots=True)
class Letter:
    """One message on a queue, from its sending to its deletion."""

    name: str
    handle: Callable[[Worker, Delivery], Awaitable[Outcome]]
    sent_at: datetime
    receives: int = 0
    is_deleted: bool = False


class Process:
    """One worker process: what it does is cut off by `kill`, at whatever it waits for."""

    def __init__(self, fleet: Fleet, name: str) -> None:
        self.name = name
        self.is_dead = False
        self._fleet = fleet
        self._still_until = 0.0
        self._tasks: dict[asyncio.Task[Outcome], None] = {}
        self.worker = fleet.world.worker(name, _Network(self, fleet), fleet.rng)

    async def run(self, handling: Coroutine[Any, Any, Outcome]) -> Outcome | None:
        """Handle one delivery in a slot of its own.

        None when the process was killed, or stood still until the message was visible again: then
        the handling goes on later, and what comes of it is nobody's any more.
        """
        task = self._fleet.spawn(handling)
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))
        await asyncio.wait([task], timeout=VISIBILITY_S)
        while not task.done() and not self.is_still:  # Its heartbeats keep the message.
            await asyncio.wait([task], timeout=VISIBILITY_S / 3)
        return task.result() if task.done() and not task.cancelled() else None

    @property
    def is_still(self) -> bool:
        """Whether its machine pauses it."""
        return self._still_until > self._fleet.world.clock.monotonic()

    def stall(self, seconds: float) -> None:
        """Its machine pauses it: nothing it would do next comes before that."""
        self._still_until = self._fleet.world.clock.monotonic() + seconds
        self._fleet.trace.append(f"{self._fleet.at()} {self.name} stalled {seconds:.0f}")

    async def moves(self) -> None:
        """Until it is not paused any more."""
        while (left_s := self._still_until - self._fleet.world.clock.monotonic()) > 0:
            await self._fleet.world.clock.sleep(left_s)

    def kill(self) -> None:
        """SIGKILL."""
        self.is_dead = True
        self._fleet.trace.append(f"{self._fleet.at()} {self.name} killed")
        for task in list(self._tasks):
            task.cancel()


class _Network(Wire):
    """A process's connections: latency, loss, and the moments at which it is killed."""

    def __init__(self, process: Process, fleet: Fleet) -> None:
        self._process = process
        self._fleet = fleet

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        """One request and its answer. A dead process starts none."""
        fleet, rng = self._fleet, self._fleet.rng
        await self._process.moves()
        if self._process.is_dead:
            raise asyncio.CancelledError
        is_last = next(fleet.calls) in fleet.kill_at
        moment = rng.choice(("before", "on_the_way", "after")) if is_last else ""
        if moment == "before":
            await self._killed()
        transit = fleet.spawn(self._transit(call, accept))
        if moment == "on_the_way":
            await fleet.world.clock.sleep(rng.uniform(0, 0.02))
            await self._killed()
        try:
            # What is on the wire is not the process's any more: a kill does not call it back.
            answer = await asyncio.shield(transit)
        finally:
            if moment == "after" and not self._process.is_dead:
                await self._killed()
        if rng.random() < fleet.chances.stalled:
            self._process.stall(rng.uniform(10, 150))
        await self._process.moves()
        return answer

    async def _killed(self) -> None:
        self._process.kill()
        await asyncio.Event().wait()

    async def _transit(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        fleet, rng, clock = self._fleet, self._fleet.rng, self._fleet.world.clock
        await clock.sleep(fleet.latency())
        if rng.random() < fleet.chances.refused:
            raise rng.choice((TransientError("connect_timeout"), Throttled("throttled")))
        answer = await accept()
        fleet.trace.append(f"{fleet.at()} {self._process.name} {call}")
        await clock.sleep(fleet.latency())
        if rng.random() >= fleet.chances.answer_lost:
            return answer
        if call == "texting.send":
            raise InDoubt("SendTextMessage", "connection_cut")
        if rng.random() < 0.3:
            raise TransientError("connection_cut")
        return await accept()  # The SDK repeats what may be repeated.


@dataclass(slots=True)
class Fleet:
    """The world, its processes, and the queues between them."""

    seed: int
    chances: Chances
    brand: Brand
    rng: Random = field(init=False)
    world: World = field(init=False)
    calls: count[int] = field(default_factory=lambda: count(1))
    kill_at: frozenset[int] = frozenset()
    trace: list[str] = field(default_factory=list)
    dead_letters: list[tuple[str, str]] = field(default_factory=list)
    lost_receipts: set[str] = field(default_factory=set)
    journalled_at_ms: dict[str, int] = field(default_factory=dict)
    entered_ms: dict[str, int] = field(default_factory=dict)
    _processes: list[Process] = field(default_factory=list)
    _names: count[int] = field(default_factory=lambda: count(1))
    _open: dict[asyncio.Task[Any], None] = field(default_factory=dict)
    _letters: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(self.seed)  # noqa: S311 - a seed that replays
        self.kill_at = frozenset(self.rng.sample(range(5, 300), self.chances.kills))
        self.world = make_world(self.brand, hold_ms=500)
        self.world.centre.stream = self._streamed
        self.world.carrier.receipt = self._receipted
        self.world.commands.deliver = self._commanded
        self._watch_journal()

    def at(self) -> str:
        """Virtual time, for the trace."""
        return f"{self.world.clock.monotonic():.6f}"

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Something of the world's own, which no kill ends."""
        task = asyncio.create_task(work)
        self._open[task] = None
        task.add_done_callback(self._closed)
        return task

    def go(self, work: Coroutine[Any, Any, None]) -> None:
        """The same, for what nobody waits for by itself."""
        self._open[self.spawn(work)] = None

    async def settled(self) -> None:
        """Wait until every letter is deleted and nobody does anything any more."""
        deadline = self.world.clock.monotonic() + GIVE_UP_S
        while self._open:
            await asyncio.wait(list(self._open), timeout=60)
            if self.world.clock.monotonic() > deadline:
                waiting = [letter.name for letter in self._letters if not letter.is_deleted]
                raise AssertionError(f"never settled: {waiting}")

    # --- queues ----------------------------------------------------------------------------------

    def post(
        self, name: str, handle: Callable[[Worker, Delivery], Awaitable[Outcome]], after_s: float
    ) -> None:
        """Put a message on its queue; now and then SQS hands it out twice, or once more later."""
        letter = Letter(name, handle, self.world.clock.now())
        self._letters.append(letter)
        self.go(self._deliver(letter, after_s))
        if self.rng.random() < self.chances.twice:
            self.go(self._deliver(letter, after_s + self.rng.choice((0.01, 0.5, 5, 40, 200))))

    def latency(self) -> float:
        """How long one way of a call takes; now and then as long as the hold window."""
        is_slow = self.rng.random() < self.chances.slow
        return self.rng.uniform(0.1, 0.6) if is_slow else self.rng.uniform(0.001, 0.03)

    def wander(self) -> float:
        """How long a message takes to a queue: sometimes later than the one sent after it."""
        if self.rng.random() < self.chances.late:
            return self.rng.uniform(0.1, 0.4)
        return self.rng.uniform(0.005, 0.05)

    async def _deliver(self, letter: Letter, after_s: float) -> None:
        clock = self.world.clock
        await clock.sleep(after_s)
        first_received_at = clock.now()
        is_settled = False
        while not is_settled:
            process = self._alive()
            letter.receives += 1
            delivery = self.world.delivery(receive_count=letter.receives, since=first_received_at)
            try:
                outcome = await process.run(_handling(letter, process.worker, delivery))
                is_settled, wait_s = await self._settle(letter, outcome)
            except TransientError:
                wait_s = 5.0
            except Fenced:
                wait_s = VISIBILITY_S
            await clock.sleep(wait_s)
        letter.is_deleted = True

    async def _settle(self, letter: Letter, outcome: Outcome | None) -> tuple[bool, float]:
        match outcome:
            case None:
                return False, self.rng.uniform(0, VISIBILITY_S)
            case Done() | Discard():
                return True, 0.0
            case DeadLetter(reason):
                self.dead_letters.append((letter.name, reason))
                if outcome.before_delete is not None:
                    await outcome.before_delete()
                return True, 0.0
            case Wait(_, after_s):
                return False, after_s
            case _:
                assert not isinstance(outcome, Retry), "the relay counts no attempts of messages"
                raise AssertionError(outcome)

    def _alive(self) -> Process:
        """Some process that polls, of three; a killed one is replaced by the next."""
        self._processes = [process for process in self._processes if not process.is_dead]
        while len(self._processes) < 3:
            self._processes.append(Process(self, f"w{next(self._names)}"))
        moving = [process for process in self._processes if not process.is_still]
        return self.rng.choice(moving or self._processes)

    # --- what the services publish ----------------------------------------------------------------

    def _streamed(self, message: ChatMessage) -> None:
        async def handle(worker: Worker, delivery: Delivery) -> Outcome:
            return await worker.stream.handle(message, delivery)

        self.post(f"stream {message.id}", handle, self.wander())

    def _receipted(self, sent: Sent) -> None:
        if self.rng.random() < self.chances.receipt_lost:
            self.lost_receipts.add(sent.text.context["sb"])
            return
        receipt = _Receipt(sent.message_id, dict(sent.text.context))

        async def handle(worker: Worker, delivery: Delivery) -> Outcome:
            return await worker.receipts.handle(receipt, delivery)

        self.post(f"receipt {sent.message_id}", handle, self.rng.uniform(0.05, 8))

    def _commanded(self, command: Command, delay_s: int) -> None:
        async def handle(worker: Worker, delivery: Delivery) -> Outcome:
            match command:
                case Notice():
                    return await worker.commands.notice(command, delivery)
                case ChatWatch():
                    return await worker.commands.watch(command, delivery)
                case OptOutSync() | Remind() | ReminderWatch() | CallSweep():
                    raise AssertionError("no conversation asks for that")

        self.post(f"command {command.switchboard}", handle, delay_s + self.wander())

    def _closed(self, task: asyncio.Task[Any]) -> None:
        self._open.pop(task, None)
        if not task.cancelled() and isinstance(task.exception(), AssertionError):
            self.dead_letters.append(("the test itself", repr(task.exception())))

    def _watch_journal(self) -> None:
        """Note when each entry was first journalled: from then on every holder can know of it.

        And what its writer took for that time, which is when the write went out.
        """
        write = self.world.sessions.update

        async def noted(key: Any, update: Any) -> Any:
            item = await write(key, update)
            for name, entry in item.items():
                if name.startswith("e_") and isinstance(entry, Mapping):
                    self.journalled_at_ms.setdefault(name[2:], self.world.clock.now_ms())
                    self.entered_ms[name[2:]] = cast("int", entry["j"])
            return item

        self.world.sessions.update = noted  # type: ignore[method-assign] # looks on, changes nothing


@dataclass(frozen=True, slots=True)
class _Receipt:
    message_id: str
    context: dict[str, str]
    status: str = "DELIVERED"
    is_final: bool = True


async def _handling(letter: Letter, worker: Worker, delivery: Delivery) -> Outcome:
    return await letter.handle(worker, delivery)


# --- the people ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Conversation:
    """One customer and whoever answers; what they said when, in the order of their clocks."""

    fleet: Fleet
    number: str
    said: list[tuple[int, str, str]] = field(default_factory=list)  # ms, event id, body
    written: list[tuple[int, str, str]] = field(default_factory=list)
    chats_ended: int = 0

    @property
    def chats(self) -> list[Chat]:
        """The chats that were ever opened for this customer."""
        return [
            chat
            for chat in self.fleet.world.centre.chats.values()
            if chat.start.attributes["sb_customer_number"] == self.number
        ]

    def texts(self, body: str) -> None:
        """The customer sends a text; SNS stamps it now, and it arrives when it arrives."""
        fleet = self.fleet
        at = fleet.world.clock.now()
        event_id = f"{self.number}/{len(self.said)}"
        sms = InboundSms.model_validate(
            {
                "originationNumber": self.number,
                "destinationNumber": OURS,
                "messageBody": body,
                "inboundMessageId": event_id,
            }
        )
        self.said.append((fleet.world.clock.now_ms(), event_id, body))

        async def handle(worker: Worker, delivery: Delivery) -> Outcome:
            return await worker.inbound.handle(sms, at, delivery)

        fleet.post(f"text {event_id}", handle, fleet.wander())

    def writes(self, body: str) -> None:
        """The agent writes into the newest chat."""
        fleet = self.fleet
        message = fleet.world.centre.agent_says(self.chats[-1], body)
        self.written.append((fleet.world.clock.now_ms(), message.id, body))


async def converse(talk: Conversation, texts: int, replies: int) -> None:
    """A customer who texts in bursts, and an agent who answers once there is a chat."""
    fleet, rng = talk.fleet, talk.fleet.rng
    clock = fleet.world.clock
    rounds = ["text"] * (texts - 1) + ["reply"] * replies
    rng.shuffle(rounds)
    talk.texts(f"text {len(talk.said)}")
    for move in rounds:
        await clock.sleep(rng.choice((0.002, 0.05, 0.2, 1.5, 6.0)))
        if move == "text":
            talk.texts(f"text {len(talk.said)}")
            continue
        while not any(chat.is_streaming and not chat.is_ended for chat in talk.chats):
            await clock.sleep(0.5)
        long = "word " * 320 if rng.random() < 0.2 else ""
        talk.writes(f"reply {len(talk.written)} {long}".strip())


def play(seed: int, chances: Chances, **brand: Any) -> tuple[Fleet, Conversation]:
    """A conversation of two chats, to its end, on a loop of its own."""
    limits = {
        "idle_warn_s": 0,
        "idle_close_s": 0,
        "to_customer_max_age_s": 259_200,
        "chat_starts_per_number_per_hour": 1_000,
    }

    async def all_of_it() -> tuple[Fleet, Conversation]:
        fleet = Fleet(seed, chances, brand_with(limits=limits, **brand))
        talk = Conversation(fleet, THEIRS)
        for _ in range(2):
            fleet.go(converse(talk, texts=5, replies=4))
            await fleet.settled()
            await fleet.world.clock.sleep(100)
            fleet.world.centre.end(talk.chats[-1])
            await fleet.settled()
        return fleet, talk

    loop = VirtualLoop()
    try:
        return loop.run_until_complete(all_of_it())
    finally:
        loop.close()
