"""The fleet's heartbeats: one item for each worker process, of random ids and numbers only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workers.clock import Clock
from workers.runtime.roster import Roster
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

PARTITION = "workers"
KEPT_S = 600
"""Longer than clocks may differ: AWS refuses a request that is signed five minutes off."""


class TableRoster(Roster):
    """Over any `Table` with a sort key. DynamoDB removes what has expired, hours later."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def beat(self, worker: str, number: int) -> None:
        """Write our heartbeat over the one before."""
        expires_at = self._now_s() + KEPT_S
        await self._table.put(Key(PARTITION, worker), {"v": FORMAT, "n": number, "exp": expires_at})

    async def find_all(self) -> Mapping[str, int]:
        """Everybody's newest number, without those that have expired."""
        items = await self._table.query(PARTITION)
        now_s = self._now_s()
        return {
            worker: number
            for worker, item in items.items()
            if isinstance(number := item.get("n"), int)
            and isinstance(expires_at := item.get("exp"), int)
            and expires_at > now_s
        }

    async def leave(self, worker: str) -> None:
        """Take our heartbeat away."""
        await self._table.delete(Key(PARTITION, worker))

    def _now_s(self) -> int:
        return self._clock.now_ms() // 1000


class DynamoRoster(TableRoster):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Clock) -> None:
        super().__init__(DynamoTable(client, table_name), clock)
