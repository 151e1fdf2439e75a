"""Token buckets of the documented sizes; asked only while the knob `rates` is on."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.clock import Clock


@dataclass(frozen=True, slots=True)
class Rate:
    """A documented quota. Operations that name the same bucket share it."""

    bucket: str
    per_s: float
    burst: float


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class RateLimiter:
    """All buckets, each full at first and filled by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def take(self, rate: Rate, tokens: float = 1.0) -> bool:
        """Take that many tokens, or none and False when there are too few."""
        if not self.has(rate, tokens):
            return False
        self._buckets[rate.bucket].tokens -= tokens
        return True

    def has(self, rate: Rate, tokens: float = 1.0) -> bool:
        """Whether that many could be taken now."""
        now = self._clock.monotonic()
        bucket = self._buckets.setdefault(rate.bucket, _Bucket(rate.burst, now))
        gained = (now - bucket.filled_at) * rate.per_s
        bucket.tokens = min(rate.burst, bucket.tokens + gained)
        bucket.filled_at = now
        # Tokens gained in thirds never add up to exactly one.
        return bucket.tokens >= tokens - 1e-9
