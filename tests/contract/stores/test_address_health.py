"""The records of addresses: one contract, in memory and in DynamoDB."""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from tests.contract.stores.conftest import Tables
from workers.addresses import Channel
from workers.brands import MessageClass
from workers.stores.address_health import AddressBook, TableAddressHealth
from workers.stores.address_records import AddressRecord, Evidence, Kind, RecordChanged
from workers.stores.crypto import FileKeyRing, KeyRing
from workers.stores.expressions import Value
from workers.stores.recipients import TableRecipients
from workers.stores.tables import Key, UnknownFormat
from workers.testing import FakeClock

_people = count(1)
NEWER: tuple[dict[str, Value], ...] = (
    {"v": 2},
    {"ch": "pigeon"},
    {"e": [{"i": "x", "k": "new", "t": 1}]},
)


@pytest.fixture
def health(tables: Tables, keys: KeyRing) -> TableAddressHealth:
    return TableAddressHealth(tables.suppressions, keys)


@pytest.fixture
def record() -> AddressRecord:
    """Of an address of this test's own, with something in every field."""
    return AddressRecord(
        channel=Channel.EMAIL,
        address=f"person{next(_people)}@example.com",
        evidence=(
            Evidence("a", Kind.SOFT_BOUNCE, 1_000, "Transient/General"),
            Evidence("b", Kind.COMPLAINT, 2_000, "abuse", MessageClass.PROMOTIONAL, "List", True),
        ),
        counts={Kind.SOFT_BOUNCE: 1, Kind.COMPLAINT: 1},
        floor_ms=500,
        lifted_ms=400,
        expires_at_s=4_000_000_000,
    )


async def test_a_record_comes_back_as_it_was_written(
    health: TableAddressHealth, record: AddressRecord
) -> None:
    assert await health.find(record.channel, record.address) is None
    stored = await health.save(record)
    assert stored == replace(record, revision=1)
    assert await health.find(record.channel, record.address) == stored
    assert await health.find(Channel.SMS, record.address) is None


async def test_every_spelling_of_a_number_is_one_record(
    health: TableAddressHealth, keys: KeyRing
) -> None:
    number = f"+52155512340{next(_people):02d}"
    stored = await health.save(AddressRecord(Channel.SMS, number.replace("+521", "+52")))
    assert await health.find(Channel.SMS, number) == stored


async def test_of_two_writers_one_is_told_what_the_other_wrote(
    health: TableAddressHealth, record: AddressRecord
) -> None:
    first = await health.save(record)
    with pytest.raises(RecordChanged) as changed:
        await health.save(replace(record, counts={Kind.DELIVERED: 9}))
    assert changed.value.record == first
    second = await health.save(replace(first, lifted_ms=7))
    with pytest.raises(RecordChanged) as changed:
        await health.save(replace(first, lifted_ms=8))
    assert changed.value.record == second
    assert await health.find(record.channel, record.address) == second


async def test_a_write_that_the_sdk_repeats_has_been_made_once(
    health: TableAddressHealth, record: AddressRecord
) -> None:
    """Its first try was carried out and its answer lost: the repetition finds itself."""
    stored = await health.save(record)
    assert await health.save(record) == stored


async def test_what_holds_for_good_has_no_expiry(
    health: TableAddressHealth, tables: Tables, record: AddressRecord
) -> None:
    kept = replace(record, expires_at_s=None)
    assert (await health.find(record.channel, record.address)) is None
    await health.save(kept)
    for item in [i async for k, i in tables.suppressions.scan("H#") if not i.get("exp")]:  # type: ignore[attr-defined]
        assert item["v"] == 1
    found = await health.find(record.channel, record.address)
    assert found is not None
    assert found.expires_at_s is None


async def test_no_address_stands_in_the_table_in_the_clear(
    health: TableAddressHealth, tables: Tables, record: AddressRecord
) -> None:
    await health.save(record)
    async for key, item in tables.suppressions.scan("H#"):  # type: ignore[attr-defined]
        assert record.address not in f"{key} {item}"


async def test_the_book_lists_every_record_and_nothing_else(
    health: TableAddressHealth, tables: Tables, keys: KeyRing, record: AddressRecord
) -> None:
    await tables.suppressions.put(Key("X#other", "A"), {"v": 1})
    stored = await health.save(record)
    book = AddressBook(OnlyOurs(tables.suppressions, keys, record), keys)
    assert [found async for found in book.each()] == [stored]


class OnlyOurs:
    """The shared table, as far as one fleet's key opens it: other tests have other keys."""

    def __init__(self, table: Any, keys: KeyRing, record: AddressRecord) -> None:
        self._table = table
        text = f"address|{record.channel}|{record.address}"
        self._pk = f"H#{keys.digest(text).hex()}"

    async def scan(self, pk_prefix: str) -> Any:
        async for key, item in self._table.scan(pk_prefix):
            assert key.pk.startswith(pk_prefix)
            if key.pk == self._pk:
                yield key, item


async def test_a_fleet_with_another_key_has_other_records(
    health: TableAddressHealth, tables: Tables, record: AddressRecord
) -> None:
    await health.save(record)
    strangers = TableAddressHealth(tables.suppressions, FileKeyRing(b"\x07" * 32))
    assert await strangers.find(record.channel, record.address) is None


@pytest.mark.parametrize("newer", NEWER)
async def test_what_a_newer_worker_wrote_is_refused_and_left_as_it_is(
    health: TableAddressHealth,
    tables: Tables,
    keys: KeyRing,
    record: AddressRecord,
    newer: dict[str, Value],
) -> None:
    await health.save(record)
    key = Key(f"H#{keys.digest(f'address|email|{record.address}').hex()}", "A")
    item = await tables.suppressions.get(key, consistent=True)
    assert item is not None
    changed = {**item, **newer}
    await tables.suppressions.put(key, changed)
    with pytest.raises(UnknownFormat):
        await health.find(record.channel, record.address)
    with pytest.raises(UnknownFormat):
        await health.save(record)
    assert await tables.suppressions.get(key, consistent=True) == changed


async def test_whom_a_message_went_to_is_known_for_four_days_and_sealed(
    tables: Tables, keys: KeyRing, clock: FakeClock
) -> None:
    recipients = TableRecipients(tables.suppressions, keys, clock)
    assert await recipients.find("m-1") is None
    for _ in range(2):
        await recipients.record("m-1", "+12065550100")
    assert await recipients.find("m-1") == "+12065550100"
    assert await recipients.find("m-2") is None
    key = Key(f"M#{keys.digest('message|m-1').hex()}", "A")
    item = await tables.suppressions.get(key, consistent=True)
    assert item is not None
    assert item["exp"] == clock.now_ms() // 1000 + 4 * 86_400
    assert "+12065550100" not in str(item)
