"""SES: published events, the same on EventBridge, and the older identity notifications.

All three have one shape. A published event names itself `eventType`, an identity notification
`notificationType`; the latter has no tags. With both switched on, one bounce comes twice, with
the same feedback id.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Field, Tag

from schemas.event_class import EventClass
from schemas.shape import (
    EventShape,
    Id,
    Shape,
    TextLists,
    Texts,
    Word,
    address_key,
    distinct,
    fold,
    word_of,
)
from schemas.timestamps import MaybeTime, to_ms

SETUP_TYPE = "AmazonSnsSubscriptionSucceeded"
"""What an identity's topic gets when notifications are switched on. No event."""

SETUP_TEXT = "Successfully validated SNS topic for Amazon SES event publishing."
"""What a configuration set's topic gets when the destination is made: plain text, no JSON."""

_WORDS = {
    fold(word): word
    for word in (
        "Bounce",
        "Complaint",
        "Delivery",
        "Send",
        "Reject",
        "Open",
        "Click",
        "Rendering Failure",
        "DeliveryDelay",
        "Subscription",
        SETUP_TYPE,
    )
}

TYPE_OF_DETAIL_TYPE = {
    "Email Bounced": "Bounce",
    "Email Complaint Received": "Complaint",
    "Email Delivered": "Delivery",
    "Email Delivery Delayed": "DeliveryDelay",
    "Email Opened": "Open",
    "Email Clicked": "Click",
    "Email Sent": "Send",
    "Email Rejected": "Reject",
    "Email Rendering Failed": "Rendering Failure",
    "Email Subscribed": "Subscription",
}
"""EventBridge's words for the event types (SES guide, "Monitoring SES events with EventBridge")."""


def ses_word(word: object) -> str | None:
    """SES's own spelling of an event type in any case; None for a word that is none of them."""
    return _WORDS.get(fold(word)) if isinstance(word, str) else None


class Recipient(Shape):
    """One address of a bounce, a complaint or a delay, and what its server said."""

    email_address: Id
    action: str | None = None
    status: str | None = None
    diagnostic_code: str | None = None


class Header(Shape):
    """One header of the mail as it was sent."""

    name: str
    value: str | None = None


class CommonHeaders(Shape):
    """The headers that everybody asks for. SES lists the senders, Pinpoint has one text."""

    senders: Texts = Field(default=(), alias="from")
    to: Texts = ()
    subject: str | None = None
    message_id: str | None = None


class Mail(Shape):
    """The mail that an event is about. Tags only come with event publishing."""

    message_id: str | None = None
    timestamp: MaybeTime = None
    source: str | None = None
    source_arn: str | None = None
    source_ip: str | None = None
    sending_account_id: str | None = None
    destination: Texts = ()
    headers_truncated: bool | None = None
    headers: tuple[Header, ...] = ()
    common_headers: CommonHeaders | None = None
    tags: TextLists = Field(default_factory=dict)


class Bounce(Shape):
    """SES gave up on these addresses, or knew better than to try."""

    bounced_recipients: tuple[Recipient, ...]
    bounce_type: Word | None = None
    bounce_sub_type: Word | None = None
    feedback_id: str | None = None
    timestamp: MaybeTime = None
    reporting_mta: str | None = None
    remote_mta_ip: str | None = None


class Complaint(Shape):
    """Somebody called the mail spam. All addresses of one domain may be listed, not only theirs."""

    complained_recipients: tuple[Recipient, ...]
    complaint_sub_type: Word | None = None
    complaint_feedback_type: Word | None = None
    feedback_id: str | None = None
    timestamp: MaybeTime = None
    arrival_date: MaybeTime = None
    user_agent: str | None = None


class Delivery(Shape):
    """The recipients' server took the mail."""

    recipients: Texts
    timestamp: MaybeTime = None
    processing_time_millis: int | None = None
    smtp_response: str | None = None
    remote_mta_ip: str | None = None
    reporting_mta: str | None = None


class Rejection(Shape):
    """SES refused the mail itself."""

    reason: str | None = None


class Opening(Shape):
    """The mail's picture was loaded: by a person, or by a scanner."""

    timestamp: MaybeTime = None
    ip_address: str | None = None
    user_agent: str | None = None


class Clicking(Opening):
    """A link was followed: by a person, or by a scanner."""

    link: str | None = None
    link_tags: TextLists = Field(default_factory=dict)


class Failure(Shape):
    """The template could not be filled in."""

    template_name: str | None = None
    error_message: str | None = None


class DeliveryDelay(Shape):
    """Not there yet. A delivery or a bounce follows."""

    delayed_recipients: tuple[Recipient, ...]
    delay_type: Word | None = None
    timestamp: MaybeTime = None
    expiration_time: MaybeTime = None
    reporting_mta: str | None = None


class TopicPreference(Shape):
    """Whether somebody wants one topic."""

    topic_name: str
    subscription_status: Word | None = None


