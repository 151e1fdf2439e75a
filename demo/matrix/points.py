"""Names the calls of a script, and the moments around a call at which a worker is killed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """When the worker dies."""

    BEFORE = "before"  # the call never reaches its service
    AFTER = "after"  # it was carried out, and its answer has reached the worker
    LOST = "answer lost"  # it was carried out, and the worker dies before it reads the answer


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One call: the how-manieth of its name in a step of a script, counted from 1."""

    script: str
    step: int
    call: str
    ordinal: int

    def __str__(self) -> str:
        return f"{self.script}.{self.step} {self.call} #{self.ordinal}"


@dataclass(frozen=True, slots=True, order=True)
class Case:
    """One kill."""

    point: Point
    moment: Moment

    def __str__(self) -> str:
        return f"{self.point}, {self.moment}"
