"""What `switchboard setup` is going to do: steps, each with what it changes and how.

A step is planned from what the account says now, and nothing is changed by planning. A step that
depends on an earlier one (a flow that names another flow) takes what it needs when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    """What becomes of one thing."""

    CREATE = "create"
    UPDATE = "update"
    SAME = "same"
    LEAVE = "leave"
    """It differs or is missing, and this run does not touch it; the step says how to have it."""
    BLOCKED = "blocked"
    """It cannot be done before a person does something else."""


def nothing() -> str:
    """What a step does that changes nothing."""
    return ""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that should be so. `do` makes it so and says what a person must know of it.

    `subject` and `says` are for people's eyes: numbers in them are masked.
    """

    kind: str
    subject: str
    act: Act
    says: str = ""
    do: Callable[[], str] = nothing

    @property
    def is_change(self) -> bool:
        """Whether something is made or changed."""
        return self.act in {Act.CREATE, Act.UPDATE}


Planner = Callable[[], Iterator[Step]]


def differences(now: dict[str, object], wanted: dict[str, object]) -> dict[str, object]:
    """The members of `wanted` that are not so now."""
    return {name: value for name, value in wanted.items() if now.get(name) != value}
