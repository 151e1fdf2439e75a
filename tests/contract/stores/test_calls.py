"""Reminders and their calls: one contract, in memory and in DynamoDB."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import datetime

import pytest

from schemas.own import Remind
from tests.contract.stores.conftest import Tables
from workers.stores.call_records import (
    Attempt,
    CallList,
    CallRef,
    ListState,
    OpenText,
    Person,
    RecordMoved,
    Reminder,
    Result,
    SentText,
    TextStage,
)
from workers.stores.calls import CONTACTS_KEPT_MS, TableCalls
from workers.stores.crypto import KeyRing
from workers.stores.tables import Key, UnknownFormat
from workers.testing import FakeClock

NUMBER = "+12065550100"


@pytest.fixture
def calls(tables: Tables, keys: KeyRing) -> TableCalls:
    return TableCalls(tables.calls, keys)


def reminder(calls: TableCalls, clock: FakeClock) -> Reminder:
    """One of this test's own."""
    reminder_id = f"visit-{secrets.token_hex(4)}"
    job = Remind(
        id=reminder_id,
        brand="Clinic",
        number=NUMBER,
        name="Ann",
        appointment_at=datetime.fromisoformat("2026-11-21T09:30:00-08:00"),
    )
    now_ms = clock.now_ms()
    return Reminder(
        calls.rid(reminder_id), job, made_ms=now_ms, expires_at_s=now_ms // 1000 + 86_400
    )


async def test_a_reminder_comes_back_as_it_was_saved(calls: TableCalls, clock: FakeClock) -> None:
    new = reminder(calls, clock)
    assert await calls.find(new.rid) is None
    saved = await calls.save(
        replace(
            new,
            attempts=(
                Attempt(1, 5, "contact-1", Result.BUSY, "telecom_busy", 9),
                Attempt(2, 15),
            ),
            text=SentText(TextStage.SENT, 7, "m-1"),
            due_ms=11,
            result=Result.CONFIRMED,
            detail="by_text",
            closed_ms=12,
            closings=2,
            told=1,
        )
    )
    assert saved.revision == 1
    assert await calls.find(new.rid) == saved


async def test_of_two_who_read_the_same_one_writes(calls: TableCalls, clock: FakeClock) -> None:
    saved = await calls.save(reminder(calls, clock))
    first = await calls.save(replace(saved, attempts=(Attempt(1, 5),)))
    with pytest.raises(RecordMoved) as moved:
        await calls.save(replace(saved, attempts=(Attempt(1, 6),)))
    assert moved.value.record == first
    with pytest.raises(RecordMoved):
        await calls.save(replace(saved, revision=0))
    assert await calls.save(replace(saved, attempts=(Attempt(1, 5),))) == first  # its own repeat


async def test_nothing_that_names_anybody_stands_there_in_the_clear(
    calls: TableCalls, tables: Tables, clock: FakeClock
) -> None:
    saved = await calls.save(reminder(calls, clock))
    await calls.save_person(Person(NUMBER), now_ms=clock.now_ms())
    item = await tables.calls.get(Key(f"M#{saved.rid}", "A"), consistent=True)
    assert item is not None
    for canary in (NUMBER, "Ann", saved.job.id, "2026-11-21"):
        assert canary not in str(item)
    assert saved.job.id not in saved.rid


async def test_a_contact_is_found_by_its_id(calls: TableCalls, clock: FakeClock) -> None:
    contact_id, ref = f"contact-{secrets.token_hex(4)}", CallRef("rid", 2)
    assert await calls.of_contact(contact_id) is None
    for _ in range(2):
        await calls.map_contact(contact_id, ref, expires_at_s=clock.now_ms() // 1000 + 60)
    assert await calls.of_contact(contact_id) == ref


async def test_a_person_is_one_in_whatever_spelling_and_old_contacts_go(
    calls: TableCalls, clock: FakeClock
) -> None:
    number = f"+54911{secrets.randbelow(10**8):08d}"
    now_ms = clock.now_ms()
    person = await calls.person(number)
    assert person == Person(number)
    texts = (OpenText("r", "Clinic", now_ms + 5), OpenText("q", "Clinic", now_ms))
    contacts = {"new": now_ms - 5, "old": now_ms - CONTACTS_KEPT_MS}
    saved = await calls.save_person(replace(person, contacts=contacts, texts=texts), now_ms=now_ms)
    assert (saved.contacts, saved.texts) == ({"new": now_ms - 5}, texts[:1])
    other = await calls.person(number.replace("+549", "+54"))
    assert other.contacts == saved.contacts
    with pytest.raises(RecordMoved):
        await calls.save_person(person, now_ms=now_ms)


async def test_the_calls_in_the_air_are_one_record(calls: TableCalls, clock: FakeClock) -> None:
    before = await calls.in_air()
    mine = f"{secrets.token_hex(4)}.1"
    saved = await calls.save_in_air(replace(before, calls={**before.calls, mine: 5}))
    assert (await calls.in_air()).calls[mine] == 5
    with pytest.raises(RecordMoved):
        await calls.save_in_air(replace(before, calls={}))
    await calls.save_in_air(replace(saved, calls=before.calls))


async def test_a_list_has_its_rows_and_a_state(calls: TableCalls) -> None:
    name = f"list-{secrets.token_hex(4)}"
    assert await calls.call_list(name) is None
    made = await calls.save_list(CallList(name, "Clinic", ListState.RUNNING, rows=2, made_ms=7))
    for _ in range(2):
        await calls.add_row(name, "rid-1", 2)
        await calls.add_row(name, "rid-2", 3)
    assert await calls.rows(name) == {"rid-1": 2, "rid-2": 3}
    paused = await calls.save_list(replace(made, state=ListState.PAUSED))
    assert await calls.call_list(name) == paused
    with pytest.raises(RecordMoved):
        await calls.save_list(made)


@pytest.mark.parametrize("newer", [{"v": 2}, {"res": "danced"}])
async def test_what_a_newer_worker_wrote_is_refused(
    calls: TableCalls, tables: Tables, clock: FakeClock, newer: dict[str, object]
) -> None:
    saved = await calls.save(reminder(calls, clock))
    key = Key(f"M#{saved.rid}", "A")
    item = await tables.calls.get(key, consistent=True)
    await tables.calls.put(key, {**(item or {}), **newer})  # type: ignore[dict-item]
    with pytest.raises(UnknownFormat):
        await calls.find(saved.rid)


def test_a_rid_tells_nothing_and_is_the_same_again(calls: TableCalls) -> None:
    assert calls.rid("a") == calls.rid("a") != calls.rid("b")
    assert len(calls.rid("a")) == 26
