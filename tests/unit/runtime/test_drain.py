"""The end: what is in hand is done or given back, within the deadline, and told."""

from __future__ import annotations

import asyncio
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.runtime.fleet import drained, make_fleet, running
from workers.metrics import OUTCOMES, RECEIVED
from workers.runtime.delivery import Delivery
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import (
    DeadLetter,
    Discard,
    Done,
    Outcome,
    Retry,
    Wait,
)
from workers.runtime.supervisor import Supervisor
from workers.testing import VirtualLoop


async def takes_5_s(_delivery: Delivery) -> Outcome:
    await asyncio.sleep(5)
    return Done()


async def never_ends(_delivery: Delivery) -> Outcome:
    await asyncio.Event().wait()
    return Done()


async def test_what_has_started_is_finished_and_deleted() -> None:
    async with running(takes_5_s, wait_s=1) as fleet:
        fleet.queue.put("hello")
        await fleet.clock.sleep(1)
        receipt = await drained(fleet)
        assert receipt.done == 1
        assert receipt.abandoned == 0
        assert len(fleet.queue) == 0


async def test_what_has_not_started_is_given_back_newest_first() -> None:
    returned: list[str] = []

    def prepare(queue: MemoryQueue) -> None:
        for number in range(4):
            queue.put(str(number), {"key": "k"})

        def note(call: str, message_id: str) -> None:
            if call == "change_visibility":
                returned.append(message_id)

        queue.knobs.refuse = note

    async with running(takes_5_s, wait_s=1, before_start=prepare) as fleet:
        await fleet.clock.sleep(1)
        receipt = await drained(fleet)
        assert receipt.returned == 3
        assert receipt.done == 1
        assert returned == ["work-4", "work-3", "work-2"]
        assert all(fleet.queue.hidden_s(message_id) == 0 for message_id in returned)


async def test_an_outstanding_poll_lands_and_what_it_brings_is_given_back() -> None:
    async with running() as fleet:
        await fleet.clock.sleep(3)
        draining = asyncio.get_running_loop().create_task(drained(fleet))
        await fleet.clock.sleep(10)
        message_id = fleet.queue.put("late")
        receipt = await draining
        assert receipt.returned == 1
        assert receipt.polls_cut == 0
        assert fleet.queue.hidden_s(message_id) == 0
        polled = fleet.queue.calls["receive"]
        assert polled == 2, "the first, which does not wait, and the one that was out"


async def test_no_poll_is_begun_after_the_stop() -> None:
    async with running(takes_5_s, wait_s=1) as fleet:
        await fleet.clock.sleep(0.5)
        fleet.queue.put("hello")
        await fleet.clock.sleep(0.1)
        polls = fleet.queue.calls["receive"]
        await drained(fleet)
        assert fleet.queue.calls["receive"] <= polls + 1, "one was on its way"


async def test_a_handler_that_does_not_end_is_abandoned_at_the_deadline() -> None:
    async with running(never_ends, wait_s=1, drain_s=10) as fleet:
        message_id = fleet.queue.put("stuck")
        await fleet.clock.sleep(1)
        began = fleet.clock.monotonic()
        receipt = await drained(fleet)
        assert fleet.clock.monotonic() - began <= 10
        assert receipt.abandoned == 1
        assert len(fleet.queue) == 1
        assert fleet.queue.hidden_s(message_id) > 0, "it was not acknowledged in any way"


async def test_a_poll_longer_than_the_deadline_is_given_up_and_told() -> None:
    async with running(drain_s=5) as fleet:
        await fleet.clock.sleep(1)
        began = fleet.clock.monotonic()
        receipt = await drained(fleet)
        assert fleet.clock.monotonic() - began <= 5
        assert receipt.polls_cut == 1


async def test_the_last_acknowledgements_are_flushed() -> None:
    async def slow_delete(call: str) -> None:
        if call == "delete":
            await asyncio.sleep(3)  # Longer than the outstanding poll.

    async with running(wait_s=1) as fleet:
        fleet.queue.knobs.before = slow_delete
        fleet.queue.put("hello")
        await fleet.clock.sleep(0.1)
        receipt = await drained(fleet)
        assert receipt.unacknowledged == 0
        assert len(fleet.queue) == 0


