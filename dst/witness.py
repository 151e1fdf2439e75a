"""What the simulation itself knows of each event: the ground on which a fault is excused, or not.

Never asked by the judge, who reads inputs and the ledger only. It is asked afterwards, about one
message at a time: was there a fault that the protocol does not promise to bear?
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.ledger import Entry as LedgerEntry
from workers.handlers.chat_relay.entries import entry_id
from workers.runtime.sqs import Message
from workers.stores.expressions import Item
from workers.stores.tables import Key

POLLS_RESUME_WITHIN_S = 31.0
"""The longest that a poller waits after polls that failed."""


@dataclass(slots=True)
class Passage:
    """The way of one event into the journal. Times are virtual seconds; None: not yet.

    Attributes:
        late_s: by how much its first delivery came late on purpose.
        receives: when it was handed out, and to which process.
        known_at, done_at: when its entry was first seen in the journal, and among the done.
        intents: when which process wrote that it would send it.
    """

    late_s: float | None = None
    receives: list[tuple[float, str]] = field(default_factory=list)
    known_at: float | None = None
    done_at: float | None = None
    intents: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request that says or sends an entry, and which entries its task had seen."""

    at: float
    process: str
    entry: str
    part: str
    seen: frozenset[str]


@dataclass(frozen=True, slots=True)
class Looker:
    """Who is shown something: a task. Another one of its process does not know of it."""

    process: str
    task: asyncio.Task[Any] | None

    @classmethod
    def now(cls, process: str) -> Looker:
        """Whoever runs."""
        return cls(process, asyncio.current_task())


@dataclass(frozen=True, slots=True)
class Downfall:
    """A process was killed, or stood still until `until`."""

    at: float
    process: str
    until: float | None = None


