from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from simulator.clock import AdjustableClock, TimeBend


async def test_a_sleeper_wakes_when_time_is_moved_past_its_moment() -> None:
    clock = AdjustableClock()
    sleeper = asyncio.create_task(clock.sleep(3600))
    await asyncio.sleep(0)
    clock.advance(1800)
    await asyncio.sleep(0.01)
    assert not sleeper.done()
    clock.advance(1801)
    async with asyncio.timeout(1):
        await sleeper


def test_time_moves_on_by_what_was_added() -> None:
    clock = AdjustableClock()
    wall, monotonic = clock.now(), clock.monotonic()
    clock.advance(86_400)
    assert 86_400 <= (clock.now() - wall).total_seconds() < 86_401
    assert 86_400 <= clock.monotonic() - monotonic < 86_401


def test_time_is_never_moved_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        AdjustableClock().advance(-1)


def test_two_processes_that_are_told_the_same_see_the_same_time() -> None:
    """Whenever each has started: an hour ago at the pace of a day an hour, less a week."""
    origin = datetime.now(UTC) - timedelta(hours=1)
    bends = [TimeBend(origin, offset_s=-7 * 86_400, rate=24) for _ in range(2)]
    first, second = (bend.now() for bend in bends)
    assert second - first < timedelta(seconds=24)
    expected = datetime.now(UTC) - timedelta(days=7) + timedelta(hours=23)
    assert abs(first - expected) < timedelta(minutes=1)


async def test_a_sleep_is_as_short_as_the_pace_makes_it() -> None:
    bend = TimeBend(datetime.now(UTC), rate=3_600)
    clock = AdjustableClock(bend.now, bend.monotonic, bend.rate)
    started_at, before = time.monotonic(), clock.now()
    await clock.sleep(360)
    assert 0.1 <= time.monotonic() - started_at < 5
    assert clock.now() - before >= timedelta(seconds=360)
