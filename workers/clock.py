"""Time, as everything in the workers sees it.

One seam: production takes `SystemClock`, tests and the deterministic simulation give their own.
Wall time orders events and names expiry; monotonic time measures waits. They are never mixed.
The wall clock alone may be bent, on local endpoints: then a wait until a time of day is as many
seconds of the machine as `TimeBend.waited_s` says.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol


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


@dataclass(frozen=True, slots=True)
class TimeBend:
    """Another time of day, and another pace: the same in every process that is told the same.

    At `origin` (aware) of the machine's time it is `offset_s` later here, and from then on `rate`
    seconds (above 0) pass in one of the machine's.
    """

    origin: datetime
    offset_s: float = 0.0
    rate: float = 1.0

    def bent(self, machine: datetime) -> datetime:
        """What time it is here when it is `machine` (aware) there."""
        if self.rate == 1.0:
            return machine + timedelta(seconds=self.offset_s)
        passed_s = (machine - self.origin).total_seconds() * self.rate
        return self.origin + timedelta(seconds=self.offset_s + passed_s)

    def straight(self, bent: datetime) -> datetime:
        """What time it is by the machine when it is `bent` (aware) here."""
        if self.rate == 1.0:
            return bent - timedelta(seconds=self.offset_s)
        passed_s = (bent - self.origin).total_seconds() - self.offset_s
        return self.origin + timedelta(seconds=passed_s / self.rate)

    def waited_s(self, seconds: float) -> float:
        """How many of the machine's seconds it takes for so many to pass here."""
        return seconds / self.rate


STRAIGHT: Final = TimeBend(datetime(1970, 1, 1, tzinfo=UTC))
"""The machine's own time."""


class BentClock(SystemClock):
    """The machine's clocks with a bent wall clock. Waits and monotonic time stay the machine's."""

    def __init__(self, bend: TimeBend) -> None:
        self._bend = bend

    def now(self) -> datetime:
        """The bent wall clock, aware, UTC."""
        return self._bend.bent(super().now())

    def now_ms(self) -> int:
        """The bent wall clock in whole milliseconds since the epoch."""
        return int(self.now().timestamp() * 1000)
