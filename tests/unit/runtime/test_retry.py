from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from workers.runtime.retry import backoff_s, visibility_s


@given(
    failures=st.integers(0, 10_000),
    base_s=st.floats(0.1, 100),
    cap_s=st.floats(100, 40_000),
    seed=st.integers(),
)
def test_backoff_stays_between_zero_and_its_doubling_bound(
    failures: int, base_s: float, cap_s: float, seed: int
) -> None:
    value = backoff_s(failures, base_s=base_s, cap_s=cap_s, rng=Random(seed))  # noqa: S311
    assert 0 <= value <= cap_s
    assert value <= base_s * 2 ** min(max(failures - 1, 0), 50)


def test_jitter_is_full() -> None:
    rng = Random(1)  # noqa: S311
    drawn = [backoff_s(4, base_s=1, cap_s=100, rng=rng) for _ in range(500)]
    assert min(drawn) < 0.5
    assert max(drawn) > 7.5


def test_visibility_is_whole_seconds_and_never_early() -> None:
    assert visibility_s(0.2, held_s=0) == 1
    assert visibility_s(0, held_s=0) == 0


@given(wanted_s=st.floats(0, 1e7), held_s=st.floats(0, 43_200))
def test_visibility_is_never_refused(wanted_s: float, held_s: float) -> None:
    seconds = visibility_s(wanted_s, held_s=held_s)
    assert 0 <= seconds <= 43_200
    assert seconds == 0 or seconds + held_s < 43_200
