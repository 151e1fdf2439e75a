"""Reminders and their calls in a table of their own; nothing in it names anybody in the clear.

M#<rid>   A      a reminder          job (sealed), at (attempts), tx (text), due, res det cl cs to
C#<contact> A    which call it is    rid k
P#<hash>  A      a person            num (sealed), c (contacts: id -> ms), t (open texts)
AIR       A      calls that are on   s (<rid>.<attempt> -> ms)
L#<name>  A      a list              b st ro at
L#<name>  R#<rid>                    l (line)

at: n c i r d e  number, claimed at, contact id, result, detail, ended at
tx: s i m        stage, intent at, message id
v n exp          format, revision, expiry (epoch seconds) everywhere
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from schemas.own import Remind
from workers.phone import identity
from workers.stores.call_records import (
    Attempt,
    CallList,
    CallRef,
    Calls,
    InAir,
    ListState,
    OpenText,
    Person,
    RecordMoved,
    Reminder,
    Result,
    SentText,
    TextStage,
)
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Absent, Condition, Equals, Item, Value, both
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Table, UnknownFormat

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_SORT_KEY: Final = "A"
_RID_CHARS: Final = 26
CONTACTS_KEPT_MS: Final = 8 * 86_400_000
"""A day more than the longest cap looks back."""
_AIR: Final = Key("AIR", _SORT_KEY)

Record = TypeVar("Record")
Word = TypeVar("Word", bound=StrEnum)


class TableCalls(Calls):
    """Over any `Table`."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    def rid(self, reminder_id: str) -> str:
        """A keyed hash of the sender's id."""
        digest = self._keys.digest(f"reminder|{reminder_id}")
        return base64.b32encode(digest)[:_RID_CHARS].decode().lower()

    # --- reminders --------------------------------------------------------------------------------

    async def find(self, rid: str) -> Reminder | None:
        """A consistent read."""
        item = await self._table.get(_reminder_key(rid), consistent=True)
        return None if item is None else await self._reminder(rid, item)

    async def save(self, reminder: Reminder) -> Reminder:
        """Write it in place of its revision. Raises `RecordMoved`."""
        stored = replace(reminder, revision=reminder.revision + 1)
        key = _reminder_key(reminder.rid)
        job = stored.job.model_dump_json().encode()
        item: dict[str, Value] = {
            "job": await self._keys.seal(job, f"{key.pk}|job"),
            "ma": stored.made_ms,
            "at": [_attempt_item(attempt) for attempt in stored.attempts],
            "due": stored.due_ms,
            "det": stored.detail,
            "cl": stored.closed_ms,
            "cs": stored.closings,
            "to": stored.told,
            "exp": stored.expires_at_s,
        }
        if stored.result is not None:
            item["res"] = stored.result.value
        if stored.text is not None:
            item["tx"] = _text_item(stored.text)

        async def read(found: Item) -> Reminder:
            return await self._reminder(reminder.rid, found)

        return await self._write(key, item, stored, reminder.revision, read)

    async def _reminder(self, rid: str, item: Item) -> Reminder:
        check_format(item)
        result, text = item.get("res"), item.get("tx")
        job = await self._opened(item["job"], f"M#{rid}|job")
        return Reminder(
            rid=rid,
            job=Remind.model_validate_json(job),
            made_ms=_number(item["ma"]),
            attempts=tuple(_attempt(each) for each in _maps(item["at"])),
            text=_text(text) if isinstance(text, Mapping) else None,
            due_ms=_number(item["due"]),
            result=None if result is None else _word(Result, result),
            detail=str(item["det"]),
            closed_ms=_number(item["cl"]),
            closings=_number(item["cs"]),
            told=_number(item["to"]),
            expires_at_s=_number(item["exp"]),
            revision=_number(item["n"]),
        )

    # --- contacts ---------------------------------------------------------------------------------

    async def map_contact(self, contact_id: str, ref: CallRef, *, expires_at_s: int) -> None:
        """Which call a contact is. The same again is the same."""
        item: Item = {"v": FORMAT, "rid": ref.rid, "k": ref.attempt, "exp": expires_at_s}
        await self._table.put(Key(f"C#{contact_id}", _SORT_KEY), item)

    async def of_contact(self, contact_id: str) -> CallRef | None:
        """A consistent read."""
        item = await self._table.get(Key(f"C#{contact_id}", _SORT_KEY), consistent=True)
        if item is None:
            return None
        check_format(item)
        return CallRef(str(item["rid"]), _number(item["k"]))

    # --- people -----------------------------------------------------------------------------------

    async def person(self, number: str) -> Person:
        """A consistent read."""
        item = await self._table.get(self.person_key(number), consistent=True)
        return Person(number) if item is None else _person(number, item)

    async def save_person(self, person: Person, *, now_ms: int) -> Person:
        """Write it in place of its revision, without what no cap looks back to."""
        floor_ms = now_ms - CONTACTS_KEPT_MS
        stored = replace(
            person,
            contacts={i: ms for i, ms in person.contacts.items() if ms > floor_ms},
            texts=tuple(text for text in person.texts if text.until_ms > now_ms),
            revision=person.revision + 1,
        )
        key = self.person_key(person.number)
        latest_ms = max([now_ms, *(text.until_ms for text in stored.texts)])
        item: Item = {
            "num": await self._keys.seal(person.number.encode(), f"{key.pk}|num"),
            "c": dict(stored.contacts),
            "t": [{"r": t.rid, "b": t.brand, "u": t.until_ms} for t in stored.texts],
            "exp": (latest_ms + CONTACTS_KEPT_MS) // 1000,
        }

        async def read(found: Item) -> Person:
            return _person(person.number, found)

        return await self._write(key, item, stored, person.revision, read)

    def person_key(self, number: str) -> Key:
        """Where a callee's item stands."""
        digest = self._keys.digest(f"callee|{identity(number) or number}")
        return Key(f"P#{digest.hex()}", _SORT_KEY)

    # --- the fleet's calls ------------------------------------------------------------------------

    async def in_air(self) -> InAir:
        """A consistent read."""
        item = await self._table.get(_AIR, consistent=True)
        return InAir() if item is None else _in_air(item)

    async def save_in_air(self, in_air: InAir) -> InAir:
        """Write it in place of its revision."""
        stored = replace(in_air, revision=in_air.revision + 1)

        async def read(found: Item) -> InAir:
            return _in_air(found)

        return await self._write(_AIR, {"s": dict(stored.calls)}, stored, in_air.revision, read)

    # --- lists ------------------------------------------------------------------------------------

    async def call_list(self, name: str) -> CallList | None:
        """A consistent read."""
        item = await self._table.get(Key(f"L#{name}", _SORT_KEY), consistent=True)
        return None if item is None else _call_list(name, item)

    async def save_list(self, call_list: CallList) -> CallList:
        """Write it in place of its revision."""
        stored = replace(call_list, revision=call_list.revision + 1)
        item: Item = {
            "b": stored.brand,
            "st": stored.state.value,
            "ro": stored.rows,
            "at": stored.made_ms,
        }

        async def read(found: Item) -> CallList:
            return _call_list(call_list.name, found)

        key = Key(f"L#{call_list.name}", _SORT_KEY)
        return await self._write(key, item, stored, call_list.revision, read)

    async def add_row(self, name: str, rid: str, line: int) -> None:
        """A reminder is on a list. Idempotent."""
        await self._table.put(Key(f"L#{name}", f"R#{rid}"), {"v": FORMAT, "l": line})

    async def rows(self, name: str) -> Mapping[str, int]:
        """The line of each reminder of a list, by its rid."""
        found = await self._table.query(f"L#{name}", "R#")
        return {sk.removeprefix("R#"): _number(item["l"]) for sk, item in found.items()}

    # --- how all are written ----------------------------------------------------------------------

    async def _write(
        self,
        key: Key,
        item: Item,
        stored: Record,
        was: int,
        read: Callable[[Item], Awaitable[Record]],
    ) -> Record:
        try:
            await self._table.put(key, {**item, "v": FORMAT, "n": was + 1}, _was(was))
        except Refused as refused:
            there = refused.item
        else:
            return stored
        if there is None:
            raise RecordMoved(None)
        check_format(there)
        found = await read(there)
        if found == stored:  # The SDK repeated a write whose answer was lost.
            return stored
        raise RecordMoved(found)

    async def _opened(self, sealed: Value, context: str) -> str:
        blob = sealed if isinstance(sealed, bytes) else b""
        return (await self._keys.open(blob, context)).decode()


