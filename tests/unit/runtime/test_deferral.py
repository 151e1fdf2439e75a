"""Deferral past the visibility limit: off the queue, in an envelope, and back as it was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.unit.runtime.fleet import Fleet, Handle, running
from tests.unit.runtime.schedules import MemoryParcels, MemorySchedules
from workers.errors import AccountProblem, SwitchboardError, Throttled, TransientError
from workers.metrics import ACKNOWLEDGE_FAILURES, ATTEMPTS, IN_FLIGHT
from workers.runtime.config import MAX_VISIBILITY_S
from workers.runtime.deferral import MAX_TEXT_BYTES, Deferrals, name_of
from workers.runtime.delivery import Delivery
from workers.runtime.envelope import escaped_size_bytes, is_wrapped, point_to, wrap
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Defer, Done, Outcome, Retry
from workers.runtime.sqs import Attribute, Message, Outgoing
from workers.testing import START, LoopClock

UNTIL = START + timedelta(minutes=20)
LIMIT_S = 600
"""Standing in for SQS's twelve hours: what is longer leaves the queue."""


class Deferring:
    """A handler that defers until a time, and is done from then on. Remembers what it was given."""

    def __init__(self, until: datetime = UNTIL) -> None:
        self.until = until
        self.clock = LoopClock()
        self.seen: list[Delivery] = []
        self.seen_at: list[datetime] = []

    async def __call__(self, delivery: Delivery) -> Outcome:
        self.seen.append(delivery)
        self.seen_at.append(self.clock.now())
        return Defer(self.until, "quiet_hours") if self.clock.now() < self.until else Done()


class World:
    """A running consumer and what it defers with."""

    def __init__(self, fleet: Fleet, schedules: MemorySchedules, parcels: MemoryParcels) -> None:
        self.fleet, self.schedules, self.parcels = fleet, schedules, parcels
        self.queue = fleet.queue

    async def until(self, minutes: float) -> None:
        """Let time pass until so many minutes from the start."""
        at = START + timedelta(minutes=minutes)
        await self.fleet.clock.sleep((at - self.fleet.clock.now()).total_seconds())

    async def put(self, outgoing: Outgoing) -> None:
        assert await self.queue.send([outgoing]) == []


@asynccontextmanager
async def deferring(
    handle: Handle, *, schedule_after_s: int = LIMIT_S, **settings: Any
) -> AsyncIterator[World]:
    parcels = MemoryParcels()
    made: list[MemorySchedules] = []

    def deferrals(queue: MemoryQueue) -> Deferrals:
        made.append(MemorySchedules(queue, LoopClock()))
        return Deferrals(made[0], parcels)

    async with running(
        handle, deferrals=deferrals, schedule_after_s=schedule_after_s, **settings
    ) as fleet:
        yield World(fleet, made[0], parcels)


async def test_a_deferred_message_leaves_its_queue_and_comes_back_at_its_time() -> None:
    handle = Deferring()
    async with deferring(handle) as world:
        world.queue.put("later")
        await world.until(1)
        assert len(world.queue) == 0, "nothing counts as in flight meanwhile"
        [schedule] = world.schedules.made.values()
        assert (schedule.queue, schedule.at) == ("work", UNTIL)
        await world.until(25)
        assert len(world.queue) == 0
    assert len(handle.seen) == 2, "two receives, however long it was"
    assert UNTIL <= handle.seen_at[1] < UNTIL + timedelta(seconds=1)


async def test_a_handler_sees_it_as_if_it_had_never_left() -> None:
    handle = Deferring()
    attributes = {
        "key": Attribute("String", "k1"),
        "traceparent": Attribute(
            "String", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        ),
        "count": Attribute("Number.int", "5"),
        "raw": Attribute("Binary.gzip", bytes(range(256))),
    }
    body = '{"text": "  \\u00e9 é 🎉 \\n\t\r\n"}'
    async with deferring(handle) as world:
        await world.put(Outgoing(body, attributes, group="g1"))
        await world.until(25)
    before, after = handle.seen
    assert after.receive_count == before.receive_count + 1
    same = replace(
        after,
        receipt_handle=before.receipt_handle,
        lease=before.lease,
        receive_count=before.receive_count,
    )
    assert same == before
    assert after.body == body


