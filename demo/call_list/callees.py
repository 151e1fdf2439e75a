"""Who is on the list, what they do when the phone rings, and how their reminder must end."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

AREAS = ("206", "303", "312", "212")
LOCAL_HOURS = (12, 14, 16, 23)
"""What the clocks of the four zones show at the start; in the last nobody may be called."""


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
    for line in range(count):
        place = line % len(AREAS)
        plan, expects, rings = chance.choice(PLANS)
        is_night = place == len(AREAS) - 1
        found.append(
            Callee(
                number=f"+1{AREAS[place]}555{line // len(AREAS):04d}",
                zone=_zone(LOCAL_HOURS[place], now),
                calls=tuple(plan),
                expects="not_called" if is_night else expects,
                rings=0 if is_night else rings,
            )
        )
    return found


def _zone(local_hour: int, now: datetime) -> str:
    """A zone whose clock shows that hour now. Its name counts hours behind UTC, so `+` is west."""
    behind = (now.hour - local_hour + 11) % 24 - 11
    return f"Etc/GMT{behind:+d}"
