"""What handlers would read from an event, without a look at anything stored. Pure.

Bounce tracking and profile updates read an event before they look anything up; that reading is
told. What the relay and the reminders do depends on what is stored, and only that is said of them.
Addresses are masked, and no word of a text, an offer or a name is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, assert_never

from schemas.decoded import Decoded
from schemas.event_class import EventClass
from schemas.pinpoint_legacy import CustomChannelCall
from schemas.sms_voice import InboundSms, MediaReceipt, TextReceipt
from workers.addresses import Channel, mask
from workers.config import BounceRules, Configuration, ProfileRules
from workers.handlers.bounce_tracking import facts as addresses
from workers.handlers.bounce_tracking.reading import read as read_addresses
from workers.handlers.chat_relay.inbound import refusal
from workers.handlers.profile_updates import facts as people
from workers.handlers.profile_updates.reading import OWN_CONTEXT, may_concern, names_offer
from workers.handlers.profile_updates.reading import read as read_people
from workers.stores.person_records import AddressWord, PathStep, ReminderWord

BY_STORED_STATE: Final = "conversations and calls: depends on what is stored"

_READ_BY_BOUNCES: Final = frozenset(
    {EventClass.EUM_EVENT, EventClass.SES_EVENT, EventClass.PINPOINT_EVENT}
)
_OF_CONTACTS: Final = frozenset(
    {
        EventClass.CONNECT_CONTACT_EVENT,
        EventClass.CONNECT_CONTACT_RECORD,
        EventClass.CONNECT_CHAT_MESSAGE,
    }
)


@dataclass(frozen=True, slots=True)
class Shadow:
    """Tells what would follow. Without a configuration rules are the defaults."""

    configuration: Configuration | None
    now: datetime

    def told(self, decoded: Decoded) -> list[str]:
        """One line for each thing that would be written down."""
        return [*self._addresses(decoded), *self._people(decoded), *_by_stored_state(decoded)]

    def refused(self, decoded: Decoded) -> str | None:
        """Why its handler would give it up, as far as that needs no look at what is stored."""
        match decoded.event:
            case InboundSms() as sms if self.configuration is not None:
                return refusal(sms, self.configuration)
            case _ if decoded.event_class in _READ_BY_BOUNCES:
                return self._read_addresses(decoded).broken or None
            case _:
                return None

    def _addresses(self, decoded: Decoded) -> Iterator[str]:
        if decoded.event_class not in _READ_BY_BOUNCES:
            return
        reading = self._read_addresses(decoded)
        for fact in reading.facts:
            yield f"address {fact.channel} {mask(fact.channel, fact.address)}: {fact.kind}"
        if reading.broken:
            yield f"address: dead letter, {reading.broken}"
        elif not reading.facts:
            yield f"address: nothing, {reading.unneeded}"

    def _read_addresses(self, decoded: Decoded) -> addresses.Reading:
        lens = addresses.Lens(
            rules=self.configuration.bounces if self.configuration else BounceRules(),
            at=decoded.time or self.now,
            now=self.now,
            event_id=decoded.event_id or "",
            scope_of=self._scope_of,
        )
        return read_addresses(decoded.event, lens)

    def _people(self, decoded: Decoded) -> Iterator[str]:
        rules = self.configuration.profiles if self.configuration else ProfileRules()
        if (self.configuration and not rules.is_on) or not may_concern(decoded.event):
            return
        at = decoded.time or self.now
        reading = read_people(
            decoded.event, people.Lens(rules, at, self.now, decoded.event_id or "")
        )
        for fact in reading.facts:
            keys = "+".join(fact.keys) or "nobody"
            for change in fact.changes:
                yield f"profile by {keys}: {_change(change)}"
        if not reading.facts:
            yield f"profile: nothing, {reading.unneeded or reading.broken}"

    def _scope_of(self, origination: str | None) -> str | None:
        if self.configuration is None or not origination:
            return None
        brand = self.configuration.brand_of(origination)
        return brand.opt_out_list if brand else None


def _by_stored_state(decoded: Decoded) -> list[str]:
    """Whether a conversation or a reminder could be moved by it, too."""
    match decoded.event:
        case TextReceipt(context=context) | MediaReceipt(context=context):
            is_moved = OWN_CONTEXT in context
        case CustomChannelCall() as call:
            is_moved = not names_offer(call)
        case _:
            is_moved = decoded.event_class not in _READ_BY_BOUNCES
    return [BY_STORED_STATE] if is_moved else []


def shown_key(event_class: EventClass, key: str) -> str:
    """A key for people's eyes: contact ids are nobody's, all else is masked."""
    if event_class in _OF_CONTACTS:
        return key
    return mask(Channel.EMAIL if "@" in key else Channel.SMS, key)


def _change(change: people.Change) -> str:
    match change:
        case people.Touch(channel, stage):
            return f"{channel} {stage}"
        case people.OfferWord():
            return f"offer {change.word}"
        case PathStep():
            return f"{change.kind} step"
        case AddressWord():
            return f"address {change.state}"
        case ReminderWord():
            return f"reminder {change.result}"
        case _:
            assert_never(change)