class DynamoCalls(TableCalls):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


def _reminder_key(rid: str) -> Key:
    return Key(f"M#{rid}", _SORT_KEY)


def _was(revision: int) -> Condition:
    if revision == 0:
        return Absent(("pk",))
    return both(Equals(("v",), FORMAT), Equals(("n",), revision))


def _attempt_item(attempt: Attempt) -> Item:
    item: dict[str, Value] = {
        "n": attempt.number,
        "c": attempt.claimed_ms,
        "d": attempt.detail,
        "e": attempt.ended_ms,
    }
    if attempt.contact_id is not None:
        item["i"] = attempt.contact_id
    if attempt.result is not None:
        item["r"] = attempt.result.value
    return item


def _attempt(item: Item) -> Attempt:
    contact_id, result = item.get("i"), item.get("r")
    return Attempt(
        number=_number(item["n"]),
        claimed_ms=_number(item["c"]),
        contact_id=None if contact_id is None else str(contact_id),
        result=None if result is None else _word(Result, result),
        detail=str(item["d"]),
        ended_ms=_number(item["e"]),
    )


def _text_item(text: SentText) -> Item:
    item: dict[str, Value] = {"s": text.stage.value, "i": text.intent_ms}
    if text.message_id is not None:
        item["m"] = text.message_id
    return item


def _text(item: Item) -> SentText:
    message_id = item.get("m")
    return SentText(
        stage=_word(TextStage, item["s"]),
        intent_ms=_number(item["i"]),
        message_id=None if message_id is None else str(message_id),
    )


def _person(number: str, item: Item) -> Person:
    check_format(item)
    return Person(
        number=number,
        contacts=_times(item["c"]),
        texts=tuple(
            OpenText(str(each["r"]), str(each["b"]), _number(each["u"]))
            for each in _maps(item["t"])
        ),
        revision=_number(item["n"]),
    )


def _in_air(item: Item) -> InAir:
    check_format(item)
    return InAir(_times(item["s"]), _number(item["n"]))


def _call_list(name: str, item: Item) -> CallList:
    check_format(item)
    return CallList(
        name=name,
        brand=str(item["b"]),
        state=_word(ListState, item["st"]),
        rows=_number(item["ro"]),
        made_ms=_number(item["at"]),
        revision=_number(item["n"]),
    )


def _times(value: Value) -> dict[str, int]:
    if not isinstance(value, Mapping):
        return {}
    return {str(name): _number(ms) for name, ms in value.items()}


def _maps(value: Value) -> list[Any]:
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [each for each in value if isinstance(each, Mapping)]
    return []


def _word(kind: type[Word], text: Value) -> Word:
    try:
        return kind(str(text))
    except ValueError:
        raise UnknownFormat from None


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
