"""From a queue message, an archived record or a pasted document to events. Never raises.

What something is goes by its shape, not by the queue it came on. Every layer of every document
ends as an event, a set-up notice, or a reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from schemas.connect import ChatMessage, ContactEvent
from schemas.decoded import Decoded, Notice, Result, Undecodable
from schemas.email import SETUP_TYPE, TYPE_OF_DETAIL_TYPE, ses_word
from schemas.envelope import Bus, Payload, Unwrapped, Wrapping, unwrap
from schemas.event import Event
from schemas.event_class import EventClass
from schemas.recognise import (
    CONTACT_EVENT,
    RECEIPT,
    REGISTRATION,
    SES,
    Family,
    MalformedError,
    family_of,
    read,
)
from schemas.service_event import FAMILY_OF_SOURCE, OtherServiceEvent
from schemas.shape import EventShape, Folded
from schemas.sms_voice import InboundSms, RegistrationStatusChange

MAX_DEPTH = 200
"""Levels of a document. The parser stops there too; a document parsed elsewhere is measured."""

MAX_INTEGER_BITS = 14_000
"""As many digits as Python still writes as text."""

NO_ATTRIBUTES: Mapping[str, str] = {}

_CONTACT_EVENT_TYPES = frozenset({"Amazon Connect Contact Event", "Connect Customer Contact Event"})
"""The service is being renamed, and a sample of the administrator guide has the new name here."""
_RECEIPT_TYPE_END = "Delivery Status Updated"


def decode_body(body: str, attributes: Mapping[str, str] = NO_ATTRIBUTES) -> tuple[Result, ...]:
    """Decode the body of one SQS message.

    A list, or an envelope of several records, gives several results; there is always at least
    one. `attributes` are the SQS message's: with raw delivery a chat message's visibility stands
    there. The SQS message itself is no layer of the results' envelope.
    """
    return _decode(body, Wrapping(attributes=attributes))


def decode_document(value: object) -> tuple[Result, ...]:
    """Decode JSON that is parsed already, such as an SQS message with its body in it."""
    reason = _what_is_wrong(value)
    if reason is not None:
        return (Undecodable(reason, "", ()),)
    return _decode(value, Wrapping())


def _decode(value: object, wrapping: Wrapping) -> tuple[Result, ...]:
    return tuple([_result(unwrapped) for unwrapped in unwrap(value, wrapping)])


def _result(unwrapped: Unwrapped) -> Result:
    if not isinstance(unwrapped, Payload):
        return unwrapped
    wrapping = unwrapped.wrapping
    try:
        return _event(unwrapped, wrapping)
    except MalformedError as exc:
        return Undecodable(exc.reason, exc.path, wrapping.layers)


def _event(payload: Payload, wrapping: Wrapping) -> Decoded | Notice | Undecodable:
    keys, bus = payload.keys, wrapping.bus
    if bus is not None and wrapping.is_from_known_service:
        family = _family_on_bus(bus, keys)
        if family is None:
            return _decoded(_other(bus, keys), wrapping)
    else:
        found = family_of(keys, payload.document)
        if found is None:
            return Undecodable("unrecognised_shape", "", wrapping.layers)
        family = found
    if family is SES and ses_word(keys.get("notificationtype")) == SETUP_TYPE:
        return Notice("ses_topic_subscribed", wrapping.layers, EventClass.SES_EVENT, SETUP_TYPE)
    return _decoded(_with_visibility(read(family, keys, payload.document), wrapping), wrapping)


def _family_on_bus(bus: Bus, keys: Folded) -> Family | None:
    """Read a known service's event by its detail-type; None for one that we do not read.

    An unknown detail-type is read when the detail has the family's shape. That it has an
    `eventType` is not enough: an API call seen by CloudTrail has one, too (`AwsApiCall`).
    """
    match bus.source:
        case "aws.connect":
            return CONTACT_EVENT if bus.detail_type in _CONTACT_EVENT_TYPES else None
        case "aws.ses":
            if bus.detail_type in TYPE_OF_DETAIL_TYPE:
                keys.setdefault("eventtype", TYPE_OF_DETAIL_TYPE[bus.detail_type])
                return SES
            return SES if family_of(keys, {}) is SES else None
        case _:
            if bus.detail_type == RegistrationStatusChange.detail_type:
                return REGISTRATION
            is_named = bus.detail_type.endswith(_RECEIPT_TYPE_END)
            return RECEIPT if is_named or keys.keys() >= {"eventtype", "messageid"} else None


def _other(bus: Bus, keys: Folded) -> OtherServiceEvent:
    contact_id = keys.get("contactid")
    contact_arn = keys.get("contactarn", keys.get("contact"))  # The latter: analysis states.
    return OtherServiceEvent(
        family=FAMILY_OF_SOURCE[bus.source],
        detail_type=bus.detail_type[:256] or "unnamed",
        contact_id=contact_id if isinstance(contact_id, str) else None,
        contact_arn=contact_arn if isinstance(contact_arn, str) else None,
    )


def _with_visibility(event: Event, wrapping: Wrapping) -> Event:
    if not isinstance(event, ChatMessage):
        return event
    attributes = wrapping.attributes if wrapping.sns is None else wrapping.sns.attributes
    visibility = attributes.get("MessageVisibility")
    # Whatever stood in the body is replaced: only the attribute is Connect's word.
    return event.model_copy(update={"visibility": visibility.upper() if visibility else None})


def _decoded(event: Event, wrapping: Wrapping) -> Decoded:
    return Decoded(
        event,
        event.family if isinstance(event, OtherServiceEvent) else event.event_class,
        event.own_type,
        wrapping.layers,
        _id(event, wrapping.bus),
        event.own_keys,
        _time(event, wrapping),
        wrapping.sns,
    )


def _id(event: Event, bus: Bus | None) -> str | None:
    """The event's own id: it is the same over every way that leads here. Else the bus's.

    A contact event has none of its own, and more than one may come in the same millisecond.
    """
    if bus is not None and bus.id is not None:
        return bus.id if isinstance(event, ContactEvent) else event.own_id or bus.id
    return event.own_id


def _time(event: Event, wrapping: Wrapping) -> datetime | None:
    """The event's own time. EventBridge's is the only one that every contact event has."""
    bus_time = wrapping.bus.time if wrapping.bus is not None else None
    if isinstance(event, InboundSms):
        return wrapping.sns.timestamp if wrapping.sns is not None else None
    if isinstance(event, ContactEvent):
        return bus_time or event.own_time
    if event.own_time is None and isinstance(event, EventShape):
        return bus_time
    return event.own_time


def _what_is_wrong(document: object) -> str | None:
    """Why a value is not JSON that the parser could have made; None if it is."""
    level: list[object] = [document]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for value in level:
            reason = _refused(value)
            if reason is not None:
                return reason
            if isinstance(value, dict):
                below.extend(value)
                below.extend(value.values())
            elif isinstance(value, list):
                below.extend(value)
        if not below:
            return None
        level = below
    return "nested_too_deep"


def _refused(value: object) -> str | None:
    """What is wrong with one value, whatever is in it."""
    if isinstance(value, str):
        return None if value.isascii() or _fits_utf8(value) else "lone_surrogate"
    if isinstance(value, dict):
        return None if all(isinstance(key, str) for key in value) else "not_json"
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        return "number_out_of_range"
    return None


def _fits_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
