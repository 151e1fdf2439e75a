"""What each event says of customers, by its source. Pure.

Sources: SES developer guide, "Contents of event data"; End User Messaging guide, "Event format";
Pinpoint developer guide, "Streaming events" and "Custom channels".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from schemas.email import ClickEvent, DeliveryEvent, OpenEvent, SendEvent
from schemas.event import Event
from schemas.json_text import NotJsonError, parse_json
from schemas.pinpoint_legacy import (
    CampaignRecord,
    CustomChannelCall,
    EmailRecord,
    JourneyRecord,
    LegacyEndpoint,
    SmsRecord,
)
from schemas.sms_voice import InboundSms, MediaReceipt, RcsReceipt, TextReceipt, VoiceReceipt
from workers.addresses import Channel
from workers.config import PersonKey
from workers.handlers.profile_updates.facts import (
    NOBODY,
    NOT_NEEDED,
    Change,
    Lens,
    OfferWord,
    PersonFact,
    Reading,
    Touch,
    named,
    person_keys,
)
from workers.stores.person_records import PathStep, Stage

OWN_CONTEXT: Final = "sb"
"""The key of a receipt's context by which the relay knows its conversations' texts."""

_Receipts = TextReceipt | MediaReceipt | RcsReceipt | VoiceReceipt
_SesMail = SendEvent | DeliveryEvent | OpenEvent | ClickEvent

_RECEIPT_STAGES: Final[Mapping[str, tuple[Stage, ...]]] = {
    "DELIVERED": (Stage.SENT, Stage.DELIVERED),
    "COMPLETED": (Stage.SENT, Stage.DELIVERED),  # A voice message was played; voicemail counts.
    "READ": (Stage.SENT, Stage.DELIVERED, Stage.OPENED),
    **dict.fromkeys(
        (
            *("QUEUED", "PENDING", "ACCEPTED", "SENT", "SUCCESSFUL", "SUCCESS"),
            *("INITIATED", "RINGING", "ANSWERED", "BUSY", "NO_ANSWER"),
            *("UNREACHABLE", "CARRIER_UNREACHABLE", "BLOCKED", "CARRIER_BLOCKED", "SPAM"),
            *("INVALID", "TTL_EXPIRED", "UNKNOWN"),
        ),
        (Stage.SENT,),
    ),
}
"""How far a status shows a text to have come. What was never sent is not there."""

_LEGACY_MAIL: Final[Mapping[str, Stage]] = {
    "send": Stage.SENT,
    "delivered": Stage.DELIVERED,
    "open": Stage.OPENED,
    "click": Stage.CLICKED,
}
_SES_STAGES: Final[Mapping[type[_SesMail], Stage]] = {
    SendEvent: Stage.SENT,
    DeliveryEvent: Stage.DELIVERED,
    OpenEvent: Stage.OPENED,
    ClickEvent: Stage.CLICKED,
}
_VIEWS: Final = frozenset({Stage.OPENED, Stage.CLICKED})


def read(event: Event, lens: Lens) -> Reading:
    """What an event says of customers."""
    match event:
        case SendEvent() | DeliveryEvent() | OpenEvent() | ClickEvent():
            reading = _read_ses(event, lens)
        case TextReceipt() | MediaReceipt() | RcsReceipt() | VoiceReceipt():
            reading = _read_receipt(event, lens)
        case InboundSms():
            reading = _read_reply(event, lens)
        case EmailRecord():
            reading = _read_email_record(event, lens)
        case SmsRecord():
            reading = _read_sms_record(event, lens)
        case CampaignRecord() | JourneyRecord():
            reading = _read_step(event, lens)
        case CustomChannelCall():
            reading = _read_call(event, lens)
        case _:
            reading = NOT_NEEDED
    return reading


def may_concern(event: Event) -> bool:
    """Whether profiles want to see the event at all: by its type, without a look at whom it names.

    A conversation's own texts stay with the conversation.
    """
    match event:
        case TextReceipt() | MediaReceipt() | RcsReceipt() | VoiceReceipt():
            return OWN_CONTEXT not in event.context
        case InboundSms():
            return event.previous_published_message_id is not None
        case SendEvent() | DeliveryEvent() | OpenEvent() | ClickEvent():
            return True
        case EmailRecord() | SmsRecord() | CampaignRecord() | JourneyRecord():
            return True
        case CustomChannelCall():
            return names_offer(event)
        case _:
            return False


def names_offer(call: CustomChannelCall) -> bool:
    """Whether it is a call of the "was the offer viewed" channel; others want somebody rung up."""
    return bool(_offer_said(call)[0])


def _read_ses(event: _SesMail, lens: Lens) -> Reading:
    stage = _SES_STAGES[type(event)]
    mail, rules = event.mail, lens.rules
    people = event.own_keys
    if stage in _VIEWS and len(people) > 1:
        return Reading(unneeded="one_of_several_recipients")  # SES does not say which.
    tags = {name: next(iter(values), "") for name, values in mail.tags.items()}
    sent_ms = lens.trusted_ms(mail.timestamp)
    changes: list[Change] = [
        Touch(Channel.EMAIL, stage, mail.message_id or lens.event_id, lens.at_ms),
        *_offer(tags.get(rules.offer_tag), stage, sent_ms, lens.at_ms),
    ]
    for kind, tag in (("campaign", rules.campaign_tag), ("journey", rules.journey_tag)):
        changes += _step(
            kind,
            tags.get(tag),
            sent_ms,
            activity=tags.get(rules.activity_tag),
            treatment=tags.get(rules.treatment_tag),
        )
    return _of([person_keys(email=address) for address in people], changes, lens)


def _read_receipt(receipt: _Receipts, lens: Lens) -> Reading:
    stages = _RECEIPT_STAGES.get(receipt.status)
    if stages is None:
        return NOT_NEEDED
    channel = Channel.VOICE if isinstance(receipt, VoiceReceipt) else Channel.SMS
    asked_ms = lens.trusted_ms(receipt.message_request_timestamp)
    changes = [
        Touch(channel, stage, receipt.message_id, asked_ms if stage is Stage.SENT else lens.at_ms)
        for stage in stages
    ]
    return _of([person_keys(phone=receipt.destination_phone_number)], changes, lens)


def _read_reply(sms: InboundSms, lens: Lens) -> Reading:
    """Only a text that End User Messaging takes for an answer is one."""
    if sms.previous_published_message_id is None:
        return NOT_NEEDED
    answer = Touch(Channel.SMS, Stage.REPLIED, sms.previous_published_message_id, lens.at_ms)
    return _of([person_keys(phone=sms.origination_number)], [answer], lens)


def _read_email_record(record: EmailRecord, lens: Lens) -> Reading:
    stage = _LEGACY_MAIL.get(record.event_type.partition(".")[2].lower())
    if stage is None:
        return NOT_NEEDED
    addresses = [key for key in record.own_keys if "@" in key]
    if stage in _VIEWS and len(addresses) > 1:
        return Reading(unneeded="one_of_several_recipients")
    # The event's own timestamp is the sending's (Pinpoint developer guide, "Email events").
    sent_ms = lens.trusted_ms(record.event_timestamp)
    changes: list[Change] = [
        Touch(Channel.EMAIL, stage, record.message_id or lens.event_id, lens.at_ms),
        *_offer(record.attributes.get(lens.rules.offer_tag), stage, sent_ms, lens.at_ms),
        *_record_steps(record.attributes, sent_ms),
    ]
    user_id = _user_id(record.endpoint)
    people = [person_keys(email=address, customer_id=user_id) for address in addresses]
    return _of(people, changes, lens)


def _read_sms_record(record: SmsRecord, lens: Lens) -> Reading:
    attributes = record.attributes
    status = attributes.get("record_status", "").upper()
    word = record.event_type.partition(".")[2].upper()
    if not status:
        status = {"BUFFERED": "PENDING", "SUCCESS": "SUCCESSFUL"}.get(word, "")
    stages = () if word == "OPTOUT" else _RECEIPT_STAGES.get(status, ())
    message_id = record.message_id or lens.event_id
    changes: list[Change] = [Touch(Channel.SMS, stage, message_id, lens.at_ms) for stage in stages]
    if stages:
        offer = attributes.get(lens.rules.offer_tag)
        changes += _offer(offer, Stage.SENT, lens.at_ms, lens.at_ms)
    changes += _record_steps(attributes, lens.at_ms)
    phone = next((key for key in record.own_keys if key != record.client_id), None)
    person = person_keys(phone=phone, customer_id=_user_id(record.endpoint))
    return _of([person], changes, lens) if changes else NOT_NEEDED


def _read_step(record: CampaignRecord | JourneyRecord, lens: Lens) -> Reading:
    if record.event_type.partition(".")[2].lower() != "send":
        return NOT_NEEDED
    person = _endpoint_keys(record.endpoint)
    return _of([person], _record_steps(record.attributes, lens.at_ms), lens)


def _record_steps(attributes: Mapping[str, str], at_ms: int) -> list[PathStep]:
    campaign = _step(
        "campaign",
        attributes.get("campaign_id"),
        at_ms,
        activity=attributes.get("campaign_activity_id"),
        treatment=attributes.get("treatment_id"),
        status=attributes.get("campaign_send_status"),
    )
    journey = _step(
        "journey",
        attributes.get("journey_id"),
        at_ms,
        activity=attributes.get("journey_activity_id"),
        status=attributes.get("journey_send_status"),
    )
    return [*campaign, *journey]


def _step(
    kind: str,
    identity: str | None,
    at_ms: int,
    *,
    activity: str | None = None,
    treatment: str | None = None,
    status: str | None = None,
) -> list[PathStep]:
    if not named(identity):
        return []
    step = PathStep(kind, named(identity), at_ms, named(activity), named(treatment), named(status))
    return [step]


def _read_call(call: CustomChannelCall, lens: Lens) -> Reading:
    """The "was the offer viewed" channel: whether it was stands in the call's Data."""
    name, is_viewed = _offer_said(call)
    if not name:
        return NOT_NEEDED
    word = OfferWord(name, "viewed" if is_viewed else "denied", lens.at_ms)
    changes: list[Change] = [word]
    for kind, identity in (("campaign", call.campaign_id), ("journey", call.journey_id)):
        changes += _step(
            kind, identity, lens.at_ms, activity=call.activity_id, treatment=call.treatment_id
        )
    people = [_endpoint_keys(endpoint) for endpoint in call.endpoints.values()]
    return _of(people, changes, lens)


