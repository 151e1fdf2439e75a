"""One suite for each protocol, run on the tables in memory and on those of the emulator."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from aiobotocore.session import AioSession

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned, provision
from infra.topology import load_topology
from tests.contract.stores.script import Bench
from workers.stores.crypto import FileKeyRing, KeyRing
from workers.stores.deliveries import TableDeliveries
from workers.stores.journal import TableJournal
from workers.stores.memory import MemoryTable
from workers.stores.suppressions import TableSuppressions
from workers.stores.tables import DynamoTable, Table
from workers.testing import FakeClock

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Tables:
    """The tables of a deployment."""

    sessions: Table
    suppressions: Table
    profiles: Table
    deliveries: Table
    fleet: Table
    calls: Table


@pytest.fixture(scope="session")
def provisioned(emulator: LocalAws) -> Provisioned:
    """The topology's tables, one set for all these tests: every test has customers of its own."""
    return provision(load_topology(), emulator, prefix=f"s{secrets.token_hex(4)}-")


@pytest.fixture
async def dynamodb(aws: LocalAws) -> AsyncIterator[DynamoDBClient]:
    async with AioSession().create_client("dynamodb", **aws.client_arguments("DynamoDB")) as client:
        yield client


@pytest.fixture(params=["memory", "dynamodb"])
def tables(request: pytest.FixtureRequest) -> Tables:
    if request.param == "memory":
        return Tables(*(MemoryTable() for _ in fields(Tables)))
    client = request.getfixturevalue("dynamodb")
    names = request.getfixturevalue("provisioned").tables
    return Tables(
        DynamoTable(client, names["sessions"]),
        DynamoTable(client, names["suppressions"]),
        DynamoTable(client, names["profiles"]),
        DynamoTable(client, names["deliveries"]),
        DynamoTable(client, names["fleet"]),
        DynamoTable(client, names["calls"]),
    )


@pytest.fixture
def keys() -> KeyRing:
    return FileKeyRing(secrets.token_bytes(32))


@pytest.fixture
def clock() -> FakeClock:
    # Today: the emulator deletes what has expired by its own clock.
    return FakeClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def journal(tables: Tables, keys: KeyRing, clock: FakeClock) -> TableJournal:
    return TableJournal(tables.sessions, keys, clock)


@pytest.fixture
def bench(journal: TableJournal, clock: FakeClock) -> Bench:
    return Bench(journal, clock)


@pytest.fixture
def suppressions(tables: Tables, keys: KeyRing) -> TableSuppressions:
    return TableSuppressions(tables.suppressions, keys)


@pytest.fixture
def deliveries(tables: Tables, clock: FakeClock) -> TableDeliveries:
    return TableDeliveries(tables.deliveries, clock)


@pytest.fixture
def other_journal(tables: Tables, keys: KeyRing, clock: FakeClock) -> TableJournal:
    """Another worker's, with caches of its own."""
    return TableJournal(tables.sessions, keys, clock)
