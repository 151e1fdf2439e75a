"""To whom each text went, by the provider's message id: `M#<keyed hash>`, for four days.

Receipts on EventBridge name the message and no number. Written by whoever sends, where the
configuration asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workers.clock import Clock
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Item
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

RECIPIENT_TTL_S = 4 * 86_400
"""A carrier's last receipt takes 72 hours at most; the rest is for queues that stood still."""


class Recipients(Protocol):
    """Who got which message. Every method may raise `TransientError`."""

    async def record(self, message_id: str, number: str) -> None:
        """A message went to this number. Idempotent."""
        ...

    async def find(self, message_id: str) -> str | None:
        """The number that a message went to, if we know."""
        ...


class TableRecipients(Recipients):
    """Over any `Table`."""

    def __init__(self, table: Table, keys: KeyRing, clock: Clock) -> None:
        self._table = table
        self._keys = keys
        self._clock = clock

    async def record(self, message_id: str, number: str) -> None:
        """A message went to this number. Idempotent."""
        key = self._key(message_id)
        sealed = await self._keys.seal(number.encode(), f"{key.pk}|num")
        expires_at_s = self._clock.now_ms() // 1000 + RECIPIENT_TTL_S
        await self._table.put(key, {"v": FORMAT, "num": sealed, "exp": expires_at_s})

    async def find(self, message_id: str) -> str | None:
        """The number that a message went to, if we know."""
        key = self._key(message_id)
        item = await self._table.get(key, consistent=True)
        return None if item is None else await self.opened(key, item)

    async def opened(self, key: Key, item: Item) -> str:
        """The number of an item."""
        check_format(item)
        sealed = item["num"]
        blob = sealed if isinstance(sealed, bytes) else b""
        return (await self._keys.open(blob, f"{key.pk}|num")).decode()

    def _key(self, message_id: str) -> Key:
        return Key(f"M#{self._keys.digest(f'message|{message_id}').hex()}", "A")


class DynamoRecipients(TableRecipients):
    """In DynamoDB."""

    def __init__(
        self, client: DynamoDBClient, table_name: str, keys: KeyRing, clock: Clock
    ) -> None:
        super().__init__(DynamoTable(client, table_name), keys, clock)
