"""What the runtime remembers of a message: failed attempts, and reasons that had no room.

Keyed by queue and SQS message id, or by a digest of the body where nothing else of the message is
left; nothing of its content is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from workers.clock import Clock
from workers.stores.expressions import Increase, Item, Set, Update
from workers.stores.items import check_format
from workers.stores.protocols import Deliveries
from workers.stores.steps import FORMAT, IS_OURS_OR_NEW
from workers.stores.tables import DynamoTable, Key, Refused, Table, UnknownFormat

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class TableDeliveries(Deliveries):
    """Over any `Table` without a sort key."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def count_failure(self, queue: str, message_id: str, *, ttl_s: int) -> int:
        """One more failed attempt; returns how many now.

        Counts twice when the SDK had to repeat the call: a message is then given up an attempt
        early, never late.
        """
        one_more = Update(
            (Increase(("n",), 1), Set(("exp",), self._expiry(ttl_s)), Set(("v",), FORMAT)),
            IS_OURS_OR_NEW,
        )
        try:
            counted = await self._table.update(Key(f"F#{queue}#{message_id}"), one_more)
        except Refused:
            raise UnknownFormat from None
        count = counted["n"]
        return count if isinstance(count, int) else 1

    async def record_dead_letter(
        self, queue: str, key: str, attributes: Mapping[str, str], *, ttl_s: int
    ) -> None:
        """Keep the reason of a message whose DLQ copy had no room for it. Idempotent."""
        item: Item = {"v": FORMAT, "at": dict(attributes), "exp": self._expiry(ttl_s)}
        await self._table.put(_dead_letter_key(queue, key), item)

    async def dead_letter(self, queue: str, key: str) -> Mapping[str, str] | None:
        """The reason that was kept, for the operator's tools."""
        item = await self._table.get(_dead_letter_key(queue, key), consistent=True)
        if item is None:
            return None
        check_format(item)
        stored = item["at"]
        if not isinstance(stored, Mapping):
            return None
        return {name: str(value) for name, value in stored.items()}

    def _expiry(self, ttl_s: int) -> int:
        return self._clock.now_ms() // 1000 + ttl_s


class DynamoDeliveries(TableDeliveries):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, clock: Clock) -> None:
        super().__init__(DynamoTable(client, table_name), clock)


def _dead_letter_key(queue: str, key: str) -> Key:
    return Key(f"D#{queue}#{key}")
