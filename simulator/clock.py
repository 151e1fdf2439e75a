"""The simulator's time: the machine's, plus what a test has added to it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class TimeBend:
    """Another time of day, and another pace, the same in every process that is told the same.

    At `origin` of the machine's time it is `offset_s` later here, and from then on `rate` seconds
    pass in one of the machine's.
    """

    origin: datetime
    offset_s: float = 0.0
    rate: float = 1.0

    def now(self) -> datetime:
        """The bent wall clock."""
        passed_s = (_machine_now() - self.origin).total_seconds() * self.rate
        return self.origin + timedelta(seconds=self.offset_s + passed_s)

    def monotonic(self) -> float:
        """Seconds at the bent pace."""
        return time.monotonic() * self.rate


class AdjustableClock:
    """Real time that can be moved forward: a day's token expires in a test's second.

    Sleepers wake as soon as their moment has come, however it came. `now` and `monotonic` are
    where time comes from: the machine, unless the simulator runs on an event loop whose time is
    not the machine's, or at another pace: then `rate` says how many of its seconds pass in one of
    the loop's.
    """

    def __init__(
        self,
        now: Callable[[], datetime] = _machine_now,
        monotonic: Callable[[], float] = time.monotonic,
        rate: float = 1.0,
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._rate = rate
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
            await _set_within(self._moved, left_s / self._rate)


async def _set_within(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
