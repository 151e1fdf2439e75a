"""What happens between two of one call's writes: others write, or the table fails."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from workers.errors import TransientError
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import Finish, Lane, Look, NewEntry, SessionKey, Verdict
from workers.stores.steps import RING_MAX
from workers.testing import FakeClock

KEY = SessionKey("+18885550100", "+12125550123")


class Race:
    """A journal whose table lets something happen before a call of its choice, once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.table = MemoryTable(pause=self._pause)
        self.journal = TableJournal(self.table, memory_keys(), self.clock)
        self.sid = self.journal.session_id(KEY)
        self._waiting: list[tuple[str, Callable[[], Awaitable[None]]]] = []

    def before(self, *calls: str, do: Callable[[], Awaitable[None]]) -> None:
        """Once the named calls have come in this order, `do` it before the last of them."""
        nothing = [(name, _nothing) for name in calls[:-1]]
        self._waiting = [*nothing, (calls[-1], do)]

    async def _pause(self, call: str) -> None:
        if self._waiting and self._waiting[0][0] == call:
            _, do = self._waiting.pop(0)
            await do()

    async def append(self, entry_id: str, ago_ms: int = 0) -> Look:
        now = self.clock.now_ms()
        entry = NewEntry(entry_id, Lane.IN, "text", now - ago_ms)
        return await self.journal.append(
            KEY, entry, nonce=f"for-{entry_id}", until_ms=now + 30_000, now_ms=now
        )

    async def done(self, entry_id: str, ago_ms: int = 0) -> None:
        look = await self.append(entry_id, ago_ms)
        await self.finish(look, entry_id)

    async def finish(self, look: Look, entry_id: str) -> None:
        entry = next(each for each in look.session.entries if each.id == entry_id)
        now = self.clock.now_ms()
        await self.journal.finish(look.session, Finish(entry), now_ms=now, until_ms=now + 30_000)

    async def fill_ring(self, prefix: str, count: int = RING_MAX) -> None:
        for index in range(count):
            self.clock.advance(0.001)
            await self.done(f"{prefix}{index}")


async def _nothing() -> None:
    return


async def test_late_event_that_another_worker_did_and_paged_meanwhile_is_done() -> None:
    """The pages were asked before; that `low` moved since says that they know more now."""
    race = Race()
    await race.fill_ring("a", RING_MAX + 1)
    begun_ms = race.clock.now_ms()

    async def another_worker_is_quicker() -> None:
        await race.done("late", 5_000)
        await race.fill_ring("b", 2 * RING_MAX)

    race.before("query", "update", do=another_worker_is_quicker)
    look = await race.append("late", 5_000)
    assert race.clock.now_ms() > begun_ms, "nothing happened meanwhile"
    assert look.verdict is Verdict.DONE
    session = await race.journal.read(race.sid, consistent=True)
    assert session is not None
    assert session.entries == ()


@pytest.mark.parametrize("failing", [("put",), ("put", "update"), ("put", "update", "update")])
async def test_ids_on_their_way_to_a_page_are_known_wherever_it_breaks(
    failing: tuple[str, ...],
) -> None:
    race = Race()
    await race.fill_ring("a")
    look = await race.append("last")

    async def break_off() -> None:
        raise TransientError("killed")

    race.before(*failing, do=break_off)
    with pytest.raises(TransientError, match="killed"):
        await race.finish(look, "last")
    session = await race.journal.read(race.sid, consistent=True)
    assert session is not None
    pages = await race.table.query(f"S#{race.sid}", "P#")
    paged = {each for page in pages.values() for each in page["ids"]}  # type: ignore[union-attr]
    assert {f"a{index}" for index in range(RING_MAX)} <= paged | set(session.done)
    ago_ms = RING_MAX  # The oldest: only a page, or the ring, knows it.
    assert (await race.append("a0", ago_ms)).verdict is Verdict.DONE
