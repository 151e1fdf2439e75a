"""Customers in the table of profiles: a record for each person, a claim for each key.

    P#<keyed hash of the profile id>
    v n       format; revision
    s         the state, as JSON, compressed and sealed: it holds numbers and addresses
    p         the profile id, sealed
    t         told: digest by kind of object
    w         unwritten events
    em ed en  the errand: message id, due (ms), nonce
    exp       expiry (epoch seconds)

    K#<keyed hash of the key>
    v p u n   format; profile id (empty: being made), good until (ms), nonce
    exp       expiry (epoch seconds)

A record is written whole, on the condition that its revision is the one that was read; a claim on
the condition that no other's is good any more.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from workers.stores.crypto import KeyRing
from workers.stores.expressions import Absent, AnyOf, Below, Condition, Equals, Item, Value, both
from workers.stores.items import check_format
from workers.stores.person_records import (
    Claim,
    Claims,
    Errand,
    People,
    PersonChanged,
    PersonRecord,
    PersonState,
)
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Table, UnknownFormat

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

_STATE: Final = TypeAdapter(PersonState)
_CLAIM_KEPT_MS: Final = 30 * 86_400_000
"""An outdated claim still tells whose profile a key had found before two were merged."""


class TablePeople(People, Claims):
    """Records and claims over any `Table`."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    async def find(self, profile_id: str) -> PersonRecord | None:
        """A consistent read."""
        key = self.person_key(profile_id)
        item = await self._table.get(key, consistent=True)
        return None if item is None else await self.opened(key.pk, item)

    async def save(self, record: PersonRecord) -> PersonRecord:
        """Write it in place of the revision that it was made from. Raises `PersonChanged`."""
        key = self.person_key(record.profile_id)
        stored = replace(record, revision=record.revision + 1)
        item = await self._sealed(key.pk, stored)
        try:
            await self._table.put(key, item, _was(record.revision))
        except Refused as refused:
            there = refused.item
        else:
            return stored
        found = None if there is None else await self.opened(key.pk, there)
        if found == stored:  # The SDK repeated a write whose answer was lost.
            return stored
        raise PersonChanged(found)

    async def claim(self, key: str) -> Claim | None:
        """A consistent read of whoever has claimed a key, be it outdated."""
        item = await self._table.get(self.claim_key(key), consistent=True)
        return None if item is None else _claim(item)

    async def take(self, key: str, claim: Claim, now_ms: int) -> Claim | None:
        """Write a claim unless another's still is good; returns that one."""
        item: dict[str, Value] = {
            "v": FORMAT,
            "p": claim.profile_id,
            "u": claim.until_ms,
            "n": claim.nonce,
            "exp": (claim.until_ms + _CLAIM_KEPT_MS) // 1000,
        }
        free = AnyOf((Absent(("pk",)), Below(("u",), now_ms), Equals(("n",), claim.nonce)))
        try:
            await self._table.put(self.claim_key(key), item, free)
        except Refused as refused:
            return _claim(refused.item or {})
        return None

    def person_key(self, profile_id: str) -> Key:
        """Where a customer's record stands."""
        return Key(f"P#{self._keys.digest(f'profile|{profile_id}').hex()}")

    def claim_key(self, key: str) -> Key:
        """Where the claim of a key stands."""
        return Key(f"K#{self._keys.digest(f'person|{key}').hex()}")

    async def _sealed(self, pk: str, record: PersonRecord) -> Item:
        state = zlib.compress(_STATE.dump_json(record.state, exclude_defaults=True))
        item: dict[str, Value] = {
            "v": FORMAT,
            "n": record.revision,
            "s": await self._keys.seal(state, f"{pk}|s"),
            "p": await self._keys.seal(record.profile_id.encode(), f"{pk}|p"),
            "t": dict(record.told),
            "w": record.unwritten,
            "exp": record.expires_at_s,
        }
        if record.errand is not None:
            item |= {"em": record.errand.message_id, "ed": record.errand.due_ms}
            item["en"] = record.errand.nonce
        return item

    async def opened(self, pk: str, item: Item) -> PersonRecord:
        """The record of an item. Raises `UnknownFormat`, and `Unopenable` for another's key."""
        check_format(item)
        told = item["t"]
        return PersonRecord(
            profile_id=(await self._keys.open(_bytes(item["p"]), f"{pk}|p")).decode(),
            state=_read_state(await self._keys.open(_bytes(item["s"]), f"{pk}|s")),
            told={k: str(v) for k, v in told.items()} if isinstance(told, Mapping) else {},
            errand=Errand(str(item["em"]), _number(item["ed"]), str(item["en"]))
            if "em" in item
            else None,
            unwritten=_number(item["w"]),
            expires_at_s=_number(item["exp"]),
            revision=_number(item["n"]),
        )


class DynamoPeople(TablePeople):
    """Records and claims in DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


def _read_state(blob: bytes) -> PersonState:
    try:
        return _STATE.validate_python(json.loads(zlib.decompress(blob)))
    except ValidationError:
        raise UnknownFormat from None


def _claim(item: Item) -> Claim:
    check_format(item)
    return Claim(str(item["p"]), str(item["n"]), _number(item["u"]))


def _was(revision: int) -> Condition:
    if revision == 0:
        return Absent(("pk",))
    return both(Equals(("v",), FORMAT), Equals(("n",), revision))


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: Value) -> int:
    return value if isinstance(value, int) else 0
