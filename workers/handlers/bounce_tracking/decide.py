"""What one fact changes in the record of its address, and what else is to be done. Pure.

The identity of a fact is message, recipient and whether it is the message's fate or the recipient's
own word (ADR 0013). Whatever comes by two ways, twice, late or out of order thereby comes to the
same record.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from workers.config import BounceRules
from workers.handlers.bounce_tracking.facts import Fact
from workers.handlers.bounce_tracking.standing import (
    ARRIVED,
    FOR_GOOD,
    Standing,
    standing,
)
from workers.stores.address_records import RANK, AddressRecord, Evidence, Kind

EVIDENCE_MAX: Final = 48
"""More than the most that a rule counts (20); with the longest words an item stays below 10 KB."""

OWN_WORD: Final = frozenset({Kind.COMPLAINT, Kind.OPTED_IN, Kind.OPTED_OUT, Kind.ADDED})

Word = TypeVar("Word", bound=str)
Result = Literal["new", "upgraded", "repeated", "outdated", "routine"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about one fact.

    Attributes:
        result: how it stands to what was known.
        record: to be stored; None where nothing changes.
        evidence: what is known of this message now; None where nothing is kept of it.
        before, after: what the record came to, and comes to.
    """

    result: Result
    record: AddressRecord | None
    evidence: Evidence | None
    before: Standing
    after: Standing


def decide(
    record: AddressRecord | None, fact: Fact, rules: BounceRules, *, now_ms: int
) -> Decision:
    """Take a fact into the record of its address."""
    before = standing(record, rules, now_ms)
    if record is None and fact.is_routine and fact.kind in ARRIVED:
        return Decision("routine", None, None, before, before)
    old = record or AddressRecord(fact.channel, fact.address)
    new = _evidence(fact)
    known = next((e for e in old.evidence if e.id == new.id), None)
    if known is None:
        return _first_word(old, new, rules, now_ms)
    merged = _merged(known, new)
    if merged == known:
        return Decision("repeated", None, known, before, before)
    result: Result = "upgraded" if RANK[merged.kind] > RANK[known.kind] else "repeated"
    changed = _with(old, merged, rules, now_ms, instead_of=known)
    return Decision(result, changed, merged, before, standing(changed, rules, now_ms))


def passed_on(record: AddressRecord, evidence_id: str) -> AddressRecord:
    """The record once the provider's own list has the address because of this evidence."""
    return replace(
        record,
        evidence=tuple(
            replace(e, passed_on=True) if e.id == evidence_id else e for e in record.evidence
        ),
    )


def lifted(record: AddressRecord, rules: BounceRules, *, now_ms: int) -> AddressRecord:
    """The record once an operator has said that what happened until now is forgiven."""
    return _kept(replace(record, lifted_ms=now_ms), record.evidence, rules, now_ms)


def evidence_id(message_id: str, kind: Kind) -> str:
    """Sixteen characters that stand for one message and one of its two matters."""
    matter = "word" if kind in OWN_WORD else "fate"
    return hashlib.sha256(f"{matter}|{message_id}".encode()).hexdigest()[:16]


def _first_word(old: AddressRecord, new: Evidence, rules: BounceRules, now_ms: int) -> Decision:
    before = standing(old, rules, now_ms)
    if new.at_ms <= old.floor_ms and not _is_news(old.evidence, new):
        # What is known of messages that old was dropped: this may be one of them.
        return Decision("outdated", None, None, before, before)
    changed = _with(old, new, rules, now_ms)
    return Decision("new", changed, new, before, standing(changed, rules, now_ms))


def _evidence(fact: Fact) -> Evidence:
    return Evidence(
        id=evidence_id(fact.message_id, fact.kind),
        kind=fact.kind,
        at_ms=fact.at_ms,
        words=fact.words,
        message_class=fact.message_class,
        scope=fact.scope,
    )


def _merged(known: Evidence, new: Evidence) -> Evidence:
    """The higher word. Of two alike the earlier time, and whatever either one knew besides."""
    if RANK[new.kind] != RANK[known.kind]:
        return max(known, new, key=lambda e: RANK[e.kind])
    first, second = sorted((known, new), key=lambda e: (e.at_ms, e.words))
    return replace(
        first,
        message_class=_known_of(first.message_class, second.message_class),
        scope=_known_of(first.scope, second.scope),
        passed_on=known.passed_on,
    )


def _known_of(one: Word | None, other: Word | None) -> Word | None:
    """What either way knew; of two that differ always the same."""
    return min((word for word in (one, other) if word is not None), default=None)


def _with(
    old: AddressRecord,
    new: Evidence,
    rules: BounceRules,
    now_ms: int,
    *,
    instead_of: Evidence | None = None,
) -> AddressRecord:
    counts = dict(old.counts)
    if instead_of is not None:
        counts[instead_of.kind] = counts.get(instead_of.kind, 0) - 1
    if instead_of is not None or new.at_ms > old.floor_ms:
        counts[new.kind] = counts.get(new.kind, 0) + 1
    evidence = (*(e for e in old.evidence if e.id != new.id), new)
    counted = {kind: count for kind, count in sorted(counts.items()) if count > 0}
    return _kept(replace(old, counts=counted), evidence, rules, now_ms)


def _kept(
    record: AddressRecord, evidence: Sequence[Evidence], rules: BounceRules, now_ms: int
) -> AddressRecord:
    """The record with this evidence, cut to size, and how long it lives."""
    kept = sorted(evidence, key=lambda e: (e.at_ms, e.id))
    floor_ms = record.floor_ms
    while len(kept) > EVIDENCE_MAX:
        dropped = next((e for e in kept if not _must_stay(e, kept)), kept[0])
        kept.remove(dropped)
        floor_ms = max(floor_ms, dropped.at_ms)
    changed = replace(record, evidence=tuple(kept), floor_ms=floor_ms)
    is_for_good = any(hold.until is None for hold in standing(changed, rules, now_ms).holds)
    newest_ms = max([e.at_ms for e in kept] + [now_ms])
    expires_at_s = None if is_for_good else newest_ms // 1000 + rules.record_days * 86_400
    return replace(changed, expires_at_s=expires_at_s)


def _must_stay(evidence: Evidence, kept: Sequence[Evidence]) -> bool:
    """The first of each reason that holds for good, and the last time that somebody came back."""
    alike = [e for e in kept if _reason(e) == _reason(evidence)]
    if evidence.kind is Kind.OPTED_IN:
        return evidence is alike[-1]
    return evidence.kind in FOR_GOOD and evidence in (alike[0], alike[-1])


def _is_news(evidence: Sequence[Evidence], new: Evidence) -> bool:
    """Whether it is a reason for good that does not hold yet."""
    return new.kind in FOR_GOOD and all(_reason(e) != _reason(new) for e in evidence)


def _reason(evidence: Evidence) -> tuple[Kind, str | None, str | None]:
    return evidence.kind, evidence.message_class, evidence.scope
