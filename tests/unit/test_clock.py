"""The workers' clock on local endpoints: another time of day and another pace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.clock import STRAIGHT, BentClock, TimeBend

ORIGIN = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
DAY_IN_AN_HOUR = TimeBend(ORIGIN, offset_s=-7 * 86_400, rate=24)


def test_it_is_so_much_later_and_goes_so_much_faster() -> None:
    assert DAY_IN_AN_HOUR.bent(ORIGIN) == ORIGIN - timedelta(days=7)
    assert DAY_IN_AN_HOUR.bent(ORIGIN + timedelta(hours=2)) == ORIGIN - timedelta(days=5)
    assert DAY_IN_AN_HOUR.waited_s(86_400) == 3_600


@pytest.mark.parametrize(
    "bend", [STRAIGHT, DAY_IN_AN_HOUR, TimeBend(ORIGIN, offset_s=50_400)], ids=str
)
def test_there_and_back_is_where_it_was(bend: TimeBend) -> None:
    moment = datetime(2026, 11, 26, 7, 31, 12, 345_678, tzinfo=UTC)
    there, back = bend.straight(bend.bent(moment)), bend.bent(bend.straight(moment))
    # Datetimes have microseconds, of which some pass here in one of the machine's.
    assert abs(there - moment) <= timedelta(microseconds=1)
    assert abs(back - moment) <= timedelta(microseconds=bend.rate)
    assert STRAIGHT.bent(moment) == moment


def test_two_processes_that_are_told_the_same_see_the_same_time() -> None:
    """And what is measured by monotonic time is measured by the machine's."""
    begin = datetime.now(UTC) - timedelta(hours=1)
    first, second = (BentClock(TimeBend(begin, 50_400, 60)) for _ in range(2))
    then, ms, since = first.now(), second.now_ms(), first.monotonic()
    expected = begin + timedelta(seconds=50_400, hours=60)
    assert abs(then - expected) < timedelta(minutes=5)
    assert abs(ms - then.timestamp() * 1000) < 60_000
    assert first.monotonic() - since < 60
