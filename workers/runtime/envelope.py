"""The form in which a deferred message travels while it is off its queue.

A schedule hands over one text and nothing beside it. So everything that SQS keeps beside a body
goes into the text: attributes, ids, times, the group, the trace. On the way back it is taken off
again, and what is handled is the message as if it had never left.

    {"switchboard_deferred":1, "until_ms": ..., "message_id": ..., "body": ..., ...}
    {"switchboard_deferred":1, "parcel": "<key>"}       the whole of the above is stored there
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from workers.runtime.sqs import Attribute, Message

_MARK = '{"switchboard_deferred":1,'
_EPOCH = datetime.fromtimestamp(0, UTC)
_MS = timedelta(milliseconds=1)
_END_OF_TIME_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, which is where `datetime` ends."""

EpochMs = Annotated[int, Field(ge=0, le=_END_OF_TIME_MS)]


class MalformedEnvelopeError(Exception):
    """Something that begins like an envelope and is none. `path` says where it is wrong."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Packed(_Strict):
    """A message attribute. A binary one's value is in base64."""

    type: str
    value: str

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        self.unpacked()
        return self

    @classmethod
    def of(cls, attribute: Attribute) -> Self:
        value = attribute.value
        text = b64encode(value).decode() if isinstance(value, bytes) else value
        return cls(type=attribute.data_type, value=text)

    def unpacked(self) -> Attribute:
        if self.type.startswith("Binary"):
            return Attribute(self.type, b64decode(self.value, validate=True))
        return Attribute(self.type, self.value)


class Envelope(_Strict):
    """A message on its way. Times are in milliseconds since the epoch.

    `receive_count` is what it was when the message left: deliveries after its return are added.
    """

    switchboard_deferred: Literal[1] = 1
    until_ms: EpochMs
    message_id: Annotated[str, Field(min_length=1)]
    sent_at_ms: EpochMs
    first_received_at_ms: EpochMs
    receive_count: Annotated[int, Field(ge=1)]
    group: str | None
    trace_header: str | None
    attributes: dict[str, _Packed]
    body: str

    @property
    def until(self) -> datetime:
        """When it is to be handled, not before."""
        return _moment(self.until_ms)

    def taken_off(self, received: Message) -> Message:
        """The message inside, in the delivery that brought it back."""
        return replace(
            received,
            message_id=self.message_id,
            body=self.body,
            attributes={name: packed.unpacked() for name, packed in self.attributes.items()},
            receive_count=self.receive_count + received.receive_count,
            sent_at=_moment(self.sent_at_ms),
            first_received_at=_moment(self.first_received_at_ms),
            group=self.group,
            trace_header=self.trace_header,
        )


class _Pointer(_Strict):
    switchboard_deferred: Literal[1] = 1
    parcel: Annotated[str, Field(min_length=1)]


def wrap(message: Message, until: datetime) -> str:
    """The whole message as one text."""
    return Envelope(
        until_ms=ceil_ms(until),
        message_id=message.message_id,
        sent_at_ms=ceil_ms(message.sent_at),
        first_received_at_ms=ceil_ms(message.first_received_at),
        receive_count=message.receive_count,
        group=message.group,
        trace_header=message.trace_header,
        attributes={name: _Packed.of(value) for name, value in message.attributes.items()},
        body=message.body,
    ).model_dump_json()


def point_to(parcel: str) -> str:
    """A text that stands for a stored envelope."""
    return _Pointer(parcel=parcel).model_dump_json()


def is_wrapped(body: str) -> bool:
    """Whether a body is one of ours. Quick: asked for every message."""
    return body.startswith(_MARK)


def parcel_of(body: str) -> str | None:
    """The key under which the envelope is stored; None when it is all here.

    Raises:
        MalformedEnvelopeError: it is no envelope.
    """
    if not body.startswith(f'{_MARK}"parcel":'):
        return None
    try:
        return _Pointer.model_validate_json(body).parcel
    except ValidationError as error:
        raise MalformedEnvelopeError(_path(error)) from None


def unwrap(text: str) -> Envelope:
    """Read an envelope.

    Raises:
        MalformedEnvelopeError: it is no envelope.
    """
    try:
        return Envelope.model_validate_json(text)
    except ValidationError as error:
        raise MalformedEnvelopeError(_path(error)) from None


def escaped_size_bytes(text: str) -> int:
    """How many bytes a text takes as a JSON string, quotes left out, all but ASCII escaped.

    That is how the SDK sends it, and no way of counting it gives more.
    """
    return len(json.dumps(text)) - 2


def ceil_ms(moment: datetime) -> int:
    """Milliseconds since the epoch, never before the moment."""
    return -((_EPOCH - moment) // _MS)


def _moment(epoch_ms: int) -> datetime:
    return _EPOCH + epoch_ms * _MS


def _path(error: ValidationError) -> str:
    return ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"]) or "$"
