"""How long messages have waited for their first receive, as one number of late."""

from __future__ import annotations

from typing import Final

from workers.clock import Clock

SPAN_S: Final = 60.0


class LongestOfLate:
    """The largest of what was added within the last one to two minutes, 0 when nothing was."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._span = self._span_now()
        self._longest = 0.0
        self._before = 0.0

    def add(self, seconds: float) -> None:
        """One observation."""
        self._turn()
        self._longest = max(self._longest, seconds)

    def now(self) -> float:
        """The largest of late."""
        self._turn()
        return max(self._longest, self._before)

    def _turn(self) -> None:
        span = self._span_now()
        if span == self._span:
            return
        self._before = self._longest if span == self._span + 1 else 0.0
        self._span, self._longest = span, 0.0

    def _span_now(self) -> int:
        return int(self._clock.monotonic() // SPAN_S)
