"""Slots and lanes, through a whole consumer."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

from tests.unit.runtime.fleet import running
from workers.runtime.delivery import Delivery
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done, Outcome, Retry


async def test_equal_keys_run_one_at_a_time_in_order_and_other_keys_beside_them() -> None:
    busy: Counter[str] = Counter()
    most_at_once = 0
    order: defaultdict[str, list[str]] = defaultdict(list)

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal most_at_once
        key = delivery.attributes["key"]
        busy[key] += 1
        assert busy[key] == 1
        most_at_once = max(most_at_once, sum(busy.values()))
        await asyncio.sleep(0.3)
        order[key].append(delivery.body)
        busy[key] -= 1
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(30):
            queue.put(f"{number:02}", {"key": f"k{number % 3}"})

    async with running(handle, before_start=fill) as fleet:
        await fleet.until_empty()
    assert most_at_once == 3
    assert all(bodies == sorted(bodies) and len(bodies) == 10 for bodies in order.values())


async def test_one_slow_message_holds_no_other() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "0":
            await asyncio.sleep(500)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(30):
            queue.put(str(number))

    async with running(handle, slots=10, before_start=fill) as fleet:
        await fleet.clock.sleep(2)
        assert [message.body for message in fleet.queue.messages] == ["0"]


async def test_a_busy_key_leaves_slots_to_the_others() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(300 if delivery.attributes["key"] == "hot" else 0)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for _ in range(200):
            queue.put("h", {"key": "hot"})
        queue.put("c", {"key": "cold"})

    async with running(handle, slots=16, lane_depth=4, before_start=fill) as fleet:
        await fleet.clock.sleep(30)
        assert "c" not in [message.body for message in fleet.queue.messages]


async def test_the_lane_waits_with_a_retried_message_so_that_order_stays() -> None:
    done: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        if delivery.body == "1" and delivery.receive_count == 1:
            return Retry("connection_reset", after_s=30)
        done.append(delivery.body)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(1, 5):
            queue.put(str(number), {"key": "k"})

    async with running(handle, before_start=fill) as fleet:
        await fleet.clock.sleep(5)
        fleet.queue.put("5", {"key": "k"})
        fleet.queue.put("other", {"key": "k2"})
        await fleet.clock.sleep(5)
        assert done == ["other"]
        await fleet.until_empty()
        assert done == ["other", "1", "2", "3", "4", "5"]
