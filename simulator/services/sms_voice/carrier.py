"""The carrier and the handsets: what becomes of an accepted text, and the receipts that tell."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from simulator.ledger import iso
from simulator.services.sms_voice.encoding import Encoded
from simulator.services.sms_voice.knobs import SmsVoiceKnobs
from simulator.services.sms_voice.models import EventDestination
from simulator.services.sms_voice.receipts import bus_detail, receipt
from simulator.world import World

SERVICE = "pinpoint-sms-voice-v2"
GIVE_UP_AFTER_S = 72 * 3600
"""With no word from the carrier by then, the service itself says UNKNOWN."""

Behaviour = Literal[
    "delivered",
    "successful",
    "invalid",
    "invalid_message",
    "unreachable",
    "carrier_unreachable",
    "blocked",
    "carrier_blocked",
    "spam",
    "unknown",
    "ttl_expired",
    "protect_blocked",
    "silent",
    "slow",
]
_REACHES_HANDSET = frozenset({"delivered", "successful", "silent", "slow"})
EVERY_NUMBER = "*"


@dataclass(frozen=True, slots=True)
class Rule:
    """How one destination behaves. `delay_ms` holds the text back, for `slow` and any other."""

    behaviour: Behaviour = "delivered"
    delay_ms: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """An accepted text or media message."""

    message_id: str
    channel: Literal["TEXT", "MEDIA"]
    origination: str
    destination: str
    body: str
    encoded: Encoded
    message_type: str
    origination_country: str | None
    accepted_at: datetime
    accepted_at_monotonic: float
    time_to_live_s: int
    configuration_set: str | None
    context: dict[str, str]
    media_urls: tuple[str, ...] = ()
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(frozen=True, slots=True)
class Spoken:
    """An accepted voice message. `body` is without its SSML tags."""

    message_id: str
    origination: str
    destination: str
    body: str
    origination_country: str | None
    accepted_at: datetime
    accepted_at_monotonic: float
    time_to_live_s: int
    configuration_set: str | None
    context: dict[str, str]


@dataclass(frozen=True, slots=True)
class OnHandset:
    """What a customer sees or hears: `kind` is text, media, auto_reply (by EUM), or voice."""

    place: int
    at: str
    origination: str
    body: str
    kind: str
    message_id: str
    parts: int
    media_urls: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the control API shows it."""
        return asdict(self)


