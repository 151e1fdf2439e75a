"""When a message comes back: pure arithmetic."""

from __future__ import annotations

import math
from random import Random

from workers.runtime.config import MAX_VISIBILITY_S

_LARGEST_EXPONENT = 32
"""Beyond it any cap is reached, and 2.0 ** 1024 would overflow."""


def backoff_s(failures: int, *, base_s: float, cap_s: float, rng: Random) -> float:
    """Exponential with full jitter: anywhere between 0 and base, 2 base, 4 base ... up to the cap.

    `failures` counts from 1.
    """
    exponent = min(max(failures, 1) - 1, _LARGEST_EXPONENT)
    return rng.uniform(0, min(cap_s, base_s * 2**exponent))


def visibility_s(wanted_s: float, *, held_s: float) -> int:
    """The visibility timeout nearest to `wanted_s`: whole seconds, never early, never refused.

    SQS allows 12 hours in all since the receive, `held_s` of which are gone.
    """
    room_s = MAX_VISIBILITY_S - math.ceil(held_s) - 1
    return max(0, min(math.ceil(wanted_s), room_s))
