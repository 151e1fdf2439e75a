"""Which family an object belongs to, by a few of its keys, and reading it as that.

The keys are looked at in a fixed order and one model is tried: what looks like a receipt and is
none is a broken receipt, with the place where it breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError

from schemas import email, own, pinpoint_legacy, sms_voice
from schemas.connect import ChatMessage, ContactEvent
from schemas.contact_record import ContactFlowRequest, ContactRecord
from schemas.event import Event
from schemas.event_class import EventClass
from schemas.shape import Folded, Shape, fold
from schemas.sms_voice import RegistrationStatusChange


class MalformedError(Exception):
    """An object of a known family that its model refuses. Holds no value of the object's."""

    def __init__(self, reason: str, path: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.path = path


@dataclass(frozen=True, slots=True)
class Family:
    """How one family is read. `is_tagged`: errors name the union's branch before the field."""

    event_class: EventClass
    adapter: TypeAdapter[Any]
    spelling: Literal["camel", "pascal", "snake"] = "camel"
    is_tagged: bool = False


INBOUND = Family(EventClass.INBOUND_SMS, TypeAdapter(sms_voice.InboundSms))
RECEIPT = Family(EventClass.EUM_EVENT, TypeAdapter(sms_voice.Receipt), is_tagged=True)
REGISTRATION = Family(EventClass.EUM_EVENT, TypeAdapter(RegistrationStatusChange))
SES = Family(EventClass.SES_EVENT, TypeAdapter(email.SesEvent), is_tagged=True)
PINPOINT = Family(
    EventClass.PINPOINT_EVENT, TypeAdapter(pinpoint_legacy.PinpointRecord), "snake", is_tagged=True
)
CUSTOM_CHANNEL = Family(
    EventClass.PINPOINT_CUSTOM_CHANNEL, TypeAdapter(pinpoint_legacy.CustomChannelCall), "pascal"
)
CONTACT_EVENT = Family(EventClass.CONNECT_CONTACT_EVENT, TypeAdapter(ContactEvent))
CONTACT_RECORD = Family(EventClass.CONNECT_CONTACT_RECORD, TypeAdapter(ContactRecord), "pascal")
CHAT_MESSAGE = Family(EventClass.CONNECT_CHAT_MESSAGE, TypeAdapter(ChatMessage), "pascal")
FLOW_REQUEST = Family(EventClass.CONTACT_FLOW_REQUEST, TypeAdapter(ContactFlowRequest), "pascal")
COMMAND = Family(EventClass.COMMAND, TypeAdapter(own.Command), "snake", is_tagged=True)


def family_of(keys: Folded, document: Mapping[str, Any]) -> Family | None:
    """Tell an object by its keys; None for one that is nothing we know.

    `document` is the object unfolded: Pinpoint's `event_type` and SES's `eventType` fold alike.
    """
    if "switchboard" in document:
        return COMMAND
    if "event_type" in document or "arrivaltimestamp" in keys:
        return PINPOINT
    for is_it, family in _SIGNS:
        if is_it(keys):
            return family
    return None


def read(family: Family, keys: Folded, document: Mapping[str, Any]) -> Event:
    """Read an object as what it looks like.

    Raises:
        MalformedError: with the reason and the place of the first thing that is wrong.
    """
    if family is COMMAND:
        # Ours are written by us: exactly these keys, or it is not ours.
        name = document.get("switchboard")
        if not isinstance(name, str) or name not in own.COMMAND_NAMES:
            raise MalformedError("command_unknown", "switchboard")
        source: Mapping[str, Any] = document
    else:
        source = keys
    try:
        event: Event = family.adapter.validate_python(source)
    except ValidationError as exc:
        raise _malformed(family, exc) from None
    return event


def _is_chat_message(keys: Folded) -> bool:
    if "absolutetime" in keys or "participantrole" in keys:
        return True
    return "initialcontactid" in keys and "contenttype" in keys and "type" in keys


def _is_inbound(keys: Folded) -> bool:
    if "inboundmessageid" in keys:
        return True
    return (
        "eventtype" not in keys
        and "originationnumber" in keys
        and ("messagebody" in keys or "destinationnumber" in keys)
    )


def _is_ses(keys: Folded) -> bool:
    if "notificationtype" in keys:
        return "mail" in keys or email.ses_word(keys["notificationtype"]) is not None
    return "eventtype" in keys and ("mail" in keys or email.ses_word(keys["eventtype"]) is not None)


def _is_receipt(keys: Folded) -> bool:
    word = keys.get("eventtype")
    if not isinstance(word, str) or "contactid" in keys:
        return False
    return not _RECEIPT_SIGNS.isdisjoint(keys) or word.upper().startswith(_RECEIPT_WORDS)


def _is_contact_event(keys: Folded) -> bool:
    return (
        "contactid" in keys
        and "eventtype" in keys
        and ("instancearn" in keys or "initiationmethod" in keys)
    )


def _is_contact_record(keys: Folded) -> bool:
    if "awscontacttracerecordformatversion" in keys:
        return True
    return "contactid" in keys and "eventtype" not in keys and "channel" in keys


def _is_flow_request(keys: Folded) -> bool:
    details = keys.get("details")
    if not isinstance(details, dict):
        return False
    return keys.get("name") == "ContactFlowEvent" or any(
        fold(str(key)) == "contactdata" for key in details
    )


def _is_custom_channel(keys: Folded) -> bool:
    return "endpoints" in keys and not _CUSTOM_CHANNEL_SIGNS.isdisjoint(keys)


_CUSTOM_CHANNEL_SIGNS = frozenset({"applicationid", "campaignid", "journeyid", "activityid"})
_RECEIPT_WORDS = ("TEXT_", "MEDIA_", "VOICE_", "RCS_")
_RECEIPT_SIGNS = frozenset(
    {"messagestatus", "messagerequesttimestamp", "originationphonenumber", "destinationphonenumber"}
)

_SIGNS: tuple[tuple[Callable[[Folded], bool], Family], ...] = (
    (_is_chat_message, CHAT_MESSAGE),
    (_is_inbound, INBOUND),
    (_is_receipt, RECEIPT),
    (_is_contact_event, CONTACT_EVENT),
    (_is_ses, SES),
    (_is_contact_record, CONTACT_RECORD),
    (_is_flow_request, FLOW_REQUEST),
    (_is_custom_channel, CUSTOM_CHANNEL),
    (lambda keys: "registrationdetails" in keys, REGISTRATION),
)


def _malformed(family: Family, error: ValidationError) -> MalformedError:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    loc = first["loc"][1:] if family.is_tagged else first["loc"]
    what = "field_missing" if first["type"] == "missing" else "field_invalid"
    if first["type"] == "extra_forbidden":
        what = "field_unknown"
    return MalformedError(f"{family.event_class}_{what}", schema_path(loc, family.spelling))


def schema_path(loc: tuple[int | str, ...], spelling: Literal["camel", "pascal", "snake"]) -> str:
    """Spell a place in a schema as its source does. Keys of maps are data, and become `*`."""
    return ".".join(_spell(part, spelling) for part in loc)


def _spell(part: int | str, spelling: Literal["camel", "pascal", "snake"]) -> str:
    if isinstance(part, int):
        return str(part)
    if part not in _field_names():
        return "*"
    if spelling == "snake":
        return part
    pascal = "".join(word.title() for word in part.split("_"))
    return pascal if spelling == "pascal" else pascal[:1].lower() + pascal[1:]


@cache
def _field_names() -> frozenset[str]:
    names = {name for command in own.COMMANDS for name in command.model_fields}
    kinds: list[type[Shape]] = [Shape]
    while kinds:
        kind = kinds.pop()
        names.update(kind.model_fields)
        kinds.extend(kind.__subclasses__())
    return frozenset(names)
