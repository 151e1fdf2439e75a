"""The fleet's pauses, on the table in memory and on the emulator's."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest

from tests.contract.stores.conftest import Tables
from workers.runtime.breaker import Pause
from workers.stores.memory import MemoryTable
from workers.stores.pauses import TablePauses
from workers.stores.tables import Key

NOON = datetime(2026, 3, 2, 12, 0, 0, 125_000, UTC)


@pytest.fixture
def queue() -> str:
    return f"queue-{secrets.token_hex(4)}"


@pytest.fixture
def pauses(tables: Tables) -> TablePauses:
    return TablePauses(tables.fleet)


async def test_a_pause_is_found_as_it_was_stored(pauses: TablePauses, queue: str) -> None:
    pause = Pause(NOON, "numbers are being moved", "anna on ops-1")
    assert await pauses.pause(queue, pause) == pause
    assert (await pauses.find_all())[queue] == pause


async def test_the_first_pause_stands_until_it_is_resumed(pauses: TablePauses, queue: str) -> None:
    first = Pause(NOON, "20 dead letters in a row", "breaker")
    second = Pause(NOON.replace(hour=13), "maintenance", "anna on ops-1")
    await pauses.pause(queue, first)
    assert await pauses.pause(queue, second) == first
    assert (await pauses.find_all())[queue] == first
    assert await pauses.resume(queue) == first
    assert queue not in await pauses.find_all()
    assert await pauses.pause(queue, second) == second


async def test_resuming_what_is_not_paused_changes_nothing(pauses: TablePauses, queue: str) -> None:
    assert await pauses.resume(queue) is None
    assert queue not in await pauses.find_all()


async def test_a_pause_never_expires() -> None:
    table = MemoryTable()
    await TablePauses(table).pause("work", Pause(NOON, "maintenance", "anna on ops-1"))
    assert "exp" not in table.items[Key("pauses", "work")]