async def test_binary_attributes_and_the_trace_come_back_too() -> None:
    async def refuse(delivery: Delivery) -> Outcome:
        return await handle(delivery) if LoopClock().now() < UNTIL else Retry("bad")

    handle = Deferring()
    raw = Attribute("Binary", b"\x00\xff")
    async with deferring(refuse, attempts=1) as world:
        await world.put(Outgoing("x", {"raw": raw}))
        await world.until(25)
        [copy] = world.fleet.dlq.messages
    assert copy.attributes["raw"] == raw
    assert copy.attributes["first_received_at"].value == "2026-03-02T12:00:00.000+00:00"


async def test_what_a_visibility_timeout_can_hold_stays_on_its_queue() -> None:
    handle = Deferring(START + timedelta(minutes=9))
    async with deferring(handle) as world:
        world.queue.put("soon")
        await world.until(15)
        assert world.schedules.asked == []
    assert len(handle.seen) == 2


@pytest.mark.parametrize(("hours", "is_scheduled"), [(11.9, False), (12.1, True)])
async def test_the_limit_is_that_of_sqs_unless_the_queue_has_a_lower_one(
    hours: float, is_scheduled: bool
) -> None:
    handle = Deferring(START + timedelta(hours=hours))
    async with deferring(handle, schedule_after_s=MAX_VISIBILITY_S) as world:
        world.queue.put("later")
        await world.until(1)
        assert bool(world.schedules.made) is is_scheduled


async def test_killed_between_schedule_and_delete_it_is_handled_once_at_its_time() -> None:
    """The answer is lost, and so is the delete: the message comes again and finds its schedule."""
    handle = Deferring()
    async with deferring(handle) as world:
        lost: list[SwitchboardError] = [TransientError("answer_lost")]
        world.schedules.after_making = lambda: lost.pop() if lost else None
        world.queue.put("later")
        await world.until(1)
        assert len(world.schedules.asked) == 2
        assert len({schedule.name for schedule in world.schedules.asked}) == 1
        assert len(world.schedules.made) == 1
        await world.until(25)
    assert sum(at >= UNTIL for at in handle.seen_at) == 1


@pytest.mark.parametrize(
    "error", [Throttled("rate"), TransientError("server_error"), AccountProblem("access_denied")]
)
async def test_while_no_schedule_can_be_made_it_stays_and_no_attempt_is_counted(
    error: SwitchboardError,
) -> None:
    handle = Deferring()
    async with deferring(handle, attempts=2, backoff_cap_s=60) as world:
        is_down = True
        world.schedules.trouble = lambda: error if is_down else None
        world.queue.put("later")
        await world.until(9)
        assert len(world.queue) == 1
        assert len(handle.seen) > 5
        is_down = False
        await world.until(30)
        assert world.fleet.metrics.total(ATTEMPTS) == 0
        assert world.fleet.outcomes(outcome="waited", reason="deferral_failed") > 5
        assert len(world.queue) == len(world.fleet.dlq) == 0
    assert sum(at >= UNTIL for at in handle.seen_at) == 1


async def test_one_that_fires_early_waits_for_its_time_without_a_handler() -> None:
    handle = Deferring()
    async with deferring(handle) as world:
        world.schedules.late_s = -45
        world.queue.put("later")
        await world.until(25)
        [fired_at] = world.schedules.fired_at
        assert fired_at < UNTIL - timedelta(seconds=44)
        assert world.fleet.outcomes(outcome="deferred", reason="too_early") == 1
    assert len(handle.seen) == 2
    assert handle.seen_at[1] >= UNTIL


async def test_a_time_with_fractions_is_rounded_up() -> None:
    handle = Deferring(UNTIL + timedelta(microseconds=1))
    async with deferring(handle) as world:
        world.queue.put("later")
        await world.until(1)
        assert world.schedules.asked[0].at == UNTIL + timedelta(seconds=1)


