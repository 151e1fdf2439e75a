"""One queue's consumer: takes deliveries in, runs their handlers in lanes, lets go of them.

    receive -> lease -> plan -> lane -> handle -> verdict -> settle

Every delivery that came in leaves through `_leave`, once, with an outcome that is counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from workers.log import frames_of
from workers.metrics import (
    AGE_SECONDS,
    HANDLE_SECONDS,
    IN_FLIGHT,
    OUTCOMES,
    QUEUE_AGE_SECONDS,
    RECEIVED,
)
from workers.runtime.acknowledger import acknowledgers_of
from workers.runtime.batches import Batches
from workers.runtime.config import ConsumerConfig
from workers.runtime.dead_letters import DeadLetters
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Dispatcher, Job
from workers.runtime.drain import Draining, QueueReceipt
from workers.runtime.envelope import is_wrapped
from workers.runtime.gate import ALWAYS_OPEN, Gate
from workers.runtime.health import Pulse
from workers.runtime.heartbeat import SWEEP_EVERY_S, LeaseKeeper
from workers.runtime.inhand import Held, take
from workers.runtime.lanes import GiveBack, Go, Stay
from workers.runtime.order import Order
from workers.runtime.outcome import Outcome
from workers.runtime.pausing import PauseWatch
from workers.runtime.poller import Intake, Poller
from workers.runtime.settling import Settler, Tools
from workers.runtime.shared import Shared
from workers.runtime.sqs import FIFO_SUFFIX, Message, SqsQueue
from workers.runtime.taking_back import take_back
from workers.runtime.tending import tend
from workers.runtime.verdict import (
    LEASE_LOST,
    RETURNED,
    TOO_OLD,
    Fate,
    Verdict,
    judge,
    label_of,
    wait_instead,
)
from workers.runtime.waits import LongestOfLate

log = structlog.get_logger()

Standing = Callable[[], Awaitable[None]]

POLL_ROUND_S = 100.0
"""The SDK's tries and the longest pause after an error: a poll may be silent for that much more."""

DISCARDS_PER_LINE = 100

_LEVELS = {Fate.ABANDONED: logging.WARNING, Fate.DEAD_LETTERED: logging.WARNING}


