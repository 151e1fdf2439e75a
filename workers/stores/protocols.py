"""What the rest may ask of the stores: narrow protocols, our types in and out.

The session journal is the heart: one item per conversation, its pending events inside it, worked
under a lease whose nonce fences every write. `docs/design/conversation-protocol.md` explains the
steps W1 to W13 that the methods below are named after; `model/` checks them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from workers.brands import MessageClass
from workers.errors import Fenced, SwitchboardError


class Lane(StrEnum):
    """A direction. Order is promised within a lane, never between the two."""

    IN = "in"  # customer -> chat
    OUT = "out"  # chat -> customer


class Stage(StrEnum):
    """Where a pending entry stands. A done one is no entry any more: its id is in `done`."""

    NEW = "n"
    SENDING = "s"  # an intent is written; found by another holder it is in doubt
    DEAD = "d"  # given up; its own message buries it


class ChatState(StrEnum):
    """The state of a session's newest chat."""

    NONE = "none"
    STARTING = "starting"
    OPEN = "open"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class SessionKey:
    """Who talks with whom: E.164 numbers or short codes."""

    our_number: str
    customer_number: str


@dataclass(frozen=True, slots=True)
class NewEntry:
    """An event on its way into the journal.

    `payload` is JSON-able, encrypted at rest, and gone with the entry once it is done.
    """

    id: str
    lane: Lane
    kind: str
    time_ms: int
    gen: int = 0
    payload: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A pending event as the journal has it. `entered_ms`: when it was journalled."""

    id: str
    lane: Lane
    kind: str
    time_ms: int
    gen: int
    payload: Mapping[str, Any]
    stage: Stage = Stage.NEW
    part: int = 0
    tries: int = 0
    intent_at_ms: int = 0
    receipt: str | None = None
    failures: int = 0
    takeovers: int = 0
    reason: str | None = None
    entered_ms: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation, decrypted. Times are epoch milliseconds; 0 = never.

    `marks` are small numbers that decisions remember (when we last texted by ourselves, and the
    like); each is one attribute, written along with a step that is written anyway.
    """

    sid: str
    customer_number: str
    our_number: str
    state: ChatState = ChatState.NONE
    gen: int = 0
    contact_id: str | None = None
    source_contact_id: str | None = None
    entries: tuple[Entry, ...] = ()
    done: tuple[str, ...] = ()
    newest_done_ms: int = 0
    paged_until_ms: int = 0
    appends: int = 0
    pending: int = 0
    nonce: str | None = None
    lease_until_ms: int = 0
    not_before_in_ms: int = 0
    not_before_out_ms: int = 0
    next_send_ms: int = 0
    marks: Mapping[str, int] = field(default_factory=dict)
    newest_in_ms: int = 0
    newest_out_ms: int = 0


