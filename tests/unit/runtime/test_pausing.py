"""Pausing for the whole fleet: stored, with who and why, and no restart re-arms the queue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.unit.runtime.fleet import Fleet, Handle, done, make_fleet
from workers.clock import Clock
from workers.errors import TransientError
from workers.metrics import PAUSED
from workers.runtime.breaker import Breaker, Pause, StoredBreaker
from workers.runtime.delivery import Delivery
from workers.runtime.health import Health, State
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import DeadLetter, Done, Outcome
from workers.stores.memory import MemoryTable
from workers.stores.pauses import TablePauses
from workers.testing import LoopClock


class Town:
    """One queue and one store, shared by the workers of a fleet."""

    def __init__(self) -> None:
        self.clock: Clock = LoopClock()
        self.queue = MemoryQueue("work", self.clock)
        self.dlq = MemoryQueue("work-dlq", self.clock)
        self.table = MemoryTable()
        self.pauses = TablePauses(self.table)
        self.is_down = False

        async def fail(_call: str) -> None:
            if self.is_down:
                raise TransientError("dynamodb_failed")

        self.table.pause = fail

    def breaker(self) -> StoredBreaker:
        return StoredBreaker(self.pauses, self.clock)

    @asynccontextmanager
    async def worker(
        self, handle: Handle = done, *, breaker: Breaker | None = None, **settings: Any
    ) -> AsyncIterator[Fleet]:
        fleet = make_fleet(
            handle,
            breaker=breaker or self.breaker(),
            queues=(self.queue, self.dlq),
            **settings,
        )
        async with asyncio.TaskGroup() as tasks:
            fleet.consumer.start(tasks)
            yield fleet
            fleet.consumer.force()
            await fleet.consumer.drain()
        fleet.assert_adds_up()

    def order(self, reason: str = "maintenance") -> Pause:
        return Pause(self.clock.now(), reason, "anna on ops-1")


async def hopeless(_delivery: Delivery) -> Outcome:
    return DeadLetter("undecodable")


def state(fleet: Fleet) -> str:
    return str(fleet.consumer.pulse.describe()["state"])


async def test_a_pause_is_seen_and_told_within_two_seconds_by_every_worker() -> None:
    town = Town()
    async with town.worker() as one, town.worker() as other:
        await town.clock.sleep(5)
        await town.pauses.pause("work", town.order())
        await town.clock.sleep(2)
        for fleet in (one, other):
            described = fleet.consumer.pulse.describe()
            assert described["state"] == "paused"
            assert described["reason"] == "maintenance"
            assert described["by"] == "anna on ops-1"
            assert described["since"] == "2026-03-02T12:00:05+00:00"
            assert fleet.metrics.total(PAUSED) == 1
            assert Health([fleet.consumer.pulse]).liveness().is_ok
        await town.clock.sleep(25)  # The polls that were out have landed.
        polls = town.queue.calls["receive"]
        await town.clock.sleep(600)
        assert town.queue.calls["receive"] == polls
        assert one.consumer.pulse.is_alive
        town.queue.put("hello")
        await town.pauses.resume("work")
        await town.clock.sleep(2)
        assert len(town.queue) == 0
        assert state(one) == state(other) == "polling"
        assert one.metrics.total(PAUSED) == 0


async def test_what_an_outstanding_poll_brings_to_a_paused_queue_is_given_back() -> None:
    town = Town()
    handled: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        handled.append(delivery.body)
        return Done()

    async with town.worker(handle) as fleet:
        await town.clock.sleep(5)
        await town.pauses.pause("work", town.order())
        await town.clock.sleep(2)
        town.queue.put("hello")
        await town.clock.sleep(30)
        assert fleet.outcomes(outcome="returned", reason="paused") == 1
        assert handled == []
        assert len(town.queue) == 1


async def test_a_restart_does_not_re_arm_a_paused_queue() -> None:
    town = Town()
    await town.pauses.pause("work", town.order())
    town.queue.put("hello")

    async def slow(_call: str) -> None:
        await asyncio.sleep(0.5)  # Longer than a poller takes to begin.

    town.table.pause = slow
    async with town.worker() as fleet:
        await town.clock.sleep(120)
        assert town.queue.calls["receive"] == 0
        assert state(fleet) == "paused"
        assert fleet.consumer.pulse.is_alive


async def test_too_many_dead_letters_in_one_worker_pause_every_worker() -> None:
    town = Town()
    for number in range(60):
        town.queue.put(str(number))
    async with (
        town.worker(hopeless, dead_letters_in_a_row=5, slots=4) as one,
        town.worker(dead_letters_in_a_row=5, slots=1) as other,
    ):
        await town.clock.sleep(2)
        assert state(one) == state(other) == "paused"
        standing = (await town.pauses.find_all())["work"]
        assert (standing.by, standing.reason) == ("breaker", "5 dead letters in a row")
        assert 5 <= len(town.dlq) <= 9
    async with town.worker(hopeless, dead_letters_in_a_row=5) as restarted:
        buried = len(town.dlq)
        await town.clock.sleep(600)
        assert (state(restarted), len(town.dlq)) == ("paused", buried)


async def test_a_pause_stops_the_burying_of_what_is_in_flight() -> None:
    town = Town()

    async def slow(_delivery: Delivery) -> Outcome:
        await asyncio.sleep(10)
        return DeadLetter("undecodable")

    for number in range(8):
        town.queue.put(str(number))
    async with town.worker(slow) as fleet:
        await town.clock.sleep(5)
        await town.pauses.pause("work", town.order())  # Long before anything would be a run.
        await town.clock.sleep(20)
        assert len(town.dlq) == 0
        assert fleet.outcomes(outcome="waited", reason="paused") == 8
        assert len(town.queue) == 8


async def test_after_a_resumption_each_worker_counts_its_run_anew() -> None:
    town = Town()
    async with town.worker(hopeless, dead_letters_in_a_row=5, max_age_s=86_400) as fleet:
        for number in range(4):
            town.queue.put(str(number))
        await town.clock.sleep(2)
        await town.pauses.pause("work", town.order())
        await town.clock.sleep(30)
        await town.pauses.resume("work")
        await town.clock.sleep(2)
        for number in range(4):
            town.queue.put(str(number))
        await town.clock.sleep(30)
        assert len(town.dlq) == 8
        assert state(fleet) == "polling"


async def test_of_two_who_pause_at_once_the_first_ones_reason_stays() -> None:
    town = Town()
    one, other = town.breaker(), town.breaker()
    first = Pause(town.clock.now(), "20 dead letters in a row", "breaker")
    await asyncio.gather(one.pause("work", first), other.pause("work", town.order()))
    for breaker in (one, other):
        standing = await breaker.find_pause("work")
        assert standing is not None
        assert (standing.reason, standing.by) == (first.reason, first.by)
    ended = await other.resume("work")
    assert ended is not None
    assert ended.by == "breaker"
    assert await other.find_pause("work") is None
    assert await other.resume("work") is None


async def test_all_queues_of_a_process_cost_one_read_a_second() -> None:
    town = Town()
    breaker = town.breaker()
    for _ in range(100):
        await asyncio.gather(*(breaker.find_pause(f"queue-{n}") for n in range(20)))
        await town.clock.sleep(0.1)
    assert 9 <= len(town.table.calls) <= 11


async def test_a_store_that_is_down_changes_nothing_and_is_told() -> None:
    town = Town()
    breaker = town.breaker()
    async with town.worker(breaker=breaker) as fleet:
        await town.clock.sleep(5)
        town.is_down = True
        town.queue.put("polled as before")
        await town.clock.sleep(25)
        assert len(town.queue) == 0
        assert breaker.unknown_since is not None
        town.is_down = False
        await town.pauses.pause("work", town.order())
        await town.clock.sleep(2)
        assert breaker.unknown_since is None
        town.is_down = True
        await town.clock.sleep(60)
        assert state(fleet) == "paused"


async def test_a_store_that_hangs_does_not_keep_a_worker_from_starting() -> None:
    town = Town()

    async def hang(_call: str) -> None:
        await asyncio.sleep(10_000)

    town.table.pause = hang
    town.queue.put("hello")
    async with town.worker() as fleet:
        await town.clock.sleep(10)
        assert len(town.queue) == 0
        assert state(fleet) == "polling"


async def test_a_run_of_dead_letters_pauses_here_at_once_and_for_all_when_the_store_is_back() -> (
    None
):
    town = Town()
    town.is_down = True
    for number in range(60):
        town.queue.put(str(number))
    async with town.worker(hopeless, dead_letters_in_a_row=5, slots=4) as fleet:
        await town.clock.sleep(30)
        assert state(fleet) == "paused"
        assert len(town.dlq) <= 9
        town.is_down = False
        await town.clock.sleep(2)
        assert (await town.pauses.find_all())["work"].by == "breaker"
        await town.pauses.resume("work")
        await town.clock.sleep(2)
        assert fleet.consumer.pulse.state is not State.FULL
        assert len(town.dlq) > 9


async def test_a_read_that_began_before_our_own_pause_does_not_undo_it() -> None:
    town = Town()
    breaker = town.breaker()

    # The answer is had before the pause, and arrives after it.
    find_all = town.pauses.find_all

    async def slow_find_all() -> dict[str, Pause]:
        found = dict(await find_all())
        await asyncio.sleep(0.5)
        return found

    town.pauses.find_all = slow_find_all  # type: ignore[method-assign]
    reading = asyncio.ensure_future(breaker.find_pause("work"))
    await town.clock.sleep(0.1)
    await breaker.pause("work", town.order())
    await reading
    assert await breaker.find_pause("work") is not None
