"""The simulator's time: the machine's, plus what a test has added to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time, waiting."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait that long by this clock."""
        ...


def _machine_now() -> datetime:
    return datetime.now(UTC)


class AdjustableClock:
    """Real time that can be moved forward: a day's token expires in a test's second.

    Sleepers wake as soon as their moment has come, however it came. `now` and `monotonic` are
    where time comes from: the machine, unless the simulator runs on an event loop whose time is
    not the machine's.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = _machine_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._added_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """The wall clock and what was added, aware, UTC."""
        return self._now() + timedelta(seconds=self._added_s)

    def monotonic(self) -> float:
        """Seconds that never go back, with what was added."""
        return self._monotonic() + self._added_s

    def advance(self, seconds: float) -> None:
        """Move forward; never back.

        Raises:
            ValueError: `seconds` is negative.
        """
        if seconds < 0:
            raise ValueError("time goes forward only")
        self._added_s += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep(self, seconds: float) -> None:
        """Wait until that much has passed by this clock. Zero or less yields once."""
        until = self.monotonic() + seconds
        await asyncio.sleep(0)
        while (left_s := until - self.monotonic()) > 0:
            await _set_within(self._moved, left_s)


async def _set_within(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
