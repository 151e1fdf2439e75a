"""Our own rate limits before a call."""

from __future__ import annotations

import pytest

from workers.clients.call import FORESEEN_S, Api, Caller
from workers.errors import Throttled
from workers.limits import Limits
from workers.testing import FakeClock

TEXT = Api("pinpoint-sms-voice-v2", "SendTextMessage")
LONG_PARTS, SHORT_PARTS = 11, 2


class Counts:
    """What was counted."""

    def __init__(self) -> None:
        self.results: list[str] = []

    def called(self, _api: str, result: str) -> None:
        self.results.append(result)


async def test_who_begins_among_the_dead_is_held_back_for_seconds_and_not_for_minutes() -> None:
    """Found by the crash matrix: a long text's second part came four minutes after the first.

    The heartbeats of 25 killed workers had still to be seen standing still.
    """
    clock, counts = FakeClock(), Counts()
    limits = Limits(clock)
    caller = Caller(counts, limits)
    limits.share(0.1 / 26)
    bucket = limits.texts_from("+12065550191")
    await caller.admit(TEXT, bucket, LONG_PARTS)
    with pytest.raises(Throttled) as held_back:
        await caller.admit(TEXT, bucket, SHORT_PARTS)
    assert bucket.wait_s(SHORT_PARTS) > 200
    assert held_back.value.after_s == FORESEEN_S
    assert counts.results == ["held_back"]
    limits.share(1)  # They are known to be dead now.
    clock.advance(FORESEEN_S)
    await caller.admit(TEXT, bucket, SHORT_PARTS)


async def test_a_wait_that_can_be_foreseen_is_told_as_it_is() -> None:
    limits = Limits(FakeClock())
    caller = Caller(Counts(), limits)
    bucket = limits.texts_from("+18005550191")
    await caller.admit(TEXT, bucket, LONG_PARTS)
    with pytest.raises(Throttled) as held_back:
        await caller.admit(TEXT, bucket, SHORT_PARTS)
    assert held_back.value.after_s == pytest.approx(bucket.wait_s(SHORT_PARTS))
    assert FORESEEN_S > bucket.wait_s(SHORT_PARTS) > 3
