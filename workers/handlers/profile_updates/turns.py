"""When promised writes are due: no more in a second than the quota carries.

A window by itself says nothing of how many people a flood concerns. If more writes were promised
than the quota carries they would wait for it, each with what was known when its window ended. So a
promise is for a turn: up to the quota turns are the windows' ends, above it windows get longer,
and each write carries more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from workers.clock import Clock

_PUTS_AT_FIRST: Final = 2.0
_PUTS_LEARNED: Final = 0.05
"""What one write more changes of how many objects a write is reckoned to put."""


class Turns:
    """This worker's turns to write. A turn is lost where its promise was not kept: no harm."""

    def __init__(self, puts_per_s: Callable[[], float], clock: Clock) -> None:
        self._puts_per_s = puts_per_s
        self._clock = clock
        self._puts = _PUTS_AT_FIRST
        self._last_ms = 0.0

    def take(self, from_ms: int) -> int:
        """The first turn from this time on, in ms since the epoch. It is nobody else's then."""
        apart_ms = 1000 * self._puts / self._puts_per_s()
        self._last_ms = max(float(from_ms), self._last_ms + apart_ms)
        return int(self._last_ms)

    def written(self, puts: int) -> None:
        """A write took so many objects."""
        self._puts += _PUTS_LEARNED * (max(1, puts) - self._puts)

    def ahead_s(self) -> float:
        """How far off the last turn is that somebody has."""
        return self._last_ms / 1000 - self._clock.now_ms() / 1000
