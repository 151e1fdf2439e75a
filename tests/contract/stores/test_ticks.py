"""Whose turn a tick is: one contract, in memory and in DynamoDB."""

from __future__ import annotations

import asyncio
import secrets

from tests.contract.stores.conftest import Tables
from workers.stores.steps import LEASE_SKEW_MS
from workers.stores.ticks import CLAIM_MS, TableTicks, Turn
from workers.testing import FakeClock


async def test_a_tick_has_one_owner_until_its_time_is_over_and_is_done_once(
    tables: Tables, clock: FakeClock
) -> None:
    ticks, name = TableTicks(tables.suppressions), f"work#{secrets.token_hex(4)}"

    def until_ms() -> int:
        return clock.now_ms() + CLAIM_MS

    assert await ticks.claim(name, "t", "a", until_ms=until_ms()) is Turn.OURS
    assert await ticks.claim(name, "t", "a", until_ms=until_ms()) is Turn.OURS
    assert await ticks.claim(name, "t", "b", until_ms=until_ms()) is Turn.TAKEN
    assert await ticks.claim(name, "other", "b", until_ms=until_ms()) is Turn.OURS
    clock.advance((CLAIM_MS + LEASE_SKEW_MS) / 1000)
    assert await ticks.claim(name, "t", "b", until_ms=until_ms()) is Turn.TAKEN, "clocks differ"
    clock.advance(0.001)
    assert await ticks.claim(name, "t", "b", until_ms=until_ms()) is Turn.OURS
    assert await ticks.claim(name, "t", "a", until_ms=until_ms()) is Turn.TAKEN
    await ticks.finish(name, "t", "a")
    assert await ticks.claim(name, "t", "a", until_ms=until_ms()) is Turn.TAKEN
    await ticks.finish(name, "t", "b")
    assert await ticks.claim(name, "t", "a", until_ms=until_ms()) is Turn.DONE
    assert await ticks.claim(f"{name}2", "t", "a", until_ms=until_ms()) is Turn.OURS


async def test_many_who_want_one_tick_at_once_are_one(tables: Tables, clock: FakeClock) -> None:
    ticks, name = TableTicks(tables.suppressions), f"work#{secrets.token_hex(4)}"
    until_ms = clock.now_ms() + CLAIM_MS
    turns = await asyncio.gather(
        *(ticks.claim(name, "t", f"owner-{n}", until_ms=until_ms) for n in range(8))
    )
    assert sorted(turns) == [Turn.OURS, *[Turn.TAKEN] * 7]
