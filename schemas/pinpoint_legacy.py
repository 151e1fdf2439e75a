"""Amazon Pinpoint's event stream and custom channels: archives, replays, and who still writes them.

The service's engagement part ended on 2026-10-30. What comes now is old, or made by others in its
likeness, so only what makes a record a record is required.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag

from schemas.email import CommonHeaders, Recipient
from schemas.event_class import EventClass
from schemas.json_text import NotJsonError, parse_json
from schemas.shape import (
    EventShape,
    Shape,
    StringMap,
    TextLists,
    Texts,
    UpperWord,
    Word,
    address_key,
    distinct,
    word_of,
)
from schemas.timestamps import MaybeTime, to_ms


def _endpoint_text(value: Any) -> Any:
    """Campaigns and journeys hold the endpoint as JSON in a string. A broken one is none."""
    if not isinstance(value, str):
        return value
    try:
        parsed = parse_json(value)
    except NotJsonError:
        return None
    return parsed if isinstance(parsed, dict) else None


class LegacyUser(Shape):
    """The person behind an endpoint, as the project knew them. Values are always lists."""

    user_id: str | None = None
    user_attributes: TextLists = Field(default_factory=dict)


class LegacyEndpoint(Shape):
    """A way to reach somebody: a number, an address, a device."""

    channel_type: UpperWord | None = None
    address: str | None = None
    endpoint_status: UpperWord | None = None
    opt_out: UpperWord | None = None
    user: LegacyUser | None = None
    attributes: TextLists = Field(default_factory=dict)
    metrics: dict[str, JsonValue] = Field(default_factory=dict)
    demographic: dict[str, JsonValue] = Field(default_factory=dict)
    location: dict[str, JsonValue] = Field(default_factory=dict)
    effective_date: MaybeTime = None
    creation_date: MaybeTime = None

    @property
    def key(self) -> str:
        """The address, in lower case if it is a mail address; empty if there is none."""
        address = self.address or ""
        return address_key(address) if "@" in address else address


class _Custom(Shape):
    endpoint: Annotated[LegacyEndpoint | None, BeforeValidator(_endpoint_text)] = None
    legacy_identifier: str | None = None


class _ClientContext(Shape):
    custom: _Custom | None = None


class _Application(Shape):
    app_id: str | None = None


class _Client(Shape):
    client_id: str | None = None
    cognito_id: str | None = None


class _PinpointRecord(EventShape):
    event_class: ClassVar[EventClass] = EventClass.PINPOINT_EVENT
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "snake"

    event_type: Word
    event_timestamp: MaybeTime = None
    arrival_timestamp: MaybeTime = None
    event_version: str | None = None
    application: _Application | None = None
    client: _Client | None = None
    client_context: _ClientContext | None = None
    attributes: StringMap = Field(default_factory=dict)
    metrics: dict[str, JsonValue] = Field(default_factory=dict)
    session: dict[str, JsonValue] = Field(default_factory=dict)
    device: dict[str, JsonValue] = Field(default_factory=dict)
    aws_account_id: str | None = None

    @property
    def client_id(self) -> str | None:
        """The endpoint, for campaigns and journeys; otherwise an id that leads nowhere."""
        return self.client.client_id if self.client else None

    @property
    def endpoint(self) -> LegacyEndpoint | None:
        """The endpoint as the campaign or journey saw it."""
        custom = self.client_context.custom if self.client_context else None
        return custom.endpoint if custom else None

    @property
    def message_id(self) -> str | None:
        """The message that it is about."""
        return self.attributes.get("message_id")

    @property
    def own_type(self) -> str:
        """_SMS.FAILURE, _email.hardbounce, or a name of the customer's own."""
        return self.event_type

    @property
    def own_id(self) -> str | None:
        """Type, message and both times; where no message is named, the client. There is no id."""
        times = (self.event_timestamp, self.arrival_timestamp)
        at = "/".join("" if time is None else str(to_ms(time)) for time in times)
        return f"{self.event_type}/{self.message_id or self.client_id or ''}/{at}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The address, else the client id."""
        return self._addresses() or distinct([self.client_id or ""])

    @property
    def own_time(self) -> datetime | None:
        """When it was reported."""
        return self.event_timestamp or self.arrival_timestamp

    def _addresses(self) -> tuple[str, ...]:
        return distinct([self.endpoint.key if self.endpoint else ""])


class SmsRecord(_PinpointRecord):
    """`_SMS.*`."""

    def _addresses(self) -> tuple[str, ...]:
        number = self.attributes.get("destination_phone_number", "")
        return distinct([number]) or super()._addresses()


