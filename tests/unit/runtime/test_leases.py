"""Leases: counted from the receive, extended by a steady step, fenced when gone."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.runtime.fleet import make_fleet, running
from workers.errors import Fenced, TransientError
from workers.metrics import LEASE_EXTENSIONS, LEASES_LOST
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done, Outcome, Retry, Wait
from workers.testing import FakeClock


def test_a_lease_ends_by_itself_and_at_its_maximum_and_never_comes_back() -> None:
    clock = FakeClock()
    lease = Lease(clock, lasts_s=30, at_most_s=50)
    lease.require()
    clock.advance(29)
    assert lease.is_held
    lease.extend_to(59)
    clock.advance(20)
    assert lease.remaining_s() == pytest.approx(1)
    clock.advance(1)
    assert not lease.is_held
    with pytest.raises(Fenced):
        lease.require()


def test_a_lost_lease_stays_lost() -> None:
    lease = Lease(FakeClock(), lasts_s=30, at_most_s=50)
    lease.lose()
    lease.extend_to(45)
    assert not lease.is_held


async def test_a_slow_handler_keeps_its_message_by_extensions_at_25_50_and_75_seconds() -> None:
    extended_at: list[float] = []

    async def note(call: str) -> None:
        if call == "change_visibility":
            extended_at.append(asyncio.get_running_loop().time())

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(90)
        delivery.lease.require()
        return Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.before = note
        fleet.queue.put("slow")
        await fleet.until_empty()
        assert extended_at == pytest.approx([25, 50, 75], abs=1)
        assert fleet.outcomes() == 1, "it was delivered once"
        assert fleet.metrics.total(LEASE_EXTENSIONS) == 3


async def test_extensions_go_in_batches_of_ten() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(40)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(40):
            queue.put(str(number))

    async with running(handle, before_start=fill) as fleet:
        await fleet.until_empty()
        assert fleet.metrics.total(LEASE_EXTENSIONS) == 40
        assert fleet.queue.calls["change_visibility"] == 4


async def test_what_waits_in_its_lane_is_extended_too() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(20)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(5):
            queue.put(str(number), {"key": "k"})

    async with running(handle, before_start=fill) as fleet:
        await fleet.until_empty()
        assert fleet.outcomes() == 5, "none was delivered twice"


async def test_a_failed_extension_is_tried_again_while_the_lease_lasts() -> None:
    failures = 0

    async def fail_twice(call: str) -> None:
        nonlocal failures
        if call == "change_visibility" and failures < 2:
            failures += 1
            raise TransientError("sqs_failed")

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(40)
        delivery.lease.require()
        return Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.before = fail_twice
        fleet.queue.put("slow")
        await fleet.until_empty()
        assert fleet.outcomes(outcome="done") == 1
        assert fleet.metrics.total(LEASES_LOST) == 0


async def test_when_extending_fails_for_good_the_handler_is_fenced_and_nothing_acknowledged() -> (
    None
):
    fenced: list[bool] = []

    async def refuse(call: str) -> None:
        if call == "change_visibility":
            raise TransientError("sqs_failed")

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(31 if delivery.receive_count == 1 else 0)
        fenced.append(not delivery.lease.is_held)
        return Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.before = refuse
        fleet.queue.put("slow")
        await fleet.clock.sleep(31.5)
        assert fenced[-1]
        assert fleet.queue.calls["delete"] == 0 or len(fenced) == 2
        assert fleet.outcomes(outcome="abandoned", reason="lease_lost") == 1


async def test_a_refused_extension_fences_at_once() -> None:
    held_after: list[bool] = []

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(27)
        held_after.append(delivery.lease.is_held)
        return Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.refuse = lambda call, _: (
            "ReceiptHandleIsInvalid" if call == "change_visibility" else None
        )
        fleet.queue.knobs.is_sender_fault = True
        fleet.queue.put("slow")
        await fleet.clock.sleep(27.5)
        assert held_after == [False]
        assert fleet.metrics.total(LEASES_LOST, reason="refused") == 1
        assert fleet.queue.calls["delete"] == 0


async def test_a_handler_stuck_past_the_maximum_is_cut_and_its_slot_and_lane_come_free() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "stuck" and delivery.receive_count == 1:
            await asyncio.Event().wait()
        return Done()

    async with running(handle, slots=1, lease_max_s=60) as fleet:
        fleet.queue.put("stuck", {"key": "k"})
        await fleet.clock.sleep(1)
        fleet.queue.put("next", {"key": "k"})
        await fleet.clock.sleep(85)
        assert fleet.outcomes() == 0, "it has a step's time to notice by itself"
        await fleet.until_empty()
        assert fleet.metrics.total(LEASES_LOST, reason="maximum") == 1
        assert fleet.outcomes(outcome="abandoned", reason="lease_lost") == 1
        assert fleet.outcomes(outcome="done") == 2


async def test_an_extension_under_way_cannot_undo_the_visibility_that_an_outcome_asks_for() -> None:
    async def slow_extension(call: str) -> None:
        if call == "change_visibility" and fleet.queue.calls["change_visibility"] == 1:
            await asyncio.sleep(3)  # From 25 s to 28 s; the handler ends at 26 s.

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(26)
        return Wait("taken", after_s=500)

    async with running(handle) as fleet:
        fleet.queue.knobs.before = slow_extension
        message_id = fleet.queue.put("hello")
        await fleet.clock.sleep(30)
        assert fleet.queue.hidden_s(message_id) > 400


async def test_a_retry_with_a_lost_lease_counts_no_attempt() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        delivery.lease.lose()
        return Retry("x") if delivery.receive_count == 1 else Done()

    async with running(handle, attempts=1) as fleet:
        fleet.queue.put("hello")
        await fleet.clock.sleep(5)
        assert fleet.outcomes(outcome="abandoned") == 1
        assert len(fleet.dlq) == 0


async def test_the_step_is_a_setting_of_its_own_and_the_same_each_time() -> None:
    extended_at: list[float] = []

    async def note(call: str) -> None:
        if call == "change_visibility":
            extended_at.append(asyncio.get_running_loop().time())

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(200)
        return Done()

    async with running(handle, lease_s=30, lease_step_s=60) as fleet:
        fleet.queue.knobs.before = note
        fleet.queue.put("slow")
        await fleet.until_empty()
        assert extended_at == pytest.approx([25, 80, 135, 190], abs=4)
        assert fleet.outcomes() == 1, "it was delivered once"


async def test_past_the_maximum_nothing_is_extended() -> None:
    async def handle(_: Delivery) -> Outcome:
        await asyncio.sleep(60)
        return Done()

    async with running(handle, lease_max_s=40) as fleet:
        fleet.queue.put("slow")
        await fleet.clock.sleep(50)
        assert fleet.queue.calls["change_visibility"] == 1, "at 25 s, up to and past the maximum"
        assert fleet.metrics.total(LEASES_LOST, reason="maximum") == 1


async def test_a_lease_is_counted_from_before_the_call_that_extends_it() -> None:
    remaining_s: list[float] = []

    async def answer_late(call: str) -> None:
        if call == "change_visibility":
            await asyncio.sleep(4)

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(35)
        remaining_s.append(delivery.lease.remaining_s())
        return Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.after = answer_late  # SQS counts from 25 s, and we hear of it at 29 s.
        [message_id] = [fleet.queue.put("slow")]
        await fleet.clock.sleep(34.9)
        truly_s = fleet.queue.hidden_s(message_id)
        await fleet.until_empty()
    assert remaining_s[0] <= truly_s


async def test_who_is_nearest_to_its_end_is_extended_first() -> None:
    asked: list[str] = []
    fleet = make_fleet()
    bodies = [fleet.queue.put(str(number)) for number in range(20)]
    received = [
        *await fleet.queue.receive(10, wait_s=0, visibility_timeout_s=30),
        *await fleet.queue.receive(10, wait_s=0, visibility_timeout_s=30),
    ]
    keeper = fleet.consumer._keeper
    for place, message in enumerate(received):
        lease = Lease(fleet.clock, lasts_s=4.0 if place < 10 else 2.0, at_most_s=600)
        keeper.keep(message.receipt_handle, message.message_id, lease)
    fleet.queue.knobs.refuse = lambda _, message_id: asked.append(message_id)
    await keeper.sweep()
    assert asked == bodies[10:] + bodies[:10]


async def test_what_was_settled_while_others_were_extended_is_not_extended_any_more() -> None:
    async def slow_extension(call: str) -> None:
        if call == "change_visibility" and fleet.queue.calls["change_visibility"] == 1:
            await asyncio.sleep(3)  # Of the first ten, from 25 s to 28 s.

    async def handle(delivery: Delivery) -> Outcome:
        is_last = delivery.body == "10"
        await asyncio.sleep(26 if is_last else 60)
        return Wait("taken", after_s=500) if is_last else Done()

    async with running(handle) as fleet:
        fleet.queue.knobs.before = slow_extension
        *_, last = [fleet.queue.put(str(number)) for number in range(11)]
        await fleet.clock.sleep(40)
        assert fleet.metrics.total(LEASE_EXTENSIONS) == 10
        assert fleet.queue.hidden_s(last) > 400


async def test_what_lost_its_lease_while_it_waited_in_its_lane_is_not_started() -> None:
    started: list[tuple[str, int]] = []

    async def handle(delivery: Delivery) -> Outcome:
        started.append((delivery.body, delivery.receive_count))
        await asyncio.sleep(40 if delivery.body == "first" else 0)
        return Done()

    async with running(handle) as fleet:
        fleet.queue.put("first", {"key": "k"})
        second = fleet.queue.put("second", {"key": "k"})
        fleet.queue.knobs.refuse = lambda call, message_id: (
            "ReceiptHandleIsInvalid"
            if call == "change_visibility" and message_id == second
            else None
        )
        fleet.queue.knobs.is_sender_fault = True
        await fleet.clock.sleep(28)
        fleet.queue.knobs.refuse = None
        await fleet.until_empty()
    assert ("second", 1) not in started
    assert [body for body, _ in started] == ["first", "second"]
