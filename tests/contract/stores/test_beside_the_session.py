"""Suppressions, deliveries, contacts, tokens, pages: one contract, in memory and in DynamoDB."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from tests.contract.stores.conftest import Tables
from tests.contract.stores.script import Bench
from workers.brands import MessageClass
from workers.stores.contacts import CONTACT_TTL_S, STARTS_TTL_S, TOKENS_TTL_S
from workers.stores.crypto import FileKeyRing, KeyRing
from workers.stores.deliveries import TableDeliveries
from workers.stores.expressions import Item
from workers.stores.journal import TableJournal
from workers.stores.pages import PAGE_TTL_S, Pages
from workers.stores.protocols import ChatTokens, ContactRef, Suppression
from workers.stores.steps import SESSION_TTL_S
from workers.stores.suppressions import OptOut, OptOutBook, TableSuppressions
from workers.stores.tables import Key, Table
from workers.testing import FakeClock

SCOPE = "main"
CONVERSATION, OTHER = list(MessageClass)[:2]


@pytest.fixture
def stop(clock: FakeClock) -> Suppression:
    return Suppression("stop", clock.now(), "inbound")


async def stored(table: Table, pk: str, sk: str = "") -> Item:
    item = await table.get(Key(pk, sk), consistent=True)
    assert item is not None
    return item


# --- suppressions ---------------------------------------------------------------------------------


async def test_nobody_is_suppressed_until_somebody_says_so(
    suppressions: TableSuppressions, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    assert await suppressions.find(SCOPE, number, CONVERSATION) is None
    assert await suppressions.add(SCOPE, number, CONVERSATION, stop)
    assert await suppressions.find(SCOPE, number, CONVERSATION) == stop
    assert await suppressions.find(SCOPE, number, OTHER) is None
    assert await suppressions.find("other", number, CONVERSATION) is None
    assert await suppressions.find(SCOPE, f"{number}0", CONVERSATION) is None


async def test_a_suppression_of_all_classes_covers_each(
    suppressions: TableSuppressions, bench: Bench, stop: Suppression
) -> None:
    await suppressions.add(SCOPE, bench.key.customer_number, None, stop)
    for message_class in MessageClass:
        assert await suppressions.find(SCOPE, bench.key.customer_number, message_class) == stop


async def test_the_oldest_reason_stands(
    suppressions: TableSuppressions, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    later = Suppression("list", stop.since + timedelta(seconds=1), "sync")
    older = Suppression("refused", stop.since - timedelta(seconds=1), "send")
    assert await suppressions.add(SCOPE, number, CONVERSATION, stop)
    assert not await suppressions.add(SCOPE, number, CONVERSATION, stop)
    assert not await suppressions.add(SCOPE, number, CONVERSATION, later)
    assert await suppressions.find(SCOPE, number, CONVERSATION) == stop
    assert not await suppressions.add(SCOPE, number, CONVERSATION, older)
    assert await suppressions.find(SCOPE, number, CONVERSATION) == older
    oldest = Suppression("all", stop.since - timedelta(days=9), "sync")
    assert await suppressions.add(SCOPE, number, None, oldest)
    assert await suppressions.find(SCOPE, number, CONVERSATION) == oldest


async def test_opting_in_again_removes_every_class(
    suppressions: TableSuppressions, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    for message_class in (None, CONVERSATION, OTHER):
        await suppressions.add(SCOPE, number, message_class, stop)
    await suppressions.add("other", number, CONVERSATION, stop)
    assert await suppressions.remove(SCOPE, number)
    assert not await suppressions.remove(SCOPE, number)
    for message_class in MessageClass:
        assert await suppressions.find(SCOPE, number, message_class) is None
    assert await suppressions.find("other", number, CONVERSATION) == stop


async def test_only_what_a_source_had_put_there_is_withdrawn_for_it(
    suppressions: TableSuppressions, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    assert not await suppressions.withdraw(SCOPE, number, "list")
    await suppressions.add(SCOPE, number, None, stop)
    assert not await suppressions.withdraw(SCOPE, number, "list")
    assert await suppressions.find(SCOPE, number, CONVERSATION) == stop
    assert await suppressions.withdraw(SCOPE, number, "inbound")
    assert await suppressions.find(SCOPE, number, CONVERSATION) is None


async def test_the_book_of_opt_outs_tells_list_number_and_class(
    suppressions: TableSuppressions, tables: Tables, keys: KeyRing, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    for message_class in (None, OTHER):
        await suppressions.add(SCOPE, number, message_class, stop)
    partition = f"O#{keys.digest(f'opt-out|{SCOPE}|{number}').hex()}"

    class OnlyOurs:
        """Of the shared table what this test's key opens."""

        async def scan(self, pk_prefix: str) -> AsyncIterator[tuple[Key, Item]]:
            async for key, item in tables.suppressions.scan(pk_prefix):  # type: ignore[attr-defined]
                if key.pk == partition:
                    yield key, item

    found = {one.message_class: one async for one in OptOutBook(OnlyOurs(), keys).each()}
    assert found == {c: OptOut(SCOPE, number, c, stop) for c in (None, OTHER)}


