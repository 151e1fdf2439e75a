"""What is written of a person: one object of each kind, made from the record. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from workers.config import ObjectKind, ObjectMapping, PersonKey, ProfileRules
from workers.stores.person_records import (
    AddressWord,
    ChannelTrail,
    OfferTrail,
    PathStep,
    PersonRecord,
    PersonState,
    Stage,
)

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000

_MATTER: Final = ("cause", "words", "since", "until")
"""What an address's state is told with."""

Document = Mapping[str, Any]


def objects(record: PersonRecord, rules: ProfileRules, now_ms: int) -> dict[ObjectKind, str]:
    """The objects of a person, by kind, as JSON under the names that the file gives."""
    found: dict[ObjectKind, str] = {}
    for kind, document in documents(record.state, rules, now_ms).items():
        mapping = rules.objects.named(kind)
        if mapping is not None and document:
            whole = {**_person(record), **document}
            found[kind] = json.dumps(_named(whole, mapping), ensure_ascii=False, sort_keys=True)
    return found


def digest(text: str) -> str:
    """Sixteen characters that stand for an object as it was written."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def documents(state: PersonState, rules: ProfileRules, now_ms: int) -> dict[ObjectKind, Document]:
    """What there is to say of each kind, under our own names; empty where there is nothing."""
    return {
        ObjectKind.ENGAGEMENT: {
            channel.value: engagement(trail, rules) for channel, trail in state.channels.items()
        },
        ObjectKind.OFFERS: _list([_offer(offer, rules, now_ms) for offer in state.offers]),
        ObjectKind.PATHS: _list([_step(step) for step in state.steps]),
        ObjectKind.ADDRESSES: _addresses(state, now_ms),
        ObjectKind.REMINDER: _reminder(state),
    }


def engagement(trail: ChannelTrail, rules: ProfileRules) -> Document:
    """Messages by how far they came, the last time, and the score as of then.

    The score is the sum of what each message's stages weigh, halved for every `half_life_days`
    between that stage and the last event: so it is a matter of events alone. To know it today,
    halve it for the days since `last_at`.
    """
    counts = {
        stage.value: trail.folded.get(stage, 0)
        + sum(1 for message in trail.messages if stage in message.counted)
        for stage in Stage
    }
    weights = {
        Stage.OPENED: rules.weights.opened,
        Stage.CLICKED: rules.weights.clicked,
        Stage.REPLIED: rules.weights.replied,
    }
    half_life_ms = rules.half_life_days * DAY_MS
    score = sum(
        weights.get(stage, 0) * 0.5 ** ((trail.last_ms - at_ms) / half_life_ms)
        for message in trail.messages
        for stage, at_ms in message.counted.items()
    )
    return {**counts, "last_at": _time(trail.last_ms), "score": round(score, 2)}


def closes_at_ms(offer: OfferTrail, rules: ProfileRules) -> int | None:
    """When an offer that was not viewed yet will be said not to have been; None where never."""
    if not rules.offer_window_h or not offer.offered_ms or _is_viewed(offer) is not None:
        return None
    return offer.offered_ms + rules.offer_window_h * HOUR_MS


def _is_viewed(offer: OfferTrail) -> bool | None:
    """The newest word; a view of an earlier offering says nothing of the newest."""
    if offer.viewed_ms and offer.viewed_ms >= max(offer.denied_ms, offer.offered_ms):
        return True
    return False if offer.denied_ms and offer.denied_ms >= offer.offered_ms else None


def _offer(offer: OfferTrail, rules: ProfileRules, now_ms: int) -> Document:
    viewed = _is_viewed(offer)
    closes_ms = closes_at_ms(offer, rules)
    if closes_ms is not None and now_ms >= closes_ms:
        viewed = False
    said = {} if viewed is None else {"viewed": "true" if viewed else "false"}
    return {
        "name": offer.name,
        **_when("offered_at", offer.offered_ms),
        **said,
        **_when("viewed_at", offer.viewed_ms if viewed else 0),
    }


def _step(step: PathStep) -> Document:
    words = {"activity": step.activity, "treatment": step.treatment, "status": step.status}
    return {
        "kind": step.kind,
        "id": step.id,
        **{name: word for name, word in words.items() if word},
        "at": _time(step.at_ms),
    }


def _addresses(state: PersonState, now_ms: int) -> Document:
    """Of each channel the address that the person is known by now, else the newest matter."""
    if not state.addresses:
        return {}
    current = {known.value for known in state.known_by.values()}
    ordered = sorted(
        state.addresses,
        key=lambda word: (word.address in current, word.since_ms, word.channel, word.address),
    )
    told = [(word.channel.value, _address(word, now_ms)) for word in ordered]
    everything = [{"channel": channel, **address} for channel, address in reversed(told)]
    return {**dict(told), "all": everything}


def _address(word: AddressWord, now_ms: int) -> Document:
    """Empty words stay: they say that what was wrong is so no more."""
    if word.until_ms and now_ms >= word.until_ms:
        return {"address": word.address, "state": "ok", **dict.fromkeys(_MATTER, "")}
    return {
        "address": word.address,
        "state": word.state,
        "cause": word.cause,
        "words": word.words,
        "since": _time(word.since_ms) if word.since_ms else "",
        "until": _time(word.until_ms) if word.until_ms else "",
    }


def _reminder(state: PersonState) -> Document:
    word = state.reminder
    if word is None:
        return {}
    at = _time(word.at_ms)
    return {"id": word.id, "at": at, "result": word.result, "attempt": word.attempt}


def _list(entries: list[Document]) -> Document:
    """Oldest first in the record; the newest is what people look for."""
    return {"last": entries[-1], "all": entries[::-1]} if entries else {}


def _person(record: PersonRecord) -> Document:
    known = record.state.known_by
    keys = {key.value: known[key.value].value for key in PersonKey if key.value in known}
    return {"profile_id": record.profile_id, **keys}


def _named(document: Document, mapping: ObjectMapping) -> dict[str, Any]:
    """The document under the names of the object type."""
    named: dict[str, Any] = {}
    for path, value in _flat(document, ""):
        target = mapping.fields.get(path, path)
        if target:
            _put(named, target.split("."), value)
    return named


def _flat(document: Document, prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in document.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{prefix}{name}.")
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    for part in path[:-1]:
        below = document.setdefault(part, {})
        if not isinstance(below, dict):
            return  # Two fields of the file are in each other's way; the first one stays.
        document = below
    document[path[-1]] = value


def _when(name: str, at_ms: int) -> Document:
    return {name: _time(at_ms)} if at_ms else {}


def _time(at_ms: int) -> str:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
