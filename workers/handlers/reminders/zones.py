"""In which zone somebody is, and how a time is said to them in their language. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workers.phone import zones_of


def zone_named(name: str) -> ZoneInfo | None:
    """The zone of an IANA name; None for what is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def has_zones() -> bool:
    """Whether this machine has a time zone database: without one nobody may be called."""
    return zone_named("America/New_York") is not None


def zones_for(number: str, said: str | None) -> tuple[ZoneInfo, ...]:
    """Where somebody may be: what is said of them, else what their number tells.

    A zone that is said and does not exist is as if nothing were said: the number's are stricter.
    """
    zone = zone_named(said) if said else None
    if zone is not None:
        return (zone,)
    found = tuple(zone_named(name) for name in zones_of(number))
    known = tuple(zone for zone in found if zone is not None)
    return known if len(known) == len(found) else ()


def local_time(at: datetime, zones: tuple[ZoneInfo, ...]) -> datetime:
    """The appointment on the callee's wall.

    Where they may be in zones that differ then, the offset that `at` was written with stands: it is
    the wall of whoever made the appointment, and a guess would be worse.
    """
    walls = [at.astimezone(zone) for zone in zones]
    if walls and all(wall.utcoffset() == walls[0].utcoffset() for wall in walls):
        return walls[0]
    return at


def spoken(at: datetime, language: str) -> str:
    """A local time as it is said, `Thursday, November 26 at 9:30 AM`. Unknown languages: English.

    No year: a reminder is of something near.
    """
    return _SPEAKERS.get(language.partition("-")[0].lower(), _english)(at)


_ENGLISH: Final = (
    ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
)
_SPANISH: Final = (
    ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    (
        *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio"),
        *("agosto", "septiembre", "octubre", "noviembre", "diciembre"),
    ),
)
_FRENCH: Final = (
    ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    (
        *("janvier", "février", "mars", "avril", "mai", "juin", "juillet"),
        *("août", "septembre", "octobre", "novembre", "décembre"),
    ),
)
_GERMAN: Final = (
    ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
    (
        *("Januar", "Februar", "März", "April", "Mai", "Juni", "Juli"),
        *("August", "September", "Oktober", "November", "Dezember"),
    ),
)


def _english(at: datetime) -> str:
    days, months = _ENGLISH
    hour, half = at.hour % 12 or 12, "AM" if at.hour < 12 else "PM"
    return f"{days[at.weekday()]}, {months[at.month - 1]} {at.day} at {hour}:{at:%M} {half}"


def _spanish(at: datetime) -> str:
    days, months = _SPANISH
    article = "la" if at.hour == 1 else "las"
    return f"{days[at.weekday()]} {at.day} de {months[at.month - 1]} a {article} {at.hour}:{at:%M}"


def _french(at: datetime) -> str:
    days, months = _FRENCH
    return f"{days[at.weekday()]} {at.day} {months[at.month - 1]} à {at.hour} h {at:%M}"


def _german(at: datetime) -> str:
    days, months = _GERMAN
    return f"{days[at.weekday()]}, {at.day}. {months[at.month - 1]}, um {at.hour}:{at:%M} Uhr"


_SPEAKERS: Final[Mapping[str, Callable[[datetime], str]]] = {
    "en": _english,
    "es": _spanish,
    "fr": _french,
    "de": _german,
}
