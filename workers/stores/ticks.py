"""Whose turn a tick of recurring work is: one owner works it off, however often it comes.

An item `T#<work>` / `<tick>`: who works on it (`o`) and until when (`u`, ms), or that it is done
(`d`). It lies in whatever table the work itself lies in.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, Protocol

from workers.stores.expressions import Absent, Below, Equals, Set, Update, both, either
from workers.stores.items import check_format
from workers.stores.steps import FORMAT, IS_OURS_OR_NEW, LEASE_SKEW_MS
from workers.stores.tables import Key, Refused, Table

CLAIM_MS: Final = 120_000
"""For so long an owner claims a tick, and renews that as it goes on."""
TICK_TTL_S: Final = 15 * 86_400
"""A day longer than SQS keeps a tick."""
TAKEN_LOOK_S: Final = 30.0
"""After so long whoever found a tick in another's hands looks again."""


class Turn(StrEnum):
    """What somebody who wants to work on a tick is told."""

    OURS = "ours"
    TAKEN = "taken"
    DONE = "done"


class Ticks(Protocol):
    """Who works on which tick. Every method may raise `TransientError`."""

    async def claim(self, work: str, tick: str, owner: str, *, until_ms: int) -> Turn:
        """Take a tick, or keep it longer; only one owner has it at a time."""
        ...

    async def finish(self, work: str, tick: str, owner: str) -> None:
        """The tick's work is done, for ever. Nothing happens if it is not ours any more."""
        ...


class TableTicks(Ticks):
    """Over any `Table`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def claim(self, work: str, tick: str, owner: str, *, until_ms: int) -> Turn:
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
            await self._table.update(_key(work, tick), taken)
        except Refused as refused:
            item = refused.item or {}
            check_format(item)
            return Turn.DONE if "d" in item else Turn.TAKEN
        return Turn.OURS

    async def finish(self, work: str, tick: str, owner: str) -> None:
        """The tick's work is done, for ever. Nothing happens if it is not ours any more."""
        done = Update((Set(("d",), 1),), Equals(("o",), owner))
        try:
            await self._table.update(_key(work, tick), done)
        except Refused:
            return


def _key(work: str, tick: str) -> Key:
    return Key(f"T#{work}", tick)
