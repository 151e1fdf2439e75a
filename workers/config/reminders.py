"""`[reminders]`: when people may be called, how often, and what follows each result of a call."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, StringConstraints, WithJsonSchema

from workers.brands import Value, Word

CLOSED: Final = "closed"
WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WINDOW: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_YEARLY: Final = re.compile(r"(\d\d)-(\d\d)")
_NTH: Final = re.compile(r"(\d\d)-(mon|tue|wed|thu|fri|sat|sun)-([1-5])")
_LEAP_YEAR: Final = 2024


def minutes_of(window: str) -> tuple[int, int] | None:
    """From which minute of the local day until before which; None for a day without calls."""
    found = _WINDOW.fullmatch(window)
    if found is None:
        return None
    first_h, first_m, last_h, last_m = map(int, found.groups())
    return first_h * 60 + first_m, last_h * 60 + last_m


def _window(window: str) -> str:
    if window == CLOSED:
        return window
    minutes = minutes_of(window)
    if minutes is None or not minutes[0] < minutes[1] <= 24 * 60:
        raise ValueError(
            'write local times as "09:00-20:00", the first before the last, or "closed"'
        )
    return window


def _day(day: str) -> str:
    """A date, one of every year, or the n-th weekday of a month."""
    try:
        if yearly := _YEARLY.fullmatch(day):
            date(_LEAP_YEAR, int(yearly[1]), int(yearly[2]))
        elif nth := _NTH.fullmatch(day):
            date(_LEAP_YEAR, int(nth[1]), 1)
        else:
            date.fromisoformat(day)
    except ValueError:
        raise ValueError(
            'write "2026-12-24", "12-25" for every year, or "11-thu-4" for a fourth Thursday'
        ) from None
    return day


Window = Annotated[
    str,
    AfterValidator(_window),
    WithJsonSchema(
        {"type": "string", "pattern": r"^(closed|[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])$"}
    ),
]
Day = Annotated[
    str,
    AfterValidator(_day),
    WithJsonSchema(
        {"type": "string", "pattern": r"^([0-9]{4}-)?[0-9]{2}-([0-9]{2}|[a-z]{3}-[1-5])$"}
    ),
]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]


class Hours(Value):
    """When a callee's phone may ring, in the callee's own time: `from-until`, or `closed`."""

    mon: Window = Field(default="09:00-20:00", description="Mondays")
    tue: Window = Field(default="09:00-20:00", description="Tuesdays")
    wed: Window = Field(default="09:00-20:00", description="Wednesdays")
    thu: Window = Field(default="09:00-20:00", description="Thursdays")
    fri: Window = Field(default="09:00-20:00", description="Fridays")
    sat: Window = Field(default="10:00-17:00", description="Saturdays")
    sun: Window = Field(default=CLOSED, description="Sundays")

    def on(self, weekday: int) -> str:
        """The window of a weekday, Monday being 0."""
        window: str = getattr(self, WEEKDAYS[weekday])
        return window


class Holiday(Value):
    """A day with hours of its own."""

    day: Day = Field(description="`2026-12-24`, `12-25` of every year, `11-thu-4` = 4th Thursday")
    hours: Window = Field(default=CLOSED, description="Its window; it only ever narrows the day's")
    countries: tuple[Country, ...] = Field(
        default=(), description="Only for numbers of these countries, such as `US`; empty = all"
    )

    def is_on(self, day: date) -> bool:
        """Whether it is this day."""
        if yearly := _YEARLY.fullmatch(self.day):
            return (day.month, day.day) == (int(yearly[1]), int(yearly[2]))
        if nth := _NTH.fullmatch(self.day):
            is_nth = (day.day - 1) // 7 + 1 == int(nth[3])
            return day.month == int(nth[1]) and WEEKDAYS[day.weekday()] == nth[2] and is_nth
        return day == date.fromisoformat(self.day)


class Rung(Value):
    """What follows a call that ended so."""

    calls: int = Field(
        ge=1, le=10, description="So many calls may end so before it is time for `then`"
    )
    again_after_s: int = Field(
        ge=60, le=604_800, description="Until then, the next call comes so long after the end"
    )
    then: Literal["text", "end"] = Field(
        default="text", description="At last: send the brand's text, or leave it at that"
    )


class Ladder(Value):
    """The ladder of attempts. Results that are an answer (confirmed, ...) end it."""

    busy: Rung = Field(default=Rung(calls=3, again_after_s=600), description="The line was busy")
    no_answer: Rung = Field(
        default=Rung(calls=2, again_after_s=7_200), description="It rang, and nobody answered"
    )
    machine: Rung = Field(
        default=Rung(calls=1, again_after_s=7_200),
        description="A machine answered and has the message: it is left once",
    )
    human: Rung = Field(
        default=Rung(calls=1, again_after_s=7_200),
        description="Answered, and no key was pressed; without machine detection this may be a"
        " machine",
    )
    failed: Rung = Field(
        default=Rung(calls=2, again_after_s=1_800),
        description="The network or Connect failed. A number that is none is not called again",
    )


class Replies(Value):
    """Answers to the text, folded and compared whole."""

    confirm: tuple[Word, ...] = Field(
        default=("1", "yes", "y", "ok", "confirm", "confirmed"), description="Will come"
    )
    another_time: tuple[Word, ...] = Field(
        default=("2", "no", "n", "change", "reschedule"), description="Wants another time"
    )
    agent: tuple[Word, ...] = Field(
        default=("3", "agent", "call me"),
        description="Wants a person: the text also goes to the brand's chat",
    )


class PinpointMapping(Value):
    """How a custom-channel call of Amazon Pinpoint is read: which attributes hold what."""

    brand: str = Field(
        default="",
        max_length=64,
        description="The brand that calls, unless the call's Data is JSON with a `brand`. Empty:"
        " the only one that makes calls",
    )
    appointment_attribute: Word = Field(
        default="AppointmentAt",
        description="Endpoint or user attribute with the appointment, ISO 8601 with an offset",
    )
    name_attribute: Word = Field(
        default="FirstName", description="Endpoint or user attribute with the callee's name"
    )
    useful_for_s: int = Field(
        default=86_400,
        ge=600,
        le=1_209_600,
        description="A call without an appointment is of use for so long after it was scheduled",
    )


class ReminderRules(Value):
    """Who may be called when, how often, and what follows."""

    hours: Hours = Field(default=Hours(), description="Local windows by weekday")
    hours_by_country: dict[Country, Hours] = Field(
        default_factory=dict, description="Instead of `hours`, by the country of the number"
    )
    holidays: tuple[Holiday, ...] = Field(
        default=(
            Holiday(day="01-01"),
            Holiday(day="07-04", countries=("US",)),
            Holiday(day="11-thu-4", countries=("US",)),
            Holiday(day="12-25"),
        ),
        description="Days with hours of their own; the list replaces the default one",
    )
    per_day: int = Field(
        default=3, ge=1, le=20, description="Calls and texts to one person within any 24 hours"
    )
    per_week: int = Field(
        default=6, ge=1, le=100, description="Calls and texts to one person within any 7 days"
    )
    lead_s: int = Field(
        default=3_600,
        ge=0,
        le=604_800,
        description="A reminder is of use until so long before its appointment, unless it says"
        " itself until when",
    )
    calls_max: int = Field(
        default=4, ge=1, le=20, description="Calls of one reminder in all, however they end"
    )
    in_air_max: int = Field(
        default=5,
        ge=1,
        le=500,
        description="Calls of the whole fleet at a time: agents are not swamped. Connect takes 10"
        " active calls an instance unless raised",
    )
    look_after_s: int = Field(
        default=150,
        ge=70,
        le=3_600,
        description="A call whose end nobody told of is asked about so long after it began, and so"
        " often",
    )
    call_max_s: int = Field(
        default=7_200,
        ge=300,
        le=86_400,
        description="A call of which nothing was heard for so long counts as failed",
    )
    record_days: int = Field(
        default=90, ge=8, le=730, description="How long a reminder's record is kept"
    )
    event_bus: str = Field(
        default="",
        pattern=r"^[/.A-Za-z0-9_:-]{0,256}$",
        description="EventBridge bus (name or ARN) that is told the results; empty = none",
    )
    profile_zone: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.-]{0,255}$",
        description="The attribute of customers' profiles (`[profiles]`) that holds their IANA"
        " zone; empty = profiles are not asked",
    )
    ladder: Ladder = Field(default=Ladder(), description="What follows each result")
    replies: Replies = Field(default=Replies(), description="How the text may be answered")
    pinpoint: PinpointMapping = Field(
        default=PinpointMapping(), description="How Pinpoint's custom-channel calls are read"
    )
