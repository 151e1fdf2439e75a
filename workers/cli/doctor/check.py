"""What a check is, and what it finds.

A check is one small function over the `Site`. It yields a `Problem` for each thing that is wrong,
and nothing when all is well. What AWS refuses or does not answer is the runner's business, not the
check's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from workers.cli.doctor.site import Site


class Status(StrEnum):
    """How a check ended, worst last."""

    OK = "ok"
    SKIPPED = "skipped"
    """It does not concern this deployment, or what it builds on has failed already."""
    WARNING = "warning"
    """It works, but not as one would expect; or it could not be looked at."""
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. `subject` and `says` are shown: numbers in them are masked.

    `remedy` is what to do, where it is another than the check's own.
    """

    subject: str
    says: str
    is_warning: bool = False
    remedy: str = ""


class NotConcerned(Exception):
    """Raised by a check for which this deployment has nothing to look at; says why."""


Look = Callable[[Site], Iterable[Problem]]


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as the documentation lists it.

    `asks` are the IAM actions of the calls that it makes. When one of `after` has failed, the check
    is skipped: its own finding would only be a shadow of that failure.
    """

    name: str
    looks_at: str
    remedy: str
    look: Look
    asks: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found about one subject."""

    check: str
    status: Status
    subject: str = ""
    says: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Checks in the order in which they are made."""

    checks: list[Check] = field(default_factory=list)

    def add(
        self, *, looks_at: str, remedy: str, asks: Iterable[str] = (), after: Iterable[str] = ()
    ) -> Callable[[Look], Check]:
        """Declare the function below as a check, by the function's name."""

        def declared(look: Look) -> Check:
            check = Check(look.__name__, looks_at, remedy, look, tuple(asks), tuple(after))
            self.checks.append(check)
            return check

        return declared
