"""Which queues wait for which quota: rate limits as the runtime's gates (ADR 0012).

A queue has a gate only where waiting on the queue harms nobody. Inbound texts have none: a STOP
must be heard however busy Connect is, and the journal holds the rest. Neither have receipts: they
settle sends in doubt. What those two cannot do yet comes back more and more seldom instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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


class PromisesGate:
    """As much as can be found soon; no more than can be written once that is far ahead.

    Until then it is good to take in more than can be written: a write carries all that is known.
    """

    def __init__(
        self, finding: BucketGate, writing: BucketGate, is_far: Callable[[], bool]
    ) -> None:
        self._finding = finding
        self._writing = writing
        self._is_far = is_far

    @property
    def reason(self) -> str:
        """The quota that is the narrower one now."""
        return self._narrower().reason

    def capacity(self) -> int:
        """What its quota can serve soon."""
        return self._narrower().capacity()

    def _narrower(self) -> BucketGate:
        if not self._is_far():
            return self._finding
        return min(self._finding, self._writing, key=BucketGate.capacity)


def gates_of(
    limits: Limits,
    origination_identities: Iterable[str],
    *,
    are_writes_far: Callable[[], bool] | None = None,
) -> Mapping[str, Gate]:
    """The gates by queue.

    Texts have a bucket for each identity. One that is dry must not stop the queue for the
    others, so they are taken together. `are_writes_far` tells whether writes of profiles are
    promised far ahead; None where none are written.
    """
    texts = [limits.texts_from(identity) for identity in sorted(set(origination_identities))]
    return {
        "chat-stream": BucketGate("sms", texts),
        "contact-events": BucketGate(
            "connect.describe_contact", [limits.bucket("connect.describe_contact")]
        ),
        **_gate_of_profiles(limits, are_writes_far),
    }


def _gate_of_profiles(limits: Limits, is_far: Callable[[], bool] | None) -> Mapping[str, Gate]:
    if is_far is None:
        return {}
    finding, writing = (
        BucketGate(name, [limits.bucket(name)])
        for name in ("profiles.search", "profiles.put_object")
    )
    return {"engagement-events": PromisesGate(finding, writing, is_far)}
