"""What each event says of a customer, in one vocabulary for every source. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas.timestamps import to_ms
from workers.addresses import Channel, normalise
from workers.config import PersonKey, ProfileRules
from workers.stores.person_records import AddressWord, PathStep, ReminderWord, Stage

CLOCK_ERROR: Final = timedelta(seconds=5)
NAME_MAX: Final = 100
_ID_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Touch:
    """One message reached one stage with its recipient."""

    channel: Channel
    stage: Stage
    message_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class OfferWord:
    """An offer was made, viewed, or said not to have been viewed."""

    name: str
    word: Literal["offered", "viewed", "denied"]
    at_ms: int


Change = Touch | OfferWord | PathStep | AddressWord | ReminderWord


@dataclass(frozen=True, slots=True)
class PersonFact:
    """What an event says of one person.

    Attributes:
        keys: what the person is known by: normalised, one value each, never empty.
        at_ms: when that was said.
    """

    keys: Mapping[PersonKey, str]
    at_ms: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What an event comes to; why it says nothing of anybody, where it does not."""

    facts: tuple[PersonFact, ...] = ()
    unneeded: str = ""
    broken: str = ""


NOT_NEEDED: Final = Reading(unneeded="event_type_not_needed")
NOBODY: Final = Reading(unneeded="event_names_nobody")


@dataclass(frozen=True, slots=True)
class Lens:
    """What reading needs besides the event. `at`: its time, or when it was sent to us."""

    rules: ProfileRules
    at: datetime
    now: datetime
    event_id: str

    @property
    def at_ms(self) -> int:
        """The event's time. One that lies ahead of any clock's error is not believed."""
        return self.trusted_ms(self.at)

    def trusted_ms(self, at: datetime | None) -> int:
        """A time that an event tells, as `at_ms`; the event's own where it tells none."""
        return to_ms(min(at or self.at, self.now + CLOCK_ERROR))


def person_keys(
    *, customer_id: str | None = None, phone: str | None = None, email: str | None = None
) -> dict[PersonKey, str]:
    """What of these could find somebody, in the spelling that it is searched by."""
    found = {
        PersonKey.CUSTOMER_ID: (customer_id or "").strip()[:_ID_MAX],
        PersonKey.PHONE: normalise(Channel.SMS, phone or ""),
        PersonKey.EMAIL: normalise(Channel.EMAIL, email or ""),
    }
    return {key: value for key, value in found.items() if value}


def named(name: str | None) -> str:
    """A name as it is kept."""
    return (name or "").strip()[:NAME_MAX]
