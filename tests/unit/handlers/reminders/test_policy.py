"""Who may be called when, one row for each rule. 2026-03-04 is a Wednesday, New York at UTC-5."""

from __future__ import annotations

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.config import ReminderRules
from workers.config.reminders import Holiday, Hours
from workers.handlers.reminders.policy import (
    Callee,
    Judgement,
    Later,
    Never,
    Now,
    Useful,
    judge,
)
from workers.handlers.reminders.zones import has_zones, local_time, spoken, zones_for

NEW_YORK, CHICAGO = ZoneInfo("America/New_York"), ZoneInfo("America/Chicago")
HONOLULU, GUAM = ZoneInfo("Pacific/Honolulu"), ZoneInfo("Pacific/Guam")
LONDON = ZoneInfo("Europe/London")
RULES = ReminderRules()
ALWAYS = ReminderRules(hours=Hours(**dict.fromkeys(Hours.model_fields, "00:00-24:00")), holidays=())


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


NOON = utc("2026-03-04T17:00")  # 12:00 in New York
SOON = Useful(utc("2026-03-01T00:00"), utc("2026-03-20T00:00"))
ANN = Callee((NEW_YORK,), "US")


def contacted(*hours_ago: float) -> Callee:
    return replace(ANN, contacted=tuple(NOON - timedelta(hours=hours) for hours in hours_ago))


@pytest.mark.parametrize(
    ("callee", "useful", "now", "expected"),
    [
        pytest.param(ANN, SOON, NOON, Now(), id="at_noon_on_a_wednesday"),
        pytest.param(
            replace(ANN, closed="opted_out"), SOON, NOON, Never("opted_out"), id="suppressed"
        ),
        pytest.param(
            replace(ANN, closed="opted_out", zones=()), SOON, NOON, Never("opted_out"),
            id="suppression_is_the_gravest",
        ),
        pytest.param(
            ANN, replace(SOON, until=NOON), NOON, Never("too_late"), id="useful_until_is_the_end"
        ),
        pytest.param(replace(ANN, zones=()), SOON, NOON, Never("zone_unknown"), id="no_zone"),
        pytest.param(
            ANN, replace(SOON, not_before=NOON + timedelta(hours=1)), NOON,
            Later(NOON + timedelta(hours=1), "not_yet"), id="wanted_later",
        ),
        pytest.param(
            ANN, SOON, utc("2026-03-04T13:59"), Later(utc("2026-03-04T14:00"), "quiet_hours"),
            id="a_minute_before_nine",
        ),
        pytest.param(ANN, SOON, utc("2026-03-04T14:00"), Now(), id="at_nine"),
        pytest.param(
            ANN, SOON, utc("2026-03-05T01:00"), Later(utc("2026-03-05T14:00"), "quiet_hours"),
            id="at_eight_in_the_evening",
        ),
        pytest.param(
            # Friday 20:00 -> Saturday has hours of its own, 10-17.
            ANN, SOON, utc("2026-03-07T01:00"), Later(utc("2026-03-07T15:00"), "quiet_hours"),
            id="saturday_begins_at_ten",
        ),
        pytest.param(
            # Saturday 17:00; Sunday the clocks change, and Monday 9:00 is 13:00 UTC.
            ANN, SOON, utc("2026-03-07T22:00"), Later(utc("2026-03-09T13:00"), "quiet_hours"),
            id="no_sunday_and_the_clocks_change",
        ),
        pytest.param(
            # 9:00 in Chicago is 10:00 in New York.
            replace(ANN, zones=(NEW_YORK, CHICAGO)), SOON, utc("2026-03-04T14:30"),
            Later(utc("2026-03-04T15:00"), "quiet_hours"), id="both_zones_must_be_open",
        ),
        pytest.param(
            # 20:00 in New York although 19:00 in Chicago.
            replace(ANN, zones=(NEW_YORK, CHICAGO)), SOON, utc("2026-03-05T01:00"),
            Later(utc("2026-03-05T15:00"), "quiet_hours"), id="the_stricter_zone_closes",
        ),
        pytest.param(
            replace(ANN, zones=(HONOLULU, GUAM, LONDON)), SOON, NOON, Never("no_time_left"),
            id="zones_without_a_common_hour",
        ),
        pytest.param(
            ANN, replace(SOON, until=utc("2026-03-05T14:00")), utc("2026-03-05T01:00"),
            Never("no_time_left"), id="the_next_opening_is_too_late",
        ),
        pytest.param(contacted(1, 2), SOON, NOON, Now(), id="a_third_contact_of_a_day"),
        pytest.param(
            # The first of three was 5 h ago: free in 19 h, at 7:00, so at 9:00 the next day.
            contacted(1, 2, 5), SOON, NOON, Later(utc("2026-03-05T14:00"), "quiet_hours"),
            id="no_fourth_contact_of_a_day",
        ),
        pytest.param(
            contacted(1, 2, 22), SOON, NOON, Later(NOON + timedelta(hours=2), "contact_cap"),
            id="the_cap_ends_when_the_oldest_is_a_day_old",
        ),
        pytest.param(
            # Six in a week, the first of them 5 days and 1 h ago: free in 2 days less 1 h.
            contacted(25, 26, 49, 50, 73, 121), SOON, NOON,
            Later(utc("2026-03-06T16:00"), "contact_cap"), id="no_seventh_contact_of_a_week",
        ),
    ],
)  # fmt: skip
def test_one_row_for_each_rule(
    callee: Callee, useful: Useful, now: datetime, expected: Judgement
) -> None:
    assert judge(callee, useful, RULES, now) == expected


