"""What a newer worker wrote is refused with a word and left as it is, never misread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.contract.stores.conftest import Tables
from tests.contract.stores.script import Bench, entry_of
from workers.brands import MessageClass
from workers.errors import Blocked
from workers.stores.crypto import KeyRing
from workers.stores.deliveries import TableDeliveries
from workers.stores.journal import TableJournal
from workers.stores.pages import Pages
from workers.stores.protocols import ChatTokens, ContactRef, Finish, Suppression
from workers.stores.suppressions import TableSuppressions
from workers.stores.tables import Key, Table, UnknownFormat
from workers.testing import FakeClock

WORD = "^stored_item_of_unknown_format$"
NEWER: tuple[Mapping[str, Any], ...] = ({"v": 2}, {"v": "1"}, {"v": 0})


async def change(table: Table, key: Key, changes: Mapping[str, Any]) -> dict[str, Any]:
    """As a newer worker would have written it; returns what stands there then."""
    item = await table.get(key, consistent=True)
    assert item is not None
    newer = {**item, **changes}
    await table.put(key, newer)
    return newer


def test_a_message_beside_a_newer_version_waits_and_is_not_buried() -> None:
    assert issubclass(UnknownFormat, Blocked)


@pytest.mark.parametrize("newer", NEWER)
async def test_a_session_of_another_format_is_refused_by_every_step(
    tables: Tables, bench: Bench, newer: Mapping[str, Any]
) -> None:
    held = await bench.hold("a1", "me")
    where = Key(f"S#{bench.sid}", "A")
    before = await change(tables.sessions, where, newer)
    now = bench.clock.now_ms()
    journal = bench.journal
    with pytest.raises(UnknownFormat, match=WORD):
        await bench.read()
    with pytest.raises(UnknownFormat, match=WORD):
        await bench.append("a2", "you")
    with pytest.raises(UnknownFormat, match=WORD):
        await journal.append_known(
            bench.sid, bench.new("a2"), nonce="you", until_ms=now, now_ms=now
        )
    with pytest.raises(UnknownFormat, match=WORD):
        await journal.note_receipt(bench.sid, "a1", 0, "m")
    with pytest.raises(UnknownFormat, match=WORD):
        await journal.bury(bench.sid, "a1", now)
    with pytest.raises(UnknownFormat, match=WORD):
        await journal.mark(bench.sid, {"x": 1})
    assert await tables.sessions.get(where, consistent=True) == before
    assert held.nonce == "me"


@pytest.mark.parametrize(
    "newer", [{"st": "paused"}, {"e_a1": {"t": 1, "l": "sideways", "k": "x", "s": "n"}}]
)
async def test_a_word_that_only_a_newer_worker_knows_is_refused(
    tables: Tables, bench: Bench, newer: Mapping[str, Any]
) -> None:
    await bench.hold("a1", "me")
    await change(tables.sessions, Key(f"S#{bench.sid}", "A"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await bench.read()


async def test_an_entry_in_a_stage_that_only_a_newer_worker_knows_is_refused(
    tables: Tables, bench: Bench
) -> None:
    await bench.hold("a1", "me")
    where = Key(f"S#{bench.sid}", "A")
    item = await tables.sessions.get(where, consistent=True)
    assert item is not None
    entry: Any = item["e_a1"]
    await change(tables.sessions, where, {"e_a1": {**entry, "s": "z"}})
    with pytest.raises(UnknownFormat, match=WORD):
        await bench.append("a1", "you")


@pytest.mark.parametrize("newer", NEWER)
async def test_contacts_tokens_and_pages_of_another_format_are_refused(
    tables: Tables,
    journal: TableJournal,
    other_journal: TableJournal,
    bench: Bench,
    newer: Mapping[str, Any],
) -> None:
    contact = f"c-{bench.sid}"
    await journal.record_contact(contact, ContactRef(bench.sid, 1))
    await change(tables.sessions, Key(f"C#{contact}", "A"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await other_journal.contact(contact)
    await journal.record_tokens(bench.sid, 1, ChatTokens("p", "c", bench.clock.now(), "i"))
    await change(tables.sessions, Key(f"S#{bench.sid}", "T#1"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await other_journal.tokens(bench.sid, 1)
    pages = Pages(tables.sessions)
    await pages.put(bench.sid, ["a1"], now_ms=bench.clock.now_ms())
    await change(tables.sessions, Key(f"S#{bench.sid}", "P#a1"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await pages.has(bench.sid, "a1")


@pytest.mark.parametrize("newer", NEWER)
async def test_counted_starts_of_another_format_are_left_alone(
    tables: Tables, journal: TableJournal, clock: FakeClock, bench: Bench, newer: Mapping[str, Any]
) -> None:
    now = clock.now_ms()
    await journal.count_start(bench.sid, now_ms=now, limit=5)
    where = Key(f"N#{bench.sid}", str(now // 60_000))
    before = await change(tables.sessions, where, newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await journal.count_start(bench.sid, now_ms=now, limit=5)
    assert await tables.sessions.get(where, consistent=True) == before


@pytest.mark.parametrize("newer", NEWER)
async def test_suppressions_of_another_format_close_the_gate_and_stay(
    tables: Tables,
    suppressions: TableSuppressions,
    keys: KeyRing,
    bench: Bench,
    newer: Mapping[str, Any],
) -> None:
    number, since = bench.key.customer_number, bench.clock.now()
    await suppressions.add("main", number, None, Suppression("stop", since, "inbound"))
    where = Key(f"O#{keys.digest(f'opt-out|main|{number}').hex()}", "*")
    before = await change(tables.suppressions, where, newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await suppressions.find("main", number, MessageClass.TRANSACTIONAL)
    older = Suppression("stop", bench.clock.now().replace(year=2020), "inbound")
    with pytest.raises(UnknownFormat, match=WORD):
        await suppressions.add("main", number, None, older)
    assert await tables.suppressions.get(where, consistent=True) == before


@pytest.mark.parametrize("newer", NEWER)
async def test_deliveries_of_another_format_are_refused(
    tables: Tables, deliveries: TableDeliveries, bench: Bench, newer: Mapping[str, Any]
) -> None:
    await deliveries.count_failure("q", bench.sid, ttl_s=9_999)
    before = await change(tables.deliveries, Key(f"F#q#{bench.sid}"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await deliveries.count_failure("q", bench.sid, ttl_s=9_999)
    assert await tables.deliveries.get(Key(f"F#q#{bench.sid}"), consistent=True) == before
    await deliveries.record_dead_letter("q", bench.sid, {"a": "b"}, ttl_s=9_999)
    await change(tables.deliveries, Key(f"D#q#{bench.sid}"), newer)
    with pytest.raises(UnknownFormat, match=WORD):
        await deliveries.dead_letter("q", bench.sid)


async def test_a_held_session_that_became_newer_meanwhile_is_not_read(
    tables: Tables, bench: Bench
) -> None:
    held = await bench.hold("a1", "me")
    where = Key(f"S#{bench.sid}", "A")
    await change(tables.sessions, where, {"v": 2, "lo": "newer"})
    with pytest.raises(UnknownFormat, match=WORD):
        await bench.finish(held, Finish(entry_of(held, "a1")))