async def test_the_supervisor_prints_a_receipt_and_ends_with_zero() -> None:
    lines: list[str] = []
    fleet = make_fleet(takes_5_s)
    supervisor = Supervisor([fleet.consumer], fleet.clock, write=lines.append)
    running_ = asyncio.get_running_loop().create_task(supervisor.run(handle_signals=False))
    fleet.queue.put("hello")
    await fleet.clock.sleep(1)
    supervisor.stop()
    supervisor.stop()
    assert await running_ == 0
    [line] = lines
    receipt = json.loads(line)
    assert receipt["done"] == 1
    assert receipt["queues"]["work"] == {
        "done": 1,
        "returned": 0,
        "abandoned": 0,
        "polls_cut": 0,
        "unacknowledged": 0,
    }
    assert not receipt["forced"]


async def test_forcing_waits_for_nobody_and_tells_what_was_abandoned() -> None:
    lines: list[str] = []
    fleet = make_fleet(never_ends)
    supervisor = Supervisor([fleet.consumer], fleet.clock, write=lines.append)
    running_ = asyncio.get_running_loop().create_task(supervisor.run(handle_signals=False))
    for number in range(3):
        fleet.queue.put(str(number), {"key": "k"})
    await fleet.clock.sleep(1)
    supervisor.stop()
    await fleet.clock.sleep(1)
    began = fleet.clock.monotonic()
    supervisor.force()
    assert await running_ == 1
    assert fleet.clock.monotonic() - began < 3
    receipt = json.loads(lines[0])
    assert receipt["forced"]
    assert receipt["abandoned"] == 1
    # Two waited in the lane. Our own poll, still out, may bring them once more; it ends by that.
    assert receipt["returned"] in {2, 4}
    assert fleet.queue.hidden_s("work-2") == fleet.queue.hidden_s("work-3") == 0


OUTCOMES_TO_DRAW: tuple[Outcome | Exception, ...] = (
    Done(),
    Discard("unknown_type"),
    Retry("later"),
    Wait("taken", 3),
    DeadLetter("bad"),
    KeyError("x"),
)


@settings(max_examples=40, deadline=None)
@given(
    drawn=st.lists(
        st.tuples(
            st.sampled_from(OUTCOMES_TO_DRAW),
            st.sampled_from(["a", "b", None]),
            st.sampled_from([0.0, 0.5, 40.0]),
        ),
        max_size=30,
    ),
    stop_after_s=st.sampled_from([0.0, 0.3, 2.0, 30.0]),
    is_forced=st.booleans(),
)
def test_whatever_happens_what_came_in_adds_up_to_what_went_out(
    drawn: list[tuple[Outcome | Exception, str | None, float]],
    stop_after_s: float,
    is_forced: bool,
) -> None:
    """G5: each delivery leaves once, with an outcome, and no message is gone without a trace."""

    async def handle(delivery: Delivery) -> Outcome:
        result, _, takes_s = drawn[int(delivery.body)]
        await asyncio.sleep(takes_s)
        if isinstance(result, Exception):
            raise result
        return result

    def fill(queue: MemoryQueue) -> None:
        for number, (_, key, _) in enumerate(drawn):
            queue.put(str(number), {"key": key} if key else None)

    async def scenario() -> None:
        async with running(handle, before_start=fill, slots=8, attempts=2) as fleet:
            await fleet.clock.sleep(stop_after_s)
            if is_forced:
                fleet.consumer.force()
            await drained(fleet)
            received = fleet.metrics.total(RECEIVED)
            assert received == fleet.metrics.total(OUTCOMES), "something is still in hand"
            gone = fleet.outcomes(outcome="done") + fleet.outcomes(outcome="discarded")
            assert len(fleet.queue) + gone + len(fleet.dlq) == len(drawn)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scenario())


async def test_acknowledgements_that_sqs_does_not_confirm_in_time_are_told() -> None:
    async def hang(call: str) -> None:
        if call == "delete":
            await asyncio.sleep(10_000)

    lines: list[str] = []
    fleet = make_fleet(drain_s=10, wait_s=1)
    fleet.queue.knobs.before = hang
    supervisor = Supervisor([fleet.consumer], fleet.clock, write=lines.append)
    running_ = asyncio.get_running_loop().create_task(supervisor.run(handle_signals=False))
    fleet.queue.put("hello")
    await fleet.clock.sleep(1)
    supervisor.stop()
    assert await running_ == 1
    assert json.loads(lines[0])["unacknowledged"] == 1