class Verdict(StrEnum):
    """What an append or an acquire found."""

    HOLDING = "holding"  # the lease is ours
    TAKEN = "taken"  # another holds it; the entry is in the journal
    DONE = "done"  # its id is recorded: delete the message
    DEAD = "dead"  # given up earlier: bury it
    FULL = "full"  # too many entries pending: not appended
    GONE = "gone"  # acquire only: neither pending nor known done


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict and the session as it was seen with it. `late`: it came after its turn."""

    verdict: Verdict
    session: Session
    late: bool = False


@dataclass(frozen=True, slots=True)
class Intent:
    """W6: what is about to be sent, recorded before it is."""

    entry_id: str
    part: int = 0
    tries: int = 1


@dataclass(frozen=True, slots=True)
class Finish:
    """W7: an entry is done, and what rides along on the same write.

    `next_send_ms` keeps one text a second to one recipient. `ended_gen` closes the chat when it
    is still that generation. `then` writes the next entry's intent in the same step.
    """

    entry: Entry
    next_send_ms: int | None = None
    ended_gen: int | None = None
    marks: Mapping[str, int] = field(default_factory=dict)
    then: Intent | None = None
    release: bool = True


class Grown(SwitchboardError):
    """The journal grew since it was looked at: plan again from `session`. The lease is ours."""

    def __init__(self, session: Session) -> None:
        super().__init__("the journal grew")
        self.session = session


class LeaseLost(Fenced):
    """The nonce is not ours any more. `session` is what the refusal showed, if anything."""

    def __init__(self, session: Session | None) -> None:
        super().__init__("the lease was lost")
        self.session = session


@dataclass(frozen=True, slots=True)
class ContactRef:
    """Which session and generation a contact (by its initial contact id) belongs to."""

    sid: str
    gen: int


@dataclass(frozen=True, slots=True)
class ChatTokens:
    """The bearer secrets of our customer participant."""

    participant_token: str
    connection_token: str
    connection_expires_at: datetime
    participant_id: str = ""


class Journal(Protocol):
    """The session journal. Every method may raise `TransientError` or `Throttled`."""

    def session_id(self, key: SessionKey) -> str:
        """The keyed hash of both numbers: tells neither, may be logged."""
        ...

    async def append(
        self, key: SessionKey, entry: NewEntry, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W1: put the entry in and take the lease if it is free, in one write.

        Handles the repeats: an id that is done (ring or page), an entry pending already (then it
        acquires when it may: W2), a late arrival, a full journal, the SDK's own repeat.
        """
        ...

    async def append_known(
        self, sid: str, entry: NewEntry, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W1 for an event that names the session by its id; the session must exist (else GONE)."""
        ...

    async def acquire(
        self, seen: Session, entry_id: str, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W2: take a free or expired lease for an entry that is pending. Counts a takeover."""
        ...

    async def read(self, sid: str, *, consistent: bool) -> Session | None:
        """The session as it stands."""
        ...

    async def claim_chat(
        self,
        held: Session,
        *,
        now_ms: int,
        until_ms: int,
        source_contact_id: str | None = None,
        marks: Mapping[str, int] | None = None,
    ) -> Session:
        """W3: pin the next generation, from none or ended. Raises `LeaseLost`."""
        ...

    async def drop_source(self, held: Session) -> Session:
        """Forget the chat to attach: Connect refused it. Fenced. Raises `LeaseLost`."""
        ...

    async def record_contact(self, contact_id: str, ref: ContactRef) -> None:
        """W4: who is behind a contact. Unfenced: a fact that repeats equal."""
        ...

    async def record_tokens(self, sid: str, gen: int, tokens: ChatTokens) -> None:
        """W4: the tokens of a generation, encrypted. Unfenced; the newest wins."""
        ...

    async def open_chat(self, held: Session, *, contact_id: str, until_ms: int) -> Session:
        """W5: starting -> open. Raises `LeaseLost`."""
        ...

    async def intend(
        self,
        held: Session,
        intent: Intent,
        *,
        now_ms: int,
        until_ms: int,
        marks: Mapping[str, int] | None = None,
    ) -> Session:
        """W6: write the intent before the send. Raises `Grown` or `LeaseLost`."""
        ...

    async def withdraw(
        self, held: Session, entry_id: str, *, lane: Lane, not_before_ms: int
    ) -> Session | None:
        """W6 undone: the send was surely refused, so the entry is as before it and its lane waits.

        As before: new; or, of a later part, with the part before it known to be out; or, of a
        second try, in doubt about the first one, whose wait is over. Releases the lease in the
        same write. None: the lease was not ours any more.
        """
        ...

    async def finish(self, held: Session, finish: Finish, *, now_ms: int, until_ms: int) -> Session:
        """W7 (and W7+W6): record an entry as done; release the lease unless told to go on.

        Moves old ids to a page when the ring is long (W13). Raises `Grown` when a release or a
        following intent was asked and the journal grew; `LeaseLost`, whose session tells whether
        the id is done all the same.
        """
        ...

    async def release(
        self,
        held: Session,
        *,
        lane: Lane | None = None,
        not_before_ms: int = 0,
        marks: Mapping[str, int] | None = None,
    ) -> Session | None:
        """W8: give the lease back, and hold a lane until a time. None: it was not ours."""
        ...

    async def renew(self, held: Session, *, until_ms: int) -> bool:
        """W14: keep the lease for longer. False: it is not ours any more."""
        ...

    async def note_receipt(self, sid: str, entry_id: str, part: int, message_id: str) -> bool:
        """W9: a receipt (or our own late truth) says that a doubtful part went out.

        True when an intent was waiting for it. Reads first: a done id costs no write.
        """
        ...

    async def chat_over(self, held: Session, *, gen: int) -> Session:
        """W10: Connect says that the chat is over. Raises `LeaseLost`."""
        ...

    async def record_failure(
        self, held: Session, entry: Entry, *, not_before_ms: int, dead_reason: str | None = None
    ) -> Session:
        """W11: an attempt failed; with `dead_reason` the entry is given up. Releases the lease.

        Raises `LeaseLost`.
        """
        ...

    async def bury(self, sid: str, entry_id: str, time_ms: int) -> None:
        """W12: after the DLQ has its copy, a dead entry becomes a done id. No lease needed."""
        ...

    async def mark(self, sid: str, marks: Mapping[str, int]) -> None:
        """Write marks outside any step, unfenced: only for facts that may come in any order."""
        ...

    async def contact(self, contact_id: str) -> ContactRef | None:
        """Who is behind a contact. Never changes once there: implementations cache it."""
        ...

    async def tokens(self, sid: str, gen: int) -> ChatTokens | None:
        """The tokens of a generation; cached until replaced."""
        ...

    async def count_start(self, scope: str, *, now_ms: int, limit: int) -> bool:
        """Count one chat start of a scope (a brand) in this minute; False: one too many."""
        ...


@dataclass(frozen=True, slots=True)
class Suppression:
    """Why an address may not be texted."""

    reason: str
    since: datetime
    source: str


class Suppressions(Protocol):
    """Who may not be texted, per opt-out scope and message class. Keys are keyed hashes."""

    async def find(
        self, scope: str, number: str, message_class: MessageClass
    ) -> Suppression | None:
        """Consistent read. Raises `TransientError`: the gate then fails closed."""
        ...

    async def add(
        self, scope: str, number: str, message_class: MessageClass | None, suppression: Suppression
    ) -> bool:
        """Record it, for one class or (None) for all. False when it stood already. Idempotent."""
        ...

    async def remove(self, scope: str, number: str) -> bool:
        """The person opted in again: every class of the scope. False when there was none."""
        ...

    async def withdraw(self, scope: str, number: str, source: str) -> bool:
        """Take away what stands for every class, if this `source` had put it there."""
        ...


class Deliveries(Protocol):
    """The runtime's own memory of a message: counted failures, dead-letter reasons.

    Structurally what `workers.runtime` asks for; keyed by queue name and SQS message id.
    """

    async def count_failure(self, queue: str, message_id: str, *, ttl_s: int) -> int:
        """One more failed attempt; returns how many now."""
        ...

    async def record_dead_letter(
        self, queue: str, key: str, attributes: Mapping[str, str], *, ttl_s: int
    ) -> None:
        """Keep the reason of a message whose DLQ copy had no room for it. Idempotent."""
        ...
