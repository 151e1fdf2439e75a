"""Who is on the list, what they do when the phone rings, and how their reminder must end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dateutil.zoneinfo import get_zonefile_instance

AREAS = ("206", "303", "312", "212")
LOCAL_HOURS = (12, 14, 16, 23)
"""What the clocks of the four zones show at the start; in the last nobody may be called."""
ZONES = (
    *("Pacific/Pago_Pago", "Pacific/Honolulu", "Pacific/Marquesas", "Pacific/Gambier"),
    *(
        "America/Anchorage",
        "America/Los_Angeles",
        "America/Denver",
        "America/Phoenix",
        "America/Chicago",
    ),
    *("America/New_York", "America/Bogota", "America/Halifax", "America/St_Johns"),
    *("America/Sao_Paulo", "America/Noronha", "Atlantic/Azores", "Atlantic/Cape_Verde"),
    *("Europe/London", "Africa/Lagos", "Europe/Berlin", "Africa/Cairo", "Europe/Kyiv"),
    *("Africa/Nairobi", "Asia/Riyadh", "Asia/Dubai", "Asia/Kabul", "Asia/Karachi"),
    *("Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok"),
    *("Asia/Shanghai", "Australia/Perth", "Asia/Tokyo", "Australia/Adelaide"),
    *("Australia/Brisbane", "Australia/Sydney", "Pacific/Noumea", "Pacific/Fiji"),
    *("Pacific/Auckland", "Pacific/Chatham", "Pacific/Tongatapu", "Pacific/Kiritimati"),
)
"""Every offset at any time of the year, odd ones too: some clock always shows a given hour."""


@dataclass(frozen=True, slots=True)
class Callee:
    """One row. `calls` is how each of their calls goes, as the simulator takes it."""

    number: str
    zone: str
    calls: tuple[Mapping[str, Any], ...]
    expects: str
    rings: int


def _answers(keys: str) -> Mapping[str, Any]:
    return {"behaviour": "answers", "keys": keys, "talks_s": 20}


def _is(behaviour: str) -> Mapping[str, Any]:
    return {"behaviour": behaviour}


PLANS: tuple[tuple[Sequence[Mapping[str, Any]], str, int], ...] = (
    ((_answers("1"),), "confirmed", 1),
    ((_answers("-2"),), "another_time", 1),
    ((_answers("3"),), "talked_to_agent", 1),
    ((_answers("9"),), "opted_out", 1),
    ((_answers(""),), "human", 1),
    ((_is("busy"), _answers("1")), "confirmed", 2),
    ((_is("busy"), _is("busy")), "busy", 2),
    ((_is("no_answer"),), "no_answer", 1),
    ((_is("unreachable"),), "no_answer", 1),
    ((_is("invalid"),), "failed", 1),
    ((_is("fails"),), "failed", 1),
)
"""With one call for each result but `busy`, which gets two: see `brands.toml`."""


def callees(count: int, now: datetime, chance: random.Random) -> list[Callee]:
    """So many people in four zones, a quarter of them where it is night."""
    found = []
    zones = [zones_at(hour, now) for hour in LOCAL_HOURS]
    for line in range(count):
        place = line % len(AREAS)
        plan, expects, rings = chance.choice(PLANS)
        is_night = place == len(AREAS) - 1
        found.append(
            Callee(
                number=f"+1{AREAS[place]}555{line // len(AREAS):04d}",
                zone=chance.choice(zones[place]),
                calls=tuple(plan),
                expects="not_called" if is_night else expects,
                rings=0 if is_night else rings,
            )
        )
    return found


def zones_at(local_hour: int, now: datetime) -> list[str]:
    """Zones in which it is that hour now, by dateutil's own copy of the zone database."""
    known = get_zonefile_instance()
    return [name for name in ZONES if now.astimezone(known.get(name)).hour == local_hour]