def _offer_said(call: CustomChannelCall) -> tuple[str, bool]:
    """The offer's name and whether it was viewed; no name where the call says nothing of any."""
    said = _said(call.data)
    viewed = _text(said.get("offerViewed")).lower()
    name = named(_text(said.get("offerName"))) if viewed in ("true", "false") else ""
    return name, viewed == "true"


def _said(data: str | None) -> Mapping[str, object]:
    try:
        said = parse_json(data or "{}")
    except NotJsonError:
        return {}
    return said if isinstance(said, dict) else {}


def _text(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case _:
            return ""


def _offer(name: str | None, stage: Stage, sent_ms: int, at_ms: int) -> list[OfferWord]:
    """Sent is offered, at the mail's own time, whichever of its events comes first."""
    if not named(name):
        return []
    offered = OfferWord(named(name), "offered", sent_ms)
    if stage not in _VIEWS:
        return [offered]
    return [offered, OfferWord(named(name), "viewed", max(at_ms, sent_ms))]


def _user_id(endpoint: LegacyEndpoint | None) -> str | None:
    return endpoint.user.user_id if endpoint and endpoint.user else None


def _endpoint_keys(endpoint: LegacyEndpoint | None) -> dict[PersonKey, str]:
    address = endpoint.key if endpoint else ""
    is_mail = "@" in address
    return person_keys(
        customer_id=_user_id(endpoint),
        phone=None if is_mail else address,
        email=address if is_mail else None,
    )


def _of(
    people: Iterable[Mapping[PersonKey, str]], changes: Iterable[Change], lens: Lens
) -> Reading:
    kept = tuple(changes)
    facts = tuple(PersonFact(keys, lens.at_ms, kept) for keys in people if keys)
    if not kept:
        return NOT_NEEDED
    return Reading(facts) if facts else NOBODY