async def test_a_fleet_with_another_key_has_other_suppressions(
    suppressions: TableSuppressions, tables: Tables, bench: Bench, stop: Suppression
) -> None:
    await suppressions.add(SCOPE, bench.key.customer_number, None, stop)
    strangers = TableSuppressions(tables.suppressions, FileKeyRing(b"\x07" * 32))
    assert await strangers.find(SCOPE, bench.key.customer_number, CONVERSATION) is None


async def test_a_suppression_never_expires(
    suppressions: TableSuppressions, tables: Tables, keys: KeyRing, bench: Bench, stop: Suppression
) -> None:
    number = bench.key.customer_number
    await suppressions.add(SCOPE, number, None, stop)
    partition = f"O#{keys.digest(f'opt-out|{SCOPE}|{number}').hex()}"
    assert set(await stored(tables.suppressions, partition, "*")) == {
        *("v", "reason", "source", "since", "scope", "num")
    }


# --- deliveries -----------------------------------------------------------------------------------


async def test_failures_are_counted_by_queue_and_message(
    deliveries: TableDeliveries, bench: Bench
) -> None:
    message = f"m-{bench.sid}"
    counted = [await deliveries.count_failure("q", message, ttl_s=60) for _ in range(3)]
    assert counted == [1, 2, 3]
    assert await deliveries.count_failure("q2", message, ttl_s=60) == 1
    assert await deliveries.count_failure("q", f"{message}x", ttl_s=60) == 1


async def test_a_count_expires_so_long_after_its_last_failure(
    deliveries: TableDeliveries, tables: Tables, clock: FakeClock, bench: Bench
) -> None:
    for _ in range(2):
        clock.advance(10)
        await deliveries.count_failure("q", bench.sid, ttl_s=600)
    item = await stored(tables.deliveries, f"F#q#{bench.sid}")
    assert item == {"v": 1, "n": 2, "exp": clock.now_ms() // 1000 + 600}


async def test_a_dead_letters_reason_is_kept_and_repeats_equal(
    deliveries: TableDeliveries, tables: Tables, clock: FakeClock, bench: Bench
) -> None:
    reason = {"sb-reason": "undecodable", "sb-path": "body.x"}
    assert await deliveries.dead_letter("q", bench.sid) is None
    for _ in range(2):
        await deliveries.record_dead_letter("q", bench.sid, reason, ttl_s=600)
    assert await deliveries.dead_letter("q", bench.sid) == reason
    assert await deliveries.dead_letter("q2", bench.sid) is None
    item = await stored(tables.deliveries, f"D#q#{bench.sid}")
    assert item["exp"] == clock.now_ms() // 1000 + 600


# --- pages ----------------------------------------------------------------------------------------


async def test_pages_know_their_ids_and_no_others(tables: Tables, bench: Bench) -> None:
    pages, now = Pages(tables.sessions), bench.clock.now_ms()
    for first in ("a", "b"):
        for _ in range(2):
            await pages.put(bench.sid, [f"{first}{index}" for index in range(16)], now_ms=now)
    assert await pages.has(bench.sid, "a0")
    assert await pages.has(bench.sid, "b15")
    assert not await pages.has(bench.sid, "a")
    assert not await pages.has(f"{bench.sid}x", "a0")
    item = await stored(tables.sessions, f"S#{bench.sid}", "P#a0")
    assert item["exp"] == now // 1000 + PAGE_TTL_S


# --- how long things are kept ---------------------------------------------------------------------


async def test_each_item_says_when_it_expires(
    tables: Tables, journal: TableJournal, clock: FakeClock, bench: Bench
) -> None:
    held = await bench.hold("a1", "me")
    tokens = ChatTokens("p", "c", clock.now(), "id")
    await journal.record_contact(f"c-{bench.sid}", ContactRef(bench.sid, 1))
    await journal.record_tokens(held.sid, 1, tokens)
    await journal.count_start(bench.sid, now_ms=clock.now_ms(), limit=5)
    now_s = clock.now_ms() // 1000
    for pk, sk, ttl_s in (
        (f"S#{bench.sid}", "A", SESSION_TTL_S),
        (f"S#{bench.sid}", "T#1", TOKENS_TTL_S),
        (f"C#c-{bench.sid}", "A", CONTACT_TTL_S),
        (f"N#{bench.sid}", str(now_s // 60), STARTS_TTL_S),
    ):
        assert (await stored(tables.sessions, pk, sk))["exp"] == now_s + ttl_s, pk


async def test_each_text_keeps_its_session_longer(tables: Tables, bench: Bench) -> None:
    await bench.done("a1", "me")
    bench.clock.advance(86_400)
    await bench.done("a2", "me2")
    item = await stored(tables.sessions, f"S#{bench.sid}", "A")
    assert item["exp"] == bench.clock.now_ms() // 1000 + SESSION_TTL_S
