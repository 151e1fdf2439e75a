"""What a fleet is scaled on: what waits for us, and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from tests.unit.runtime.fleet import Fleet, running
from workers.embedded import EmbeddedMetrics
from workers.errors import TransientError
from workers.metrics import (
    BACKLOG,
    BACKLOG_AGE_SECONDS,
    HELD_SECONDS,
    PAUSED,
    QUEUE_AGE_SECONDS,
    UNPOLLED_SECONDS,
    WORKERS,
    Metrics,
)
from workers.runtime.backlog import Backlogs
from workers.runtime.breaker import Pause
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Done, Outcome, Retry
from workers.runtime.telling import Telling
from workers.runtime.waits import LongestOfLate
from workers.testing import LoopClock


async def slow(_delivery: Delivery) -> Outcome:
    await asyncio.sleep(30)
    return Done()


class Dripping:
    """A gate of a quota that is used up."""

    reason = "test"

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity

    def capacity(self) -> int:
        return self._capacity


def counting(fleet: Fleet) -> Backlogs:
    async def count_visible(_queue: str) -> int:
        return len(fleet.queue) - sum(1 for _ in fleet.consumer._in_hand)

    return Backlogs(["work"], count_visible, fleet.metrics, fleet.clock)


async def test_what_finds_no_free_slot_waits_for_us() -> None:
    async with running(slow, slots=2) as fleet:
        backlogs = counting(fleet)
        for number in range(12):
            fleet.queue.put(str(number))
        await fleet.clock.sleep(60)
        await backlogs.look()
        assert fleet.metrics.total(BACKLOG) > 0
        assert fleet.metrics.total(BACKLOG_AGE_SECONDS) >= 30
        assert fleet.metrics.total(HELD_SECONDS) == 0
        assert fleet.metrics.total(WORKERS, queue="work") == 1


async def test_what_a_downstream_limit_holds_does_not_wait_for_us() -> None:
    async with running(slow, slots=64, gate=Dripping(2)) as fleet:
        backlogs = counting(fleet)
        for number in range(12):
            fleet.queue.put(str(number))
        await fleet.clock.sleep(60)
        await backlogs.look()
        assert fleet.metrics.total(HELD_SECONDS) == pytest.approx(60, abs=2)
        assert fleet.metrics.total(PAUSED, reason="backpressure") == 1
        assert fleet.metrics.total(BACKLOG) == 0
        assert fleet.metrics.total(BACKLOG_AGE_SECONDS) == 0
        assert fleet.metrics.total(QUEUE_AGE_SECONDS) >= 29


async def test_time_that_was_held_before_the_last_look_is_over() -> None:
    metrics, clock = Metrics(), LoopClock()

    async def five(_queue: str) -> int:
        return 5

    backlogs = Backlogs(["work"], five, metrics, clock)
    metrics.add(HELD_SECONDS, 40, queue="work")
    await clock.sleep(60)
    await backlogs.look()
    assert metrics.total(BACKLOG) == 0
    metrics.add(HELD_SECONDS, 5, queue="work")
    await clock.sleep(60)
    await backlogs.look()
    assert metrics.total(BACKLOG) == 5


async def test_a_paused_queue_needs_no_more_workers() -> None:
    async with running(slow) as fleet:
        backlogs = counting(fleet)
        pause = Pause(fleet.clock.now(), "maintenance", "anna on ops-1")
        await fleet.shared.breaker.pause("work", pause)
        await fleet.clock.sleep(30)
        fleet.queue.put("hello")
        await fleet.clock.sleep(60)
        await backlogs.look()
        assert fleet.metrics.total(PAUSED, reason="operator") == 1
        assert fleet.metrics.total(PAUSED, reason="breaker") == 0
        assert fleet.metrics.total(UNPOLLED_SECONDS) == 0
        assert fleet.metrics.total(BACKLOG) == 0


async def test_a_number_that_could_not_be_had_is_not_told_of() -> None:
    metrics, clock = Metrics(), LoopClock()
    answers: list[int] = [3]

    async def scripted(_queue: str) -> int:
        if not answers:
            raise TransientError("read_timeout")
        return answers.pop()

    backlogs = Backlogs(["work"], scripted, metrics, clock)
    await backlogs.look()
    assert [value for _, value in metrics.series(BACKLOG)] == [3]
    await backlogs.look()
    assert list(metrics.series(BACKLOG)) == []


async def test_what_comes_back_does_not_make_the_queue_old() -> None:
    async def later(delivery: Delivery) -> Outcome:
        return Done() if delivery.receive_count > 2 else Retry("not_yet")

    async with running(later) as fleet:
        fleet.queue.put("hello")
        await fleet.until_empty()
        assert fleet.metrics.total(QUEUE_AGE_SECONDS) < 1


async def test_the_longest_wait_is_forgotten_after_two_minutes() -> None:
    clock = LoopClock()
    longest = LongestOfLate(clock)
    longest.add(7)
    longest.add(3)
    assert longest.now() == 7
    await clock.sleep(60)
    assert longest.now() == 7
    longest.add(4)
    await clock.sleep(60)
    assert longest.now() == 4
    await clock.sleep(180)
    assert longest.now() == 0


def telling(metrics: Metrics, clock: LoopClock, write: Callable[[str], None]) -> Telling:
    async def none(_queue: str) -> int:
        return 0

    backlogs = Backlogs(["work"], none, metrics, clock)
    return Telling(EmbeddedMetrics(metrics, "S", ["work"]), backlogs, clock, 60, write)


async def test_lines_come_once_in_the_middle_of_each_minute_and_the_rest_at_the_end() -> None:
    metrics, clock = Metrics(), LoopClock()
    written: list[dict[str, object]] = []
    run: Callable[[], Awaitable[None]] = telling(
        metrics, clock, lambda line: written.append(json.loads(line))
    ).run
    task = asyncio.ensure_future(run())
    await clock.sleep(600)
    of_queue = [line for line in written if line.get("queue") == "work" and "workers" in line]
    stamps = [line["_aws"]["Timestamp"] for line in of_queue]  # type: ignore[index]
    assert len(stamps) == 10
    assert {stamp % 60_000 for stamp in stamps} == {30_000}
    written.clear()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [line["received"] for line in written if line.get("queue") == "work"] == [0]
    assert all("workers" not in line for line in written)
