"""What we have read in of End User Messaging's opt-out lists.

In the table of suppressions: `E#<list>` / `<keyed hash of a number>`, the number sealed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from workers.stores.crypto import KeyRing
from workers.stores.expressions import Item
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import DynamoTable, Key, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient


class OptOutMirror(Protocol):
    """A list as we know it. Every method may raise `TransientError`."""

    def key(self, number: str) -> str:
        """What a number is known by."""
        ...

    async def known(self, opt_out_list: str) -> set[str]:
        """The keys of all numbers that were on the list when it was last read."""
        ...

    async def note(self, opt_out_list: str, number: str) -> None:
        """A number is on the list. Idempotent."""
        ...

    async def number(self, opt_out_list: str, key: str) -> str | None:
        """The number behind a key."""
        ...

    async def forget(self, opt_out_list: str, key: str) -> None:
        """A number is on the list no more. Idempotent."""
        ...


class TableOptOutMirror(OptOutMirror):
    """Over any `Table`."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    def key(self, number: str) -> str:
        """A keyed hash."""
        return self._keys.digest(f"eum-opt-out|{number}").hex()

    async def known(self, opt_out_list: str) -> set[str]:
        """The keys of all numbers that were on the list when it was last read."""
        return set(await self._table.query(f"E#{opt_out_list}"))

    async def note(self, opt_out_list: str, number: str) -> None:
        """A number is on the list. Idempotent."""
        key = Key(f"E#{opt_out_list}", self.key(number))
        sealed = await self._keys.seal(number.encode(), _context(key))
        item: Item = {"v": FORMAT, "num": sealed}
        await self._table.put(key, item)

    async def number(self, opt_out_list: str, key: str) -> str | None:
        """The number behind a key."""
        where = Key(f"E#{opt_out_list}", key)
        item = await self._table.get(where, consistent=True)
        if item is None:
            return None
        check_format(item)
        sealed = item["num"]
        blob = sealed if isinstance(sealed, bytes) else b""
        return (await self._keys.open(blob, _context(where))).decode()

    async def forget(self, opt_out_list: str, key: str) -> None:
        """A number is on the list no more. Idempotent."""
        await self._table.delete(Key(f"E#{opt_out_list}", key))


class DynamoOptOutMirror(TableOptOutMirror):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


def _context(key: Key) -> str:
    return f"{key.pk}|{key.sk}|num"
