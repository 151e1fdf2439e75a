"""How fast we may call: token buckets, named after the quota that APIs share.

Owns the rates we reckon with (`RATES`; docs/limits.md has their sources) and the pacing of texts to
one recipient. Knows no AWS client. Rates are those of one account; `Limits.share` gives a worker
its part of them.
"""

from __future__ import annotations

import itertools
import re
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from workers.clock import Clock
from workers.throttles import LearnedPart


@dataclass(frozen=True, slots=True)
class Rate:
    """A documented quota: calls (or message parts) a second, and how many at once."""

    per_s: float
    burst: float
    source: str


_CONNECT = "Connect administrator guide, API throttling quotas"
_PARTICIPANT = "Connect Participant Service throttling quotas, per instance"
_EUM = "End User Messaging SMS guide, quotas"
_PROFILES = "Connect administrator guide, Customer Profiles API throttling quotas"

RATES: Mapping[str, Rate] = {
    "connect.start_chat": Rate(5, 8, f"{_CONNECT}: StartChatContact"),
    "connect.start_streaming": Rate(5, 8, f"{_CONNECT}: StartContactStreaming"),
    "connect.stop_contact": Rate(10, 15, f"{_CONNECT}: StopContact"),
    "connect.update_attributes": Rate(10, 15, f"{_CONNECT}: UpdateContactAttributes"),
    "connect.start_call": Rate(2, 5, f"{_CONNECT}: StartOutboundVoiceContact"),
    "connect.describe_contact": Rate(10, 15, f"{_CONNECT}: DescribeContact"),
    "participant.connection": Rate(6, 9, f"{_PARTICIPANT}: CreateParticipantConnection"),
    "participant.message": Rate(10, 15, f"{_PARTICIPANT}: SendMessage and SendEvent together"),
    "participant.disconnect": Rate(3, 5, f"{_PARTICIPANT}: DisconnectParticipant"),
    "participant.attachment": Rate(8, 12, f"{_PARTICIPANT}: GetAttachment"),
    "sms.opt_outs": Rate(10, 10, f"{_EUM}: PutOptedOutNumber, DeleteOptedOutNumber"),
    "sms.opt_out_pages": Rate(1, 1, f"{_EUM}: DescribeOptedOutNumbers"),
    "ses.suppressions": Rate(1, 1, "SES v2 suppression list: UNVERIFIED, no page states a quota"),
    "events.put": Rate(100, 100, "EventBridge quotas, PutEvents: ours, AWS's is 400 to 10,000"),
    "profiles.search": Rate(100, 100, f"{_PROFILES}: SearchProfiles"),
    "profiles.create": Rate(100, 100, f"{_PROFILES}: CreateProfile"),
    "profiles.put_object": Rate(100, 100, f"{_PROFILES}: PutProfileObject"),
    "sms.long_code": Rate(10, 10, f"{_EUM}: message parts per second of a long code"),
    "sms.toll_free": Rate(3, 3, f"{_EUM}: message parts per second of a US toll-free number"),
    "sms.short_code": Rate(100, 100, f"{_EUM}: message parts per second of a short code"),
    "sms.sender_id": Rate(10, 10, f"{_EUM}: message parts per second of a sender ID or pool"),
}

# 800, 833, 844, 855, 866, 877, 888: toll-free in the North American numbering plan.
_TOLL_FREE = re.compile(r"\+?18(?:00|33|44|55|66|77|88)\d{7}")
_SHORT_CODE = re.compile(r"\d{3,8}")
_LONG_CODE = re.compile(r"\+?[1-9]\d{8,14}")


_BURST_S = 1.5  # documented bursts are about that many seconds of their rate


def raised(quotas: Mapping[str, float]) -> dict[str, Rate]:
    """Rates that an operator states instead of the documented ones, in calls a second."""
    return {
        name: Rate(per_s, max(1.0, per_s * _BURST_S), "switchboard.toml")
        for name, per_s in quotas.items()
    }


class Priority(IntEnum):
    """Who goes first when a bucket is empty; equals go in the order they came."""

    URGENT = 0
    NORMAL = 1
    LOW = 2


