"""The door of profile updates: events in, many at once; others' words on a person, one by one."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from schemas.decoded import Decoded
from schemas.event import Event
from schemas.sms_voice import InboundSms
from workers.config import PersonKey
from workers.errors import InDoubt, SwitchboardError, TransientError
from workers.handlers.profile_updates.decide import message_key
from workers.handlers.profile_updates.deps import Deps
from workers.handlers.profile_updates.facts import (
    Change,
    Lens,
    OfferWord,
    PersonFact,
    Reading,
    Touch,
)
from workers.handlers.profile_updates.finding import Finder, Finding, Found, Several, Unknown
from workers.handlers.profile_updates.objects import HOUR_MS, closes_at_ms
from workers.handlers.profile_updates.reading import may_concern, read
from workers.handlers.profile_updates.writing import Taken, Writer
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Item
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Outcome, Wait
from workers.stores.person_records import PersonState, Stage

OUTAGE_LOOK_S: Final = 5.0
WRITTEN_LOOK_S: Final = 5.0
"""A write takes a second or two. Only one whose worker has died takes all of its time."""
_DIRECT: Final = ""
"""Stands for the message of those who tell us by a call and will tell again."""

Events = Sequence[Decoded]
Told = Outcome | BaseException
_Keys = frozenset[tuple[PersonKey, str]]


@dataclass(eq=False, slots=True)
class _Part:
    """One item's word on one person."""

    item: Item[Events]
    fact: PersonFact
    finding: Finding | SwitchboardError | None = None


@dataclass(slots=True)
class _Answers:
    """What was said of an item so far; the one that asks most of its message counts."""

    outcomes: list[Told] = field(default_factory=list)

    def settled(self) -> Told:
        return max(self.outcomes, key=_gravity, default=Discard("event_type_not_needed"))


