"""Which source's tables read which event."""

from __future__ import annotations

from schemas.email import (
    BounceEvent,
    ComplaintEvent,
    DeliveryDelayEvent,
    DeliveryEvent,
    RejectEvent,
    SubscriptionEvent,
)
from schemas.event import Event
from schemas.pinpoint_legacy import EmailRecord, SmsRecord
from schemas.sms_voice import MediaReceipt, RcsReceipt, TextReceipt, VoiceReceipt
from workers.handlers.bounce_tracking.facts import NOT_NEEDED, Lens, Reading
from workers.handlers.bounce_tracking.mail_facts import read_email_record, read_ses
from workers.handlers.bounce_tracking.phone_facts import read_receipt, read_sms_record


def read(event: Event, lens: Lens) -> Reading:
    """What an event says of addresses. Pure."""
    match event:
        case TextReceipt() | MediaReceipt() | VoiceReceipt() | RcsReceipt():
            return read_receipt(event, lens)
        case SmsRecord():
            return read_sms_record(event, lens)
        case EmailRecord():
            return read_email_record(event, lens)
        case BounceEvent() | ComplaintEvent() | DeliveryEvent() | DeliveryDelayEvent():
            return read_ses(event, lens)
        case RejectEvent() | SubscriptionEvent():
            return read_ses(event, lens)
        case _:
            return NOT_NEEDED