class Bucket:
    """A token bucket with a queue: `rate_per_s` flows in, at most `burst` is kept.

    Both are upper bounds: after a refusal (`refused`) less flows, until time has brought it back.
    More than `burst` may be taken at once: it waits for a full bucket and leaves a debt, so the
    rate holds over time. Not thread-safe; waiting uses the clock only.
    """

    def __init__(self, rate_per_s: float, burst: float, clock: Clock) -> None:
        self._clock = clock
        self._full_rate_per_s = rate_per_s
        self._full_burst = burst
        self._learned = LearnedPart(clock)
        self._tokens = burst
        self._filled_at_s = clock.monotonic()
        self._waiting: list[tuple[int, int, float]] = []
        self._order = itertools.count()

    @property
    def rate_per_s(self) -> float:
        """What flows in now."""
        return self._full_rate_per_s * self._learned.now()

    @property
    def learned_part(self) -> float:
        """What part of its upper bounds is believed to be ours, by refusals."""
        return self._learned.now()

    def retune(self, rate_per_s: float, burst: float) -> None:
        """Change the upper bounds from now on: a worker's share is another. What was learned stays.

        What is missing in the bucket then is missing still.
        """
        self._fill()
        self._full_rate_per_s, self._full_burst = rate_per_s, burst
        self._tokens = min(self._tokens, self._burst)

    def refused(self) -> None:
        """The service refused a call for rate: its bucket is empty, so is ours; it fills slower."""
        self._fill()
        if self._learned.refused():
            self._tokens = min(self._tokens, 0.0)

    def within(self, seconds: float) -> float:
        """How many tokens may be had within so many seconds by all who wait and who come."""
        self._fill()
        return self._tokens + self.rate_per_s * seconds

    def try_take(self, n: float = 1) -> bool:
        """Take `n` now, or nothing. Does not overtake those who wait."""
        if self._waiting or self.wait_s(n) > 0:
            return False
        self._tokens -= n
        return True

    def wait_s(self, n: float = 1, priority: Priority = Priority.NORMAL) -> float:
        """How long a `take` that came now would wait, if nobody more urgent comes later."""
        return self._wait_behind((priority, next(self._order), n))

    async def take(
        self,
        n: float = 1,
        priority: Priority = Priority.NORMAL,
        *,
        max_wait_s: float = float("inf"),
    ) -> bool:
        """Wait for `n` tokens and take them; False, with nothing taken, after `max_wait_s`.

        Answers False at once when the wait can be foreseen to be longer.
        """
        give_up_at_s = self._clock.monotonic() + max_wait_s
        ticket = (int(priority), next(self._order), n)
        self._waiting.append(ticket)
        try:
            while (wait_s := self._wait_behind(ticket)) > 0:
                if self._clock.monotonic() + wait_s > give_up_at_s:
                    return False
                await self._clock.sleep(wait_s)
            self._tokens -= n
            return True
        finally:
            self._waiting.remove(ticket)

    def _wait_behind(self, ticket: tuple[int, int, float]) -> float:
        """Seconds until `ticket` may go, after all who are before it in the queue."""
        self._fill()
        ahead = sum(waiting[2] for waiting in self._waiting if waiting < ticket)
        lacking = ahead + min(ticket[2], self._burst) - self._tokens
        # A billionth of a token is rounding, not a reason to sleep once more.
        return lacking / self.rate_per_s if lacking > 1e-9 else 0.0

    @property
    def _burst(self) -> float:
        return max(1.0, self._full_burst * self._learned.now())

    def _fill(self) -> None:
        now_s = self._clock.monotonic()
        # The rate may have grown meanwhile. Buckets are asked often, so the newest will do.
        flown = (now_s - self._filled_at_s) * self.rate_per_s
        self._tokens = min(self._burst, self._tokens + flown)
        self._filled_at_s = now_s


class Limits:
    """All buckets of the process, made when first asked for.

    `overrides` replace a rate by its name, or give one to an origination identity
    (`sms:+15550100` for a single number, `sms:pool-...`).
    """

    def __init__(self, clock: Clock, overrides: Mapping[str, Rate] | None = None) -> None:
        self._clock = clock
        self._rates = {**RATES, **(overrides or {})}
        self._buckets: dict[str, Bucket] = {}
        self._share = 1.0

    def share(self, share: float) -> None:
        """Take this part of every quota, 0 < share <= 1: one divided by the live workers."""
        if not 0 < share <= 1:
            raise ValueError("share")
        if share == self._share:
            return
        self._share = share
        for name, bucket in self._buckets.items():
            bucket.retune(*self._portion(name))

    def learned(self) -> dict[str, float]:
        """The buckets that refusals have slowed, and to what part of their share."""
        parts = {name: bucket.learned_part for name, bucket in self._buckets.items()}
        return {name: round(part, 2) for name, part in parts.items() if part < 1}

    def bucket(self, name: str) -> Bucket:
        """The bucket of a quota in the table."""
        if name not in self._buckets:
            self._buckets[name] = Bucket(*self._portion(name), self._clock)
        return self._buckets[name]

    def texts_from(self, origination_identity: str) -> Bucket:
        """The bucket of an origination identity, whose tokens are message parts.

        The rate is guessed from the identity's form unless overridden.
        """
        name = f"sms:{origination_identity}"
        if name not in self._rates:
            self._rates[name] = self._rates[_kind_of(origination_identity)]
        return self.bucket(name)

    def _portion(self, name: str) -> tuple[float, float]:
        rate = self._rates[name]
        return rate.per_s * self._share, max(1.0, rate.burst * self._share)


def rate_of_identity(identity: str) -> Rate:
    """What an origination identity is taken to send by its form, where nobody states more."""
    return RATES[_kind_of(identity)]


def _kind_of(identity: str) -> str:
    if _SHORT_CODE.fullmatch(identity):
        return "sms.short_code"
    if _TOLL_FREE.fullmatch(identity):
        return "sms.toll_free"
    return "sms.long_code" if _LONG_CODE.fullmatch(identity) else "sms.sender_id"


class RecipientPace:
    """At most one text a second to one recipient (End User Messaging quota, cannot be raised).

    Sees this process only; a conversation's pace across workers is kept in its session.
    """

    def __init__(self, clock: Clock, interval_s: float = 1.0) -> None:
        self._clock = clock
        self._interval_s = interval_s
        self._next_at_s: OrderedDict[str, float] = OrderedDict()

    @property
    def remembered(self) -> int:
        """How many recipients are held in memory."""
        return len(self._next_at_s)

    def reserve(self, recipient: str, *, max_wait_s: float) -> float | None:
        """Seconds to wait before the next text to `recipient`, now reserved; None when too long."""
        now_s = self._clock.monotonic()
        while self._next_at_s and next(iter(self._next_at_s.values())) <= now_s:
            self._next_at_s.popitem(last=False)
        wait_s = max(0.0, self._next_at_s.get(recipient, now_s) - now_s)
        if wait_s > max_wait_s:
            return None
        self._next_at_s[recipient] = now_s + wait_s + self._interval_s
        self._next_at_s.move_to_end(recipient)
        return wait_s
