"""Messages deferred past what a visibility timeout can hold: off the queue, and back at their time.

A one-time schedule is made, then the message is deleted. Its name comes from the queue, the
message's id and the time, so whoever does it again after a kill between the two finds it there.
Which service keeps schedules and parcels is not known here.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from workers.runtime.envelope import (
    MalformedEnvelopeError,
    ceil_ms,
    escaped_size_bytes,
    parcel_of,
    point_to,
    unwrap,
    wrap,
)
from workers.runtime.sqs import FIFO_SUFFIX, Message

MAX_TEXT_BYTES = 256 * 1024
"""EventBridge Scheduler quotas, "Payload size": what is over it is stored as a parcel."""

_DIGEST_CHARS = 40
_QUEUE_CHARS = 23
"""With a hyphen between, 64 in all: the longest that a name or a client token may be."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """A text that is to be sent to a queue, once, at `at` or soon after (aware, whole seconds).

    `name` has up to 64 letters, digits, hyphens and underscores, and is also the token of the
    call. `group` is the message group on a FIFO queue.
    """

    name: str
    queue: str
    at: datetime
    text: str
    group: str | None = None


class Schedules(Protocol):
    """Where one-time schedules are kept. They are gone once they have fired."""

    async def create(self, schedule: Schedule) -> None:
        """Make it. One of that name that is there already is a success.

        Raises:
            SwitchboardError: there is none, as far as known. The message waits on its queue.
        """
        ...


class Parcels(Protocol):
    """A private place for texts that are too big for a schedule."""

    async def put(self, key: str, content: bytes) -> None:
        """Store it; the same key again is harmless. Raises `SwitchboardError`."""
        ...

    async def get(self, key: str) -> bytes | None:
        """What was stored, None when it is not there. Raises `SwitchboardError`."""
        ...

    async def delete(self, key: str) -> None:
        """Forget it, whether it is there or not. Raises `SwitchboardError`."""
        ...


class ParcelMissingError(Exception):
    """A deferred message came back and its stored part is not there."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A message that is back. `parcel` is what to forget once it is handled."""

    message: Message
    until: datetime
    parcel: str | None


class Deferrals:
    """Takes messages off their queue until their time, and their envelopes off when they return."""

    def __init__(self, schedules: Schedules, parcels: Parcels) -> None:
        self._schedules = schedules
        self._parcels = parcels

    async def schedule(self, message: Message, *, queue: str, until: datetime) -> None:
        """See that it comes again at `until`. When this returns the message may be deleted.

        Raises:
            SwitchboardError: it is not sure to come again.
        """
        name = name_of(queue, message.message_id, until)
        text = wrap(message, until)
        if escaped_size_bytes(text) > MAX_TEXT_BYTES:
            await self._parcels.put(name, text.encode())
            text = point_to(name)
        is_fifo = queue.endswith(FIFO_SUFFIX)
        group = message.group if is_fifo else None
        await self._schedules.create(Schedule(name, queue, _whole_second(until), text, group))

    async def take_back(self, message: Message) -> Returned:
        """Take the envelope off.

        Raises:
            MalformedEnvelopeError: it is none of ours.
            ParcelMissingError: its stored part is gone.
            SwitchboardError: its stored part cannot be had now.
        """
        parcel = parcel_of(message.body)
        text = message.body if parcel is None else await self._fetched(parcel)
        envelope = unwrap(text)
        return Returned(envelope.taken_off(message), envelope.until, parcel)

    async def forget(self, parcel: str) -> None:
        """Its message was handled and is deleted. Raises `SwitchboardError`."""
        await self._parcels.delete(parcel)

    async def _fetched(self, parcel: str) -> str:
        content = await self._parcels.get(parcel)
        if content is None:
            raise ParcelMissingError
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise MalformedEnvelopeError("parcel") from None


def name_of(queue: str, message_id: str, until: datetime) -> str:
    """The same for the same message and time, and for no other."""
    cause = f"{queue}\0{message_id}\0{ceil_ms(until)}"
    digest = hashlib.sha256(cause.encode()).hexdigest()[:_DIGEST_CHARS]
    return f"{re.sub(r'[^0-9a-zA-Z_-]', '-', queue)[:_QUEUE_CHARS]}-{digest}"


def _whole_second(until: datetime) -> datetime:
    """Rounded up: a schedule's time has no fractions, and early is worse than late."""
    whole = until.replace(microsecond=0)
    return whole if whole == until else whole + timedelta(seconds=1)
