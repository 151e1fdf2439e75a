"""Whether a person may be called now, later or never. Pure; judged again whenever it is to happen.

The order is that of gravity: who wants none, what is too late, what is too early, how often, at
which hour. Where a number may be in several zones it must be a time of calls in all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from workers.config.reminders import Hours, ReminderRules, minutes_of

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
_DAYS_AHEAD: Final = 370
_STEPS: Final = 800


@dataclass(frozen=True, slots=True)
class Callee:
    """What is known of a person at the moment.

    Attributes:
        zones: every zone that they may be in; empty where nobody knows.
        country: of the number, such as `US`.
        closed: why they may not be called at all, else None.
        contacted: when they were called or texted before, by any reminder.
    """

    zones: tuple[ZoneInfo, ...]
    country: str | None = None
    closed: str | None = None
    contacted: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Useful:
    """From when a call is wanted, and until before when it is of use."""

    not_before: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Now:
    """The call may be made."""


@dataclass(frozen=True, slots=True)
class Later:
    """Not before `at`, and then it must be asked again."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Never:
    """There is no time at which it may be made."""

    reason: str


Judgement = Now | Later | Never


def judge(callee: Callee, useful: Useful, rules: ReminderRules, now: datetime) -> Judgement:
    """Whether this person may be called now. A text is judged alike: it counts and wakes alike."""
    if callee.closed is not None:
        return Never(callee.closed)
    if now >= useful.until:
        return Never("too_late")
    if not callee.zones:
        return Never("zone_unknown")
    wanted = max(now, useful.not_before)
    free = _below_caps(callee.contacted, rules, wanted)
    at = _open_from(callee, rules, free, useful.until)
    if at is None:
        return Never("no_time_left")
    if at <= now:
        return Now()
    return Later(at, _why(at, free, wanted))


def _why(at: datetime, free: datetime, wanted: datetime) -> str:
    if at > free:
        return "quiet_hours"
    return "contact_cap" if free > wanted else "not_yet"


# --- how often -----------------------------------------------------------------------------------


def _below_caps(contacted: Sequence[datetime], rules: ReminderRules, at: datetime) -> datetime:
    """The first moment from `at` on at which one contact more breaks no cap."""
    times = sorted(contacted)
    for cap, span in ((rules.per_day, DAY), (rules.per_week, WEEK)):
        recent = [time for time in times if time > at - span]
        if len(recent) >= cap:
            at = max(at, recent[-cap] + span)
    return at


# --- at which hour -------------------------------------------------------------------------------


def _open_from(
    callee: Callee, rules: ReminderRules, at: datetime, until: datetime
) -> datetime | None:
    """The first moment from `at` on, before `until`, that is open in every zone."""
    for _ in range(_STEPS):
        if at >= until:
            return None
        openings = [_opening(zone, callee.country, rules, at) for zone in callee.zones]
        latest = max((opening for opening in openings if opening is not None), default=None)
        if latest is None or None in openings:
            return None
        if latest == at:
            return at
        at = latest
    return None


def _opening(
    zone: ZoneInfo, country: str | None, rules: ReminderRules, at: datetime
) -> datetime | None:
    """The first moment from `at` on that is open in one zone."""
    today = at.astimezone(zone).date()
    for ahead in range(_DAYS_AHEAD):
        window = _window_of(today + timedelta(days=ahead), country, rules)
        if window is None:
            continue
        begins, ends = (_moment(today + timedelta(days=ahead), m, zone) for m in window)
        if at < ends:
            return max(at, begins)
    return None


def _moment(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """A local minute of a day as a moment. The clock on the wall counts, whatever it skipped."""
    whole = datetime(day.year, day.month, day.day, tzinfo=zone)
    return (whole + timedelta(minutes=minute)).astimezone(UTC)


def _window_of(day: date, country: str | None, rules: ReminderRules) -> tuple[int, int] | None:
    """The day's window: the weekday's, and of its holidays' the part that all of them leave."""
    windows = [minutes_of(text) for text in _windows(day, country, rules)]
    known = [window for window in windows if window is not None]
    if len(known) != len(windows):
        return None
    first, last = max(w[0] for w in known), min(w[1] for w in known)
    return (first, last) if first < last else None


def _windows(day: date, country: str | None, rules: ReminderRules) -> Iterator[str]:
    hours: Hours = rules.hours_by_country.get(country or "", rules.hours)
    yield hours.on(day.weekday())
    for holiday in rules.holidays:
        if holiday.is_on(day) and (not holiday.countries or country in holiday.countries):
            yield holiday.hours