class TopicPreferences(Shape):
    """What somebody wants of one list."""

    unsubscribe_all: bool | None = None
    topic_subscription_status: tuple[TopicPreference, ...] = ()


class Subscription(Shape):
    """Somebody changed what they want. EventBridge calls an unsubscription subscribed, too."""

    contact_list: str | None = None
    timestamp: MaybeTime = None
    source: str | None = None
    new_topic_preferences: TopicPreferences | None = None
    old_topic_preferences: TopicPreferences | None = None


class _SesEvent(EventShape):
    event_class: ClassVar[EventClass] = EventClass.SES_EVENT

    event_type: Word | None = None
    notification_type: Word | None = None
    mail: Mail

    @property
    def about(self) -> object:
        """The object that is named for the event."""
        return None

    @property
    def own_type(self) -> str:
        """SES's own spelling; a newer word as it came."""
        word = self.event_type or self.notification_type or ""
        return ses_word(word) or word

    @property
    def own_id(self) -> str | None:
        """The feedback id, else message, type and time: the same for both kinds of publishing."""
        if feedback_id := getattr(self.about, "feedback_id", None):
            return str(feedback_id)
        if self.mail.message_id is None:
            return None
        at = "" if self.own_time is None else to_ms(self.own_time)
        return f"{self.mail.message_id}/{self.own_type}/{at}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The recipients it is about, else all that the mail went to; in lower case."""
        return distinct([address_key(a) for a in self._addresses() or self.mail.destination])

    @property
    def own_time(self) -> datetime | None:
        """The event's time; the mail's own where the event is that it was sent, or was not."""
        at: datetime | None = getattr(self.about, "timestamp", None)
        return at or self.mail.timestamp

    def _addresses(self) -> list[str]:
        return []


class BounceEvent(_SesEvent):
    """Bounce."""

    bounce: Bounce

    @property
    def about(self) -> Bounce:
        """The bounce."""
        return self.bounce

    def _addresses(self) -> list[str]:
        return [r.email_address for r in self.bounce.bounced_recipients]


class ComplaintEvent(_SesEvent):
    """Complaint. Feedback of the type not-spam is the opposite of one."""

    complaint: Complaint

    @property
    def about(self) -> Complaint:
        """The complaint."""
        return self.complaint

    def _addresses(self) -> list[str]:
        return [r.email_address for r in self.complaint.complained_recipients]


class DeliveryEvent(_SesEvent):
    """Delivery."""

    delivery: Delivery

    @property
    def about(self) -> Delivery:
        """The delivery."""
        return self.delivery

    def _addresses(self) -> list[str]:
        return list(self.delivery.recipients)


class DeliveryDelayEvent(_SesEvent):
    """DeliveryDelay."""

    delivery_delay: DeliveryDelay

    @property
    def about(self) -> DeliveryDelay:
        """The delay."""
        return self.delivery_delay

    def _addresses(self) -> list[str]:
        return [r.email_address for r in self.delivery_delay.delayed_recipients]


class SendEvent(_SesEvent):
    """Send: SES took the mail and will try."""


class RejectEvent(_SesEvent):
    """Reject: SES found a virus in it."""

    reject: Rejection

    @property
    def about(self) -> Rejection:
        """The rejection."""
        return self.reject


class OpenEvent(_SesEvent):
    """Open."""

    open: Opening

    @property
    def about(self) -> Opening:
        """The opening."""
        return self.open


class ClickEvent(_SesEvent):
    """Click."""

    click: Clicking

    @property
    def about(self) -> Clicking:
        """The click."""
        return self.click


class RenderingFailureEvent(_SesEvent):
    """Rendering Failure."""

    failure: Failure

    @property
    def about(self) -> Failure:
        """The failure."""
        return self.failure


class SubscriptionEvent(_SesEvent):
    """Subscription."""

    subscription: Subscription

    @property
    def about(self) -> Subscription:
        """The change."""
        return self.subscription


class OtherSesEvent(_SesEvent):
    """An event type that is newer than this."""


def _ses_kind(document: Any) -> str:
    return ses_word(word_of(document, "eventtype", "notificationtype")) or "Other"


SesEvent = Annotated[
    Annotated[BounceEvent, Tag("Bounce")]
    | Annotated[ComplaintEvent, Tag("Complaint")]
    | Annotated[DeliveryEvent, Tag("Delivery")]
    | Annotated[DeliveryDelayEvent, Tag("DeliveryDelay")]
    | Annotated[SendEvent, Tag("Send")]
    | Annotated[RejectEvent, Tag("Reject")]
    | Annotated[OpenEvent, Tag("Open")]
    | Annotated[ClickEvent, Tag("Click")]
    | Annotated[RenderingFailureEvent, Tag("Rendering Failure")]
    | Annotated[SubscriptionEvent, Tag("Subscription")]
    | Annotated[OtherSesEvent, Tag("Other")],
    Discriminator(_ses_kind),
]
"""An SES event, told apart by its event type or notification type."""