class Witness:
    """Looks on, changes nothing."""

    def __init__(self) -> None:
        self.passages: dict[str, Passage] = defaultdict(Passage)
        self.attempts: dict[str, list[Attempt]] = defaultdict(list)
        self.by_request: dict[str, Attempt] = {}
        self.unanswered: set[Attempt] = set()
        self.downfalls: list[Downfall] = []
        self.spoilt_receipts: set[str] = set()
        self.opted_out_at: dict[str, float] = {}
        self._entries: dict[str, str] = {}
        self._looks: dict[tuple[Looker, str], frozenset[str]] = {}
        self._intended: dict[str, object] = {}
        self._silences: list[tuple[float, str]] = []
        self._troubles: list[tuple[float, str]] = []
        self._pauses: list[tuple[float, float]] = []

    # --- the queues -------------------------------------------------------------------------------

    def enqueued(self, message_id: str, body: str, late_s: float) -> None:
        """A delivery was put on its queue."""
        entry = entry_of(body)
        if entry is None:
            return
        self._entries[message_id] = entry
        passage = self.passages[entry]
        passage.late_s = late_s if passage.late_s is None else min(passage.late_s, late_s)

    def received(self, process: str, _queue: str, messages: Sequence[Message]) -> None:
        """A poll was answered, whether or not the answer arrives."""
        for message in messages:
            entry = self._entries.get(message.message_id)
            if entry is not None:
                self.passages[entry].receives.append((_now(), process))

    # --- the tables -------------------------------------------------------------------------------

    def looked(self, looker: Looker, key: Key, item: Item | None, how: str) -> None:
        """A task's call showed it an item as it stood then."""
        if item is None or key.sk != "A" or not key.pk.startswith("S#"):
            return
        pending = {name[2:]: entry for name, entry in item.items() if name.startswith("e_")}
        done = item.get("d", ())
        done_ids = {str(each) for each in done} if isinstance(done, Sequence) else set()
        self._looks[looker, key.pk[2:]] = frozenset(pending) | done_ids
        for entry, stored in pending.items():
            passage = self.passages[entry]
            passage.known_at = passage.known_at or _now()
            if isinstance(stored, Mapping) and how == "update":
                self._intend(looker.process, entry, stored)
        for entry in done_ids:
            passage = self.passages[entry]
            passage.known_at = passage.known_at or _now()
            passage.done_at = passage.done_at or _now()

    def _intend(self, process: str, entry: str, stored: Mapping[str, object]) -> None:
        at_ms = stored.get("ia", 0)
        is_intended = stored.get("s") == "s" and isinstance(at_ms, int) and at_ms > 0
        if is_intended and self._intended.get(entry) != at_ms:
            self._intended[entry] = at_ms
            self.passages[entry].intents.append((_now(), process))

    # --- the services -----------------------------------------------------------------------------

    def attempt(self, process: str, operation: str, body: bytes) -> Attempt | None:
        """A request is about to leave; None when it carries no entry."""
        where = _carried(operation, body)
        if where is None:
            return None
        sid, entry, part = where
        seen = self._looks.get((Looker.now(process), sid), frozenset())
        attempt = Attempt(_now(), process, entry, part, seen)
        self.attempts[entry].append(attempt)
        return attempt

    def accepted(self, attempt: Attempt, entries: Iterable[LedgerEntry]) -> None:
        """What the ledger took while this request was served; one of these may be its own."""
        for entry in entries:
            params = entry.params
            about = params.get("ClientToken") or params.get("Context", {}).get("sb", "")
            pieces = str(about).split(".")
            if pieces[-2:] == [attempt.entry, attempt.part] and entry.request_id:
                self.by_request.setdefault(entry.request_id, attempt)

    # --- the processes ----------------------------------------------------------------------------

    def fell(self, process: str, until: float | None = None) -> None:
        """A process was killed, or stopped until then."""
        self.downfalls.append(Downfall(_now(), process, until))

    def fell_between(self, process: str, start: float, end: float) -> bool:
        """Whether a process was killed, or stood still, at some moment of that time."""
        return any(
            one.process == process and one.at <= end and (one.until is None or one.until >= start)
            for one in self.downfalls
        )

    def left_unanswered(self, process: str) -> None:
        """A table did not answer this process, however often it asked."""
        self._silences.append((_now(), process))

    def was_unanswered_twice(self, process: str, start: float, end: float) -> bool:
        """Whether neither a write nor the write that takes it back was answered in that time."""
        return sum(who == process and start <= at <= end for at, who in self._silences) > 1

    def troubled(self, process: str) -> None:
        """A call of this process was refused, lost, throttled or very slow."""
        self._troubles.append((_now(), process))

    def was_troubled(self, start: float, end: float, processes: Collection[str] = ()) -> bool:
        """Whether a call of one of these (of any, if none is named) went wrong in that time."""
        return any(
            start <= at <= end and (not processes or process in processes)
            for at, process in self._troubles
        )

    def polled_less(self, until: float) -> None:
        """A place in the fleet polls nothing until then: dead, stopped or draining."""
        self._pauses.append((_now(), until))

    def was_short_of_polls(self, start: float, end: float) -> bool:
        """Whether some place did not poll at some moment of that time, or a poll had failed."""
        is_short = any(at <= end and until >= start for at, until in self._pauses)
        return is_short or self.was_troubled(start - POLLS_RESUME_WITHIN_S, end)


def receipts_of(entry: str) -> str:
    """Under which name the receipts of an entry's texts are watched."""
    return f"receipts of {entry}"


def entry_of(body: str) -> str | None:
    """Which entry a delivery becomes, or is a receipt of."""
    envelope = json.loads(body)
    if "Message" not in envelope:
        return None
    message = json.loads(envelope["Message"])
    if "inboundMessageId" in message:
        return entry_id("text", message["inboundMessageId"])
    if message.get("Type") == "MESSAGE" and "InitialContactId" in message:
        return entry_id("chat", message["Id"])
    if "sb" in message.get("context", {}):
        return receipts_of(message["context"]["sb"].split(".")[1])
    return None


def _carried(operation: str, body: bytes) -> tuple[str, str, str] | None:
    """Session, entry and part that a request says or sends."""
    if operation == "SendMessage":
        pieces = str(json.loads(body).get("ClientToken", "")).split(".")
        if len(pieces) == 4 and pieces[3].isdigit():
            return pieces[0], pieces[2], pieces[3]
    if operation == "SendTextMessage":
        sid, entry, part = json.loads(body)["Context"]["sb"].split(".")
        return sid, entry, part
    return None


def _now() -> float:
    return asyncio.get_running_loop().time()
