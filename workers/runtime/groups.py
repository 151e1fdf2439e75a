"""Fair shares between the message groups of a standard queue ("fair queues"). Not ordered.

SQS itself prefers the groups that have little in flight. Here the same holds for what is in hand:
one noisy group may not take all slots once others are there.
"""

from __future__ import annotations

from collections import Counter

from workers.clock import Clock

REMEMBERED_S = 30.0
"""A group that has nothing in hand keeps its share for so long after it was last seen."""


class GroupShares:
    """How many deliveries of each group are in hand, and how many may be."""

    def __init__(self, clock: Clock, *, slots: int) -> None:
        self._clock = clock
        self._slots = slots
        self._in_hand: Counter[str] = Counter()
        self._seen_at: dict[str, float] = {}

    def admit(self, group: str) -> bool:
        """Count one in, if its group's share has room. Every group has a share of one at least."""
        self._seen_at[group] = self._clock.monotonic()
        if self._in_hand[group] >= max(1, self._slots // len(self._seen_at)):
            return False
        self._in_hand[group] += 1
        return True

    def left(self, group: str) -> None:
        """One that was admitted is in hand no more."""
        self._in_hand[group] -= 1

    def forget_idle(self) -> None:
        """Let go of groups that have not been seen lately. Call now and then."""
        before = self._clock.monotonic() - REMEMBERED_S
        for group, seen_at in list(self._seen_at.items()):
            if seen_at < before and not self._in_hand[group]:
                del self._seen_at[group], self._in_hand[group]
