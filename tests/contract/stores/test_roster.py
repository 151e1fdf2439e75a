"""The fleet's heartbeats, on the table in memory and on the emulator's."""

from __future__ import annotations

import secrets

import pytest

from tests.contract.stores.conftest import Tables
from workers.stores.roster import KEPT_S, TableRoster
from workers.testing import FakeClock


@pytest.fixture
def worker() -> str:
    return secrets.token_hex(6)


@pytest.fixture
def roster(tables: Tables, clock: FakeClock) -> TableRoster:
    return TableRoster(tables.fleet, clock)


async def test_the_newest_beat_is_found(roster: TableRoster, worker: str) -> None:
    for number in (1, 2, 3):
        await roster.beat(worker, number)
        assert (await roster.find_all())[worker] == number


async def test_who_leaves_is_gone_at_once(roster: TableRoster, worker: str) -> None:
    await roster.beat(worker, 1)
    await roster.leave(worker)
    await roster.leave(worker)
    assert worker not in await roster.find_all()


async def test_who_has_not_beaten_for_ten_minutes_is_left_out(
    roster: TableRoster, worker: str, clock: FakeClock
) -> None:
    await roster.beat(worker, 1)
    clock.advance(KEPT_S - 1)
    assert worker in await roster.find_all()
    clock.advance(2)
    assert worker not in await roster.find_all()
