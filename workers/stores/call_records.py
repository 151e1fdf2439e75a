"""A reminder as it is kept, as values: its attempts, its text, and how it ended.

Written whole, each on the condition that its revision is the one that was read: of two workers that
decide on the same one, one decides. What follows from a record is `workers.handlers.reminders`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from schemas.own import Remind
from workers.errors import SwitchboardError


class Result(StrEnum):
    """How a call, and in the end a reminder, went."""

    CONFIRMED = "confirmed"
    ANOTHER_TIME = "another_time"
    WANTS_AGENT = "wants_agent"  # and did not get one
    TALKED_TO_AGENT = "talked_to_agent"
    OPTED_OUT = "opted_out"
    HUMAN = "human"  # answered, no key pressed
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    FAILED = "failed"
    NOT_CALLED = "not_called"  # of a reminder only: nobody was ever dialled for it


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call. It is written down before it is made; `contact_id` is what Connect answered.

    `detail` has the source's words for the result, such as `telecom_busy`.
    """

    number: int
    claimed_ms: int
    contact_id: str | None = None
    result: Result | None = None
    detail: str = ""
    ended_ms: int = 0


class TextStage(StrEnum):
    """How far the text is. It has no token, so it is written down before and never repeated."""

    SENDING = "sending"
    SENT = "sent"
    REFUSED = "refused"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class SentText:
    """The text that followed calls in vain."""

    stage: TextStage
    intent_ms: int
    message_id: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """All that is kept of one reminder.

    Attributes:
        rid: a keyed hash of the sender's id: tells nothing, may be logged.
        job: what was asked for.
        due_ms: not to be looked at before; 0 for at once.
        result, detail: how it ended; None while it is open.
        closings, told: how often it was closed (an answer by text closes it anew), and up to which
            of them others were told.
    """

    rid: str
    job: Remind
    made_ms: int
    attempts: tuple[Attempt, ...] = ()
    text: SentText | None = None
    due_ms: int = 0
    result: Result | None = None
    detail: str = ""
    closed_ms: int = 0
    closings: int = 0
    told: int = 0
    expires_at_s: int = 0
    revision: int = 0


@dataclass(frozen=True, slots=True)
class CallRef:
    """Which attempt of which reminder a contact is."""

    rid: str
    attempt: int


@dataclass(frozen=True, slots=True)
class OpenText:
    """A text to somebody that may still be answered, until `until_ms`."""

    rid: str
    brand: str
    until_ms: int


@dataclass(frozen=True, slots=True)
class Person:
    """When somebody was called and texted of late, by what, and which texts are open."""

    number: str
    contacts: Mapping[str, int] = field(default_factory=dict)
    texts: tuple[OpenText, ...] = ()
    revision: int = 0


@dataclass(frozen=True, slots=True)
class InAir:
    """The calls of the fleet that are on: when each was claimed, by `<rid>.<attempt>`."""

    calls: Mapping[str, int] = field(default_factory=dict)
    revision: int = 0


class ListState(StrEnum):
    """What an operator wants of a call list."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class CallList:
    """A list of calls as an operator sees it."""

    name: str
    brand: str
    state: ListState
    rows: int
    made_ms: int
    revision: int = 0


Record = TypeVar("Record")


class RecordMoved(SwitchboardError, Generic[Record]):
    """Somebody else wrote it meanwhile; `record` is what stands there now."""

    def __init__(self, record: Record) -> None:
        super().__init__("record_moved")
        self.record = record


class Calls(Protocol):
    """Where reminders are kept. Every method may raise `TransientError`, `AccountProblem`.

    What is saved must be of the revision that was read; else `RecordMoved` says what is there.
    """

    def rid(self, reminder_id: str) -> str:
        """What a reminder is kept under, by its sender's id."""
        ...

    async def find(self, rid: str) -> Reminder | None:
        """A consistent read."""
        ...

    async def save(self, reminder: Reminder) -> Reminder:
        """Write it in place of its revision, 0 for a new one. Raises `RecordMoved`."""
        ...

    async def map_contact(self, contact_id: str, ref: CallRef, *, expires_at_s: int) -> None:
        """Which call a contact is: contact events have no number and no attributes."""
        ...

    async def of_contact(self, contact_id: str) -> CallRef | None:
        """The call of a contact; None for one that is not ours, or not yet known as ours."""
        ...

    async def person(self, number: str) -> Person:
        """What is known of whoever has this number; an empty record for a stranger."""
        ...

    async def save_person(self, person: Person, *, now_ms: int) -> Person:
        """Write it in place of its revision. Raises `RecordMoved`."""
        ...

    async def in_air(self) -> InAir:
        """The calls that are on."""
        ...

    async def save_in_air(self, in_air: InAir) -> InAir:
        """Write it in place of its revision. Raises `RecordMoved`."""
        ...

    async def call_list(self, name: str) -> CallList | None:
        """A list; None for one that nobody made."""
        ...

    async def save_list(self, call_list: CallList) -> CallList:
        """Write it in place of its revision. Raises `RecordMoved`."""
        ...

    async def add_row(self, name: str, rid: str, line: int) -> None:
        """A reminder is on a list. Idempotent."""
        ...

    async def rows(self, name: str) -> Mapping[str, int]:
        """The line of each reminder of a list, by its rid."""
        ...
