"""Listens to the simulator's ledger while the storm goes on: what has come out so far, and when.

The judge reads the same ledger once more, from its beginning, when the storm is over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from demo.judge import words
from simulator.client import SimulatorClient
from simulator.ledger import Entry

LOOK_S = 0.1


class Ears:
    """Follows the ledger. A message is known by its first word, which no other message has."""

    def __init__(self, simulator: SimulatorClient) -> None:
        self._simulator = simulator
        self.entries: list[Entry] = []
        self._heard: set[str] = set()
        self._grown = asyncio.Event()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen while the block runs; afterwards everything that was recorded is known."""
        task = asyncio.create_task(self._follow(), name="ears")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self._take()

    def has_heard(self, name: str) -> bool:
        """Whether the message that begins with this word has come out."""
        return name in self._heard

    async def until(self, is_so: Callable[[], bool], timeout_s: float | None = None) -> bool:
        """Wait until something holds; False when it does not in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_so():
                    grown = self._grown
                    await grown.wait()
        except TimeoutError:
            return is_so()
        return True

    async def _follow(self) -> None:
        while True:
            await self._take(wait_s=5)
            await asyncio.sleep(LOOK_S)

    async def _take(self, wait_s: float = 0) -> None:
        after = self.entries[-1].seq if self.entries else 0
        for entry in await self._simulator.ledger(after=after, wait_s=wait_s):
            self.entries.append(entry)
            if effect := effect_of(entry):
                self._heard.add(words(effect)[0])
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()


def cause_of(entry: Entry) -> str | None:
    """What a person said, if this is the moment at which it was said."""
    if entry.name == "inbound_text_published":
        return str(entry.params["messageBody"])
    return _chat_message(entry, "AGENT")


def effect_of(entry: Entry) -> str | None:
    """What reached the other side, if this is the moment at which it did."""
    if entry.kind == "request" and entry.name == "SendTextMessage":
        return str(entry.params.get("MessageBody", ""))
    return _chat_message(entry, "CUSTOMER")


def hops_ms(entries: list[Entry], hold_ms: int) -> list[float]:
    """From each message's own time to its effect, without the hold window, in rising order.

    A first text is not held, and one that was late is not held for the whole of it: no hop is
    taken for less than nothing.
    """
    said: dict[str, datetime] = {}
    hops: dict[str, float] = {}
    for entry in entries:
        if cause := cause_of(entry):
            said.setdefault(words(cause)[0], _at(entry))
        if effect := effect_of(entry):
            name = words(effect)[0]
            if name in said and name not in hops:
                hop_ms = (_at(entry) - said[name]).total_seconds() * 1000
                hops[name] = max(0.0, hop_ms - hold_ms)
    return sorted(hops.values())


def _chat_message(entry: Entry, role: str) -> str | None:
    params = entry.params
    if entry.name == "chat_item" and params["type"] == "MESSAGE" and params["role"] == role:
        return str(params["content"])
    return None


def _at(entry: Entry) -> datetime:
    own = entry.params.get("at") if entry.name == "chat_item" else None
    return datetime.fromisoformat(own or entry.at)