async def test_counted_attempts_stay_with_it() -> None:
    clock = LoopClock()

    async def handle(delivery: Delivery) -> Outcome:
        if clock.now() < UNTIL and delivery.receive_count == 3:
            return Defer(UNTIL, "quiet_hours")
        return Retry("connection_reset", after_s=1)

    async with deferring(handle, attempts=3) as world:
        world.queue.put("hello")
        await world.until(19)
        assert world.fleet.metrics.total(ATTEMPTS) == 2
        await world.until(25)
        assert world.fleet.metrics.total(ATTEMPTS) == 3, "the third is the last"
        assert [copy.body for copy in world.fleet.dlq.messages] == ["hello"]


async def test_a_lane_does_not_wait_for_one_that_left() -> None:
    handle = Deferring()

    async def first_defers(delivery: Delivery) -> Outcome:
        return await handle(delivery) if delivery.body == "1" else Done()

    async with deferring(first_defers) as world:
        for body in "12":
            world.queue.put(body, {"key": "k"})
        await world.until(0.5)
        assert len(world.queue) == 0


# --- too big for a schedule -----------------------------------------------------------------------


def big(envelope_bytes: int) -> str:
    """A body with which the envelope takes so many bytes."""
    empty = escaped_size_bytes(wrap(_message(""), UNTIL))
    return "x" * (envelope_bytes - empty)


def _message(body: str) -> Message:
    return Message("work-1", "h", body, {}, 1, START, START)


