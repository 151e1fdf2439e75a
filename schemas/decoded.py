"""What decoding gives: an event, a set-up notice, or the reason why it is neither."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schemas.event import Event
from schemas.event_class import EventClass


@dataclass(frozen=True, slots=True)
class SnsMeta:
    """What the SNS envelope said.

    Attributes:
        message_id: empty where a test or a replay left it out.
        attributes: message attributes by name; a chat message's visibility stands here.
    """

    message_id: str
    topic_arn: str | None
    timestamp: datetime | None
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Decoded:
    """One event.

    Attributes:
        event_type: the source's own word.
        envelope: the layers that were taken off, outermost first: sqs, sns, eventbridge, pipes,
            kinesis, lambda.
        event_id: what it is deduplicated by, together with the key.
        keys: what orders it; several when it is about several people.
        time: the event's own, UTC. An inbound text has none but its SNS envelope's.
        sns: None when it did not come over SNS, or raw.
    """

    event: Event
    event_class: EventClass
    event_type: str
    envelope: tuple[str, ...]
    event_id: str | None
    keys: tuple[str, ...]
    time: datetime | None
    sns: SnsMeta | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Chatter of a set-up: nothing happened. To be acknowledged and counted.

    Attributes:
        reason: a stable word.
        event_class: the source it came from, where it is one of ours.
        event_type: the source's own word for it, where it has one.
    """

    reason: str
    envelope: tuple[str, ...]
    event_class: EventClass | None = None
    event_type: str | None = None


@dataclass(frozen=True, slots=True)
class Undecodable:
    """Not an event that we know, or a broken one.

    Attributes:
        reason: short, stable, countable, and without anything of the message.
        path: where in the schema, as `bounce.bouncedRecipients.0.emailAddress`; map keys are `*`.
        envelope: the layers that did come off.
    """

    reason: str
    path: str
    envelope: tuple[str, ...]


Result = Decoded | Notice | Undecodable
