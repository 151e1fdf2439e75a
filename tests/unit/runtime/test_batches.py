"""Batch handlers: many events at once, each settled on its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from tests.unit.runtime.fleet import running
from workers.errors import Fenced, PermanentError, Throttled, TransientError
from workers.metrics import ATTEMPTS, BATCH_ITEMS, IN_FLIGHT
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Item, Job
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome, Retry, Wait

Told = Mapping[Item[str], Outcome | BaseException]


class Flood:
    """A batch handler that remembers its batches; `tell` says what becomes of each body."""

    def __init__(self, tell: Callable[[str], Outcome | BaseException] = lambda _: Done()) -> None:
        self.tell = tell
        self.batches: list[list[str]] = []
        self.at: list[float] = []

    async def handle(self, items: Sequence[Item[str]]) -> Told:
        self.batches.append([item.event for item in items])
        self.at.append(asyncio.get_running_loop().time())
        return {item: self.tell(item.event) for item in items}

    def plan(self, delivery: Delivery) -> Job:
        batched = Batched(self.handle, delivery.body, key=delivery.attributes.get("batch", ""))
        return Job(delivery.attributes.get("key"), "opened", "OPENED", delivery.body, batched)


def fill(count: int, **attributes: str) -> Callable[[MemoryQueue], None]:
    def put(queue: MemoryQueue) -> None:
        for number in range(count):
            queue.put(f"{number:03}", attributes)

    return put


async def test_a_full_batch_goes_at_once_and_the_rest_after_its_time() -> None:
    flood = Flood()
    async with running(
        plan=flood.plan, batch_size=20, batch_wait_s=5, before_start=fill(50)
    ) as fleet:
        await fleet.until_empty()
        assert fleet.outcomes(outcome="done") == 50
        assert fleet.metrics.total(BATCH_ITEMS) == 3
    assert [len(batch) for batch in flood.batches] == [20, 20, 10]
    assert flood.at[1] < 1
    assert flood.at[2] == pytest.approx(5, abs=0.2)


async def test_the_time_is_counted_from_the_first() -> None:
    flood = Flood()
    async with running(plan=flood.plan, batch_wait_s=3) as fleet:
        for number in range(3):
            fleet.queue.put(str(number))
            await fleet.clock.sleep(2)
        await fleet.clock.sleep(2)
    assert flood.batches == [["0", "1"], ["2"]]
    assert flood.at[0] == pytest.approx(3, abs=0.1)


async def test_each_key_fills_a_batch_of_its_own() -> None:
    flood = Flood()
    async with running(plan=flood.plan) as fleet:
        for number in range(4):
            fleet.queue.put(str(number), {"batch": "ab"[number % 2]})
        await fleet.until_empty()
    assert sorted(flood.batches) == [["0", "2"], ["1", "3"]]


async def test_no_more_wait_than_there_are_slots() -> None:
    flood = Flood()
    async with running(
        plan=flood.plan, slots=4, batch_size=50, batch_wait_s=30, before_start=fill(8)
    ) as fleet:
        await fleet.clock.sleep(2)
        assert len(fleet.queue) == 0
    assert [len(batch) for batch in flood.batches] == [4, 4]


async def test_each_is_settled_by_its_own_outcome() -> None:
    outcomes: dict[str, Outcome | BaseException] = {
        "done": Done(),
        "discarded": Discard("not_needed"),
        "retried": Retry("connection_reset", after_s=600),
        "waiting": Wait("taken", after_s=600),
        "dead": DeadLetter("undecodable"),
        "throttled": Throttled("rate", after_s=600),
        "refused": PermanentError("bad_address"),
        "fenced": Fenced("taken over"),
        "bug": ZeroDivisionError(),
    }
    flood = Flood(lambda body: outcomes[body])
    async with running(plan=flood.plan, attempts=2) as fleet:
        for body in outcomes:
            fleet.queue.put(body)
        await fleet.clock.sleep(0.5)
        assert len(flood.batches) == 1
        assert fleet.outcomes(outcome="done") == 1
        assert fleet.outcomes(outcome="discarded", reason="not_needed") == 1
        assert fleet.outcomes(outcome="retried", reason="connection_reset") == 1
        assert fleet.outcomes(outcome="retried", reason="bug") == 1
        assert fleet.outcomes(outcome="waited", reason="taken") == 1
        assert fleet.outcomes(outcome="waited", reason="throttled") == 1
        assert fleet.outcomes(outcome="abandoned", reason="fenced") == 1
        assert {copy.body for copy in fleet.dlq.messages} == {"dead", "refused"}
        assert fleet.metrics.total(ATTEMPTS) == 2


@pytest.mark.parametrize(
    ("error", "reason", "attempts"),
    [
        (TransientError("connection_reset"), "connection_reset", 3),
        (Throttled("rate", after_s=60), "throttled", 0),
        (KeyError("x"), "bug", 3),
        (asyncio.CancelledError(), "bug", 3),
    ],
)
async def test_what_the_handler_raises_is_the_outcome_of_each(
    error: BaseException, reason: str, attempts: int
) -> None:
    async def handle(items: Sequence[Item[str]]) -> Told:
        raise error

    async with running(
        plan=lambda delivery: Job(None, "opened", "O", "e", Batched(handle, delivery.body)),
        before_start=fill(3),
        backoff_base_s=100,
    ) as fleet:
        await fleet.clock.sleep(0.5)
        assert fleet.outcomes(reason=reason) == 3
        assert fleet.metrics.total(ATTEMPTS) == attempts
        assert fleet.metrics.total(IN_FLIGHT) == 0


@pytest.mark.parametrize(
    ("answer", "done", "bugs"),
    [
        pytest.param(lambda items: {item: Done() for item in items[1:]}, 2, 1, id="one_missing"),
        pytest.param(
            lambda items: {item: Done() for item in (*items, Item("x", items[0].delivery))},
            3,
            0,
            id="one_extra",
        ),
        pytest.param(
            lambda items: {item: Done() if number else None for number, item in enumerate(items)},
            2,
            1,
            id="one_is_none",
        ),
        pytest.param(lambda _: None, 0, 3, id="nothing_at_all"),
    ],
)
async def test_a_wrong_answer_is_a_bug_of_that_item_only(
    answer: Callable[[Sequence[Item[str]]], Any], done: int, bugs: int
) -> None:
    async def handle(items: Sequence[Item[str]]) -> Any:
        return answer(items)

    async with running(
        plan=lambda delivery: Job(None, "opened", "O", "e", Batched(handle, delivery.body)),
        before_start=fill(3),
        backoff_base_s=100,
    ) as fleet:
        await fleet.clock.sleep(0.5)
        assert fleet.outcomes(outcome="done") == done
        assert fleet.outcomes(outcome="retried", reason="bug") == bugs


async def test_a_drain_handles_what_waits_for_its_batch() -> None:
    flood = Flood()
    async with running(plan=flood.plan, batch_wait_s=60) as fleet:
        fleet.queue.put("1")
        await fleet.clock.sleep(1)
        assert flood.batches == []
        receipt = await fleet.consumer.drain()
        assert (receipt.done, receipt.abandoned) == (1, 0)
        assert len(fleet.queue) == 0
    assert flood.batches == [["1"]]


async def test_leases_are_kept_while_a_batch_waits_and_works() -> None:
    async def handle(items: Sequence[Item[str]]) -> Told:
        await asyncio.sleep(60)
        for item in items:
            item.delivery.lease.require()
        return {item: Done() for item in items}

    async with running(
        plan=lambda delivery: Job(None, "opened", "O", "e", Batched(handle, delivery.body)),
        batch_wait_s=40,
        before_start=fill(3),
    ) as fleet:
        await fleet.clock.sleep(110)
        assert fleet.outcomes(outcome="done") == 3
        assert fleet.outcomes() == 3


async def test_one_whose_lease_was_lost_is_left_out_and_the_others_are_handled() -> None:
    flood = Flood()

    def refuse_one(call: str, message_id: str) -> str | None:
        return "ReceiptHandleIsInvalid" if message_id == "work-2" and is_refusing else None

    is_refusing = True
    async with running(plan=flood.plan, batch_wait_s=27, before_start=fill(3)) as fleet:
        fleet.queue.knobs.refuse = refuse_one
        fleet.queue.knobs.is_sender_fault = True
        await fleet.clock.sleep(28)
        is_refusing = False
        assert flood.batches == [["000", "002"]]
        assert fleet.outcomes(outcome="abandoned", reason="fenced") == 1
        await fleet.until_empty()
    assert flood.batches[1:] == [["001"]]


async def test_a_batch_that_nobody_waits_for_any_more_is_cancelled() -> None:
    ends: list[str] = []

    async def handle(items: Sequence[Item[str]]) -> Told:
        try:
            await asyncio.sleep(10_000)
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise
        return {}

    async with running(
        plan=lambda delivery: Job(None, "opened", "O", "e", Batched(handle, delivery.body)),
        before_start=fill(3),
        drain_s=10,
        wait_s=1,
    ) as fleet:
        await fleet.clock.sleep(2)
        receipt = await fleet.consumer.drain()
        assert receipt.abandoned == 3
    assert ends == ["cancelled"]


async def test_equal_lane_keys_never_share_a_batch() -> None:
    flood = Flood()
    async with running(plan=flood.plan, before_start=fill(3, key="k")) as fleet:
        await fleet.until_empty()
    assert flood.batches == [["000"], ["001"], ["002"]]