@pytest.mark.parametrize(
    ("holiday", "country", "day", "is_closed"),
    [
        (Holiday(day="2026-03-04"), "US", "2026-03-04", True),
        (Holiday(day="2026-03-04"), "US", "2027-03-04", False),
        (Holiday(day="03-04"), "US", "2027-03-04", True),
        (Holiday(day="11-thu-4"), "US", "2026-11-26", True),
        (Holiday(day="11-thu-4"), "US", "2026-11-19", False),
        (Holiday(day="03-04", countries=("US",)), "US", "2026-03-04", True),
        (Holiday(day="03-04", countries=("US",)), "CA", "2026-03-04", False),
        (Holiday(day="03-04", hours="11:00-13:00"), "US", "2026-03-04", False),
    ],
)
def test_a_holiday_closes_its_day(
    holiday: Holiday, country: str, day: str, is_closed: bool
) -> None:
    noon = utc(f"{day}T17:00")
    useful = Useful(noon, noon + timedelta(days=9))
    rules = ReminderRules(holidays=(holiday,))
    found = judge(replace(ANN, country=country), useful, rules, noon)
    assert isinstance(found, Later) is is_closed


def test_a_holidays_hours_only_ever_narrow_the_day() -> None:
    rules = ReminderRules(holidays=(Holiday(day="03-04", hours="00:00-13:00"),))
    early = utc("2026-03-04T13:00")  # 8:00
    assert judge(ANN, SOON, rules, early) == Later(utc("2026-03-04T14:00"), "quiet_hours")
    late = utc("2026-03-04T18:00")  # 13:00
    assert judge(ANN, SOON, rules, late) == Later(utc("2026-03-05T14:00"), "quiet_hours")


def test_a_country_has_hours_of_its_own() -> None:
    rules = ReminderRules(hours_by_country={"US": Hours(wed="13:00-14:00")})
    assert judge(ANN, SOON, rules, NOON) == Later(NOON + timedelta(hours=1), "quiet_hours")
    assert judge(replace(ANN, country="CA"), SOON, rules, NOON) == Now()


@given(
    st.integers(0, 700 * 24 * 60).map(lambda m: utc("2026-01-01T00:00") + timedelta(minutes=m)),
    st.lists(st.sampled_from([NEW_YORK, CHICAGO, HONOLULU]), min_size=1, max_size=3),
    st.lists(st.integers(0, 200), max_size=9),
)
def test_what_is_judged_later_may_be_done_then_and_never_at_night(
    now: datetime, zones: list[ZoneInfo], hours_ago: list[int]
) -> None:
    callee = Callee(tuple(zones), "US", None, tuple(now - timedelta(hours=h) for h in hours_ago))
    useful = Useful(now, now + timedelta(days=60))
    found = judge(callee, useful, RULES, now)
    at = found.at if isinstance(found, Later) else now
    assert judge(callee, useful, RULES, at) == Now()
    for zone in zones:
        local = at.astimezone(zone)
        assert 9 <= local.hour < 20
        assert local.weekday() != 6


@pytest.mark.parametrize(
    ("number", "said", "names"),
    [
        ("+12065550100", None, ["America/Los_Angeles"]),
        ("+442079460958", None, ["Europe/London"]),
        ("+12085550100", None, ["America/Boise", "America/Los_Angeles"]),
        ("+12065550100", "America/New_York", ["America/New_York"]),
        ("+12065550100", "Mars/Olympus", ["America/Los_Angeles"]),
        ("+12065550100", "../../etc/passwd", ["America/Los_Angeles"]),
        ("+88213000000", None, []),
    ],
)
def test_where_somebody_may_be(number: str, said: str | None, names: list[str]) -> None:
    found = [zone.key for zone in zones_for(number, said)]
    assert found == names or set(names) <= set(found)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en-US", "Thursday, November 26 at 12:05 AM"),
        ("es-MX", "jueves 26 de noviembre a las 0:05"),
        ("fr-CA", "jeudi 26 novembre à 0 h 05"),
        ("de-DE", "Donnerstag, 26. November, um 0:05 Uhr"),
        ("tlh", "Thursday, November 26 at 12:05 AM"),
    ],
)
def test_a_time_is_said_in_the_callees_language(language: str, said: str) -> None:
    assert spoken(datetime(2026, 11, 26, 0, 5, tzinfo=UTC), language) == said


def test_a_time_is_said_in_the_callees_zone_and_as_written_where_that_is_unsure() -> None:
    at = datetime.fromisoformat("2026-03-04T12:00:00-05:00")
    assert local_time(at, (CHICAGO,)).hour == 11
    assert local_time(at, (CHICAGO, NEW_YORK)).hour == 12
    assert local_time(at, ()).hour == 12


def test_a_machine_without_a_time_zone_database_is_told_from_one_with_it() -> None:
    assert has_zones()
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    try:
        assert has_zones() is (find_spec("tzdata") is not None)
    finally:
        zoneinfo.reset_tzpath()
        ZoneInfo.clear_cache()
