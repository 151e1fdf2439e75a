"""Slots and lanes, through a whole consumer."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict

from tests.unit.runtime.fleet import done, running
from workers.runtime.breaker import Pause
from workers.runtime.delivery import Delivery
from workers.runtime.groups import REMEMBERED_S
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done, Outcome, Retry, Wait
from workers.testing import START


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


async def test_however_many_busy_keys_there_are_another_one_finds_room() -> None:
    """Without shares four keys, each with its depth waiting, would hold all the slots."""
    started: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        started.append(delivery.attributes["key"])
        await asyncio.sleep(0 if delivery.body == "c" else 300)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for number in range(200):
            queue.put("h", {"key": f"hot{number % 4}"})

    async with running(handle, slots=16, lane_depth=16, before_start=fill) as fleet:
        await fleet.clock.sleep(30)
        assert sorted(started) == ["hot0", "hot1", "hot2", "hot3"]
        for _ in range(3):
            fleet.queue.put("c", {"key": "cold"})
        await fleet.clock.sleep(5)
        assert started.count("cold") == 3


async def test_a_noisy_group_leaves_slots_to_the_others_once_there_are_others() -> None:
    running_now: Counter[str] = Counter()
    quiet_done = 0

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal quiet_done
        group = delivery.group or ""
        running_now[group] += 1
        await asyncio.sleep(100 if group == "noisy" else 0.1)
        running_now[group] -= 1
        quiet_done += group == "quiet"
        return Done()

    def fill(queue: MemoryQueue) -> None:
        for group in ["quiet", *["noisy"] * 300, "quiet"]:
            queue.put("x", group=group)

    async with running(handle, slots=16, before_start=fill) as fleet:
        await fleet.clock.sleep(20)
        assert running_now["noisy"] == 8, "side by side, up to half of the slots"
        assert quiet_done == 2
        fleet.queue.put("x", group="quiet")
        await fleet.clock.sleep(5)
        assert quiet_done == 3
        assert fleet.outcomes(outcome="waited", reason="group_full") > 0


async def test_a_group_that_is_alone_has_all_slots() -> None:
    running_now = 0

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal running_now
        running_now += 1
        await asyncio.sleep(400)
        return Done()

    def fill(queue: MemoryQueue) -> None:
        queue.put("x", group="gone")
        for _ in range(50):
            queue.put("x", group="noisy")

    async with running(
        lambda delivery: done(delivery) if delivery.group == "gone" else handle(delivery),
        slots=16,
        before_start=fill,
    ) as fleet:
        await fleet.clock.sleep(5)
        assert running_now == 8
        await fleet.clock.sleep(REMEMBERED_S + 60)
        assert running_now == 16, "the other one has not been seen for long"


async def test_places_that_were_kept_for_messages_that_went_elsewhere_are_forgotten() -> None:
    async def handle(_: Delivery) -> Outcome:
        return Wait("taken", after_s=5)

    async with running(handle) as fleet:
        for number in range(100):
            fleet.queue.put(str(number), {"key": f"k{number}"})
        await fleet.clock.sleep(2)
        lanes = fleet.consumer._order._lanes
        assert len(lanes._holds) == 100
        await fleet.shared.breaker.pause("work", Pause(START, "others work", "operator"))
        await fleet.clock.sleep(30)
        assert len(lanes._holds) == 0, "memory does not grow with the keys that were ever seen"
