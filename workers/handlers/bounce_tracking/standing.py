"""What a record comes to today: may this address be written to, and if not, why and until when.

Pure, and the same for one set of evidence in whatever order it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from workers.brands import MessageClass
from workers.config import BounceRules
from workers.stores.address_records import AddressRecord, Evidence, Kind

DAY_MS: Final = 86_400_000

DEAD: Final = frozenset({Kind.HARD_BOUNCE, Kind.INVALID_NUMBER})
"""There is nobody there."""
OPT_OUTS: Final = frozenset({Kind.OPTED_OUT, Kind.BLOCKED})
"""What a later opt-in undoes: who asks for texts will have them let through."""
FOR_GOOD: Final = (
    DEAD | OPT_OUTS | {Kind.LANDLINE, Kind.SUPPRESSION_LIST, Kind.COMPLAINT, Kind.ADDED}
)
SOFT: Final = frozenset({Kind.SOFT_BOUNCE, Kind.UNREACHABLE})
ARRIVED: Final = frozenset({Kind.DELIVERED, Kind.ACCEPTED})


class State(StrEnum):
    """A record in one word."""

    OK = "ok"
    SUPPRESSED = "suppressed"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason to leave the address alone.

    Attributes:
        words: the source's own.
        message_class: None: every class. `scope`: None: every opt-out list, but for those in
            `except_scopes`, which the recipient has come back to.
        until: None: for good.
    """

    cause: Kind
    words: str
    since: datetime
    until: datetime | None = None
    message_class: MessageClass | None = None
    scope: str | None = None
    except_scopes: frozenset[str] = frozenset()

    def covers(self, message_class: MessageClass, scope: str | None) -> bool:
        """Whether a message of this class, sent under this opt-out list, is meant."""
        if self.message_class not in (None, message_class):
            return False
        return self.reaches(scope)

    def reaches(self, scope: str | None) -> bool:
        """Whether messages under this opt-out list are meant, of whatever class."""
        return self.scope == scope or (self.scope is None and scope not in self.except_scopes)


@dataclass(frozen=True, slots=True)
class Standing:
    """All reasons that hold now, the oldest first."""

    holds: tuple[Hold, ...]

    @property
    def state(self) -> State:
        """Invalid where nobody is there; suppressed for any other reason."""
        if any(hold.cause in DEAD for hold in self.holds):
            return State.INVALID
        return State.SUPPRESSED if self.holds else State.OK

    def against(self, message_class: MessageClass, scope: str | None = None) -> Hold | None:
        """The oldest reason against a message."""
        return next((hold for hold in self.holds if hold.covers(message_class, scope)), None)


NOTHING_KNOWN: Final = Standing(())


def standing(record: AddressRecord | None, rules: BounceRules, now_ms: int) -> Standing:
    """What this evidence comes to under these rules, at this time."""
    if record is None:
        return NOTHING_KNOWN
    counting = [e for e in record.evidence if e.at_ms > record.lifted_ms]
    holds = [_hold(e, counting) for e in counting if _holds_for_good(e, counting)]
    soft = _soft_hold(counting, rules, now_ms)
    if soft is not None:
        holds.append(soft)
    return Standing(tuple(sorted(holds, key=lambda hold: (hold.since, hold.cause))))


def _holds_for_good(evidence: Evidence, all_of_it: list[Evidence]) -> bool:
    if evidence.kind not in FOR_GOOD:
        return False
    return evidence.kind not in OPT_OUTS or not any(_undoes(other, evidence) for other in all_of_it)


def _undoes(later: Evidence, opt_out: Evidence) -> bool:
    return (
        later.kind is Kind.OPTED_IN
        and later.at_ms >= opt_out.at_ms
        and later.scope in (None, opt_out.scope)
        and later.message_class in (None, opt_out.message_class)
    )


def _hold(evidence: Evidence, all_of_it: list[Evidence]) -> Hold:
    back = (
        e.scope
        for e in all_of_it
        if evidence.kind in OPT_OUTS and e.kind is Kind.OPTED_IN and e.at_ms >= evidence.at_ms
    )
    return Hold(
        cause=evidence.kind,
        words=evidence.words,
        since=_time(evidence.at_ms),
        message_class=evidence.message_class,
        scope=evidence.scope,
        except_scopes=frozenset(scope for scope in back if scope is not None),
    )


def _soft_hold(counting: list[Evidence], rules: BounceRules, now_ms: int) -> Hold | None:
    """N soft bounces within D days, none of them before the last delivery."""
    arrived_ms = max((e.at_ms for e in counting if e.kind in ARRIVED), default=-1)
    soft = sorted(
        (e for e in counting if e.kind in SOFT and e.at_ms > arrived_ms),
        key=lambda e: (e.at_ms, e.id),
    )
    window_ms, held_ms = rules.soft_window_days * DAY_MS, rules.soft_suppress_days * DAY_MS
    for first, last in _runs(soft, rules.soft_count):
        if last.at_ms - first.at_ms <= window_ms and now_ms < last.at_ms + held_ms:
            until = _time(last.at_ms + held_ms)
            return Hold(last.kind, last.words, since=_time(last.at_ms), until=until)
    return None


def _runs(soft: list[Evidence], count: int) -> Iterator[tuple[Evidence, Evidence]]:
    """The first and the last of each `count` in a row, the newest run first."""
    for end in range(len(soft), count - 1, -1):
        yield soft[end - count], soft[end - 1]


def _time(at_ms: int) -> datetime:
    return datetime.fromtimestamp(at_ms / 1000, UTC)
