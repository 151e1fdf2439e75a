"""The exact JSON of delivery receipts, for event destinations and for the bus.

Source: End User Messaging User Guide, "Event format" and "Monitoring with EventBridge".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from simulator.services.sms_voice.countries import country_of

if TYPE_CHECKING:
    from simulator.services.sms_voice.carrier import Sent, Spoken

PRICE_PER_PART_USD = 0.00581
PRICE_PER_MINUTE_USD = 0.013
_FEE_PER_PART_USD = 0.003
_DESCRIPTIONS = {
    "QUEUED": "Message is queued",
    "PENDING": "Message is pending delivery",
    "SENT": "Message has been sent",
    "SUCCESSFUL": "Message has been accepted by the carrier",
    "DELIVERED": "Message has been accepted by phone",
    "INVALID": "The destination phone number is invalid",
    "INVALID_MESSAGE": "The message body is invalid",
    "UNREACHABLE": "The phone is unreachable or unavailable",
    "CARRIER_UNREACHABLE": "The carrier is unreachable",
    "BLOCKED": "The phone has blocked the message",
    "CARRIER_BLOCKED": "The carrier has blocked the message",
    "SPAM": "The carrier considers the message as spam",
    "UNKNOWN": "The status of the message is unknown",
    "TTL_EXPIRED": "The message's time to live has expired",
    "PROTECT_BLOCKED": "The message was blocked by a protect configuration",
}


def receipt(sent: Sent, status: str, *, is_final: bool, now: datetime) -> dict[str, Any]:
    """What an event destination gets."""
    country = country_of(sent.destination)
    parts = sent.encoded.parts
    is_paid = status not in ("PROTECT_BLOCKED", "INVALID", "INVALID_MESSAGE")
    event: dict[str, Any] = {
        "eventType": f"{sent.channel}_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": _ms(now),
        "isFinal": is_final,
        "originationPhoneNumber": sent.origination,
        "destinationPhoneNumber": sent.destination,
        "isoCountryCode": country,
        "isInternationalSend": sent.origination_country not in (None, country),
        "mcc": "310",
        "mnc": "800",
        "carrierName": "Example Wireless",
        "messageId": sent.message_id,
        "messageRequestTimestamp": _ms(sent.accepted_at),
        "messageEncoding": sent.encoded.encoding,
        "messageType": sent.message_type,
        "messageStatus": status,
        "messageStatusDescription": _DESCRIPTIONS[status],
        "context": dict(sent.context),
        "totalMessageParts": parts,
        "totalMessagePrice": round(parts * PRICE_PER_PART_USD, 5) if is_paid else 0.0,
        "totalCarrierFee": round(parts * _FEE_PER_PART_USD, 5) if is_paid else 0.0,
    }
    if sent.channel == "MEDIA":
        # A media message has no SMS encoding.
        del event["messageEncoding"]
        event["contentType"] = "MMS"
    if status == "PROTECT_BLOCKED":
        event["protectConfiguration"] = {"protectStatus": "BLOCK"}
    if country is None:
        del event["isoCountryCode"]
    return event


def voice_receipt(
    spoken: Spoken, status: str, *, is_final: bool, now: datetime, talked_s: int
) -> dict[str, Any]:
    """What an event destination gets of a voice message; `talked_s` from the answer on."""
    country = country_of(spoken.destination)
    minutes = -(-talked_s // 60)
    event: dict[str, Any] = {
        "eventType": f"VOICE_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": _ms(now),
        "isFinal": is_final,
        "originationPhoneNumber": spoken.origination,
        "destinationPhoneNumber": spoken.destination,
        "isoCountryCode": country,
        "messageId": spoken.message_id,
        "messageRequestTimestamp": _ms(spoken.accepted_at),
        "messageStatus": status,
        "callDurationInSeconds": talked_s,
        "totalDurationInMinutes": minutes,
        "totalMessagePrice": round(minutes * PRICE_PER_MINUTE_USD, 5),
        "context": dict(spoken.context),
    }
    if country is None:
        del event["isoCountryCode"]
    return event


def bus_detail(event: Mapping[str, Any]) -> dict[str, Any]:
    """The same receipt as EventBridge has it: without the recipient and without the context."""
    return {
        name: value
        for name, value in event.items()
        if name not in ("destinationPhoneNumber", "context")
    }


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
