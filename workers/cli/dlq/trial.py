"""What the code of today would make of a dead letter: decoded and routed, without effects. Pure.

It goes as far as no stored state is needed. What a handler would then find in its tables is not
known here, so "would be handled" means: it gets to its handler, and nothing in it is in the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.decoded import Decoded
from workers.cli.dlq.letters import Letter
from workers.cli.replay.shadow import Shadow
from workers.routing import HANDLED, read
from workers.runtime.envelope import MalformedEnvelopeError, is_wrapped, parcel_of, unwrap
from workers.runtime.outcome import DeadLetter, Discard
from workers.runtime.sqs import Attribute


class Fate(StrEnum):
    """What would become of it."""

    HANDLED = "handled"
    DEAD_LETTERED = "dead_lettered"
    DISCARDED = "discarded"
    STORED_APART = "stored_apart"


@dataclass(frozen=True, slots=True)
class Trial:
    """What would become of one letter.

    Attributes:
        why: the reason of a new death or a discard; the schema path behind it where there is one.
        would: what would be tried, a line each; addresses are masked.
    """

    fate: Fate
    why: str = ""
    would: tuple[str, ...] = ()


def tried(letter: Letter, shadow: Shadow) -> Trial:
    """Try one letter, a deferred one without its envelope."""
    if not is_wrapped(letter.body):
        return _tried(letter.body, letter.originals, shadow)
    try:
        if parcel_of(letter.body) is not None:
            return Trial(Fate.STORED_APART, "deferred, its body lies in the bucket")
        envelope = unwrap(letter.body)
    except MalformedEnvelopeError as error:
        return Trial(Fate.DEAD_LETTERED, f"envelope_malformed at {error.path}")
    attributes = {name: packed.unpacked() for name, packed in envelope.attributes.items()}
    return _tried(envelope.body, attributes, shadow)


def _tried(body: str, attributes: dict[str, Attribute], shadow: Shadow) -> Trial:
    texts = {
        name: attribute.value
        for name, attribute in attributes.items()
        if isinstance(attribute.value, str)
    }
    events = read(body, texts, HANDLED)
    match events:
        case DeadLetter(reason=reason, path=path):
            return Trial(Fate.DEAD_LETTERED, f"{reason} at {path}" if path else reason)
        case Discard(reason=reason):
            return Trial(Fate.DISCARDED, reason)
        case _:
            return _handled(events, shadow)


def _handled(events: tuple[Decoded, ...], shadow: Shadow) -> Trial:
    refused = next((why for event in events if (why := shadow.refused(event))), None)
    if refused is not None:
        return Trial(Fate.DEAD_LETTERED, refused)
    would = [
        f"{event.event_class} {event.event_type}: {line}"
        for event in events
        for line in shadow.told(event)
    ]
    return Trial(Fate.HANDLED, would=tuple(would))
