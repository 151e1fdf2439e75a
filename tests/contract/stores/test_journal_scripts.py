"""The same random scripts on the table in memory and on the emulator's: each answer is compared.

What the state machine of tests/unit/stores proves of the memory journal then holds for DynamoDB.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

import pytest
from aiobotocore.session import AioSession
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from tests.unit.stores.moves import ANY, Move, Players
from workers.stores.crypto import FileKeyRing
from workers.stores.journal import DynamoJournal, TableJournal
from workers.stores.memory import MemoryTable
from workers.testing import FakeClock

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

KEYS = FileKeyRing(secrets.token_bytes(32))  # Another run's sessions have other ids.
_customers = count(1)


@dataclass(frozen=True)
class Stages:
    """An event loop with a client that lives in it: scripts come from outside any loop."""

    runner: asyncio.Runner
    client: DynamoDBClient
    table: str


@pytest.fixture(scope="module")
def stages(emulator: LocalAws, provisioned: Provisioned) -> Iterator[Stages]:
    context = AioSession().create_client("dynamodb", **emulator.client_arguments("DynamoDB"))
    with asyncio.Runner() as runner:
        client = runner.run(context.__aenter__())
        yield Stages(runner, client, provisioned.tables["sessions"])
        runner.run(context.__aexit__(None, None, None))


@pytest.mark.timeout(300)
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(script=st.lists(ANY, min_size=15, max_size=50))
def test_a_script_gives_the_same_answers_in_memory_and_in_dynamodb(
    stages: Stages, script: list[Move]
) -> None:
    stages.runner.run(_compare(stages, script))


async def _compare(stages: Stages, script: list[Move]) -> None:
    customer = f"+1212777{next(_customers):04d}"
    today = datetime.now(UTC)  # The emulator deletes what has expired by its own clock.
    clocks = FakeClock(today), FakeClock(today)
    memory = Players(TableJournal(MemoryTable(), KEYS, clocks[0]), clocks[0], customer)
    journal = DynamoJournal(stages.client, stages.table, KEYS, clocks[1])
    dynamo = Players(journal, clocks[1], customer)
    for move in [Move("append"), *script]:
        assert await memory.play(move) == await dynamo.play(move), move
        assert await _state(memory) == await _state(dynamo), move


async def _state(players: Players) -> object:
    return await players.journal.read(players.sid, consistent=True)
