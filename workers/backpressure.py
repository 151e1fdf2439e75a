"""Which queues wait for which quota: rate limits as the runtime's gates (ADR 0012).

A queue has a gate only where waiting on the queue harms nobody. Inbound texts have none: a STOP
must be heard however busy Connect is, and the journal holds the rest. Neither have receipts: they
settle sends in doubt. What those two cannot do yet comes back more and more seldom instead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from workers.limits import Bucket, Limits
from workers.runtime.gate import Gate

WITHIN_S: Final = 1.5
"""How long a delivery in hand may have to wait for its token: well below what a call waits at
most (`Caller`, 3 s), so that others who draw on the same bucket push nobody over it."""


class BucketGate:
    """As much may be in hand as the buckets, taken together, can serve soon."""

    def __init__(self, reason: str, buckets: Sequence[Bucket], within_s: float = WITHIN_S) -> None:
        self.reason = reason
        self._buckets = tuple(buckets)
        self._within_s = within_s

    def capacity(self) -> int:
        """Whole tokens to be had in time. An idle bucket comes back to its burst, at least one."""
        served = sum(max(0.0, bucket.within(self._within_s)) for bucket in self._buckets)
        return int(served + 1e-9)


def gates_of(
    limits: Limits, origination_identities: Iterable[str], *, writes_profiles: bool = False
) -> Mapping[str, Gate]:
    """The gates by queue.

    Texts have a bucket for each identity. One that is dry must not stop the queue for the
    others, so they are taken together.
    """
    profiles = BucketGate("profiles.put_object", [limits.bucket("profiles.put_object")])
    texts = [limits.texts_from(identity) for identity in sorted(set(origination_identities))]
    return {
        "chat-stream": BucketGate("sms", texts),
        "contact-events": BucketGate(
            "connect.describe_contact", [limits.bucket("connect.describe_contact")]
        ),
        **({"engagement-events": profiles} if writes_profiles else {}),
    }
