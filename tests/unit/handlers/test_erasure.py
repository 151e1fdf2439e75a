"""Erasure that is broken off: the same command goes on, whatever was gone by then."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.unit.handlers.relay import brand_with
from workers.addresses import Channel
from workers.clock import SystemClock
from workers.config import Configuration, PersonKey
from workers.errors import TransientError
from workers.handlers.erasure import Erasure, Person, Tables
from workers.stores.address_health import TableAddressHealth
from workers.stores.address_records import AddressRecord
from workers.stores.call_records import Person as Callee
from workers.stores.calls import TableCalls
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable, memory_keys
from workers.stores.people import TablePeople
from workers.stores.person_records import Claim, Known, PersonRecord, PersonState
from workers.stores.protocols import Lane, NewEntry, SessionKey, Suppression
from workers.stores.recipients import TableRecipients
from workers.stores.suppressions import TableSuppressions

NUMBER, MAILBOX, ANOTHER = "+12065550100", "pat@example.com", "+12065550101"
NOW_MS = 1_790_000_000_000


class NoFiles:
    """A media bucket without files."""

    async def keys(self, prefix: str) -> list[str]:  # noqa: ARG002 - the protocol's
        return []

    async def delete(self, key: str) -> None:
        raise AssertionError(key)


class Breaking(MemoryTable):
    """A table whose deletes fail when the count that all share has run out."""

    def __init__(self, left: list[int]) -> None:
        async def pause(call: str) -> None:
            if call == "delete":
                left[0] -= 1
                if left[0] < 0:
                    raise TransientError("unreachable")

        super().__init__(pause)


async def kept_of_two(tables: dict[str, MemoryTable]) -> None:
    """Of one person by number and mailbox, and of another by a number."""
    keys, clock = memory_keys(), SystemClock()
    people = TablePeople(tables["profiles"], keys)
    for profile, number, mailbox in (("p-1", NUMBER, MAILBOX), ("p-2", ANOTHER, "sam@example.com")):
        known = {PersonKey.PHONE.value: Known(number, 1), PersonKey.EMAIL.value: Known(mailbox, 1)}
        await people.save(PersonRecord(profile, PersonState(known_by=known)))
        for key, value in ((PersonKey.PHONE, number), (PersonKey.EMAIL, mailbox)):
            await people.take(f"{key.value}|{value}", Claim(profile, "n", NOW_MS), NOW_MS - 1)
        health = TableAddressHealth(tables["suppressions"], keys)
        await health.save(AddressRecord(Channel.EMAIL, mailbox))
        await health.save(AddressRecord(Channel.SMS, number))
        recipients = TableRecipients(tables["suppressions"], keys, clock)
        await recipients.record(f"m-{profile}", number)
        await TableCalls(tables["calls"], keys).save_person(Callee(number), now_ms=NOW_MS)
        opted_out = Suppression("stop", datetime.now(UTC), "text")
        opt_outs = TableSuppressions(tables["suppressions"], keys)
        await opt_outs.add("default", number, None, opted_out)


PIECES = 8


@pytest.mark.parametrize("done_before", range(PIECES))
async def test_what_was_broken_off_anywhere_is_found_again_by_the_number_alone(
    done_before: int,
) -> None:
    left = [done_before]
    names = ("sessions", "suppressions", "calls", "profiles")
    tables = {name: Breaking(left) for name in names}
    await kept_of_two(dict(tables))
    config = Configuration(brands=(brand_with(opt_out_list="default"),))
    erasure = Erasure(Tables(**tables), NoFiles(), memory_keys(), config, SystemClock())
    whole = await erasure.find(Person(numbers=frozenset({NUMBER})))
    assert sum(not piece.is_kept for piece in whole.pieces) == PIECES - 1
    with pytest.raises(TransientError):
        await erasure.erase(whole, with_suppressions=True)
    left[0] = 100
    again = await erasure.find(Person(numbers=frozenset({NUMBER})))
    await erasure.erase(again, with_suppressions=True)
    keys = {(name, key.pk, key.sk) for name in names for key in tables[name].items}
    assert not keys & {
        (name, piece.key.pk, piece.key.sk)
        for piece in whole.pieces
        for name in names
        if piece.table is tables[name]
    }
    other = await erasure.find(Person(numbers=frozenset({ANOTHER})))
    assert len(other.pieces) == PIECES


FORMER, OURS = "+12065550177", "+12065550190"


def erasure_over(tables: dict[str, MemoryTable]) -> Erasure:
    config = Configuration(brands=(brand_with(opt_out_list="default"),))
    return Erasure(Tables(**tables), NoFiles(), memory_keys(), config, SystemClock())


def empty_tables() -> dict[str, MemoryTable]:
    return {name: MemoryTable() for name in ("sessions", "suppressions", "calls", "profiles")}


async def texted(table: MemoryTable, ours: str, theirs: str, *, lease_ms: int) -> None:
    """One text in the journal, in a worker's hands for so long from now."""
    now_ms = SystemClock().now_ms()
    entry = NewEntry(id="x", time_ms=now_ms, kind="text", lane=Lane.IN, gen=0, payload={"b": "hi"})
    journal = TableJournal(table, memory_keys(), SystemClock())
    key = SessionKey(our_number=ours, customer_number=theirs)
    await journal.append(key, entry, nonce="n", until_ms=now_ms + lease_ms, now_ms=now_ms)


async def test_what_was_kept_under_a_brand_that_is_no_longer_configured_is_found() -> None:
    tables = empty_tables()
    for number in (NUMBER, ANOTHER):
        await texted(tables["sessions"], FORMER, number, lease_ms=-1)
        opted_out = Suppression("stop", datetime.now(UTC), "text")
        opt_outs = TableSuppressions(tables["suppressions"], memory_keys())
        await opt_outs.add("former", number, None, opted_out)
    erasure = erasure_over(tables)
    found = await erasure.find(Person(numbers=frozenset({NUMBER})))
    assert [piece.kind.value for piece in found.pieces] == ["conversations", "opt_outs"]
    await erasure.erase(found, with_suppressions=True)
    other = await erasure.find(Person(numbers=frozenset({ANOTHER})))
    assert len(other.pieces) == 2
    assert sum(len(table.items) for table in tables.values()) == 2


@pytest.mark.parametrize(
    ("lease_ms", "is_busy"),
    [
        pytest.param(60_000, True, id="in_a_workers_hands"),
        pytest.param(-1, False, id="the_worker_is_gone"),
    ],
)
async def test_nothing_is_taken_from_under_a_worker(lease_ms: int, is_busy: bool) -> None:
    tables = empty_tables()
    await texted(tables["sessions"], OURS, NUMBER, lease_ms=lease_ms)
    found = await erasure_over(tables).find(Person(numbers=frozenset({NUMBER})))
    assert bool(found.busy) == is_busy
