"""Customers' records and claims: one contract, in memory and in DynamoDB."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import pytest

from tests.contract.stores.conftest import Tables
from workers.addresses import Channel
from workers.stores.crypto import KeyRing
from workers.stores.memory import MemoryTable
from workers.stores.people import TablePeople
from workers.stores.person_records import (
    AddressWord,
    ChannelTrail,
    Claim,
    Errand,
    Known,
    MessageTrail,
    OfferTrail,
    PathStep,
    PersonChanged,
    PersonRecord,
    PersonState,
    ReminderWord,
    Stage,
)
from workers.stores.tables import Key, UnknownFormat

_profiles = count(1)
MAIL = "pat@example.com"


@pytest.fixture
def people(tables: Tables, keys: KeyRing) -> TablePeople:
    return TablePeople(tables.profiles, keys)


@pytest.fixture
def record() -> PersonRecord:
    """Of a person of this test's own, with something in every field."""
    trail = ChannelTrail(
        messages=(MessageTrail("m", {Stage.SENT: 1_000, Stage.OPENED: 2_000}),),
        folded={Stage.SENT: 7},
        floor_ms=900,
        last_ms=3_000,
    )
    state = PersonState(
        known_by={"email": Known(MAIL, 5)},
        channels={Channel.EMAIL: trail},
        offers=(OfferTrail("Spring", 1, 2, 3),),
        steps=(PathStep("journey", "j", 4, "a", "t", "SUCCESS"),),
        addresses=(AddressWord(Channel.EMAIL, MAIL, 2, "invalid", "hard_bounce", "w", 6, 7),),
        reminder=ReminderWord("r", 8, "busy", 2),
    )
    return PersonRecord(
        profile_id=f"{next(_profiles):032x}",
        state=state,
        told={"engagement": "d"},
        errand=Errand("m-1", 9, "n"),
        unwritten=3,
        expires_at_s=4_000_000_000,
    )


async def test_a_record_comes_back_as_it_was_written(
    people: TablePeople, record: PersonRecord
) -> None:
    assert await people.find(record.profile_id) is None
    stored = await people.save(record)
    assert stored == replace(record, revision=1)
    assert await people.find(record.profile_id) == stored
    bare = await people.save(replace(stored, errand=None))
    assert await people.find(record.profile_id) == bare


async def test_of_two_writers_one_is_told_what_the_other_wrote(
    people: TablePeople, record: PersonRecord
) -> None:
    first = await people.save(record)
    with pytest.raises(PersonChanged) as changed:
        await people.save(replace(record, unwritten=9))
    assert changed.value.record == first
    second = await people.save(replace(first, unwritten=9))
    with pytest.raises(PersonChanged) as changed:
        await people.save(replace(first, unwritten=10))
    assert changed.value.record == second


async def test_a_claim_stands_until_it_goes_bad(people: TablePeople) -> None:
    key = f"email|person{next(_profiles)}@example.com"
    now_ms = 4_000_000_000_000  # Far ahead: the emulator deletes what has expired.
    mine, other = Claim("", "mine", now_ms + 100), Claim("", "other", now_ms + 200)
    assert await people.claim(key) is None
    assert await people.take(key, mine, now_ms) is None
    assert await people.take(key, other, now_ms + 100) == mine
    # Whoever made it may change it at any time.
    bound = Claim("p-1", "mine", now_ms + 150)
    assert await people.take(key, bound, now_ms) is None
    assert await people.take(key, other, now_ms + 151) is None
    assert await people.claim(key) == other


async def test_no_key_and_no_address_is_legible(keys: KeyRing, record: PersonRecord) -> None:
    table = MemoryTable()
    people = TablePeople(table, keys)
    await people.save(record)
    await people.take(f"email|{MAIL}", Claim("p-1", "n", 1), 0)
    text = json.dumps([(key.pk, item) for key, item in table.items.items()], default=repr)
    assert MAIL not in text
    assert "Spring" not in text


async def test_a_newer_workers_record_is_not_misread(
    people: TablePeople, tables: Tables, keys: KeyRing, record: PersonRecord
) -> None:
    stored = await people.save(record)
    key = Key(f"P#{keys.digest(f'profile|{record.profile_id}').hex()}")
    item = await tables.profiles.get(key, consistent=True)
    assert item is not None
    await tables.profiles.put(key, {**item, "v": 2})
    with pytest.raises(UnknownFormat):
        await people.find(stored.profile_id)
