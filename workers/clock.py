"""Time, as everything in the workers sees it.

One seam: production takes `SystemClock`, tests and the deterministic simulation give their own.
Wall time orders events and names expiry; monotonic time measures waits. They are never mixed.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Wall time, monotonic time and sleeping."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        ...

    def now_ms(self) -> int:
        """The wall clock in whole milliseconds since the epoch."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back; only differences mean something."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait. Zero or less yields once."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return datetime.now(UTC)

    def now_ms(self) -> int:
        """The wall clock in whole milliseconds since the epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds that never go back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait. Zero or less yields once."""
        await asyncio.sleep(max(0.0, seconds))
