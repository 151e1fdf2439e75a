"""A session's stored item, and the `Session` that the rest of the workers sees.

Owns the format: what is sealed, under which context, and the version that says so.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from workers.errors import PermanentError
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Item, Value
from workers.stores.protocols import (
    ChatState,
    Entry,
    Lane,
    NewEntry,
    Session,
    SessionKey,
    Stage,
)
from workers.stores.steps import FORMAT, SealedEntry
from workers.stores.tables import UnknownFormat

BODY_BYTES_MAX = 128 * 1024
"""One entry's payload; with the cap on pending bytes an item stays below DynamoDB's 400 KB."""

_SID_CHARS = 26

Word = TypeVar("Word", bound=StrEnum)


def session_id(keys: KeyRing, key: SessionKey) -> str:
    """The keyed hash of both numbers: tells neither, may be logged."""
    digest = keys.digest(f"{key.our_number}|{key.customer_number}")
    return base64.b32encode(digest)[:_SID_CHARS].decode().lower()


def check_format(item: Item) -> None:
    """Raise `UnknownFormat` unless the item is of the format that is written here."""
    if item.get("v") != FORMAT:
        raise UnknownFormat


def payload_bytes(payload: Mapping[str, Any]) -> bytes:
    """The payload as it is sealed; its length counts in the cap on pending bytes."""
    if not payload:
        return b""
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode(errors="surrogatepass")


class SessionCodec:
    """Seals on the way in, opens on the way out."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def seal_entry(self, sid: str, entry: NewEntry) -> SealedEntry:
        """A new entry as it is stored. Raises `PermanentError` when it is too big for any item."""
        plaintext = payload_bytes(entry.payload)
        if len(plaintext) > BODY_BYTES_MAX:
            raise PermanentError("entry_too_big")
        item: dict[str, Value] = {
            "t": entry.time_ms,
            "k": entry.kind,
            "l": entry.lane.value,
            "g": entry.gen,
            "s": Stage.NEW.value,
        }
        if plaintext:
            item["b"] = await self._keys.seal(plaintext, f"{sid}|e_{entry.id}")
        return SealedEntry(entry.id, entry.time_ms, item, len(plaintext))

    async def seal_numbers(self, sid: str, key: SessionKey) -> Item:
        """The two numbers as they are stored."""
        return {
            "cn": await self._keys.seal(key.customer_number.encode(), f"{sid}|cn"),
            "bn": await self._keys.seal(key.our_number.encode(), f"{sid}|bn"),
        }

    async def session(self, sid: str, item: Item) -> Session:
        """The session of an item.

        Raises:
            UnknownFormat: a newer worker wrote it.
            Unopenable: it was sealed with a key that is not ours.
        """
        check_format(item)
        newest_in, newest_out = _number(item, "hi"), _number(item, "ho")
        return Session(
            sid=sid,
            customer_number=await self._text(item, "cn", sid),
            our_number=await self._text(item, "bn", sid),
            state=_word(ChatState, _text(item, "st") or ChatState.NONE),
            gen=_number(item, "gen"),
            contact_id=_text(item, "cid"),
            source_contact_id=_text(item, "src"),
            entries=await self._entries(sid, item),
            done=_texts(item, "d"),
            newest_done_ms=max(newest_in, newest_out),
            newest_in_ms=newest_in,
            newest_out_ms=newest_out,
            paged_until_ms=_number(item, "low"),
            appends=_number(item, "ap"),
            pending=_number(item, "pc"),
            nonce=_text(item, "lo"),
            lease_until_ms=_number(item, "lu"),
            not_before_in_ms=_number(item, "nbi"),
            not_before_out_ms=_number(item, "nbo"),
            next_send_ms=_number(item, "na"),
            marks=_marks(item),
        )

    async def _entries(self, sid: str, item: Item) -> tuple[Entry, ...]:
        entries = [
            await self._entry(sid, name.removeprefix("e_"), stored)
            for name, stored in item.items()
            if name.startswith("e_") and isinstance(stored, Mapping)
        ]
        return tuple(sorted(entries, key=lambda entry: (entry.time_ms, entry.id)))

    async def _entry(self, sid: str, entry_id: str, stored: Item) -> Entry:
        payload: dict[str, Any] = {}
        body = stored.get("b")
        if isinstance(body, bytes):
            plaintext = await self._keys.open(body, f"{sid}|e_{entry_id}")
            payload = json.loads(plaintext.decode(errors="surrogatepass"))
        return Entry(
            id=entry_id,
            lane=_word(Lane, _text(stored, "l") or ""),
            kind=_text(stored, "k") or "",
            time_ms=_number(stored, "t"),
            entered_ms=_number(stored, "j"),
            gen=_number(stored, "g"),
            payload=payload,
            stage=_word(Stage, _text(stored, "s") or Stage.NEW),
            part=_number(stored, "p"),
            tries=_number(stored, "y"),
            intent_at_ms=_number(stored, "ia"),
            receipt=_text(stored, "r"),
            failures=_number(stored, "a"),
            takeovers=_number(stored, "o"),
            reason=_text(stored, "w"),
        )

    async def _text(self, item: Item, name: str, sid: str) -> str:
        sealed = item.get(name)
        if not isinstance(sealed, bytes):
            return ""
        return (await self._keys.open(sealed, f"{sid}|{name}")).decode()


def _word(kind: type[Word], text: str) -> Word:
    try:
        return kind(text)
    except ValueError:
        raise UnknownFormat from None


def _number(item: Item, name: str) -> int:
    value = item.get(name, 0)
    return value if isinstance(value, int) else 0


def _text(item: Item, name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) else None


def _texts(item: Item, name: str) -> tuple[str, ...]:
    values = item.get(name, ())
    if isinstance(values, str | bytes | int | Mapping):
        return ()
    return tuple(value for value in values if isinstance(value, str))


def _marks(item: Item) -> dict[str, int]:
    return {
        name.removeprefix("m_"): value
        for name, value in item.items()
        if name.startswith("m_") and isinstance(value, int)
    }
