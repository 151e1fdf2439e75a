"""The copy of a message that goes to the dead-letter queue: its body byte for byte, and why.

A message may carry 10 attributes and 1 MiB in all. Ours come first, then as many of the original
ones as fit; when not even ours fit beside the body, it goes bare and the reason is recorded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import structlog

from workers.errors import TransientError
from workers.log import mask
from workers.runtime.failures import REMEMBERED_S, Failures
from workers.runtime.sqs import FIFO_SUFFIX, MAX_BATCH_BYTES, Attribute, Message, Outgoing, SqsQueue
from workers.runtime.verdict import Verdict

log = structlog.get_logger()

MAX_ATTRIBUTES = 10
MAX_VALUE_CHARS = 256
REASONS = (
    *("reason", "error_type", "schema_path", "place", "event_id", "trace_id"),
    *("source_queue", "receive_count", "first_received_at"),
)
"""The attributes that are ours on a copy. All others are the original's."""

# SQS refuses what XML 1.0 has no place for (SQS API Reference, "SendMessage").
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Copy:
    """A composed dead letter. `dropped_count` original attributes had no room."""

    outgoing: Outgoing
    reasons: Mapping[str, str]
    dropped_count: int

    @property
    def is_bare(self) -> bool:
        """Whether it says nothing of why: the reasons must be recorded elsewhere."""
        return not self.outgoing.attributes


def compose(message: Message, verdict: Verdict, *, source_queue: str, event_id: str) -> Copy:
    """The copy with as much of the reason and of the original attributes as there is room for."""
    reasons = _reasons(message, verdict, source_queue, event_id)
    attributes = {name: Attribute("String", value) for name, value in reasons.items()}
    free_bytes = MAX_BATCH_BYTES - len(message.body.encode()) - _size_bytes(attributes)
    if free_bytes < 0:
        return Copy(Outgoing(message.body), reasons, len(message.attributes))
    dropped_count = 0
    for name, attribute in message.attributes.items():
        size = _size_bytes({name: attribute})
        if name in attributes:
            continue  # Left by an earlier death: the newer reason stands.
        if len(attributes) >= MAX_ATTRIBUTES or size > free_bytes:
            dropped_count += 1
            continue
        attributes[name] = attribute
        free_bytes -= size
    return Copy(Outgoing(message.body, attributes), reasons, dropped_count)


def record_key(body: str) -> str:
    """What the reason of a bare copy is kept under, beside the original's message id.

    SQS gives a copy an id of its own, so the body is all that it has of the original.
    """
    return hashlib.sha256(body.encode()).hexdigest()


class DeadLetters:
    """The dead-letter queue of one queue."""

    def __init__(self, queue: SqsQueue, *, source_queue: str, failures: Failures) -> None:
        self._queue = queue
        self._source_queue = source_queue
        self._failures = failures

    async def bury(self, message: Message, verdict: Verdict, *, event_id: str) -> None:
        """Copy it. When this returns the message may be deleted; nothing else deletes it.

        Raises:
            Throttled, TransientError, PermanentError: there is no copy, as far as known.
        """
        copy = compose(message, verdict, source_queue=self._source_queue, event_id=event_id)
        if copy.dropped_count:
            log.warning("dead_letter_attributes_dropped", count=copy.dropped_count)
        if copy.is_bare or not await self._send(message, copy.outgoing):
            await self._bury_bare(message, copy.reasons)

    async def _bury_bare(self, message: Message, reasons: Mapping[str, str]) -> None:
        told = {**reasons, "message_id": message.message_id}
        # By the original's id, and by what the copy has of it: an id of its own, and the body.
        for key in (message.message_id, record_key(message.body)):
            await self._failures.record_dead_letter(
                self._source_queue, key, told, ttl_s=REMEMBERED_S
            )
        if not await self._send(message, Outgoing(message.body)):
            raise TransientError("dead_letter_refused")

    async def _send(self, message: Message, outgoing: Outgoing) -> bool:
        """False when SQS refuses these contents."""
        if self._queue.name.endswith(FIFO_SUFFIX):
            outgoing = Outgoing(
                outgoing.body,
                outgoing.attributes,
                group=message.group or message.message_id,
                # With the count: one that was redriven and dies again is no duplicate.
                deduplication_id=f"{message.message_id}.{message.receive_count}",
            )
        for refused in await self._queue.send([outgoing]):
            log.error("dead_letter_refused", code=refused.code)
            if refused.is_sender_fault:
                return False
            raise TransientError("dead_letter_refused")
        return True


def _reasons(
    message: Message, verdict: Verdict, source_queue: str, event_id: str
) -> dict[str, str]:
    reasons = {
        "reason": verdict.reason or "unknown",
        "error_type": verdict.error_type,
        "schema_path": verdict.path,
        "place": verdict.place,
        "event_id": verdict.event_id or event_id,
        "trace_id": _trace_id(message),
        "source_queue": source_queue,
        "receive_count": str(message.receive_count),
        "first_received_at": _iso(message.first_received_at),
    }
    return {name: _clean(value) for name, value in reasons.items() if value}


def _clean(value: str) -> str:
    return mask(_NO_XML.sub("?", value))[:MAX_VALUE_CHARS]


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _trace_id(message: Message) -> str:
    """From W3C's traceparent, which wins, or from the X-Ray header that AWS passes along."""
    traceparent = message.attributes.get("traceparent")
    if traceparent is not None and isinstance(traceparent.value, str):
        parts = traceparent.value.split("-")
        return parts[1] if len(parts) > 1 else ""
    for field in (message.trace_header or "").split(";"):
        name, _, value = field.partition("=")
        if name == "Root":
            return value
    return ""


def _size_bytes(attributes: Mapping[str, Attribute]) -> int:
    return sum(
        len(name.encode())
        + len(attribute.data_type.encode())
        + len(attribute.value if isinstance(attribute.value, bytes) else attribute.value.encode())
        for name, attribute in attributes.items()
    )
