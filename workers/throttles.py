"""What part of a documented quota is really ours, learned from refusals.

Accounts are older or younger than the documentation, and others draw on the same quotas: agents'
own chats, another system. So a refusal lowers what we believe at once, and time raises it again.
"""

from __future__ import annotations

from typing import Final

from workers.clock import Clock

FLOOR: Final = 0.05
"""Never less: a bucket that gives nothing would learn nothing any more."""
DOWN: Final = 0.7
UP_PER_S: Final = 0.02
"""From the floor to the whole in 48 s; at half of the quota one refusal each 7.5 s."""
SETTLE_S: Final = 1.0
"""Refusals this soon after one are of calls that were under way: they say nothing new."""


class LearnedPart:
    """A part in (0, 1]: multiplied by 0.7 at a refusal, 0.02 a second back up to the whole.

    Additive up and multiplicative down lets several workers who see only their own refusals come
    to even parts of a quota that none of them knows (Chiu and Jain, 1989).
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._part = 1.0
        self._refused_at_s: float | None = None

    def now(self) -> float:
        """The part that is believed at this moment."""
        if self._refused_at_s is None:
            return 1.0
        return min(1.0, self._part + UP_PER_S * self._silent_s(self._refused_at_s))

    def refused(self) -> bool:
        """A call was refused for rate; whether that was news."""
        if self._refused_at_s is not None and self._silent_s(self._refused_at_s) < SETTLE_S:
            return False
        self._part = max(FLOOR, self.now() * DOWN)
        self._refused_at_s = self._clock.monotonic()
        return True

    def _silent_s(self, since_s: float) -> float:
        return self._clock.monotonic() - since_s
