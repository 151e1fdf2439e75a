"""What we have read in of End User Messaging's opt-out lists, and whose turn a reading is.

In the table of suppressions: `E#<list>` / `<keyed hash of a number>`, the number sealed; and
`T#opt_out_sync#<list>` / `<tick>`, who works on a tick (`o`) and until when (`u`, ms), or that it
is done (`d`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from workers.stores.crypto import KeyRing
from workers.stores.expressions import Absent, Below, Equals, Item, Set, Update, both, either
from workers.stores.items import check_format
from workers.stores.steps import FORMAT, IS_OURS_OR_NEW, LEASE_SKEW_MS
from workers.stores.tables import DynamoTable, Key, Refused, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

TICK_TTL_S = 15 * 86_400
"""A day longer than SQS keeps a tick."""


class Turn(StrEnum):
    """What somebody who wants to work on a tick is told."""

    OURS = "ours"
    TAKEN = "taken"
    DONE = "done"


class OptOutMirror(Protocol):
    """A list as we know it. Every method may raise `TransientError`."""

    async def claim(self, opt_out_list: str, tick: str, owner: str, *, until_ms: int) -> Turn:
        """Take a tick, or keep it longer; only one owner has it at a time."""
        ...

    async def finish(self, opt_out_list: str, tick: str, owner: str) -> None:
        """The tick's work is done, for ever. Nothing happens if it is not ours any more."""
        ...

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

    async def claim(self, opt_out_list: str, tick: str, owner: str, *, until_ms: int) -> Turn:
        """Take a tick if it is free, ours, or its owner's time is over."""
        # The owner's own clock is asked twice: it gives itself a time, and that time has a skew.
        free = either(
            Absent(("o",)),
            Equals(("o",), owner),
            Below(("u",), until_ms - CLAIM_MS - LEASE_SKEW_MS),
        )
        taken = Update(
            (
                Set(("o",), owner),
                Set(("u",), until_ms),
                Set(("exp",), until_ms // 1000 + TICK_TTL_S),
                Set(("v",), FORMAT),
            ),
            both(Absent(("d",)), free, IS_OURS_OR_NEW),
        )
        try:
            await self._table.update(_tick(opt_out_list, tick), taken)
        except Refused as refused:
            item = refused.item or {}
            check_format(item)
            return Turn.DONE if "d" in item else Turn.TAKEN
        return Turn.OURS

    async def finish(self, opt_out_list: str, tick: str, owner: str) -> None:
        """The tick's work is done, for ever. Nothing happens if it is not ours any more."""
        done = Update((Set(("d",), 1),), Equals(("o",), owner))
        try:
            await self._table.update(_tick(opt_out_list, tick), done)
        except Refused:
            return

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


CLAIM_MS = 120_000
"""For so long an owner claims a tick, and renews that with each page."""


class DynamoOptOutMirror(TableOptOutMirror):
    """In DynamoDB."""

    def __init__(self, client: DynamoDBClient, table_name: str, keys: KeyRing) -> None:
        super().__init__(DynamoTable(client, table_name), keys)


def _tick(opt_out_list: str, tick: str) -> Key:
    return Key(f"T#opt_out_sync#{opt_out_list}", tick)


def _context(key: Key) -> str:
    return f"{key.pk}|{key.sk}|num"
