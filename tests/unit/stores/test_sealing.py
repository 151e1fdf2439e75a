"""At rest nothing tells who said what: every sealed attribute, and each bound to its own place.

The whole program is searched by tests/e2e/test_privacy.py; here the stores alone, in a moment.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from workers.brands import MessageClass
from workers.stores.crypto import Unopenable
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.protocols import (
    ChatTokens,
    ContactRef,
    Finish,
    Intent,
    Lane,
    NewEntry,
    Session,
    SessionKey,
    Suppression,
)
from workers.stores.suppressions import TableSuppressions
from workers.stores.tables import Key
from workers.testing import FakeClock

OURS, THEIRS = "+18885550100", "+12125550123"
BODY = 'canary "Zwölf" Gelbe+Vögel'
TOKENS = ChatTokens(
    "canary-participant/token+1", "canary-connection/token+2", datetime(2026, 3, 3, tzinfo=UTC), "p"
)
CANARIES = (OURS, THEIRS, BODY, TOKENS.participant_token, TOKENS.connection_token)


class Desk:
    """A journal and suppressions on tables that can be looked into."""

    def __init__(self) -> None:
        self.table, self.opt_outs, self.clock = MemoryTable(), MemoryTable(), FakeClock()
        self.journal = TableJournal(self.table, memory_keys(), self.clock)
        self.suppressions = TableSuppressions(self.opt_outs, memory_keys())

    def other_worker(self) -> TableJournal:
        """One without caches."""
        return TableJournal(self.table, memory_keys(), self.clock)

    async def append(
        self, entry_id: str, body: str = BODY, theirs: str = THEIRS, lane: Lane = Lane.IN
    ) -> Session:
        now = self.clock.now_ms()
        entry = NewEntry(entry_id, lane, "text", now, payload={"body": body, "to": theirs})
        key = SessionKey(OURS, theirs)
        look = await self.journal.append(key, entry, nonce="me", until_ms=now + 1, now_ms=now)
        return look.session

    def item(self, session: Session) -> dict[str, Any]:
        return self.table.items[Key(f"S#{session.sid}", "A")]

    def tokens_item(self, session: Session, gen: int) -> dict[str, Any]:
        return self.table.items[Key(f"S#{session.sid}", f"T#{gen}")]


async def converse(desk: Desk) -> None:
    """A chat with everything in it: pending, sent, done, dead, ended, opted out."""
    now = desk.clock.now_ms()
    held = await desk.append("a1")
    held = await desk.journal.claim_chat(held, now_ms=now, until_ms=now, source_contact_id="c-0")
    await desk.journal.record_contact("c-1", ContactRef(held.sid, held.gen))
    await desk.journal.record_tokens(held.sid, held.gen, TOKENS)
    held = await desk.journal.open_chat(held, contact_id="c-1", until_ms=now)
    held = await desk.append("o1", lane=Lane.OUT)
    held = await desk.journal.intend(held, Intent("o1"), now_ms=now, until_ms=now)
    await desk.journal.note_receipt(held.sid, "o1", 0, "m-1")
    first = held.entries[0]
    held = await desk.journal.finish(held, Finish(first, release=False), now_ms=now, until_ms=now)
    held = await desk.append("a2")
    dead = next(entry for entry in held.entries if entry.id == "a2")
    await desk.journal.record_failure(held, dead, not_before_ms=0, dead_reason="poison")
    await desk.journal.count_start("brand", now_ms=now, limit=9)
    suppression = Suppression("stop", desk.clock.now(), "inbound")
    await desk.suppressions.add("main", THEIRS, MessageClass.TRANSACTIONAL, suppression)
    await desk.suppressions.add("main", THEIRS, None, suppression)


def texts(value: object) -> Iterator[str]:
    """Every string, and every run of bytes in four readings."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from texts(key)
                yield from texts(inner)
        case list() | tuple():
            for inner in value:
                yield from texts(inner)
        case Key():
            yield from (value.pk, value.sk)
        case bytes():
            yield value.decode("utf-8", errors="replace")
            yield value.decode("latin-1")
            yield base64.b64encode(value).decode()
            yield value.hex()
        case _:
            yield str(value)


