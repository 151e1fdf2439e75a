"""Backpressure: what is behind the handlers says how much of a queue may be in hand.

Decided before polling, so that no message ages in memory or comes again and again in vain. The
runtime knows neither what is behind a gate nor why it closes.
"""

from __future__ import annotations

from typing import Final, Protocol


class Gate(Protocol):
    """Asked before each poll, and ten times a second while it leaves no room. No I/O."""

    @property
    def reason(self) -> str:
        """A few stable words for health checks: what lacks when there is no room."""
        ...

    def capacity(self) -> int:
        """How many deliveries may be in hand now, so that each gets through soon.

        With nothing in hand it must come back to one or more by itself: else the queue would
        stay unpolled for ever.
        """
        ...


class AlwaysOpen:
    """The gate of a queue whose handlers wait for nobody: its slots are the only bound."""

    reason: Final = ""

    def capacity(self) -> int:
        """More than any number of slots."""
        return 1_000_000


ALWAYS_OPEN: Final = AlwaysOpen()
