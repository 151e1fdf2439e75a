"""What a handler says of a message: the only thing it returns.

    Done          its effects are recorded              delete
    Discard       known, and nobody needs it            count, delete
    Retry         a try that failed and may be repeated visibility backoff; counts an attempt
    Wait          not its turn yet                      visibility; no attempt, no failure
    Defer         much later than a visibility can hold one-time schedule, then delete
    DeadLetter    it can never succeed                  copy to the DLQ with the reason, delete

Reasons are short, stable words joined by underscores: they become metric labels and dead-letter
attributes, so they hold no ids and none of the user's data.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Done:
    """The effects are recorded (now or before): the message may be deleted."""


@dataclass(frozen=True, slots=True)
class Discard:
    """A known source's event that nobody needs, or a type that is new. Counted and deleted."""

    reason: str


@dataclass(frozen=True, slots=True)
class Retry:
    """The handler started and failed. Counts as an attempt; backoff unless `after_s` is given."""

    reason: str
    after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Not its turn: a lease is taken, a quota is full, an answer is in doubt. Not an attempt."""

    reason: str
    after_s: float


@dataclass(frozen=True, slots=True)
class Defer:
    """Come back at `until` (aware) or soon after, never before; weeks ahead if need be.

    Take `until` from what the message says, not from the clock: when the worker is killed in the
    middle the handler is asked again, and another time would make a second copy.
    """

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """It can never succeed. `path` is the schema path of what is wrong, when there is one.

    `before_delete` runs once the copy is in the DLQ and before the message is deleted; when it
    fails the message comes again, and so does the copy.
    """

    reason: str
    error_type: str = ""
    path: str = ""
    event_id: str = ""
    before_delete: Callable[[], Awaitable[None]] | None = None


Outcome = Done | Discard | Retry | Wait | Defer | DeadLetter
