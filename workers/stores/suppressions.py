"""Who may not be texted: keyed hashes of opt-out scope and number, one item per message class."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workers.brands import MessageClass
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Above, Absent, Equals, Item, both, either
from workers.stores.items import check_format
from workers.stores.protocols import Suppression, Suppressions
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Refused, Scannable, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

EVERY_CLASS = "*"
PREFIX = "O#"


class TableSuppressions(Suppressions):
    """Suppressions over any `Table`. Items never expire: a person who left stays gone."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    async def find(
        self, scope: str, number: str, message_class: MessageClass
    ) -> Suppression | None:
        """The oldest suppression that covers this class. A consistent read."""
        stored = await self._table.query(self.partition(scope, number))
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
        partition = self.partition(scope, number)
        item: Item = {
            "v": FORMAT,
            "reason": suppression.reason,
            "source": suppression.source,
            "since": since_ms,
            "scope": scope,
            "num": await self._keys.seal(number.encode(), f"{partition}|num"),
        }
        key = Key(partition, message_class or EVERY_CLASS)
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
        partition = self.partition(scope, number)
        removed = [
            await self._table.delete(Key(partition, name))
            for name in await self._table.query(partition)
        ]
        return any(removed)

    async def withdraw(self, scope: str, number: str, source: str) -> bool:
        """Take away what stands for every class, if this `source` had put it there."""
        key = Key(self.partition(scope, number), EVERY_CLASS)
        item = await self._table.get(key, consistent=True)
        if item is None or _suppression(item).source != source:
            return False
        return await self._table.delete(key)

    def partition(self, scope: str, number: str) -> str:
        """Where the opt-outs of a number stand."""
        return f"{PREFIX}{self._keys.digest(f'opt-out|{scope}|{number}').hex()}"


class DynamoSuppressions(TableSuppressions):
    """Suppressions in DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


@dataclass(frozen=True, slots=True)
class OptOut:
    """One opt-out as an operator sees it. `number`: None where it was stored without one."""

    scope: str | None
    number: str | None
    message_class: MessageClass | None
    suppression: Suppression


class OptOutBook:
    """All opt-outs, for operators' commands."""

    def __init__(self, table: Scannable, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    async def each(self) -> AsyncIterator[OptOut]:
        """Every one, in no order: reads the whole table."""
        async for key, item in self._table.scan(PREFIX):
            sealed, scope = item.get("num"), item.get("scope")
            number = (
                (await self._keys.open(sealed, f"{key.pk}|num")).decode()
                if isinstance(sealed, bytes)
                else None
            )
            yield OptOut(
                scope=None if scope is None else str(scope),
                number=number,
                message_class=None if key.sk == EVERY_CLASS else MessageClass(key.sk),
                suppression=_suppression(item),
            )


def _suppression(item: Item) -> Suppression:
    check_format(item)
    since_ms = item["since"]
    seconds = since_ms / 1000 if isinstance(since_ms, int) else 0
    return Suppression(
        reason=str(item["reason"]),
        since=datetime.fromtimestamp(seconds, UTC),
        source=str(item["source"]),
    )