class Carrier:
    """All handsets and how each number behaves.

    Texts between the same two numbers arrive in the order they were accepted; receipts of one
    text come in order. Across texts nothing is promised.
    """

    def __init__(
        self, world: World, destinations: Callable[[str | None], Iterable[EventDestination]]
    ) -> None:
        self._world = world
        self._destinations = destinations
        self._rules: dict[str, Rule] = {}
        self._handsets: dict[str, list[OnHandset]] = {}
        self._something_arrived = asyncio.Event()
        self.last_message_ids: dict[tuple[str, str], str] = {}
        """Newest message id by our number and the customer's."""

    def put_rule(self, number: str, rule: Rule) -> None:
        """Say how a number behaves from now on; `*` is every number without a rule of its own."""
        self._rules[number] = rule

    def clear_rules(self) -> None:
        """Every number takes its texts again."""
        self._rules.clear()

    def rule(self, number: str) -> Rule:
        """How a number behaves."""
        return self._rules.get(number) or self._rules.get(EVERY_NUMBER) or Rule()

    def handset(self, number: str, after: int = 0) -> list[OnHandset]:
        """What arrived there, in order, past the first `after`."""
        return self._handsets.get(number, [])[max(0, after) :]

    async def wait_handset(self, number: str, after: int, timeout_s: float) -> list[OnHandset]:
        """As `handset`, but waits up to `timeout_s` real seconds for something new."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := self.handset(number, after)):
                    await self._something_arrived.wait()
        except TimeoutError:
            return []
        return found

    def take(self, sent: Sent) -> None:
        """Carry an accepted text on, in the background."""
        rule = self.rule(sent.destination)
        self.last_message_ids[sent.origination, sent.destination] = sent.message_id
        lane = f"handset {sent.origination} {sent.destination}"
        self._world.tasks.in_lane(lane, self._carry(sent, rule))
        self._world.tasks.start(f"receipts {sent.message_id}", self._tell(sent, rule))

    def put_on_handset(self, sent: Sent, kind: str) -> None:
        """The moment a text arrives."""
        shown = self._shown(sent.destination, sent.origination, sent.body, kind, sent.message_id)
        shown = replace(shown, parts=sent.encoded.parts, media_urls=sent.media_urls)
        self._show(sent.destination, shown, "text_arrived")

    def put_spoken(self, spoken: Spoken, heard: str) -> None:
        """The moment a voice message was heard, by a person or by a machine."""
        shown = self._shown(
            spoken.destination, spoken.origination, heard, "voice", spoken.message_id
        )
        self._show(spoken.destination, shown, "voice_message_heard")

    def _shown(
        self, destination: str, origination: str, body: str, kind: str, message_id: str
    ) -> OnHandset:
        place = len(self._handsets.get(destination, ())) + 1
        at = iso(self._world.clock.now())
        return OnHandset(place, at, origination, body, kind, message_id, parts=0)

    def _show(self, destination: str, shown: OnHandset, fact: str) -> None:
        self._handsets.setdefault(destination, []).append(shown)
        self._world.ledger.fact(SERVICE, fact, destination=destination, **shown.as_json())
        arrived, self._something_arrived = self._something_arrived, asyncio.Event()
        arrived.set()

    async def _carry(self, sent: Sent, rule: Rule) -> None:
        await self._sleep_until(sent, self._travel_s(rule, sent))
        if rule.behaviour in _REACHES_HANDSET and not self._expires(rule, sent):
            self.put_on_handset(sent, sent.channel.lower())
        sent.arrived.set()

    async def _tell(self, sent: Sent, rule: Rule) -> None:
        knobs = self._world.knobs.of(SmsVoiceKnobs)
        if rule.behaviour not in ("silent", "protect_blocked"):
            await self._sleep_until(sent, knobs.pending_after_ms / 1000)
            for status in knobs.pending_receipts:
                await self._emit(sent, status, is_final=False)
        await sent.arrived.wait()
        if rule.behaviour == "silent":
            await self._sleep_until(sent, GIVE_UP_AFTER_S)
        await self._emit(sent, self._fate(rule, sent), is_final=True)

    async def _sleep_until(self, sent: Sent, after_s: float) -> None:
        left_s = sent.accepted_at_monotonic + after_s - self._world.clock.monotonic()
        await self._world.clock.sleep(max(0.0, left_s))

    def _fate(self, rule: Rule, sent: Sent) -> str:
        if rule.behaviour == "silent":
            return "UNKNOWN"
        if self._expires(rule, sent):
            return "TTL_EXPIRED"
        return "DELIVERED" if rule.behaviour == "slow" else rule.behaviour.upper()

    def _expires(self, rule: Rule, sent: Sent) -> bool:
        """Whether the carrier would only get to it when its time to live is over."""
        return rule.behaviour == "ttl_expired" or rule.delay_ms / 1000 > sent.time_to_live_s

    def _travel_s(self, rule: Rule, sent: Sent) -> float:
        if self._expires(rule, sent) and rule.behaviour != "ttl_expired":
            return float(sent.time_to_live_s)
        settled_after_ms = self._world.knobs.of(SmsVoiceKnobs).settled_after_ms
        return (settled_after_ms + rule.delay_ms) / 1000

    async def _emit(self, sent: Sent, status: str, *, is_final: bool) -> None:
        event = receipt(sent, status, is_final=is_final, now=self._world.clock.now())
        await self.tell(sent.channel, sent.configuration_set, event)

    async def tell(
        self, channel: str, configuration_set: str | None, event: Mapping[str, Any]
    ) -> None:
        """Send an event to the destinations of a set that want it, and to the bus."""
        event_type = event["eventType"]
        topics = [
            destination.topic_arn
            for destination in self._destinations(configuration_set)
            if destination.topic_arn and destination.wants(event_type)
        ]
        self._world.ledger.fact(
            SERVICE,
            "receipt_emitted",
            message_id=event["messageId"],
            event_type=event_type,
            is_final=event["isFinal"],
            topics=topics,
        )
        for topic in topics:
            await self._world.publisher.to_topic(topic, json.dumps(event), {}, "receipt")
        if self._world.knobs.of(SmsVoiceKnobs).receipts_on_bus:
            detail_type = f"{channel.title()} Message Delivery Status Updated"
            await self._world.publisher.to_bus("aws.sms-voice", detail_type, bus_detail(event))
