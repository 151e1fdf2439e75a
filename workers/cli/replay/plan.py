"""What becomes of one document of an archive: to which queue, in which body, or why to none. Pure.

The body is the document as it lies in the archive, written anew as ASCII, which SQS takes whatever
the text. Workers decode by shape: a bare record, an EventBridge event, an SNS envelope, a pipe's
message and a whole SQS message are all the same to them. So nothing is wrapped, and what an
envelope knows (an inbound text's only time, a chat message's visibility) goes along.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from schemas.archive import Parsed, Piece, Text
from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Notice, Result, Undecodable
from schemas.event_class import EventClass
from schemas.own import CallSweep, ChatWatch, OptOutSync
from schemas.own import Notice as NoticeCommand
from schemas.topology import Topology
from workers.runtime.sqs import MAX_BATCH_BYTES

REPEATABLE_FOR: Final = timedelta(days=14)
"""Texts of conversations are known again for 15 days (`workers/stores/pages.py`)."""

_HANDLERS: Final[Mapping[EventClass, str]] = {
    EventClass.INBOUND_SMS: "inbound_sms",
    EventClass.EUM_EVENT: "delivery_receipts",
    EventClass.SES_EVENT: "engagement_events",
    EventClass.PINPOINT_EVENT: "engagement_events",
    EventClass.PINPOINT_CUSTOM_CHANNEL: "reminders",
    EventClass.CONNECT_CONTACT_EVENT: "contact_events",
    EventClass.CONNECT_CONTACT_RECORD: "contact_events",
    EventClass.CONNECT_CHAT_MESSAGE: "chat_stream",
}
"""By the names of `infra/topology.json`. Nobody takes a flow's request: it wants an answer."""

_COMMAND_HANDLERS: Final = ("chat_commands", "reminders", "timers")

_OF_CONVERSATIONS: Final = frozenset({EventClass.INBOUND_SMS, EventClass.CONNECT_CHAT_MESSAGE})


@dataclass(frozen=True, slots=True)
class Planned:
    """One message. `events` is what a worker will decode from it."""

    queue: str
    body: str
    events: tuple[Decoded, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """Goes nowhere, although somebody may have meant it to: reported with its place."""

    reason: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """Goes nowhere and need not: a set-up notice, or a class that was not asked for."""

    reason: str


Planning = Planned | Left | Skipped


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans documents.

    Attributes:
        queues: the queue of each handler.
        only: the classes that are wanted; empty for all.
        oldest: texts of conversations from before are left; None to take them all.
    """

    queues: Mapping[str, str]
    only: frozenset[EventClass]
    oldest: datetime | None

    @classmethod
    def over(
        cls, topology: Topology, only: frozenset[EventClass], now: datetime, *, even_old: bool
    ) -> Planner:
        """By the topology's queues."""
        queues = {queue.handler: queue.name for queue in topology.queues}
        return cls(queues, only, None if even_old else now - REPEATABLE_FOR)

    @property
    def targets(self) -> frozenset[str]:
        """Every queue that something wanted could go to."""
        wanted = self.only or frozenset(EventClass)
        handlers = {handler for each, handler in _HANDLERS.items() if each in wanted}
        if EventClass.COMMAND in wanted:
            handlers.update(_COMMAND_HANDLERS)
        return frozenset(self.queues[each] for each in handlers if each in self.queues)

    def plan(self, piece: Piece) -> Iterator[Planning]:
        """What becomes of a document: one thing, or one for each record of a list in it."""
        match piece:
            case Parsed(value):
                yield from self._document(value)
            case Text(text):
                yield self._message(text, decode_body(text))
            case _:
                yield Left(piece.reason)

    def _document(self, value: object) -> Iterator[Planning]:
        results = decode_document(value)
        parts = _parts(value) if len(results) > 1 else None
        if parts is None:
            yield self._message(value, results)
            return
        for part in parts:  # One that is broken must not take the others along to the DLQ.
            yield self._message(part, decode_document(part))

    def _message(self, value: object, results: Sequence[Result]) -> Planning:
        events: list[Decoded] = []
        for result in results:
            match result:
                case Undecodable(reason, path):
                    return Left(f"{reason} at {path}" if path else reason)
                case Decoded():
                    events.append(result)
                case Notice():
                    pass
        if not events:
            return Skipped("set_up_notice")
        if self.only and all(event.event_class not in self.only for event in events):
            return Skipped("class_not_asked_for")
        return self._routed(value, tuple(events))

    def _routed(self, value: object, events: tuple[Decoded, ...]) -> Planning:
        queues = {self._queue(event) for event in events}
        if None in queues:
            return Left("no_queue_takes_it")
        if len(queues) > 1:
            return Left("events_of_several_queues_in_one_document")
        late = next((why for event in events if (why := self._too_old(event))), None)
        if late is not None:
            return Left(late)
        body = json.dumps(value, separators=(",", ":"))
        if len(body) > MAX_BATCH_BYTES:
            return Left("larger_than_sqs_takes")
        return Planned(str(queues.pop()), body, events)

    def _queue(self, event: Decoded) -> str | None:
        return self.queues.get(_handler(event) or "")

    def _too_old(self, event: Decoded) -> str | None:
        """A text that its conversation has forgotten would be told, or open a chat, anew."""
        if self.oldest is None or event.event_class not in _OF_CONVERSATIONS:
            return None
        if event.time is None:
            return "text_without_a_time"
        return "text_too_old_to_repeat" if event.time < self.oldest else None


def _handler(event: Decoded) -> str | None:
    match event.event:
        case ChatWatch() | NoticeCommand():
            return "chat_commands"
        case OptOutSync() | CallSweep():
            return "timers"
        case _ if event.event_class is EventClass.COMMAND:
            return "reminders"
        case _:
            return _HANDLERS.get(event.event_class)


def _parts(value: object) -> list[Any] | None:
    """The records of a list in an envelope, as Lambda, Kinesis and SQS answer; None elsewhere."""
    if not isinstance(value, dict):
        return None
    for key, inside in value.items():
        if key.lower() in ("records", "messages") and isinstance(inside, list):
            return inside
    return None
