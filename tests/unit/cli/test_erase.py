"""`switchboard erase` between its question and the answer."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.handlers.relay import brand_with
from tests.unit.handlers.test_erasure import (
    NUMBER,
    OURS,
    NoFiles,
    empty_tables,
    texted,
)
from workers.cli import erase as command
from workers.clock import SystemClock
from workers.config import Configuration
from workers.handlers.erasure import Erasure, Person, Tables
from workers.operators import ErasureTools
from workers.stores.audit import AuditTrail
from workers.stores.memory import MemoryTable, memory_keys


async def answered(
    tables: dict[str, MemoryTable], monkeypatch: pytest.MonkeyPatch, *, ms: int
) -> int:
    """The exit status, when another text comes before the yes, in a worker's hands for `ms`."""
    await texted(tables["sessions"], OURS, NUMBER, lease_ms=-1)
    before = dict(tables["sessions"].items)
    loop = asyncio.get_running_loop()

    def asks(count: int) -> bool:
        tables["sessions"].items.clear()
        coming = texted(tables["sessions"], OURS, NUMBER, lease_ms=ms)
        asyncio.run_coroutine_threadsafe(coming, loop).result()
        return count == len(before)

    monkeypatch.setattr(command, "_asks", asks)
    config = Configuration(brands=(brand_with(),))
    erasure = Erasure(Tables(**tables), NoFiles(), memory_keys(), config, SystemClock())
    tools = ErasureTools(erasure, AuditTrail(tables["suppressions"], memory_keys()))
    wish = command._Wish(
        Person(numbers=frozenset({NUMBER})),
        with_suppressions=False,
        is_trial=False,
        is_sure=False,
        as_json=True,
        by="me",
        reason="asked for",
    )
    return await command._erase(wish, tools)


async def test_what_began_while_it_asked_is_not_erased(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tables = empty_tables()
    assert await answered(tables, monkeypatch, ms=60_000) == command.EXIT_LEFT
    assert len(tables["sessions"].items) == 1
    assert tables["suppressions"].items == {}
    assert "Not now: a worker has a message of theirs in hand" in capsys.readouterr().err


async def test_what_is_over_by_the_answer_is_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = empty_tables()
    assert await answered(tables, monkeypatch, ms=-1) == 0
    assert tables["sessions"].items == {}
    assert len(tables["suppressions"].items) == 1