@pytest.mark.parametrize(
    ("body", "is_stored"),
    [
        (big(MAX_TEXT_BYTES), False),
        (big(MAX_TEXT_BYTES) + "x", True),
        ("é" * (MAX_TEXT_BYTES // 6), True),
    ],
    ids=["fits", "one_too_many", "escaped_it_is_too_many"],
)
async def test_the_limit_counts_what_escaping_adds(body: str, is_stored: bool) -> None:
    async with deferring(Deferring()) as world:
        world.queue.put(body)
        await world.until(0.5)
        assert bool(world.parcels.stored) is is_stored
        [schedule] = world.schedules.made.values()
        assert escaped_size_bytes(schedule.text) <= MAX_TEXT_BYTES


async def test_what_is_too_big_is_stored_until_it_was_handled() -> None:
    handle = Deferring()
    body = "é" * 500_000
    async with deferring(handle) as world:
        world.queue.put(body)
        await world.until(19)
        assert len(world.parcels.stored) == 1
        await world.until(21)
        assert world.parcels.stored == {}
    assert [delivery.body for delivery in handle.seen] == [body, body]


async def test_it_stays_stored_while_it_may_come_again() -> None:
    handle = Deferring()
    calls = 0

    async def handle_twice(delivery: Delivery) -> Outcome:
        nonlocal calls
        if LoopClock().now() >= UNTIL:
            calls += 1
            if calls == 1:
                return Retry("connection_reset", after_s=60)
        return await handle(delivery)

    async with deferring(handle_twice) as world:
        world.queue.put("x" * MAX_TEXT_BYTES)
        await world.until(20.5)
        assert len(world.parcels.stored) == 1
        await world.until(25)
        assert world.parcels.stored == {}
        assert calls == 2


async def test_it_stays_stored_when_the_message_could_not_be_deleted() -> None:
    handle = Deferring()
    async with deferring(handle) as world:
        world.queue.put("x" * MAX_TEXT_BYTES)
        await world.until(19)
        world.queue.knobs.refuse = lambda call, _: "InternalError" if call == "delete" else None
        await world.until(20.1)
        assert world.fleet.metrics.total(ACKNOWLEDGE_FAILURES, call="delete") == 1
        assert len(world.parcels.stored) == 1
        world.queue.knobs.refuse = None
        await world.until(25)
        assert world.parcels.stored == {}
        assert len(world.queue) == len(world.fleet.dlq) == 0


async def test_while_its_stored_part_cannot_be_had_it_waits() -> None:
    handle = Deferring()
    async with deferring(handle, attempts=1) as world:
        is_down = True
        world.parcels.trouble = lambda call: (
            TransientError("server_error") if is_down and call == "get" else None
        )
        world.queue.put("x" * MAX_TEXT_BYTES)
        await world.until(22)
        assert world.fleet.outcomes(outcome="waited", reason="deferred_part_unreachable") > 1
        is_down = False
        await world.until(30)
        assert world.fleet.metrics.total(ATTEMPTS) == len(world.fleet.dlq) == 0
    assert len(handle.seen) == 2


async def test_when_it_cannot_be_forgotten_the_message_is_done_all_the_same() -> None:
    async with deferring(Deferring()) as world:
        world.parcels.trouble = lambda call: Throttled("rate") if call == "delete" else None
        world.queue.put("x" * MAX_TEXT_BYTES)
        await world.until(25)
        assert len(world.queue) == 0


# --- what comes back and is not ours --------------------------------------------------------------

GOOD = wrap(_message("x"), START)


@pytest.mark.parametrize(
    ("cover", "path"),
    [
        (GOOD[:-1], "$"),
        (GOOD.replace('"body":"x"', '"body":7'), "body"),
        (GOOD.replace('"body":"x"', '"body":"x","more":1'), "more"),
        (GOOD.replace('"until_ms":', '"until_ms":999'), "until_ms"),
        (
            GOOD.replace('"attributes":{}', '"attributes":{"a":{"type":"Binary","value":"?"}}'),
            "attributes.a",
        ),
        (GOOD.replace('"message_id":"work-1"', '"message_id":""'), "message_id"),
        (point_to("k").replace('"k"', "[]"), "parcel"),
    ],
)
async def test_a_broken_envelope_is_dead_lettered_with_its_place(cover: str, path: str) -> None:
    assert is_wrapped(cover)
    handle = Deferring()
    async with deferring(handle) as world:
        world.queue.put(cover)
        await world.until(0.5)
        [copy] = world.fleet.dlq.messages
        assert copy.body == cover
        assert copy.attributes["reason"].value == "deferred_malformed"
        assert copy.attributes.get("schema_path", Attribute("String", "")).value == path
    assert handle.seen == []


async def test_a_stored_part_that_is_gone_is_dead_lettered_with_its_reason() -> None:
    async with deferring(Deferring()) as world:
        world.queue.put(point_to("nobody"))
        await world.until(0.5)
        [copy] = world.fleet.dlq.messages
        assert copy.attributes["reason"].value == "deferred_part_missing"


async def test_where_nothing_can_be_deferred_an_envelope_is_a_body_like_any_other() -> None:
    handle = Deferring(START)
    async with running(handle) as fleet:
        fleet.queue.put(GOOD)
        await fleet.until_empty()
    assert [delivery.body for delivery in handle.seen] == [GOOD]


def test_a_name_fits_and_depends_on_queue_message_and_time() -> None:
    names = {
        name_of(queue, message_id, until)
        for queue in ("work", "a-queue-with-quite-a-long-name-here.fifo")
        for message_id in ("m1", "m2")
        for until in (UNTIL, UNTIL + timedelta(milliseconds=1))
    }
    assert len(names) == 8
    assert all(len(name) <= 64 and name.replace("-", "").isalnum() for name in names)
    assert name_of("work", "m1", UNTIL) == name_of("work", "m1", UNTIL)


async def test_while_its_cover_is_taken_off_it_counts_as_in_hand_and_a_drain_gives_it_back() -> (
    None
):
    class Slow(MemoryParcels):
        async def get(self, key: str) -> bytes | None:
            await LoopClock().sleep(5)
            return await super().get(key)

    parcels = Slow({"k": GOOD.encode()})
    handle = Deferring()
    async with running(
        handle, deferrals=lambda queue: Deferrals(MemorySchedules(queue, LoopClock()), parcels)
    ) as fleet:
        fleet.queue.put(point_to("k"))
        await fleet.clock.sleep(1)
        assert fleet.metrics.total(IN_FLIGHT) == 1
        receipt = await fleet.consumer.drain()
        assert receipt.returned >= 1, "the poll that was out may bring it again"
        assert receipt.abandoned == 0
        assert len(fleet.queue) == 1
    assert handle.seen == []
