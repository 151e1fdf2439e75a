from __future__ import annotations

from simulator.clock import AdjustableClock
from simulator.rates import Rate, RateLimiter


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = AdjustableClock()
    limiter = RateLimiter(clock)
    # So slow that real time adds nothing to speak of.
    rate = Rate("b", 0.001, 3)
    assert [limiter.take(rate) for _ in range(4)] == [True, True, True, False]
    clock.advance(1000)
    assert [limiter.take(rate) for _ in range(2)] == [True, False]


def test_operations_that_name_one_bucket_share_it() -> None:
    limiter = RateLimiter(AdjustableClock())
    assert limiter.take(Rate("shared", 0.001, 1))
    assert not limiter.take(Rate("shared", 0.001, 1))
    assert limiter.take(Rate("other", 0.001, 1))


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = AdjustableClock()
    limiter = RateLimiter(clock)
    clock.advance(1_000_000)
    assert not limiter.has(Rate("b", 1, 2), 3)
