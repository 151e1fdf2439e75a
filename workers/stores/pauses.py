"""The fleet's pauses: which queues nobody polls, who said so, why, and since when.

One item for each paused queue, in one partition, so that one read tells of all. It has no expiry:
only a resumption ends a pause. Nothing of any message is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workers.runtime.breaker import Pause, Pauses
from workers.stores.expressions import Absent, Item
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

PARTITION = "pauses"


class TablePauses(Pauses):
    """Over any `Table` with a sort key."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def find_all(self) -> Mapping[str, Pause]:
        """Every paused queue; a consistent read."""
        items = await self._table.query(PARTITION)
        return {queue: _pause(item) for queue, item in items.items()}

    async def pause(self, queue: str, pause: Pause) -> Pause:
        """Store it unless one stands: of two who pause at once, the first one's reason stays."""
        item: Item = {
            "v": FORMAT,
            "by": pause.by,
            "why": pause.reason,
            "at": int(pause.since.timestamp() * 1000),
        }
        try:
            await self._table.put(Key(PARTITION, queue), item, Absent(("by",)))
        except Refused as refused:
            return pause if refused.item is None else _pause(refused.item)
        return pause

    async def resume(self, queue: str) -> Pause | None:
        """Take away what stands, whoever paused it; returns what was read just before."""
        key = Key(PARTITION, queue)
        item = await self._table.get(key, consistent=True)
        was_there = await self._table.delete(key)
        return _pause(item) if item is not None and was_there else None


class DynamoPauses(TablePauses):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str) -> None:
        super().__init__(DynamoTable(client, table_name))


def _pause(item: Item) -> Pause:
    check_format(item)
    at_ms = item["at"]
    since = datetime.fromtimestamp(at_ms / 1000 if isinstance(at_ms, int) else 0, UTC)
    return Pause(since=since, reason=str(item["why"]), by=str(item["by"]))