class ProfileDoor:
    """Customers' profiles, from events in any order, twice, or days late."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._finder = Finder(deps)
        self._writer = Writer(deps)

    def wants(self, event: Event) -> bool:
        """Whether it may concern profiles, by its type."""
        if isinstance(event, InboundSms) and not self._deps.rules.count_replies:
            return False
        return may_concern(event)

    def is_far_ahead(self) -> bool:
        """Whether so many writes are promised that no more people should be taken in."""
        return self._deps.turns.are_far()

    async def handle_batch(self, items: Sequence[Item[Events]]) -> Mapping[Item[Events], Told]:
        """Take in many events, each person's at once. An item's outcome is its gravest."""
        return await self._handle(items, window_ms=self._deps.rules.window_s * 1000)

    async def handle_alone(self, item: Item[Events]) -> Told:
        """Take in an event whose message should not stay for a window: another handler's too."""
        return (await self._handle([item], window_ms=0))[item]

    async def _handle(
        self, items: Sequence[Item[Events]], *, window_ms: int
    ) -> Mapping[Item[Events], Told]:
        answers: dict[Item[Events], _Answers] = {item: _Answers() for item in items}
        parts: list[_Part] = []
        for item in items:
            for reading in self._readings(item):
                parts += [_Part(item, fact) for fact in reading.facts]
                answers[item].outcomes += _of_reading(reading, item)
        await self._find(parts)
        people: defaultdict[str, list[_Part]] = defaultdict(list)
        for part in parts:
            if isinstance(part.finding, Found):
                people[part.finding.profile_id].append(part)
            else:
                answers[part.item].outcomes.append(self._not_found(part.finding))
        taken = await asyncio.gather(*(self._take(of_one, window_ms) for of_one in people.values()))
        for outcomes in taken:
            for item, outcome in outcomes:
                answers[item].outcomes.append(outcome)
        return {item: answer.settled() for item, answer in answers.items()}

    async def tell(self, keys: Mapping[PersonKey, str], change: Change, at_ms: int) -> bool:
        """Take in what another handler knows; False where nobody is known by these keys.

        It is written before this returns, or another's errand will carry it.

        Raises:
            TransientError: to be told again.
        """
        fact = PersonFact(keys, at_ms, (change,))
        try:
            finding = await self._finder.find(keys)
        except InDoubt as doubt:
            raise TransientError("profiles_in_doubt", after_s=OUTAGE_LOOK_S) from doubt
        if not isinstance(finding, Found):
            self._not_found(finding)
            return False
        taken = await self._writer.take(finding, [fact], [_DIRECT], window_ms=0)
        self._deps.meter.profile_event("taken" if taken.is_news else "repeated")
        if taken.staying is not None:
            left_s = taken.staying.after_ms / 1000
            raise TransientError("profile_being_written", after_s=min(left_s, WRITTEN_LOOK_S))
        return True

    def _readings(self, item: Item[Events]) -> list[Reading]:
        return [read(event.event, self._lens(event, item.delivery)) for event in item.event]

    def _lens(self, decoded: Decoded, delivery: Delivery) -> Lens:
        return Lens(
            rules=self._deps.rules,
            at=decoded.time or delivery.sent_at,
            now=self._deps.clock.now(),
            event_id=decoded.event_id or delivery.message_id,
        )

    async def _find(self, parts: Sequence[_Part]) -> None:
        """Look each person up once, all at the same time."""
        wanted: defaultdict[_Keys, list[_Part]] = defaultdict(list)
        for part in parts:
            wanted[frozenset(part.fact.keys.items())].append(part)
        found = await asyncio.gather(*(self._found(keys) for keys in wanted))
        for finding, asking in zip(found, wanted.values(), strict=True):
            for part in asking:
                part.finding = finding

    async def _found(self, keys: _Keys) -> Finding | SwitchboardError:
        try:
            return await self._finder.find(dict(keys))
        except SwitchboardError as error:
            return error

    def _not_found(self, finding: Finding | SwitchboardError | None) -> Told:
        match finding:
            case Several():
                self._deps.meter.profile_event("several")
                reason = "customer_is_several"
                is_kept = self._deps.rules.several == "dead_letter"
                return DeadLetter(reason) if is_kept else Discard(reason)
            case Unknown():
                self._deps.meter.profile_event("unknown")
                return Discard("customer_unknown")
            case SwitchboardError():
                return _patient(finding)
            case _:
                return RuntimeError("nobody was looked up")

    async def _take(
        self, parts: Sequence[_Part], window_ms: int
    ) -> list[tuple[Item[Events], Told]]:
        """All that is known of one person, in one go."""
        person = next(part.finding for part in parts if isinstance(part.finding, Found))
        messages = dict.fromkeys(part.item.delivery.message_id for part in parts)
        facts = [part.fact for part in parts]
        try:
            taken = await self._writer.take(person, facts, messages, window_ms=window_ms)
        except SwitchboardError as error:
            return [(part.item, _patient(error)) for part in parts]
        for _ in parts:
            self._deps.meter.profile_event("taken" if taken.is_news else "repeated")
        return [(part.item, self._afterwards(part, taken)) for part in parts]

    def _afterwards(self, part: _Part, taken: Taken) -> Outcome:
        """Stay for the errand; come back when an offer's window closes; else be done."""
        stay = taken.staying
        if stay is not None and stay.message_id == part.item.delivery.message_id:
            return Wait("profile_window", max(stay.after_ms, 0) / 1000 + 0.05)
        closes_ms = self._closing(part.fact, taken)
        if closes_ms is None:
            return Done()
        return Defer(datetime.fromtimestamp(closes_ms / 1000, UTC), "offer_open")

    def _closing(self, fact: PersonFact, taken: Taken) -> int | None:
        """When the first offer that this event made will have been open for its window.

        One that closed while the profile was being written is still open there.
        """
        if _is_second_word(fact, taken.state):
            return None
        words = [change for change in fact.changes if isinstance(change, OfferWord)]
        made = {word.name: word.at_ms for word in words if word.word == "offered"}
        rules = self._deps.rules
        pending = [
            made[offer.name] + rules.offer_window_h * HOUR_MS
            for offer in taken.state.offers
            if offer.name in made and closes_at_ms(offer, rules) is not None
        ]
        return min((at_ms for at_ms in pending if at_ms > taken.as_of_ms), default=None)


def _is_second_word(fact: PersonFact, state: PersonState) -> bool:
    """Whether its message's sending was told of by another event, which comes back for it."""
    touches = [change for change in fact.changes if isinstance(change, Touch)]
    if not touches or any(touch.stage is Stage.SENT for touch in touches):
        return False
    trail = state.channels.get(touches[0].channel)
    key = message_key(touches[0].message_id)
    known = trail.messages if trail else ()
    return any(m.id == key and Stage.SENT in m.stages for m in known)


def _of_reading(reading: Reading, item: Item[Events]) -> list[Told]:
    if reading.broken:
        return [DeadLetter(reading.broken, event_id=item.delivery.message_id)]
    return [] if reading.facts else [Discard(reading.unneeded)]


def _patient(error: SwitchboardError) -> Told:
    """What time heals is no failed attempt of the message (ADR 0010)."""
    match error:
        case TransientError():
            return Wait(error.reason, error.after_s or OUTAGE_LOOK_S)
        case _:
            return error


def _gravity(told: Told) -> int:
    match told:
        case BaseException():
            return 5
        case Wait():
            return 4
        case DeadLetter():
            return 3
        case Defer():
            return 2
        case Done():
            return 1
        case _:
            return 0
