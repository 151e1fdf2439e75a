"""What the desk watches: every change of every chat, numbered, with waiting for the next."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Change:
    """A chat that came to be or changed its state, or an item in one."""

    seq: int
    kind: Literal["chat", "item", "call"]
    contact_id: str
    """The chat's initial contact id."""
    body: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return {
            "seq": self.seq,
            "kind": self.kind,
            "contact_id": self.contact_id,
            "body": self.body,
        }


class Feed:
    """All changes since the start, oldest first."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._grown = asyncio.Event()

    def put(
        self, kind: Literal["chat", "item", "call"], contact_id: str, body: dict[str, Any]
    ) -> None:
        """Append a change and wake who waits."""
        self._changes.append(Change(len(self._changes) + 1, kind, contact_id, body))
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def after(self, seq: int, contact_id: str | None = None) -> list[Change]:
        """Changes past `seq`, of one chat if given."""
        later = self._changes[max(0, seq) :]
        return [c for c in later if contact_id is None or c.contact_id == contact_id]

    async def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> bool:
        """Wait, in real time, until a change makes `ready` true; False when none does in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not ready():
                    await self._grown.wait()
        except TimeoutError:
            return ready()
        return True
