"""Done ids that left the ring: `S#<sid>` / `P#<first id>`, sixteen at a time.

Kept a day longer than SQS keeps a message, so a redelivery always finds its id somewhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workers.stores.expressions import Value
from workers.stores.items import check_format
from workers.stores.steps import FORMAT
from workers.stores.tables import Key, Table

PAGE_TTL_S = 15 * 86_400


class Pages:
    """The pages of every session."""

    def __init__(self, table: Table) -> None:
        self._table = table

    async def put(self, sid: str, ids: Sequence[str], *, now_ms: int) -> None:
        """W13, its first half: a repetition writes the same again."""
        item: Mapping[str, Value] = {
            "v": FORMAT,
            "ids": list(ids),
            "exp": now_ms // 1000 + PAGE_TTL_S,
        }
        await self._table.put(Key(f"S#{sid}", f"P#{ids[0]}"), item)

    async def has(self, sid: str, entry_id: str) -> bool:
        """Whether any page knows this id."""
        for page in (await self._table.query(f"S#{sid}", "P#")).values():
            check_format(page)
            ids = page["ids"]
            if isinstance(ids, Sequence) and entry_id in list(ids):
                return True
        return False
