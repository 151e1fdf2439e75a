"""What mail events say: SES's own, and Pinpoint's records of them. Pure.

Sources: SES developer guide, "Contents of event data" and "Bounce types"; Pinpoint developer guide,
"Email events". A word that no table has says nothing of anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from schemas.email import (
    BounceEvent,
    ComplaintEvent,
    DeliveryDelayEvent,
    DeliveryEvent,
    Mail,
    RejectEvent,
    SesEvent,
    Subscription,
    SubscriptionEvent,
)
from schemas.pinpoint_legacy import EmailRecord
from schemas.shape import address_key, fold
from workers.addresses import Channel, normalise
from workers.brands import MessageClass
from workers.handlers.bounce_tracking.facts import (
    NOT_NEEDED,
    Fact,
    Lens,
    Reading,
    message_class,
    spoken,
)
from workers.stores.address_records import Kind

_CONTENT: Final = frozenset({"messagetoolarge", "contentrejected", "attachmentrejected"})


def bounce_kind(bounce_type: str | None, sub_type: str | None) -> Kind:
    """SES's bounce table. `EmailValidationSuppressed` is no bounce either: nothing was sent."""
    kind, sub = fold(bounce_type or ""), fold(sub_type or "")
    match kind:
        case "permanent" if "suppress" in sub:  # Suppressed, On...SuppressionList
            return Kind.SUPPRESSION_LIST
        case "permanent":
            return Kind.HARD_BOUNCE
        case "transient" if sub in _CONTENT:
            return Kind.CONTENT
        case "transient" if sub == "customtimeoutexceeded":
            return Kind.EXPIRED
        case "transient" | "undetermined":
            return Kind.SOFT_BOUNCE
        case _:
            return Kind.UNKNOWN


def read_ses(event: SesEvent, lens: Lens) -> Reading:
    """What an SES event says, published or by an identity's notification."""
    mail = _MailFacts(
        lens,
        event.mail.message_id,
        event.mail.destination,
        _mail_class(event, lens),
        tells_class=bool(event.mail.tags),
    )
    named = event.own_keys
    match event:
        case BounceEvent(bounce=bounce):
            kind = bounce_kind(bounce.bounce_type, bounce.bounce_sub_type)
            reading = mail.about(named, kind, _joined(bounce.bounce_type, bounce.bounce_sub_type))
        case ComplaintEvent(complaint=said):
            reading = mail.complaint(named, said.complaint_feedback_type, said.complaint_sub_type)
        case DeliveryEvent():
            reading = mail.about(named, Kind.DELIVERED, "Delivery")
        case DeliveryDelayEvent(delivery_delay=delay):
            reading = mail.about(named, Kind.DELAYED, delay.delay_type or "DeliveryDelay")
        case RejectEvent(reject=reject):
            reading = mail.about(named, Kind.REFUSED, reject.reason or "Reject")
        case SubscriptionEvent(subscription=change):
            reading = _choice(mail, named, change)
        case _:
            reading = NOT_NEEDED
    return reading


def _choice(mail: _MailFacts, named: Iterable[str], change: Subscription) -> Reading:
    """Only a word on all mail is taken for one: what topics there are is not ours to know."""
    wanted = change.new_topic_preferences
    if wanted is None or wanted.unsubscribe_all is None:
        return Reading(unneeded="subscription_of_topics")
    kind = Kind.OPTED_OUT if wanted.unsubscribe_all else Kind.OPTED_IN
    return mail.about(named, kind, "Subscription")


def _joined(*words: str | None) -> str:
    return "/".join(word for word in words if word)


def _mail_class(event: SesEvent, lens: Lens) -> MessageClass | None:
    mail: Mail = event.mail
    tagged = message_class(_first(mail.tags, lens.rules.class_tag))
    return tagged or lens.rules.email_classes.get(_first(mail.tags, "ses:configuration-set"))


def _first(tags: Mapping[str, tuple[str, ...]], name: str) -> str:
    return next(iter(tags.get(name, ())), "")


_LEGACY_MAIL: Final[Mapping[str, Kind]] = {
    "delivered": Kind.DELIVERED,
    "rejected": Kind.REFUSED,
    "hardbounce": Kind.HARD_BOUNCE,
    "softbounce": Kind.SOFT_BOUNCE,
    "complaint": Kind.COMPLAINT,
    "unsubscribe": Kind.OPTED_OUT,
}


def read_email_record(record: EmailRecord, lens: Lens) -> Reading:
    """Pinpoint's word for a hard bounce covers suppression lists: SES's own words tell."""
    word = record.event_type.partition(".")[2].lower()
    kind = _LEGACY_MAIL.get(word)
    if kind is None:
        return NOT_NEEDED
    said = record.mail_event
    destination = said.mail.destination if said and said.mail else ()
    mail = _MailFacts(lens, record.message_id, destination, None)
    addresses = [key for key in record.own_keys if "@" in key]
    if kind is Kind.COMPLAINT:
        complaint = said.complaint if said else None
        feedback = complaint.complaint_feedback_type if complaint else None
        return mail.complaint(addresses, feedback, None)
    words = record.event_type
    bounce = said.bounce if said else None
    if bounce is not None and bounce.bounce_type is not None:
        kind = bounce_kind(bounce.bounce_type, bounce.bounce_sub_type)
        words = _joined(bounce.bounce_type, bounce.bounce_sub_type)
    return mail.about(addresses, kind, words)


@dataclass(frozen=True, slots=True)
class _MailFacts:
    """Makes the facts of one mail."""

    lens: Lens
    message_id: str | None
    destination: tuple[str, ...]
    message_class: MessageClass | None
    tells_class: bool = False

    def complaint(
        self, addresses: Iterable[str], feedback_type: str | None, sub_type: str | None
    ) -> Reading:
        """Only one named recipient has complained for sure: all of a domain may be listed."""
        named = tuple(addresses)
        if feedback_type is not None and fold(feedback_type) == "notspam":
            return Reading(unneeded="complaint_not_spam")
        if len(named) > 1:
            return Reading(unneeded="complaint_names_several")
        if sub_type is not None and "suppress" in fold(sub_type):
            return self.about(named, Kind.SUPPRESSION_LIST, f"Complaint/{sub_type}")
        return self.about(named, Kind.COMPLAINT, f"Complaint/{feedback_type or 'unspecified'}")

    def about(self, addresses: Iterable[str], kind: Kind, words: str) -> Reading:
        """One fact for each address that is one."""
        named = tuple(addresses)
        facts: list[Fact] = []
        for written in named:
            address = normalise(Channel.EMAIL, self._as_sent(written, len(named)))
            if address is None:
                continue
            facts.append(
                Fact(
                    channel=Channel.EMAIL,
                    address=address,
                    message_id=self.message_id or self.lens.event_id,
                    kind=kind,
                    at_ms=self.lens.at_ms,
                    words=spoken(words),
                    message_class=self.message_class,
                    tells_class=self.tells_class,
                )
            )
        broken = "" if len(facts) == len(named) else "mail_address_is_none"
        return Reading(tuple(facts), broken=broken if named else "event_names_no_address")

    def _as_sent(self, written: str, of: int) -> str:
        """The address that we would write to again: a server may name the one it forwards to."""
        sent_to = [address_key(address) for address in self.destination]
        if len(sent_to) == 1 and of == 1:
            return sent_to[0]
        return written
