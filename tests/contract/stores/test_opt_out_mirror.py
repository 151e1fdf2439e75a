"""The mirror of opt-out lists and the audit trail: one contract, in memory and in DynamoDB."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest

from tests.contract.stores.conftest import Tables
from workers.addresses import Channel
from workers.stores.audit import Act, AuditTrail
from workers.stores.crypto import KeyRing
from workers.stores.opt_out_mirror import TableOptOutMirror

NUMBER = "+12065550100"


@pytest.fixture
def mirror(tables: Tables, keys: KeyRing) -> TableOptOutMirror:
    return TableOptOutMirror(tables.suppressions, keys)


@pytest.fixture
def name() -> str:
    """A list of this test's own."""
    return f"List{secrets.token_hex(4)}"


async def test_a_number_is_known_until_it_is_forgotten(
    mirror: TableOptOutMirror, name: str
) -> None:
    assert await mirror.known(name) == set()
    for _ in range(2):
        await mirror.note(name, NUMBER)
    key = mirror.key(NUMBER)
    assert await mirror.known(name) == {key}
    assert await mirror.number(name, key) == NUMBER
    assert await mirror.known(f"{name}2") == set()
    for _ in range(2):
        await mirror.forget(name, key)
    assert await mirror.known(name) == set()
    assert await mirror.number(name, key) is None


async def test_no_number_stands_there_in_the_clear(
    mirror: TableOptOutMirror, tables: Tables, name: str
) -> None:
    await mirror.note(name, NUMBER)
    assert NUMBER not in str(await tables.suppressions.query(f"E#{name}"))


async def test_acts_come_back_by_month_in_their_order(tables: Tables, keys: KeyRing) -> None:
    year = 3000 + secrets.randbelow(5000)
    trail = AuditTrail(tables.suppressions, keys)
    acts = [
        Act(datetime(year, 5, day, tzinfo=UTC), "suppression_added", "anna", "why", *of)
        for day, of in ((1, (Channel.SMS, NUMBER)), (2, ()))
    ]
    for act in reversed(acts):
        await trail.record(act)
    await trail.record(Act(datetime(year, 6, 1, tzinfo=UTC), "other", "anna", "why"))
    assert await trail.of_month(year, 5) == acts
    assert NUMBER not in str(await tables.suppressions.query(f"A#{year}-05"))