class _LegacyMail(Shape):
    message_id: str | None = None
    message_send_timestamp: MaybeTime = None
    from_address: str | None = None
    destination: Texts = ()
    common_headers: CommonHeaders | None = None


class _LegacyBounce(Shape):
    bounce_type: Word | None = None
    bounce_sub_type: Word | None = None
    bounced_recipients: tuple[Recipient, ...] = ()
    feedback_id: str | None = None


class _LegacyComplaint(Shape):
    complained_recipients: tuple[Recipient, ...] = ()
    complaint_feedback_type: Word | None = None
    feedback_id: str | None = None


class _LegacyDelivery(Shape):
    recipients: Texts = ()
    smtp_response: str | None = None
    processing_time_millis: int | None = None


class MailEvent(Shape):
    """SES's event of the mail, in snake case or not."""

    mail: _LegacyMail | None = None
    bounce: _LegacyBounce | None = None
    complaint: _LegacyComplaint | None = None
    delivery: _LegacyDelivery | None = None

    @property
    def addresses(self) -> list[str]:
        """Whom it is about, else whom the mail went to."""
        about: list[str] = []
        if self.bounce:
            about += [r.email_address for r in self.bounce.bounced_recipients]
        if self.complaint:
            about += [r.email_address for r in self.complaint.complained_recipients]
        if self.delivery:
            about += self.delivery.recipients
        return about or list(self.mail.destination if self.mail else ())


class _EmailChannel(Shape):
    mail_event: MailEvent | None = None


class _Facets(Shape):
    email_channel: _EmailChannel | None = None


class EmailRecord(_PinpointRecord):
    """`_email.*`. Its event timestamp is the sending's, so its arrival is its time."""

    facets: _Facets | None = None

    @property
    def mail_event(self) -> MailEvent | None:
        """What SES said."""
        channel = self.facets.email_channel if self.facets else None
        return channel.mail_event if channel else None

    @property
    def message_id(self) -> str | None:
        """SES's id of the mail."""
        mail = self.mail_event.mail if self.mail_event else None
        return (mail.message_id if mail else None) or self.attributes.get("message_id")

    @property
    def own_time(self) -> datetime | None:
        """When it arrived (Pinpoint developer guide, "Email events")."""
        return self.arrival_timestamp or self.event_timestamp

    def _addresses(self) -> tuple[str, ...]:
        mail = self.mail_event.addresses if self.mail_event else []
        return distinct([address_key(a) for a in mail]) or super()._addresses()


class CampaignRecord(_PinpointRecord):
    """`_campaign.*`."""


class JourneyRecord(_PinpointRecord):
    """`_journey.*`."""


class AppRecord(_PinpointRecord):
    """What an app reported: `_session.*`, `_userauth.*`, `_monetization.*`, or its own names."""


def _record_kind(document: Any) -> str:
    kind = word_of(document, "eventtype").partition(".")[0].lower()
    return kind if kind in _KINDS else "app"


_KINDS = frozenset({"_sms", "_email", "_campaign", "_journey"})

PinpointRecord = Annotated[
    Annotated[SmsRecord, Tag("_sms")]
    | Annotated[EmailRecord, Tag("_email")]
    | Annotated[CampaignRecord, Tag("_campaign")]
    | Annotated[JourneyRecord, Tag("_journey")]
    | Annotated[AppRecord, Tag("app")],
    Discriminator(_record_kind),
]
"""A record of the stream, told apart by the first word of its event type."""


class CustomChannelCall(EventShape):
    """A campaign or journey hands endpoints to a custom channel, 50 at most at a time."""

    event_class: ClassVar[EventClass] = EventClass.PINPOINT_CUSTOM_CHANNEL
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "pascal"

    endpoints: dict[str, LegacyEndpoint]
    application_id: str | None = None
    campaign_id: str | None = None
    journey_id: str | None = None
    treatment_id: str | None = None
    activity_id: str | None = None
    scheduled_time: MaybeTime = None
    data: str | None = None
    message: dict[str, JsonValue] = Field(default_factory=dict)

    @property
    def own_type(self) -> str:
        """Pinpoint's word for this channel; the payload itself has none."""
        return "CUSTOM"

    @property
    def own_id(self) -> str | None:
        """The activity, which with the endpoint's address names one call of one person."""
        return self.activity_id

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Each endpoint's address."""
        return distinct([endpoint.key for endpoint in self.endpoints.values()])

    @property
    def own_time(self) -> datetime | None:
        """When the campaign was to run; a journey does not say."""
        return self.scheduled_time
