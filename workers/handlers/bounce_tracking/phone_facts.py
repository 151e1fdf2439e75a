"""What carriers say: End User Messaging's receipts, and Pinpoint's records of texts. Pure.

Sources: End User Messaging guide, "Event format" and "Message statuses"; Pinpoint developer guide,
"SMS events". A status that the table lacks says nothing of anybody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schemas.pinpoint_legacy import SmsRecord
from schemas.sms_voice import OtherReceipt, Receipt, VoiceReceipt
from workers.addresses import Channel, normalise
from workers.brands import MessageClass
from workers.handlers.bounce_tracking.facts import (
    NO_NUMBER,
    NOT_NEEDED,
    Fact,
    Lens,
    Reading,
    message_class,
    spoken,
)
from workers.handlers.bounce_tracking.standing import ARRIVED
from workers.phone import is_fixed_line
from workers.stores.address_records import Kind

OWN_CONTEXT: Final = "sb"
"""The key of a receipt's context by which the relay knows its conversations' texts."""

_STATUSES: Final[Mapping[str, Kind]] = {
    "DELIVERED": Kind.DELIVERED,
    "READ": Kind.DELIVERED,
    "COMPLETED": Kind.DELIVERED,  # A voice message was played; voicemail counts.
    "SUCCESSFUL": Kind.ACCEPTED,
    "SUCCESS": Kind.ACCEPTED,  # so the first Pinpoint records
    "INVALID": Kind.INVALID_NUMBER,
    "UNREACHABLE": Kind.UNREACHABLE,
    "CARRIER_UNREACHABLE": Kind.UNREACHABLE,
    "BLOCKED": Kind.BLOCKED,
    "CARRIER_BLOCKED": Kind.SPAM,
    "SPAM": Kind.SPAM,
    "INVALID_MESSAGE": Kind.CONTENT,
    "FILE_INACCESSIBLE": Kind.CONTENT,
    "FILE_TYPE_UNSUPPORTED": Kind.CONTENT,
    "FILE_SIZE_EXCEEDED": Kind.CONTENT,
    "TTL_EXPIRED": Kind.EXPIRED,
    "PROTECT_BLOCKED": Kind.REFUSED,
    "OPTED_OUT": Kind.OPTED_OUT,
    "BUSY": Kind.NO_ANSWER,
    "NO_ANSWER": Kind.NO_ANSWER,
    "UNKNOWN": Kind.UNKNOWN,
    "UNROUTABLE": Kind.UNKNOWN,
    "FAILED": Kind.UNKNOWN,
}
"""INVALID_PHONE_NUMBER is missing on purpose: Pinpoint says it of the origination number."""

_IN_FLIGHT: Final = frozenset(
    {
        *("QUEUED", "PENDING", "ACCEPTED", "SENT", "FALLEN_BACK_TO_SMS"),
        *("INITIATED", "RINGING", "ANSWERED"),
    }
)
_RECORDS: Final[Mapping[str, str]] = {
    "BUFFERED": "PENDING",
    "SUCCESS": "SUCCESSFUL",
    "FAILURE": "FAILED",
    "OPTOUT": "OPTED_OUT",
}
"""What a record's own type comes to where it has no status, as the first ones had none."""
_SURE_BEFORE_THE_END: Final = frozenset({Kind.DELIVERED})
_LANDLINE: Final = re.compile(r"land.?line|fixed.?line", re.IGNORECASE)


def read_receipt(receipt: Receipt, lens: Lens) -> Reading:
    """What a delivery receipt says; before the end only that the phone has it."""
    if isinstance(receipt, OtherReceipt):
        return NOT_NEEDED
    kind = _STATUSES.get(receipt.status)
    if kind is None:
        return Reading(unneeded=_unneeded(receipt.status))
    is_open = "is_final" in receipt.model_fields_set and not receipt.is_final
    if is_open and kind not in _SURE_BEFORE_THE_END:
        return Reading(unneeded="receipt_not_final")
    if receipt.destination_phone_number is None:
        return Reading(unneeded=NO_NUMBER)
    is_voice = isinstance(receipt, VoiceReceipt)
    number = _Number(
        lens=lens,
        channel=Channel.VOICE if is_voice else Channel.SMS,
        written=receipt.destination_phone_number,
        message_id=receipt.message_id,
        message_class=message_class(receipt.message_type),
        origination=receipt.origination_phone_number,
        is_routine=OWN_CONTEXT in receipt.context,
    )
    return number.fact(kind, receipt.status, receipt.message_status_description or "")


def read_sms_record(record: SmsRecord, lens: Lens) -> Reading:
    """What Pinpoint's record says. Its event type is the less exact word: SUCCESS may be either."""
    status = record.attributes.get("record_status", "").upper()
    word = record.event_type.partition(".")[2].upper()
    if word == "OPTOUT" or not status:
        status = _RECORDS.get(word, "")
    kind = _STATUSES.get(status)
    if kind is None:
        return Reading(unneeded=_unneeded(status))
    number = _Number(
        lens=lens,
        channel=Channel.SMS,
        written=next((key for key in record.own_keys if key != record.client_id), ""),
        message_id=record.message_id or lens.event_id,
        message_class=message_class(record.attributes.get("message_type")),
        origination=record.attributes.get("origination_phone_number"),
    )
    if not number.written and kind in ARRIVED:
        return Reading(unneeded=NO_NUMBER)  # The first records named none.
    if not number.written:
        return Reading(broken="event_names_no_address")
    return number.fact(kind, status, "")


@dataclass(frozen=True, slots=True)
class _Number:
    """Makes the fact of one number."""

    lens: Lens
    channel: Channel
    written: str
    message_id: str
    message_class: MessageClass | None
    origination: str | None
    is_routine: bool = False

    def fact(self, kind: Kind, status: str, description: str) -> Reading:
        """The fact, if the number is one."""
        number = normalise(self.channel, self.written)
        if number is None:
            return Reading(broken="number_is_none")
        told = self._told_apart(kind, number, description)
        is_choice = told in (Kind.OPTED_OUT, Kind.BLOCKED)
        return Reading(
            (
                Fact(
                    channel=self.channel,
                    address=number,
                    message_id=self.message_id,
                    kind=told,
                    at_ms=self.lens.at_ms,
                    words=spoken(status),
                    message_class=self.message_class,
                    # Who blocks one brand's number has said nothing of another's.
                    scope=self.lens.scope_of(self.origination) if is_choice else None,
                    is_routine=self.is_routine,
                ),
            )
        )

    def _told_apart(self, kind: Kind, number: str, description: str) -> Kind:
        """A landline has no word of its own: it shows as invalid or unreachable."""
        if self.channel is Channel.SMS and kind in (Kind.INVALID_NUMBER, Kind.UNREACHABLE):
            says_so = _LANDLINE.search(description) is not None
            if says_so or (kind is Kind.UNREACHABLE and is_fixed_line(number)):
                return Kind.LANDLINE
        return kind


def _unneeded(status: str) -> str:
    return "receipt_not_final" if status in _IN_FLIGHT else "status_of_nobody"
