"""Reminder dialing on fakes: one queue, several workers, telephones, and time that jumps."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from typing import Any, cast

from schemas.own import Command, PinpointOrigin, Remind, encode_command
from tests.fakes.own import CountingMeter
from tests.fakes.telephones import Exchange, FakeDialing
from tests.fakes.wire import Faults, Wire, WiredTable
from tests.unit.handlers.relay import OURS, Worker, World, brand_with, make_world
from workers.brands import Brand, BrandCalls
from workers.config import Configuration, ReminderRules
from workers.handlers.bounce_tracking.opt_out_sync import OptOutSyncDoor
from workers.handlers.gate import Gate
from workers.handlers.reminders.deps import Deps, ReminderResult
from workers.handlers.reminders.door import CallDoors
from workers.routing import Doors, Router
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.dispatch import Batched, Job
from workers.runtime.outcome import DeadLetter, Discard, Outcome
from workers.runtime.verdict import Then, judge
from workers.stores.call_records import Reminder, Result
from workers.stores.calls import TableCalls
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import ChatState, SessionKey
from workers.stores.ticks import TableTicks
from workers.testing import LoopClock

BEGIN = datetime(2026, 3, 4, 17, 0, tzinfo=UTC)
"""A Wednesday: noon in New York, 9:00 in Seattle."""
SEATTLE = "+12065550100"
LEASE_S = 30.0
NEAR = timedelta(days=3)


class Killed(BaseException):
    """The process is gone."""


class Bus:
    """Who wants to know the results."""

    def __init__(self, office: Office) -> None:
        self.events: list[tuple[str, Mapping[str, Any]]] = []
        self._office = office

    async def publish(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        async def accept() -> None:
            self.events.extend(events)

        await self._office.wire.carry("bus.publish", accept)


class Profiles:
    """What profiles were told."""

    def __init__(self) -> None:
        self.told: list[ReminderResult] = []

    async def reminder_ended(self, result: ReminderResult) -> None:
        self.told.append(result)


class Zones:
    """Where profiles say that people live."""

    def __init__(self) -> None:
        self.by_number: dict[str, str] = {}

    async def zone_of(self, number: str, customer_id: str | None) -> str | None:  # noqa: ARG002
        return self.by_number.get(number)


class CallMeter(CountingMeter):
    """Counts of calls, too."""

    def __init__(self) -> None:
        super().__init__()
        self.ended: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.held: Counter[str] = Counter()

    def call_ended(self, brand: str, result: str) -> None:  # noqa: ARG002 - the protocol's
        self.ended[result] += 1

    def reminder_ended(self, brand: str, result: str) -> None:  # noqa: ARG002 - as above
        self.closed[result] += 1

    def call_held_back(self, reason: str) -> None:
        self.held[reason] += 1


@dataclass(eq=False)
class Message:
    """One message on the queue."""

    body: str
    visible_at: datetime
    sent_at: datetime
    received: int = 0
    first_received_at: datetime | None = None


class _Queue:
    """`CommandQueue` of one worker."""

    def __init__(self, office: Office, wire: Wire) -> None:
        self._office = office
        self._wire = wire

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        async def accept() -> None:
            self._office.put(encode_command(command), delay_s)

        await self._wire.carry("commands.send", accept)


class Office:
    """Everything that outlives a worker, and what tests do with it."""

    def __init__(
        self, rules: ReminderRules | None = None, *, lose: float = 0.0, double: float = 0.0,
        seed: int = 0, calls: BrandCalls | None = None, makes_calls: bool = True,
    ) -> None:  # fmt: skip
        self.rng = Random(seed)  # noqa: S311
        self.clock = LoopClock(BEGIN)
        chosen = calls or BrandCalls(contact_flow_id="reminder", source_number=OURS)
        self.brand: Brand = brand_with(calls=chosen if makes_calls else None)
        self.rules = rules or ReminderRules()
        world = make_world(self.brand, clock=self.clock)
        config = Configuration(brands=(self.brand,), reminders=self.rules)
        self.world: World = replace(world, config=config)
        self.exchange = Exchange(self.clock, on_end=self._call_ended)
        self.table = MemoryTable()
        self.meter = CallMeter()
        self.faults = Faults()
        self.wire: Wire = self.faults
        self.bus = Bus(self)
        self.profiles = Profiles()
        self.zones = Zones()
        self.messages: list[Message] = []
        self.outcomes: list[Outcome | BaseException] = []
        self.dead: list[DeadLetter] = []
        self.kills = 0
        self._lose, self._double = lose, double
        self._ids = count(1)
        self.calls = TableCalls(self.table, memory_keys())

    # --- the parts --------------------------------------------------------------------------------

    def router(self, wire: Wire | None = None) -> Router:
        """One process's."""
        on = wire or self.wire
        worker = Worker(self.world, f"w{next(self._ids)}", on, self.rng, self.meter)
        relay = worker.deps

        async def has_open_chat(ours: str, theirs: str) -> bool:
            sid = relay.journal.session_id(SessionKey(ours, theirs))
            session = await relay.journal.read(sid, consistent=False)
            return session is not None and session.state is ChatState.OPEN

        deps = Deps(
            config=self.world.config,
            calls=TableCalls(WiredTable(self.table, on, "calls"), memory_keys()),
            ticks=TableTicks(WiredTable(self.table, on, "ticks")),
            new_owner=lambda: f"owner-{next(self._ids)}",
            gate=Gate(relay.suppressions, relay.health, self.world.config.bounces, self.clock),
            dialing=FakeDialing(self.exchange, on),
            texting=relay.texting,
            commands=_Queue(self, on),
            has_open_chat=has_open_chat,
            clock=self.clock,
            meter=self.meter,
            random=self.rng,
            bus=self.bus,
            profiles=self.profiles,
            zones=self.zones,
        )
        return Router(
            Doors(
                inbound=worker.inbound,
                stream=worker.stream,
                contacts=worker.contacts,
                receipts=worker.receipts,
                commands=worker.commands,
                bounces=worker.bounces,
                opt_out_sync=cast("OptOutSyncDoor", None),
                calls=CallDoors.over(deps),
            )
        )

    def put(self, body: str, delay_s: float = 0) -> None:
        """A message on the queue."""
        now = self.clock.now()
        self.messages.append(Message(body, now + timedelta(seconds=delay_s), now))

    def _call_ended(self, contact_id: str, at: datetime) -> None:
        for kind in ("DISCONNECTED", "COMPLETED"):
            copies = 2 if self.rng.random() < self._double else 1
            for _ in range(copies):
                if self.rng.random() < self._lose:
                    continue
                late_s = self.rng.random() * 40
                event = contact_event(contact_id, kind, at)
                self.messages.append(Message(event, at + timedelta(seconds=late_s), at))

    # --- moves ------------------------------------------------------------------------------------

    def remind(self, **keys: Any) -> Remind:
        """Ask for a reminder of an appointment in three days."""
        asked = reminder(**{"appointment_at": self.clock.now() + NEAR, **keys})
        self.put(encode_command(asked))
        return asked

    async def run(
        self, *, for_: timedelta = timedelta(days=5), workers: int = 1,
        wire_of: Callable[[], Wire] | None = None,
    ) -> None:  # fmt: skip
        """Let workers handle the queue until it is empty, or for so long."""
        until = self.clock.now() + for_
        await asyncio.gather(*(self._work(until, wire_of) for _ in range(workers)))

    async def _work(self, until: datetime, wire_of: Callable[[], Wire] | None) -> None:
        router = self.router(wire_of() if wire_of else None)
        while self.messages and self.clock.now() < until:
            now = self.clock.now()
            due = [message for message in self.messages if message.visible_at <= now]
            if not due:
                next_at = min(message.visible_at for message in self.messages)
                await asyncio.sleep(max(0.001, min(60.0, (next_at - now).total_seconds())))
                continue
            message = self.rng.choice(due)
            message.visible_at = now + timedelta(seconds=LEASE_S)
            try:
                await self._handle(router, message)
            except Killed:
                self.kills += 1
                await asyncio.sleep(self.rng.random() * 20)
                router = self.router(wire_of() if wire_of else None)

    async def _handle(self, router: Router, message: Message) -> None:
        now = self.clock.now()
        message.received += 1
        message.first_received_at = message.first_received_at or now
        delivery = Delivery(
            queue="reminders",
            message_id=f"m-{id(message)}",
            receipt_handle="h",
            body=message.body,
            attributes={},
            receive_count=message.received,
            sent_at=message.sent_at,
            first_received_at=message.first_received_at,
            group=None,
            lease=Lease(self.clock, lasts_s=LEASE_S, at_most_s=LEASE_S),
        )
        planned = router.plan(delivery)
        result: Outcome | BaseException
        if isinstance(planned, Job):
            assert not isinstance(planned.run, Batched)
            try:
                result = await planned.run(delivery)
            except Exception as raised:  # noqa: BLE001 - the runtime judges them
                result = raised
        else:
            assert isinstance(planned, DeadLetter | Discard)
            result = planned
        self.outcomes.append(result)
        if isinstance(result, DeadLetter):
            self.dead.append(result)
        self._settle(message, result)

    def _settle(self, message: Message, result: Outcome | BaseException) -> None:
        verdict = judge(result, now=self.clock.now())
        if verdict.reason == "bug":
            assert isinstance(result, BaseException)
            raise result
        if message not in self.messages:
            return
        if verdict.then in (Then.DELETE, Then.BURY):
            self.messages.remove(message)
        elif verdict.then in (Then.HIDE, Then.DEFER):
            after_s = 5.0 if verdict.after_s is None else verdict.after_s
            message.visible_at = self.clock.now() + timedelta(seconds=after_s)

    # --- looks ------------------------------------------------------------------------------------

    async def found(self, reminder_id: str = "r-1") -> Reminder:
        """A reminder as the store has it."""
        kept = await self.calls.find(self.calls.rid(reminder_id))
        assert kept is not None
        return kept

    async def result(self, reminder_id: str = "r-1") -> tuple[Result | None, str]:
        """How a reminder ended."""
        kept = await self.found(reminder_id)
        return kept.result, kept.detail

    def dialled_at(self) -> list[timedelta]:
        """When phones rang, from the beginning on."""
        return [made.at - BEGIN for made in self.exchange.dialled]


def reminder(**keys: Any) -> Remind:
    """A reminder of somebody in Seattle, with other keys."""
    return Remind(**{"id": "r-1", "brand": "Clinic", "number": SEATTLE, **keys})


def contact_event(contact_id: str, kind: str, at: datetime, **detail: Any) -> str:
    """A contact event as EventBridge puts it on the queue."""
    return json.dumps(
        {
            "version": "0",
            "id": f"{contact_id}-{kind}",
            "detail-type": "Amazon Connect Contact Event",
            "source": "aws.connect",
            "account": "111122223333",
            "time": at.isoformat(),
            "region": "us-west-2",
            "resources": [],
            "detail": {
                "eventType": kind,
                "contactId": contact_id,
                "channel": "VOICE",
                "initiationMethod": "API",
                "instanceArn": "arn:aws:connect:us-west-2:111122223333:instance/i",
                "disconnectTimestamp": at.isoformat(),
                **detail,
            },
        }
    )


PINPOINT = PinpointOrigin(
    endpoint_id="ep-1", application_id="app", campaign_id="camp", activity_id="act"
)
