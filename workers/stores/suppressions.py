"""Who may not be texted: keyed hashes of opt-out scope and number, one item per message class."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workers.brands import MessageClass
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Above, Absent, Equals, Item, both, either
from workers.stores.items import check_format
from workers.stores.protocols import Suppression, Suppressions
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

EVERY_CLASS = "*"


class TableSuppressions(Suppressions):
    """Suppressions over any `Table`. Items never expire: a person who left stays gone."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    async def find(
        self, scope: str, number: str, message_class: MessageClass
    ) -> Suppression | None:
        """The oldest suppression that covers this class. A consistent read."""
        stored = await self._table.query(self._partition(scope, number))
        covering = [
            _suppression(item)
            for name, item in stored.items()
            if name in (EVERY_CLASS, message_class.value)
        ]
        return min(covering, key=lambda suppression: suppression.since, default=None)

    async def add(
        self, scope: str, number: str, message_class: MessageClass | None, suppression: Suppression
    ) -> bool:
        """Record it; what stands stays, unless the new one is older. False when one stood."""
        since_ms = round(suppression.since.timestamp() * 1000)
        item: Item = {
            "v": FORMAT,
            "reason": suppression.reason,
            "source": suppression.source,
            "since": since_ms,
        }
        key = Key(self._partition(scope, number), message_class or EVERY_CLASS)
        is_older = either(
            Absent(("pk",)), both(Equals(("v",), FORMAT), Above(("since",), since_ms))
        )
        try:
            return await self._table.put(key, item, is_older) is None
        except Refused as refused:
            check_format(refused.item or {})
            return False

    async def remove(self, scope: str, number: str) -> bool:
        """The person opted in again: every class of the scope. False when there was none."""
        partition = self._partition(scope, number)
        removed = [
            await self._table.delete(Key(partition, name))
            for name in await self._table.query(partition)
        ]
        return any(removed)

    def _partition(self, scope: str, number: str) -> str:
        return f"O#{self._keys.digest(f'opt-out|{scope}|{number}').hex()}"


class DynamoSuppressions(TableSuppressions):
    """Suppressions in DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


def _suppression(item: Item) -> Suppression:
    check_format(item)
    since_ms = item["since"]
    seconds = since_ms / 1000 if isinstance(since_ms, int) else 0
    return Suppression(
        reason=str(item["reason"]),
        since=datetime.fromtimestamp(seconds, UTC),
        source=str(item["source"]),
    )
