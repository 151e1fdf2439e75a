"""What facts change in the record of their person. Pure, and the same in any order and repetition.

Of each thing that happens once (a message's stage) the earliest time counts, of each thing that
changes (an offer, a step, an address) the newest word, of two of one time always the same one.
What was dropped for size leaves a floor: what comes later from below it is not counted again.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final, assert_never

from workers.config import PersonKey
from workers.handlers.profile_updates.facts import Change, OfferWord, PersonFact, Touch
from workers.stores.person_records import (
    AddressWord,
    ChannelTrail,
    Known,
    MessageTrail,
    OfferTrail,
    PathStep,
    PersonState,
    ReminderWord,
    Stage,
)

MESSAGES_MAX: Final = 100
"""Of each channel. With all stages some 130 bytes each before compression."""
OFFERS_MAX: Final = 50
STEPS_MAX: Final = 50
ADDRESSES_MAX: Final = 20


def decide(state: PersonState, facts: Iterable[PersonFact]) -> PersonState:
    """The state once these facts are known."""
    for fact in facts:
        state = replace(state, known_by=_known(state.known_by, fact))
        for change in fact.changes:
            state = _changed(state, change)
    return state


def message_key(message_id: str) -> str:
    """Sixteen characters that stand for one message."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:16]


def _changed(state: PersonState, change: Change) -> PersonState:
    match change:
        case Touch():
            trail = state.channels.get(change.channel, ChannelTrail())
            touched = {**state.channels, change.channel: _touched(trail, change)}
            return replace(state, channels=dict(sorted(touched.items())))
        case OfferWord():
            return replace(state, offers=_offered(state.offers, change))
        case PathStep():
            return replace(state, steps=_walked(state.steps, change))
        case AddressWord():
            return replace(state, addresses=_addressed(state.addresses, change))
        case ReminderWord():
            words = [word for word in (state.reminder, change) if word is not None]
            return replace(state, reminder=max(words, key=_reminder_order))
        case _:
            assert_never(change)


def _known(known_by: Mapping[str, Known], fact: PersonFact) -> Mapping[str, Known]:
    """The newest value of each key: whoever changes their number is known by the new one."""
    newest = dict(known_by)
    for key, value in fact.keys.items():
        said = Known(value, fact.at_ms)
        old = newest.get(key.value, said)
        newest[key.value] = max(old, said, key=lambda known: (known.at_ms, known.value))
    return {key.value: newest[key.value] for key in PersonKey if key.value in newest}


def _touched(trail: ChannelTrail, touch: Touch) -> ChannelTrail:
    key = message_key(touch.message_id)
    known = next((message for message in trail.messages if message.id == key), None)
    if known is None and touch.at_ms <= trail.floor_ms:
        return trail  # It may be one of those that were dropped.
    stages = dict(known.stages) if known else {}
    stages[touch.stage] = min(touch.at_ms, stages.get(touch.stage, touch.at_ms))
    ordered = {stage: stages[stage] for stage in Stage if stage in stages}
    others = (message for message in trail.messages if message.id != key)
    messages = sorted((*others, MessageTrail(key, ordered)), key=_message_order)
    last_ms = max(trail.last_ms, touch.at_ms)
    return _folded(replace(trail, messages=tuple(messages), last_ms=last_ms))


def _folded(trail: ChannelTrail) -> ChannelTrail:
    extra = len(trail.messages) - MESSAGES_MAX
    if extra <= 0:
        return trail
    folded, floor_ms = Counter(trail.folded), trail.floor_ms
    for message in trail.messages[:extra]:
        folded.update(message.counted.keys())
        floor_ms = max(floor_ms, *message.stages.values())
    counts = {stage: folded[stage] for stage in Stage if folded[stage]}
    return replace(trail, messages=trail.messages[extra:], folded=counts, floor_ms=floor_ms)


def _message_order(message: MessageTrail) -> tuple[int, str]:
    return min(message.stages.values()), message.id


def _offered(offers: tuple[OfferTrail, ...], word: OfferWord) -> tuple[OfferTrail, ...]:
    old = next((offer for offer in offers if offer.name == word.name), OfferTrail(word.name))
    field = f"{word.word}_ms"
    new = replace(old, **{field: max(getattr(old, field), word.at_ms)})
    others = (offer for offer in offers if offer.name != word.name)
    ordered = sorted((*others, new), key=lambda offer: (offer.newest_ms, offer.name))
    return tuple(ordered[-OFFERS_MAX:])


def _walked(steps: tuple[PathStep, ...], new: PathStep) -> tuple[PathStep, ...]:
    """One step for each campaign and journey."""
    same = [step for step in steps if (step.kind, step.id) == (new.kind, new.id)]
    newest = max([*same, new], key=_step_order)
    others = (step for step in steps if step not in same)
    return tuple(sorted((*others, newest), key=_step_order)[-STEPS_MAX:])


def _step_order(step: PathStep) -> tuple[int, str, str, str, str, str]:
    # A mail's tags tell no status: of one time the step that says more is the one.
    return step.at_ms, step.status, step.activity, step.treatment, step.kind, step.id


def _addressed(words: tuple[AddressWord, ...], new: AddressWord) -> tuple[AddressWord, ...]:
    same = [w for w in words if (w.channel, w.address) == (new.channel, new.address)]
    newest = max([*same, new], key=_address_order)
    others = (word for word in words if word not in same)
    return tuple(sorted((*others, newest), key=_address_order)[-ADDRESSES_MAX:])


def _address_order(word: AddressWord) -> tuple[int, int, str, str, str, str]:
    return word.revision, word.since_ms, word.state, word.cause, word.channel, word.address


def _reminder_order(word: ReminderWord) -> tuple[int, int, str, str]:
    return word.at_ms, word.attempt, word.id, word.result