class Consumer:
    """Consumes one queue until it is drained. `start` once, then `drain` once."""

    def __init__(
        self,
        queue: SqsQueue,
        dead_letter_queue: SqsQueue,
        dispatcher: Dispatcher,
        config: ConsumerConfig,
        shared: Shared,
        gate: Gate = ALWAYS_OPEN,
    ) -> None:
        self.name = queue.name
        self.pulse = Pulse(queue.name, shared.clock, stale_after_s=config.wait_s + POLL_ROUND_S)
        self._dispatcher = dispatcher
        self._config = config
        self._shared = shared
        self._in_hand: dict[str, Held] = {}
        self._batches = Batches(queue.name, config, shared, self._task)
        self._draining: Draining | None = None
        self._discarded: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self._keeper = LeaseKeeper(queue, config, shared, on_stuck=self._cut_stuck)
        self._acknowledgers = acknowledgers_of(
            queue,
            clock=shared.clock,
            metrics=shared.metrics,
            is_more_coming=lambda: bool(self._in_hand),
        )
        dead_letters = DeadLetters(
            dead_letter_queue, source_queue=queue.name, failures=shared.failures
        )
        is_fifo = queue.name.endswith(FIFO_SUFFIX)
        self._order = Order(config, shared.clock, is_fifo=is_fifo)
        self._watch = PauseWatch(queue.name, self.pulse, shared, on_change=self._pause_changed)
        tools = Tools(self._keeper, self._acknowledgers, dead_letters, self._watch)
        self._settler = Settler(tools, config, shared, is_ordered=is_fifo)
        intake = Intake(room=self._room, accept=self._accept, gate=gate)
        self._poller = Poller(queue, config, intake, self.pulse, self._watch, shared)
        self._tasks: asyncio.TaskGroup | None = None
        self._polling: list[asyncio.Task[None]] = []
        self._standing: list[asyncio.Task[None]] = []
        self._first_waits = LongestOfLate(shared.clock)
        shared.metrics.read_from(IN_FLIGHT, lambda: len(self._in_hand), queue=self.name)
        shared.metrics.read_from(QUEUE_AGE_SECONDS, self._first_waits.now, queue=self.name)

    # --- life ------------------------------------------------------------------------------------

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to poll. Everything it does runs in named tasks of this group."""
        self._tasks = tasks
        lines = range(self._config.pollers_max)
        self._standing = [
            self._tended(tasks, "sweeper", self._sweep_forever),
            self._tended(tasks, "watch", self._watch.run),
            self._tended(tasks, "hider", self._acknowledgers.hides.run),
            *(self._tended(tasks, f"deleter-{i}", self._acknowledgers.deletes.run) for i in lines),
        ]
        self._polling = [
            self._tended(tasks, f"poller-{i}", partial(self._poller.run, i)) for i in lines
        ]

    async def drain(self) -> QueueReceipt:
        """Stop polling, give back what has not started, wait for the rest, flush, stop.

        Takes at most `drain_s`. What is not settled by then is abandoned, and a poll that is
        still out is given up: what it brings comes again when its visibility timeout is over.
        """
        draining = Draining(self.name, self._shared.clock, self._config.drain_s)
        self._draining = draining
        self._poller.stop()
        for held in self._order.take_waiting():
            self._spawn(held, RETURNED)
        self._batches.close()
        await draining.wait_for(self._polling)
        await draining.wait_until(self._idle)
        self._cut_all("drain_deadline")
        draining.polls_cut = sum(task.cancel() for task in self._polling if not task.done())
        await draining.wait_until_flushed(self._acknowledgers)
        for task in self._standing:
            task.cancel()
        return draining.receipt()

    def force(self) -> None:
        """Abandon whatever is in hand, polls included, now. Before or during a drain."""
        for task in self._polling:
            task.cancel()
        self._cut_all("forced")

    def _tended(self, tasks: asyncio.TaskGroup, name: str, run: Standing) -> asyncio.Task[None]:
        return tasks.create_task(
            tend(run, queue=self.name, task=name.partition("-")[0], shared=self._shared),
            name=f"{self.name}/{name}",
        )

    async def _sweep_forever(self) -> None:
        while True:
            await self._shared.clock.sleep(SWEEP_EVERY_S)
            await self._keeper.sweep()
            self._order.forget_idle()

    def _pause_changed(self) -> None:
        if self._watch.pause is None:
            self._settler.resumed()
        self._poller.wake()

    # --- in --------------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more may come. Slow acknowledgements hold new ones off: memory is bounded."""
        unsettled_count = max(0, self._acknowledgers.pending - self._config.slots)
        return self._config.slots - len(self._in_hand) - unsettled_count

    def _accept(self, messages: Sequence[Message]) -> None:
        self._shared.metrics.add(RECEIVED, len(messages), queue=self.name)
        for message in messages:
            held = take(message, self.name, self._config, self._shared.clock)
            self._in_hand[held.receipt_handle] = held
            self._idle.clear()
            self._keeper.keep(held.receipt_handle, held.message_id, held.delivery.lease)
            if is_wrapped(message.body):
                held.task = self._task(self._unwrap(held), held.message_id)
            else:
                if message.receive_count == 1:
                    self._first_waits.add(self._age_s(held))
                self._place(held)

    async def _unwrap(self, held: Held) -> None:
        """Take a deferred message out of its cover, which may need a call; then place it."""
        self._bind_context(held)
        try:
            verdict = await take_back(held, self._shared)
        except asyncio.CancelledError:
            self._leave(held, replace(LEASE_LOST, reason="cancelled"))
            raise
        if held.receipt_handle in self._in_hand:
            self._place(held, verdict)

    def _place(self, held: Held, verdict: Verdict | None = None) -> None:
        """Start it, let it wait in its lane, or settle it at once."""
        plan = verdict or self._plan(held)
        if isinstance(plan, Verdict):
            held.verdict = plan
        else:
            held.job = plan
        if self._draining is not None:
            self._spawn(held)
            return
        match self._order.arrive(held):
            case Go():
                self._spawn(held)
            case GiveBack(reason, after_s):
                self._spawn(held, wait_instead(reason, after_s))
            case Stay():
                pass  # Whoever runs in its lane takes it along.

    def _age_s(self, held: Held) -> float:
        return (self._shared.clock.now() - held.delivery.sent_at).total_seconds()

    def _plan(self, held: Held) -> Job | Verdict:
        age_s = self._age_s(held)
        self._shared.metrics.observe(AGE_SECONDS, max(0.0, age_s), queue=self.name)
        if self._draining is not None:
            return RETURNED
        if self._watch.pause is not None:
            return replace(RETURNED, reason="paused")
        if self._config.max_age_s is not None and age_s > self._config.max_age_s:
            return TOO_OLD
        try:
            plan = self._dispatcher.plan(held.delivery)
        except Exception as error:  # noqa: BLE001 - a dispatcher's bug must not stop the poller
            return self._judged(error)
        return plan if isinstance(plan, Job) else self._judged(plan)

    def _spawn(self, held: Held, verdict: Verdict | None = None) -> None:
        if verdict is not None:
            held.verdict = verdict
        held.task = self._task(self._work(held), held.message_id)

    def _task(self, work: Coroutine[None, None, None], name: str = "batch") -> asyncio.Task[None]:
        assert self._tasks is not None, "the consumer was not started"  # noqa: S101
        return self._tasks.create_task(work, name=f"{self.name}/{name}")

    # --- through ---------------------------------------------------------------------------------

    async def _work(self, first: Held) -> None:
        """Handle a delivery, and then those behind it in its lane."""
        task = first.task
        held: Held | None = first
        while held is not None:
            held.task = task
            self._bind_context(held)
            with self._shared.tracer.processing(self.name, held.message_id, held.parent) as span:
                verdict = await self._handle(held)
                span.settled(verdict.fate, verdict.reason)
            self._leave(held, verdict)
            held, given_back = self._order.after(held, verdict)
            for behind, instead in given_back:
                self._spawn(behind, instead)

    async def _handle(self, held: Held) -> Verdict:
        """Run it and settle it. Whatever happens there is a verdict; only a forced end raises."""
        try:
            return await self._settler.settle(held, held.verdict or await self._run(held))
        except asyncio.CancelledError:
            self._keeper.forget(held.receipt_handle)
            if not held.is_stuck:
                self._leave(held, replace(LEASE_LOST, reason="cancelled"))
                raise
            if held.task is not None:
                held.task.uncancel()
            return LEASE_LOST
        except Exception as error:  # noqa: BLE001 - a store's bug, or ours: the message must not get lost
            self._keeper.forget(held.receipt_handle)
            self._log_bug("settling_failed", error)
            return replace(LEASE_LOST, reason="settling_failed")

    async def _run(self, held: Held) -> Verdict:
        """What the handler returned or raised, as the table has it."""
        job = held.job
        assert job is not None  # noqa: S101 - without a job there is a verdict
        if not held.delivery.lease.is_held:
            return LEASE_LOST  # It waited in its lane for too long.
        started_at = self._shared.clock.monotonic()
        try:
            result: Outcome | BaseException = await self._start(job, held.delivery)
        except asyncio.CancelledError as error:
            if held.task is not None and held.task.cancelling():
                raise
            result = error  # Nobody cancelled us: it comes from something the handler awaited.
        except Exception as error:  # noqa: BLE001 - the outcome table says what each means
            result = error
        self._shared.metrics.observe(
            HANDLE_SECONDS,
            self._shared.clock.monotonic() - started_at,
            queue=self.name,
            event_class=job.event_class,
        )
        return self._judged(result)

    async def _start(self, job: Job, delivery: Delivery) -> Outcome | BaseException:
        if isinstance(job.run, Batched):
            return await self._batches.run(job, job.run, delivery)
        return await job.run(delivery)

    def _judged(self, result: Outcome | BaseException) -> Verdict:
        verdict = judge(result, now=self._shared.clock.now(), bend=self._shared.bend)
        if verdict.reason == "bug" and isinstance(result, BaseException):
            self._log_bug("handler_failed", result)
        return verdict

    # --- out -------------------------------------------------------------------------------------

    def _leave(self, held: Held, verdict: Verdict) -> None:
        """It is in our hands no more: count how it left. Once, whoever comes first."""
        if self._in_hand.pop(held.receipt_handle, None) is None:
            return
        self._order.left(held)
        self._shared.metrics.add(
            OUTCOMES, queue=self.name, outcome=verdict.fate, reason=label_of(verdict.reason)
        )
        self._log_settled(verdict)
        if self._draining is not None:
            self._draining.count(verdict.fate)
        self._poller.wake()
        if not self._in_hand:
            self._idle.set()
            self._acknowledgers.hurry()

    def _log_settled(self, verdict: Verdict) -> None:
        """A line for each that is not plainly done; of discarded ones a sample for each reason."""
        if verdict.fate is Fate.DONE:
            return
        if verdict.fate is Fate.DISCARDED:
            self._discarded[verdict.reason] += 1
            if self._discarded[verdict.reason] % DISCARDS_PER_LINE != 1:
                return
        log.log(
            _LEVELS.get(verdict.fate, logging.INFO),
            "delivery_settled",
            outcome=verdict.fate,
            reason=verdict.reason,
            error_type=verdict.error_type,
            after_s=verdict.after_s,
        )

    def _cut_stuck(self, receipt_handle: str) -> None:
        held = self._in_hand.get(receipt_handle)
        if held is not None and held.task is not None:
            held.is_stuck = True
            held.task.cancel()

    def _cut_all(self, reason: str) -> None:
        self._order.take_waiting()
        for held in list(self._in_hand.values()):
            held.delivery.lease.lose()
            self._keeper.forget(held.receipt_handle)
            # Counted here: a task cancelled before its first step never runs.
            self._leave(held, replace(LEASE_LOST, reason=reason))
            if held.task is not None:
                held.task.cancel()

    def _bind_context(self, held: Held) -> None:
        clear_contextvars()
        job = held.job
        bind_contextvars(
            sqs_queue=self.name,
            sqs_message_id=held.message_id,
            receive_count=held.delivery.receive_count,
            handler=job.event_class if job else "",
            event_id=job.event_id if job else "",
        )

    def _log_bug(self, event: str, error: BaseException) -> None:
        # No str(error): it may hold the user's data.
        log.error(event, error_type=type(error).__name__, trace=frames_of(error.__traceback__))
