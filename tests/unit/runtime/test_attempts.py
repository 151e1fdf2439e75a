"""What counts as an attempt, what is a receive but none, and that the count outlives a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.unit.runtime.fleet import Fleet, make_fleet, running
from workers.errors import Fenced, InDoubt, QuotaFull, Throttled, TransientError
from workers.metrics import ATTEMPTS
from workers.runtime.breaker import Pause
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.outcome import DeadLetter, Defer, Done, Outcome, Retry, Wait
from workers.testing import START

Say = Callable[[], Outcome]


def raising(error: Exception) -> Say:
    def say() -> Outcome:
        raise error

    return say


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(lambda: Wait("taken", after_s=5), id="lease_taken_by_another"),
        pytest.param(raising(Throttled("rate")), id="throttled"),
        pytest.param(raising(Throttled("rate", after_s=5)), id="throttled_and_told_when"),
        pytest.param(raising(QuotaFull("chats")), id="quota_full"),
        pytest.param(raising(InDoubt("SendTextMessage", "timeout")), id="in_doubt"),
        pytest.param(raising(Fenced("taken over")), id="fenced"),
        pytest.param(lambda: Defer(START + timedelta(seconds=90), "later"), id="deferred"),
    ],
)
async def test_a_receive_that_is_no_attempt_is_not_counted(say: Say) -> None:
    receives = 0

    async def handle(_: Delivery) -> Outcome:
        nonlocal receives
        receives += 1
        return say() if receives <= 3 else Done()

    async with running(handle, attempts=1, backoff_cap_s=10) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert_no_attempt(fleet)
        assert fleet.outcomes(outcome="done") == 1
    assert receives > 1


def assert_no_attempt(fleet: Fleet) -> None:
    assert fleet.metrics.total(ATTEMPTS) == 0
    assert len(fleet.dlq) == 0


async def test_behind_a_held_lane_and_in_a_full_one_no_attempt_is_counted() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(1)
        return Wait("taken", 3) if delivery.body == "0" and delivery.receive_count < 4 else Done()

    async with running(handle, attempts=1, lane_depth=3) as fleet:
        for number in range(8):
            fleet.queue.put(str(number), {"key": "k"})
        await fleet.until_empty()
        assert fleet.outcomes(reason="lane_held") >= 3
        assert fleet.outcomes(reason="lane_full") >= 3
        assert_no_attempt(fleet)


async def test_what_a_tripped_breaker_keeps_from_the_dlq_counts_no_attempt() -> None:
    healed = False

    async def succeed(_: Delivery) -> Outcome:
        return Done()

    def plan(_: Delivery) -> Job | DeadLetter:
        return Job(None, "test_event", "TEST", "e", succeed) if healed else DeadLetter("bad_deploy")

    async with running(plan=plan, attempts=1, dead_letters_in_a_row=1) as fleet:
        for number in range(5):
            fleet.queue.put(str(number))
        await fleet.clock.sleep(60)
        assert fleet.outcomes(outcome="waited", reason="paused") >= 4
        healed = True
        await fleet.shared.breaker.resume("work")
        await fleet.until_empty()
        assert fleet.metrics.total(ATTEMPTS) == 0
        assert len(fleet.dlq) == 1


async def test_a_pause_by_an_operator_is_neither_a_receive_nor_an_attempt() -> None:
    seen: list[int] = []

    async def handle(delivery: Delivery) -> Outcome:
        seen.append(delivery.receive_count)
        return Done()

    async with running(handle, attempts=1) as fleet:
        await fleet.shared.breaker.pause("work", Pause(START, "maintenance", "operator"))
        await fleet.clock.sleep(60)
        fleet.queue.put("hello")
        await fleet.clock.sleep(600)
        assert seen == []
        await fleet.shared.breaker.resume("work")
        await fleet.until_empty()
    assert seen == [1]


async def worked_by_one_after_another(
    fleet: Fleet, config: ConsumerConfig, *, workers: int
) -> None:
    """Let so many workers take the queue, each for a while, none remembering the one before."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(workers):
            consumer = Consumer(fleet.queue, fleet.dlq, fleet.dispatcher, config, fleet.shared)
            consumer.start(tasks)
            await fleet.clock.sleep(60)
            await consumer.drain()


async def test_given_back_on_a_drain_it_counts_no_attempt() -> None:
    ran: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        ran.append(delivery.body)
        await asyncio.sleep(70)
        return Done()

    fleet = make_fleet(handle)
    config = ConsumerConfig(attempts=1, drain_s=60)
    fleet.queue.put("first", {"key": "k"})
    last = fleet.queue.put("last", {"key": "k"})
    await worked_by_one_after_another(fleet, config, workers=1)
    assert ran == ["first"]
    assert fleet.queue.hidden_s(last) == 0
    await worked_by_one_after_another(fleet, config, workers=1)
    assert ran == ["first", "last"]
    assert len(fleet.queue) == 0
    assert_no_attempt(fleet)


async def test_throttled_for_sixty_receives_by_six_workers_it_is_handled_once() -> None:
    receives: list[int] = []
    effects: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        receives.append(delivery.receive_count)
        if len(receives) <= 60:
            raise Throttled("rate", after_s=6)
        effects.append(delivery.body)
        return Done()

    fleet = make_fleet(handle)
    fleet.queue.put("hello")
    await worked_by_one_after_another(fleet, ConsumerConfig(attempts=1), workers=8)
    assert len(receives) == 61
    assert receives[-1] >= 61, "each of the sixty is a receive, and so is a drain's give-back"
    assert effects == ["hello"]
    assert len(fleet.queue) == 0
    assert_no_attempt(fleet)


@pytest.mark.parametrize(
    "failure", [Retry("not_yet", after_s=600), TransientError("x"), KeyError()]
)
async def test_counted_failures_outlive_the_worker(failure: Outcome | Exception) -> None:
    tries = 0

    async def handle(_: Delivery) -> Outcome:
        nonlocal tries
        tries += 1
        if isinstance(failure, Exception):
            raise failure
        return failure

    fleet = make_fleet(handle)
    config = ConsumerConfig(attempts=3, backoff_base_s=600, backoff_cap_s=600)
    fleet.queue.put("hello")
    await worked_by_one_after_another(fleet, config, workers=40)
    assert tries == 3
    [copy] = fleet.dlq.messages
    assert copy.attributes["receive_count"].value == "3"
    assert fleet.metrics.total(ATTEMPTS) == 3


async def test_given_up_at_its_age_whatever_it_waited_for() -> None:
    async def handle(_: Delivery) -> Outcome:
        raise Throttled("rate", after_s=50)

    async with running(handle, attempts=1, max_age_s=120) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        [copy] = fleet.dlq.messages
        assert copy.attributes["reason"].value == "too_old"
        assert fleet.metrics.total(ATTEMPTS) == 0
