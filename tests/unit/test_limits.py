from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.backpressure import WITHIN_S, gates_of
from workers.limits import RATES, Bucket, Limits, Priority, Rate, RecipientPace
from workers.testing import FakeClock, LoopClock, VirtualLoop

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run on a loop whose time jumps."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


@pytest.mark.parametrize(
    ("is_far", "quota", "other"),
    [
        pytest.param(False, "profiles.search", "profiles.put_object", id="writes_can_wait"),
        pytest.param(True, "profiles.put_object", "profiles.search", id="writes_are_many"),
    ],
)
def test_engagement_waits_for_room_in_profiles_only_where_they_are_written(
    is_far: bool, quota: str, other: str
) -> None:
    limits = Limits(FakeClock())
    assert "engagement-events" not in gates_of(limits, ["+12065550199"])
    gates = gates_of(limits, ["+12065550199"], are_writes_far=lambda: is_far)
    gate, bucket = gates["engagement-events"], limits.bucket(quota)
    assert limits.bucket(other).try_take()
    full = gate.capacity()
    assert full >= bucket.within(0) - 1
    assert bucket.try_take(bucket.within(0))
    assert gate.capacity() == pytest.approx(bucket.rate_per_s * WITHIN_S)
    assert gate.reason == quota


def test_however_many_writes_are_promised_people_are_found_no_faster_than_the_quota() -> None:
    limits = Limits(FakeClock())
    gates = gates_of(limits, [], are_writes_far=lambda: True)
    searches = limits.bucket("profiles.search")
    assert searches.try_take(searches.within(0))
    assert gates["engagement-events"].reason == "profiles.search"


def test_burst_is_there_at_once_and_then_the_rate_holds() -> None:
    clock = FakeClock()
    bucket = Bucket(2, 3, clock)
    assert [bucket.try_take() for _ in range(4)] == [True, True, True, False]
    clock.advance(0.49)
    assert not bucket.try_take()
    clock.advance(0.01)
    assert bucket.try_take()
    clock.advance(100)
    assert [bucket.try_take() for _ in range(4)] == [True, True, True, False]


async def test_take_waits_for_its_tokens() -> None:
    clock = FakeClock()
    bucket = Bucket(2, 2, clock)
    assert await bucket.take(2)
    assert await bucket.take(1)
    assert clock.monotonic() == pytest.approx(0.5)


async def test_take_gives_up_at_once_when_the_wait_would_be_too_long() -> None:
    clock = FakeClock()
    bucket = Bucket(1, 1, clock)
    assert await bucket.take()
    assert not await bucket.take(max_wait_s=0.9)
    assert clock.slept == []
    assert bucket.wait_s() == pytest.approx(1.0)
    assert await bucket.take(max_wait_s=1.1)


async def test_more_than_the_burst_leaves_a_debt() -> None:
    clock = FakeClock()
    bucket = Bucket(1, 3, clock)
    assert await bucket.take(10)
    assert clock.monotonic() == 0
    assert bucket.wait_s() == pytest.approx(8.0)


def test_urgent_goes_before_normal_and_equals_in_their_order() -> None:
    async def scenario() -> list[str]:
        bucket = Bucket(1, 1, LoopClock())
        done: list[str] = []

        async def take(name: str, priority: Priority) -> None:
            await bucket.take(1, priority)
            done.append(name)

        assert bucket.try_take()
        async with asyncio.TaskGroup() as group:
            for name, priority in (
                ("low", Priority.LOW),
                ("first", Priority.NORMAL),
                ("second", Priority.NORMAL),
                ("urgent", Priority.URGENT),
            ):
                group.create_task(take(name, priority))
        return done

    assert run(scenario()) == ["urgent", "first", "second", "low"]


def test_try_take_does_not_overtake_those_who_wait() -> None:
    async def scenario() -> None:
        clock = LoopClock()
        bucket = Bucket(1, 2, clock)
        assert bucket.try_take()
        waiting = asyncio.ensure_future(bucket.take(2))
        await clock.sleep(0.5)
        assert not bucket.try_take()
        assert await waiting

    run(scenario())


def test_one_who_is_cancelled_leaves_the_queue() -> None:
    async def scenario() -> float:
        clock = LoopClock()
        bucket = Bucket(1, 1, clock)
        assert bucket.try_take()
        given_up = asyncio.ensure_future(bucket.take(50))
        await clock.sleep(0)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert await bucket.take()
        return clock.monotonic()

    assert run(scenario()) == pytest.approx(1.0, abs=1e-3)


@settings(deadline=None, max_examples=50)
@given(
    st.floats(0.5, 50),
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(1, 5), st.floats(0, 2)), min_size=1, max_size=30),
)
def test_no_window_ever_gets_more_than_rate_and_burst(
    rate: float, burst: int, takes: list[tuple[int, float]]
) -> None:
    """Also with many at once; what is above the burst may be taken once as a debt."""

    async def scenario() -> list[tuple[float, int]]:
        clock = LoopClock()
        bucket = Bucket(rate, burst, clock)
        taken: list[tuple[float, int]] = []

        async def take(n: int, at_s: float) -> None:
            await clock.sleep(at_s)
            await bucket.take(n)
            taken.append((clock.monotonic(), n))

        async with asyncio.TaskGroup() as group:
            for n, at_s in takes:
                group.create_task(take(n, at_s))
        return taken

    taken = sorted(run(scenario()))
    assert sum(n for _, n in taken) == sum(n for n, _ in takes)
    for index, (start_s, _) in enumerate(taken):
        total = 0
        for end_s, n in taken[index:]:
            total += n
            allowed = burst + rate * (end_s - start_s) + max(0, n - burst)
            assert total <= allowed + 1e-6


