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

FAR_S: Final = 300.0
"""No turn is later than that behind its window: each keeps a message in flight, and people wait."""
_PUTS_AT_FIRST: Final = 2.0
_PUTS_LEARNED: Final = 0.05
"""What one write more changes of how many objects a write is reckoned to put."""


class Turns:
    """This worker's turns to write. A turn is lost where its promise was not kept: no harm.

    What is promised is counted in objects and flows off at the rate of the moment, so a rate that
    was low for a while (a worker that has just begun has next to none) leaves nothing behind.
    """

    def __init__(self, puts_per_s: Callable[[], float], clock: Clock) -> None:
        self._puts_per_s = puts_per_s
        self._clock = clock
        self._puts = _PUTS_AT_FIRST
        self._promised = 0.0
        self._looked_at_s = clock.monotonic()

    def take(self, from_ms: int) -> int:
        """The first turn from this time on, in ms since the epoch. It is nobody else's then."""
        behind_s = min(self._behind_s(), FAR_S)
        self._promised += self._puts
        return from_ms + int(behind_s * 1000)

    def written(self, puts: int) -> None:
        """A write took so many objects."""
        self._puts += _PUTS_LEARNED * (max(1, puts) - self._puts)

    def are_far(self) -> bool:
        """Whether as much is promised as should be."""
        return self._behind_s() >= FAR_S

    def _behind_s(self) -> float:
        now_s, rate = self._clock.monotonic(), self._puts_per_s()
        self._promised = max(0.0, self._promised - (now_s - self._looked_at_s) * rate)
        self._looked_at_s = now_s
        return self._promised / rate
