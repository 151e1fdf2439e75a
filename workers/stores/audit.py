"""Who changed by hand who may be written to, when and why: `A#<month>` / `<time>#<nonce>`.

Kept for good: it is the answer to "why did you write to me" for years. Addresses are sealed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from workers.addresses import Channel
from workers.stores.crypto import KeyRing
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import Key, Table


@dataclass(frozen=True, slots=True)
class Act:
    """One change by hand. `address` is empty for what concerns no single one."""

    at: datetime
    act: str
    by: str
    reason: str
    channel: Channel | None = None
    address: str = ""


class AuditTrail:
    """Over any `Table` with a sort key."""

    def __init__(self, table: Table, keys: KeyRing) -> None:
        self._table = table
        self._keys = keys

    async def record(self, act: Act) -> None:
        """Write it down; before the change, so that none goes unrecorded."""
        stamp = act.at.isoformat(timespec="milliseconds")
        key = Key(_month(act.at.year, act.at.month), f"{stamp}#{secrets.token_hex(4)}")
        await self._table.put(
            key,
            {
                "v": FORMAT,
                "at": stamp,
                "act": act.act,
                "by": act.by,
                "why": act.reason,
                "ch": act.channel.value if act.channel else "",
                "a": await self._keys.seal(act.address.encode(), f"{key.pk}|{key.sk}|a"),
            },
        )

    async def of_month(self, year: int, month: int) -> list[Act]:
        """A month's changes, the oldest first."""
        pk = _month(year, month)
        acts: list[Act] = []
        for sk, item in sorted((await self._table.query(pk)).items()):
            check_format(item)
            sealed = item["a"]
            blob = sealed if isinstance(sealed, bytes) else b""
            acts.append(
                Act(
                    at=datetime.fromisoformat(str(item["at"])),
                    act=str(item["act"]),
                    by=str(item["by"]),
                    reason=str(item["why"]),
                    channel=Channel(str(item["ch"])) if item["ch"] else None,
                    address=(await self._keys.open(blob, f"{pk}|{sk}|a")).decode(),
                )
            )
        return acts


def _month(year: int, month: int) -> str:
    return f"A#{year:04d}-{month:02d}"