def test_buckets_are_shared_by_name() -> None:
    limits = Limits(FakeClock())
    assert limits.bucket("participant.message") is limits.bucket("participant.message")
    assert limits.bucket("connect.start_chat").rate_per_s == RATES["connect.start_chat"].per_s


def test_share_scales_buckets_made_before_and_after() -> None:
    limits = Limits(FakeClock())
    before = limits.bucket("participant.message")
    limits.share(0.25)
    assert before.rate_per_s == 2.5
    assert limits.bucket("connect.start_chat").rate_per_s == 1.25
    assert before.try_take()
    assert before.try_take()
    assert before.try_take()
    assert not before.try_take()  # 15 x 0.25 = 3.75 at most, also of what was saved up


def test_a_small_share_still_lets_one_through() -> None:
    limits = Limits(FakeClock())
    limits.share(0.01)
    assert limits.bucket("participant.disconnect").try_take()


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_a_share_is_a_part(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Limits(FakeClock()).share(share)


@pytest.mark.parametrize(
    ("identity", "rate"),
    [
        pytest.param("+15550100123", 10, id="long_code"),
        pytest.param("+18885550123", 3, id="us_toll_free"),
        pytest.param("12345", 100, id="short_code"),
        pytest.param("pool-0123abcd", 10, id="pool"),
        pytest.param("MYBRAND", 10, id="sender_id"),
        pytest.param("+15550100999", 75, id="overridden"),
    ],
)
def test_rate_of_an_origination_identity(identity: str, rate: float) -> None:
    limits = Limits(FakeClock(), {"sms:+15550100999": Rate(75, 75, "10DLC campaign")})
    assert limits.texts_from(identity).rate_per_s == rate
    assert limits.texts_from(identity) is limits.texts_from(identity)


def test_every_rate_has_a_source_and_lets_a_call_through() -> None:
    assert all(rate.source and rate.per_s > 0 and rate.burst >= 1 for rate in RATES.values())


def test_texts_to_one_recipient_are_a_second_apart() -> None:
    clock = FakeClock()
    pace = RecipientPace(clock)
    assert pace.reserve("+15550100", max_wait_s=5) == 0
    assert pace.reserve("+15550101", max_wait_s=5) == 0
    assert pace.reserve("+15550100", max_wait_s=5) == pytest.approx(1)
    assert pace.reserve("+15550100", max_wait_s=1.5) is None  # it would be two seconds
    clock.advance(2)
    assert pace.reserve("+15550100", max_wait_s=0) == 0


def test_recipients_are_forgotten() -> None:
    clock = FakeClock()
    pace = RecipientPace(clock)
    for number in range(1_000):
        pace.reserve(f"+1555{number}", max_wait_s=0)
        clock.advance(0.1)
    assert pace.remembered <= 11


def test_the_rates_page_shows_the_table() -> None:
    page = (Path(__file__).parents[2] / "docs" / "limits.md").read_text("utf-8")
    shown = re.findall(r"^\| `(\w+\.\w+)` \| (\d+) \| (\d+) \|", page, re.MULTILINE)
    assert {name: (float(rate), float(burst)) for name, rate, burst in shown} == {
        name: (rate.per_s, rate.burst) for name, rate in RATES.items()
    }


def test_a_refusal_takes_three_tenths_and_time_gives_them_back() -> None:
    clock = FakeClock()
    bucket = Bucket(10, 15, clock)
    bucket.refused()
    assert bucket.rate_per_s == pytest.approx(7)
    assert not bucket.try_take(), "the service's bucket is empty, so is ours"
    clock.advance(10)
    assert bucket.rate_per_s == pytest.approx(9)  # A fiftieth a second.
    clock.advance(10)
    assert bucket.rate_per_s == 10, "never more than the documented quota"


def test_refusals_of_calls_that_were_under_way_count_once() -> None:
    clock = FakeClock()
    bucket = Bucket(10, 15, clock)
    for _ in range(5):
        bucket.refused()
    assert bucket.learned_part == pytest.approx(0.7)
    clock.advance(1)
    bucket.refused()
    assert bucket.learned_part == pytest.approx(0.72 * 0.7)


def test_refused_for_ever_it_still_tries() -> None:
    clock = FakeClock()
    bucket = Bucket(10, 15, clock)
    for _ in range(50):
        clock.advance(1)
        bucket.refused()
    assert bucket.rate_per_s == pytest.approx(0.5)
    clock.advance(2)
    assert bucket.try_take()


def test_what_was_learned_outlives_a_change_of_share() -> None:
    clock = FakeClock()
    limits = Limits(clock)
    bucket = limits.bucket("participant.message")
    bucket.refused()
    limits.share(0.5)
    assert bucket.rate_per_s == pytest.approx(3.5)
    assert limits.learned() == {"participant.message": 0.7}