def disguises(canary: str) -> Iterator[str]:
    """Plain, quoted, and in base64 at each of the three shifts."""
    yield from (canary, canary.removeprefix("+"), canary.encode().hex())
    yield from (quote(canary, safe=""), quote_plus(canary), json.dumps(canary)[1:-1])
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            coded = encode(b"\x00" * shift + canary.encode()).decode().rstrip("=")
            yield coded[4 if shift else 0 : -4]


async def test_no_table_tells_a_number_a_body_or_a_token() -> None:
    desk = Desk()
    await converse(desk)
    kinds = {key.pk[0] + "/" + key.sk[:1] for key in desk.table.items}
    assert kinds == {"S/A", "S/T", "C/A", "N/2"}
    everything = "\n".join(texts([desk.table.items, desk.opt_outs.items]))
    for canary in CANARIES:
        for disguise in disguises(canary):
            assert disguise not in everything, f"{canary!r} as {disguise!r}"


# --- each value opens in its own place alone ------------------------------------------------------


async def test_the_two_numbers_of_a_session_cannot_be_swapped() -> None:
    desk = Desk()
    session = await desk.append("a1")
    item = desk.item(session)
    item["cn"], item["bn"] = item["bn"], item["cn"]
    with pytest.raises(Unopenable):
        await desk.journal.read(session.sid, consistent=True)


@pytest.mark.parametrize("name", ["cn", "bn"])
async def test_a_number_cannot_be_moved_into_another_session(name: str) -> None:
    desk = Desk()
    mine, other = await desk.append("a1"), await desk.append("a1", theirs="+12125550999")
    desk.item(mine)[name] = desk.item(other)[name]
    with pytest.raises(Unopenable):
        await desk.journal.read(mine.sid, consistent=True)
    assert (await desk.journal.read(other.sid, consistent=True)) == other


async def test_a_body_cannot_be_moved_to_another_entry_or_session() -> None:
    desk = Desk()
    session, other = await desk.append("a1"), await desk.append("a1", theirs="+12125550999")
    session = await desk.append("a2", body="another")
    item = desk.item(session)
    own = item["e_a1"]["b"]
    for foreign in (item["e_a2"]["b"], desk.item(other)["e_a1"]["b"]):
        item["e_a1"]["b"] = foreign
        with pytest.raises(Unopenable):
            await desk.journal.read(session.sid, consistent=True)
    item["e_a1"]["b"] = own
    assert await desk.journal.read(session.sid, consistent=True) == session


async def test_a_token_cannot_be_moved_to_another_name_generation_or_session() -> None:
    desk = Desk()
    mine, other = await desk.append("a1"), await desk.append("a1", theirs="+12125550999")
    for session, gen in ((mine, 1), (mine, 2), (other, 1)):
        await desk.journal.record_tokens(session.sid, gen, TOKENS)
    item = desk.tokens_item(mine, 1)
    for name, foreign in (
        ("pt", item["ct"]),
        ("ct", item["pt"]),
        ("pt", desk.tokens_item(mine, 2)["pt"]),
        ("ct", desk.tokens_item(mine, 2)["ct"]),
        ("pt", desk.tokens_item(other, 1)["pt"]),
        ("ct", desk.tokens_item(other, 1)["ct"]),
        ("pt", "plain text"),
    ):
        own, item[name] = item[name], foreign
        with pytest.raises(Unopenable):
            await desk.other_worker().tokens(mine.sid, 1)
        item[name] = own
    assert await desk.other_worker().tokens(mine.sid, 1) == TOKENS


async def test_a_session_id_tells_who_only_to_who_holds_the_key() -> None:
    journal = Desk().journal
    ids = {
        journal.session_id(SessionKey(ours, theirs))
        for ours, theirs in ((OURS, THEIRS), (THEIRS, OURS), (OURS, OURS), (OURS, THEIRS[:-1]))
    }
    assert len(ids) == 4
    assert all(len(each) == 26 and each.isalnum() for each in ids)
