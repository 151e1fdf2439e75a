"""End User Messaging: inbound texts, delivery receipts, registrations.

A receipt has the same shape from a configuration set (over SNS or Firehose) and as the detail of
an EventBridge event, but the latter has neither a destination number nor our context.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, FiniteFloat, Tag, model_validator

from schemas.event_class import EventClass
from schemas.json_text import NotJsonError, parse_json
from schemas.shape import (
    EventShape,
    Folded,
    Id,
    Shape,
    StringMap,
    UpperWord,
    Word,
    fold_keys,
    word_of,
)
from schemas.timestamps import MaybeTime, to_ms

RCS_AGENT_PREFIX = "rcs-"


class RcsMedia(Shape):
    """A file that somebody sent over RCS, put into our bucket by the service."""

    media_status: UpperWord
    media_status_message: str | None = None
    s3_bucket: str | None = None
    s3_key: str | None = None
    mime_type: str | None = None
    file_name: str | None = None
    file_size_bytes: int | None = None


class InboundSms(EventShape):
    """A text that reached one of our numbers. It says no time: the SNS envelope does.

    Numbers are taken as they come: a short code has no plus sign, an RCS agent is no number.
    """

    event_class: ClassVar[EventClass] = EventClass.INBOUND_SMS

    origination_number: Id
    destination_number: Id
    message_body: str
    inbound_message_id: Id
    message_keyword: str | None = None
    previous_published_message_id: str | None = None

    @property
    def is_rcs(self) -> bool:
        """Whether it came to an RCS agent."""
        return self.destination_number.startswith(RCS_AGENT_PREFIX)

    @property
    def rcs_media(self) -> RcsMedia | None:
        """The file, when this is one. Only an RCS agent gets files: anybody can type such JSON."""
        if not self.is_rcs or not self.message_body.lstrip().startswith("{"):
            return None
        try:
            return RcsMedia.model_validate(parse_json(self.message_body))
        except (NotJsonError, ValueError):
            return None

    @property
    def own_type(self) -> str:
        """The channel, as the service calls it: the payload has no word of its own."""
        return "RCS" if self.is_rcs else "SMS"

    @property
    def own_id(self) -> str | None:
        """The service's id of the text, the same however often it is published."""
        return self.inbound_message_id

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The customer's number."""
        return (self.origination_number,)


class ProtectConfiguration(Shape):
    """Which rules of ours looked at a send, and what they said."""

    protect_configuration_id: str | None = None
    protect_status: UpperWord | None = None


class _Receipt(EventShape):
    event_class: ClassVar[EventClass] = EventClass.EUM_EVENT

    event_type: UpperWord
    message_id: Id
    event_timestamp: MaybeTime = None
    message_request_timestamp: MaybeTime = None
    is_final: bool = False
    origination_phone_number: str | None = None
    destination_phone_number: str | None = None
    message_status: UpperWord | None = None
    message_status_description: str | None = None
    message_type: UpperWord | None = None
    iso_country_code: str | None = None
    is_international_send: bool | None = None
    context: StringMap = Field(default_factory=dict)
    total_message_parts: int | None = None
    total_message_price: FiniteFloat | None = None
    total_carrier_fee: FiniteFloat | None = None
    protect_configuration: ProtectConfiguration | None = None

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, document: Any) -> Any:
        # The first version of the service called both numbers as inbound texts do.
        if not isinstance(document, dict):
            return document
        keys = fold_keys(document)
        for old, new in _OLD_NAMES.items():
            if new not in keys and old in keys:
                keys = Folded({**keys, new: keys[old]})
        return keys

    @property
    def status(self) -> str:
        """The message's state; the event type's own last words where the status is missing."""
        return self.message_status or self.event_type.partition("_")[2] or self.event_type

    @property
    def own_type(self) -> str:
        """TEXT_DELIVERED, VOICE_BUSY, ..."""
        return self.event_type

    @property
    def own_id(self) -> str | None:
        """Message, type and time: the same over SNS and over EventBridge, and for duplicates."""
        at = "" if self.event_timestamp is None else to_ms(self.event_timestamp)
        return f"{self.message_id}/{self.event_type}/{at}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The number it went to, or the message where EventBridge leaves the number out."""
        return (self.destination_phone_number or self.message_id,)

    @property
    def own_time(self) -> datetime | None:
        """When the status was reached."""
        return self.event_timestamp


_OLD_NAMES = {
    "originationnumber": "originationphonenumber",
    "destinationnumber": "destinationphonenumber",
}


class _Routed(_Receipt):
    mcc: str | None = None  # Text: a leading zero counts.
    mnc: str | None = None
    carrier_name: str | None = None
    message_encoding: UpperWord | None = None


class TextReceipt(_Routed):
    """TEXT_*: an SMS."""


class MediaReceipt(_Routed):
    """MEDIA_*: an MMS."""

    content_type: str | None = None


class RcsReceipt(_Routed):
    """RCS_*. Without RCS the text may go out as SMS (RCS_FALLEN_BACK_TO_SMS)."""

    rcs_business_id: str | None = None
    agent_iso_country_code: str | None = None


class VoiceReceipt(_Receipt):
    """VOICE_*: a spoken message. VOICE_COMPLETED may have been voicemail."""

    call_duration_in_seconds: int | None = None
    total_duration_in_minutes: int | None = None


class OtherReceipt(_Routed):
    """An event type of a kind that is newer than this."""


def _receipt_kind(document: Any) -> str:
    kind = word_of(document, "eventtype").upper().partition("_")[0]
    return kind if kind in _KINDS else "OTHER"


_KINDS = frozenset({"TEXT", "MEDIA", "VOICE", "RCS"})

Receipt = Annotated[
    Annotated[TextReceipt, Tag("TEXT")]
    | Annotated[MediaReceipt, Tag("MEDIA")]
    | Annotated[VoiceReceipt, Tag("VOICE")]
    | Annotated[RcsReceipt, Tag("RCS")]
    | Annotated[OtherReceipt, Tag("OTHER")],
    Discriminator(_receipt_kind),
]
"""A delivery receipt, told apart by the first word of its event type."""


class RegistrationDetails(Shape):
    """A number's or sender id's registration with the carriers, and where it stands."""

    registration_id: Id
    current_status: UpperWord
    registration_type: Word | None = None
    registration_version_number: int | None = None
    registration_status_change_timestamp: MaybeTime = None


class RegistrationStatusChange(EventShape):
    """A registration moved on. Comes over EventBridge only."""

    event_class: ClassVar[EventClass] = EventClass.EUM_EVENT
    detail_type: ClassVar[Literal["Registration Status Change"]] = "Registration Status Change"

    registration_details: RegistrationDetails
    registration_arn: str | None = None

    @property
    def own_type(self) -> str:
        """EventBridge's detail-type: the detail has no word for what it is."""
        return self.detail_type

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The registration."""
        return (self.registration_details.registration_id,)

    @property
    def own_time(self) -> datetime | None:
        """When its status changed."""
        return self.registration_details.registration_status_change_timestamp
