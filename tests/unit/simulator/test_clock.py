from __future__ import annotations

import asyncio

import pytest

from simulator.clock import AdjustableClock


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
