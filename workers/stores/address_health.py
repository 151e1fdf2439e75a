"""The records of addresses in the table of suppressions: `H#<keyed hash>`, one item each.

    v n       format; revision
    ch a      channel; the address, sealed
    e         evidence: a list of maps
    i k t     id, kind, time (ms)
    w c s p   words, message class, scope, passed on
    c fl li   counts by kind; floor and lifted (ms)
    exp       expiry (epoch seconds); absent where something suppresses for good

A record is written whole, on the condition that its revision is the one that was read.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from workers.addresses import Channel, identity
from workers.brands import MessageClass
from workers.stores.address_records import (
    AddressHealth,
    AddressRecord,
    Evidence,
    Kind,
    RecordChanged,
)
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Absent, Condition, Equals, Item, Value, both
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Scannable, Table, UnknownFormat

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

PREFIX = "H#"
_SORT_KEY = "A"

Word = TypeVar("Word", bound=StrEnum)


class TableAddressHealth(AddressHealth):
    """Address records over any `Table`."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys
        self._codec = RecordCodec(keys)

    async def find(self, channel: Channel, address: str) -> AddressRecord | None:
        """A consistent read; None for an address that nothing is known of."""
        key = self.key(channel, address)
        item = await self._table.get(key, consistent=True)
        return None if item is None else await self._codec.opened(key.pk, item)

    async def save(self, record: AddressRecord) -> AddressRecord:
        """Write it in place of the revision that it was made from. Raises `RecordChanged`."""
        key = self.key(record.channel, record.address)
        stored = replace(record, revision=record.revision + 1)
        item = await self._codec.sealed(key.pk, stored)
        try:
            await self._table.put(key, item, _was(record.revision))
        except Refused as refused:
            there = refused.item
        else:
            return stored
        found = None if there is None else await self._codec.opened(key.pk, there)
        if found == stored:  # The SDK repeated a write whose answer was lost.
            return stored
        raise RecordChanged(found)

    def key(self, channel: Channel, address: str) -> Key:
        """Where an address's record stands."""
        text = f"address|{channel}|{identity(channel, address)}"
        return Key(f"{PREFIX}{self._keys.digest(text).hex()}", _SORT_KEY)


class DynamoAddressHealth(TableAddressHealth):
    """Address records in DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


class AddressBook:
    """All records, for operators' commands."""

    def __init__(self, table: Scannable, keys: KeyRing) -> None:
        self._table = table
        self._codec = RecordCodec(keys)

    async def each(self) -> AsyncIterator[AddressRecord]:
        """Every record, in no order: reads the whole table."""
        async for key, item in self._table.scan(PREFIX):
            yield await self._codec.opened(key.pk, item)


class RecordCodec:
    """Seals a record on its way in, opens it on its way out."""

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys

    async def sealed(self, pk: str, record: AddressRecord) -> Item:
        """The record as it is stored."""
        item: dict[str, Value] = {
            "v": FORMAT,
            "n": record.revision,
            "ch": record.channel.value,
            "a": await self._keys.seal(record.address.encode(), f"{pk}|a"),
            "e": [_evidence_item(evidence) for evidence in record.evidence],
            "c": {kind.value: count for kind, count in record.counts.items()},
            "fl": record.floor_ms,
            "li": record.lifted_ms,
        }
        if record.expires_at_s is not None:
            item["exp"] = record.expires_at_s
        return item

    async def opened(self, pk: str, item: Item) -> AddressRecord:
        """The record of an item. Raises `UnknownFormat`, and `Unopenable` for another's key."""
        check_format(item)
        sealed, expiry, counts = item["a"], item.get("exp"), item["c"]
        blob = sealed if isinstance(sealed, bytes) else b""
        return AddressRecord(
            channel=_word(Channel, item["ch"]),
            address=(await self._keys.open(blob, f"{pk}|a")).decode(),
            evidence=tuple(_evidence(each) for each in _maps(item["e"])),
            counts={
                _word(Kind, name): _number(count)
                for name, count in (counts.items() if isinstance(counts, Mapping) else ())
            },
            floor_ms=_number(item["fl"]),
            lifted_ms=_number(item["li"]),
            expires_at_s=expiry if isinstance(expiry, int) else None,
            revision=_number(item["n"]),
        )


def _was(revision: int) -> Condition:
    if revision == 0:
        return Absent(("pk",))
    return both(Equals(("v",), FORMAT), Equals(("n",), revision))


def _evidence_item(evidence: Evidence) -> Item:
    item: dict[str, Value] = {"i": evidence.id, "k": evidence.kind.value, "t": evidence.at_ms}
    if evidence.words:
        item["w"] = evidence.words
    if evidence.message_class is not None:
        item["c"] = evidence.message_class.value
    if evidence.scope is not None:
        item["s"] = evidence.scope
    if evidence.passed_on:
        item["p"] = 1
    return item


def _evidence(item: Item) -> Evidence:
    message_class, scope = item.get("c"), item.get("s")
    return Evidence(
        id=str(item["i"]),
        kind=_word(Kind, item["k"]),
        at_ms=_number(item["t"]),
        words=str(item.get("w", "")),
        message_class=None if message_class is None else _word(MessageClass, message_class),
        scope=None if scope is None else str(scope),
        passed_on=bool(item.get("p")),
    )


def _maps(value: Value) -> list[Item]:
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
