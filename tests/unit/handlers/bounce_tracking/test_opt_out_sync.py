"""The lists of End User Messaging, read back in: one owner a tick, and nobody texted by mistake."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import count

import pytest

from schemas.own import OptOutSync
from tests.fakes.own import CountingMeter
from workers.brands import MessageClass
from workers.clients.protocols import ListedNumber, Page
from workers.errors import AccountProblem, Throttled, TransientError
from workers.handlers.bounce_tracking.opt_out_sync import (
    SOURCE,
    OptOutSyncDoor,
    Report,
    SyncDeps,
)
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.outcome import Discard, Done, Wait
from workers.stores.memory import MemorySuppressions, MemoryTable, memory_keys
from workers.stores.opt_out_mirror import TableOptOutMirror
from workers.stores.protocols import Suppression
from workers.stores.ticks import TableTicks, Turn
from workers.testing import FakeClock

LIST = "Managed"
SINCE = datetime(2026, 3, 1, tzinfo=UTC)
CLASS = MessageClass.TRANSACTIONAL


class Lists:
    """One list of End User Messaging, ten numbers a page; `failures` come first."""

    def __init__(self) -> None:
        self.numbers: list[str] = []
        self.failures: list[Exception] = []
        self.read: list[str] = []

    async def page(self, opt_out_list: str, token: str | None) -> Page:
        self.read.append(opt_out_list)
        if opt_out_list != LIST:
            raise AccountProblem("no_opt_out_list")
        if self.failures:
            raise self.failures.pop(0)
        start = int(token or 0)
        shown = self.numbers[start : start + 10]
        end = start + 10
        more = str(end) if end < len(self.numbers) else None
        return Page(tuple(ListedNumber(number, SINCE) for number in shown), more)


class Sync:
    """One fleet that reads the list; `door` is as many workers as there are owners."""

    def __init__(self, *managed_lists: str) -> None:
        self.clock, self.lists, self.meter = FakeClock(), Lists(), CountingMeter()
        self.suppressions = MemorySuppressions()
        table, owners = MemoryTable(), count()
        self.door = OptOutSyncDoor(
            SyncDeps(
                pages=self.lists,
                mirror=TableOptOutMirror(table, memory_keys()),
                ticks=TableTicks(table),
                suppressions=self.suppressions,
                clock=self.clock,
                meter=self.meter,
                new_owner=lambda: f"owner-{next(owners)}",
                managed_lists=managed_lists,
            )
        )
        self._ticks = count()

    async def read(self, *, may_shrink: bool = False) -> Report:
        return await self.door.sync(LIST, f"tick-{next(self._ticks)}", may_shrink=may_shrink)

    async def is_suppressed(self, number: str) -> bool:
        return await self.suppressions.find(LIST, number, CLASS) is not None

    def delivery(self) -> Delivery:
        now = self.clock.now()
        lease = Lease(self.clock, lasts_s=600, at_most_s=600)
        return Delivery("work", "m", "h", "", {}, 1, now, now, None, lease)


@pytest.fixture
def sync() -> Sync:
    return Sync()


def numbers(n: int, start: int = 0) -> list[str]:
    return [f"+1206555{start + i:04d}" for i in range(n)]


async def test_who_is_on_the_list_is_not_texted_by_its_brands(sync: Sync) -> None:
    sync.lists.numbers = numbers(25)
    assert await sync.read() == Report(Turn.OURS, listed=25, added=25)
    found = await sync.suppressions.find(LIST, numbers(25)[24], CLASS)
    assert found == Suppression("opted_out", SINCE, SOURCE)
    assert await sync.read() == Report(Turn.OURS, listed=25)


async def test_who_has_come_back_there_has_come_back_here(sync: Sync) -> None:
    sync.lists.numbers = numbers(25)
    await sync.read()
    back = sync.lists.numbers.pop(3)
    assert await sync.read() == Report(Turn.OURS, listed=24, removed=1)
    assert not await sync.is_suppressed(back)
    assert await sync.is_suppressed(sync.lists.numbers[0])


async def test_what_a_person_told_us_stays_when_the_list_forgets(sync: Sync) -> None:
    (number,) = sync.lists.numbers = numbers(1)
    await sync.suppressions.add(LIST, number, None, Suppression("opted_out", SINCE, "text.1"))
    await sync.read()
    sync.lists.numbers = []
    await sync.read()
    assert await sync.is_suppressed(number)


async def test_a_list_that_is_suddenly_empty_lets_nobody_be_texted(sync: Sync) -> None:
    sync.lists.numbers = numbers(60)
    await sync.read()
    sync.lists.numbers = []
    assert await sync.read() == Report(Turn.OURS, kept=60)
    assert await sync.is_suppressed(numbers(60)[0])
    assert sync.meter.effects["opt_out_sync", "shrank"] == 1
    assert await sync.read(may_shrink=True) == Report(Turn.OURS, removed=60)
    assert not await sync.is_suppressed(numbers(60)[0])


async def test_a_tick_that_comes_twice_is_worked_off_once(sync: Sync) -> None:
    sync.lists.numbers = numbers(3)
    tick = OptOutSync(opt_out_list=LIST, tick="2026-11-26T06:00Z")
    assert await sync.door.handle(tick, sync.delivery()) == Done()
    sync.lists.failures = [AssertionError("nobody asks again")]
    assert await sync.door.handle(tick, sync.delivery()) == Done()


async def test_a_tick_without_a_list_is_about_all_that_are_managed() -> None:
    sync, tick = Sync(LIST), OptOutSync(tick="2026-11-26T06:00:00Z")
    sync.lists.numbers = numbers(3)
    for _ in range(2):
        assert await sync.door.handle(tick, sync.delivery()) == Done()
    assert sync.lists.read == [LIST]
    assert await sync.is_suppressed(numbers(3)[2])
    nobody = Sync()
    assert await nobody.door.handle(tick, nobody.delivery()) == Discard("no_managed_lists")


async def test_a_list_that_there_is_not_keeps_no_other_from_its_turn() -> None:
    sync, tick = Sync("Absent", LIST), OptOutSync(tick="2026-11-26T06:00:00Z")
    sync.lists.numbers = numbers(3)
    with pytest.raises(AccountProblem):
        await sync.door.handle(tick, sync.delivery())
    assert await sync.is_suppressed(numbers(3)[2])


async def test_while_one_works_others_wait_and_one_takes_over_from_the_dead(sync: Sync) -> None:
    sync.lists.numbers = numbers(30)
    sync.lists.failures = [TransientError("connection_cut")]
    tick = OptOutSync(opt_out_list=LIST, tick="t")
    with pytest.raises(TransientError):
        await sync.door.handle(tick, sync.delivery())
    assert await sync.door.handle(tick, sync.delivery()) == Wait("tick_taken", 30.0)
    sync.clock.advance(123)
    assert await sync.door.handle(tick, sync.delivery()) == Done()
    assert await sync.is_suppressed(numbers(30)[29])


async def test_a_throttle_is_waited_for_and_does_not_begin_anew(sync: Sync) -> None:
    sync.lists.numbers = numbers(5)
    sync.lists.failures = [Throttled("throttled", after_s=7.0)] * 3
    assert (await sync.read()).added == 5
    assert sync.clock.slept == [7.0] * 3
