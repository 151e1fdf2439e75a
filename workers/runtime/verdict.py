"""The outcome table: what a handler returned or raised, and what then happens to its message.

    result                          outcome        then     attempt  reason
    Done                            done           delete   no
    Discard                         discarded      delete   no       its own
    Retry                           retried        hide     yes      its own
    Wait                            waited         hide     no       its own
    Defer                           deferred       defer    no       its own
    DeadLetter                      dead_lettered  bury     no       its own
    raised Throttled, QuotaFull     waited         hide     no       throttled, quota_full
    raised Blocked, AccountProblem  waited         hide     no       the error's
    raised InDoubt                  waited         hide     no       in_doubt
    raised TransientError           retried        hide     yes      the error's
    raised PermanentError           dead_lettered  bury     no       the error's
    raised Fenced                   abandoned      abandon  no       fenced
    raised anything else            retried        hide     yes      bug
    its lease is gone               abandoned      abandon  no       lease_lost
    older than max_age_s            dead_lettered  bury     no       too_old
    not started when we drain       returned       hide 0   no       draining
    back from a schedule too early  deferred       hide     no       too_early
    back in a broken envelope       dead_lettered  bury     no       deferred_malformed
    back, its stored part is gone   dead_lettered  bury     no       deferred_part_missing
    back, its part cannot be had    waited         hide     no       deferred_part_unreachable

A counted attempt that is the last one turns "hide" into "bury". "defer" is "hide" as long as a
visibility timeout can hold it, and beyond that a schedule and then "delete". Nothing else in the
runtime decides what becomes of a message.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum, StrEnum
from typing import assert_never

from workers.clock import STRAIGHT, TimeBend
from workers.errors import (
    AccountProblem,
    Blocked,
    Fenced,
    InDoubt,
    PermanentError,
    QuotaFull,
    Throttled,
    TransientError,
)
from workers.log import place_of
from workers.runtime.outcome import (
    DeadLetter,
    Defer,
    Discard,
    Done,
    Outcome,
    Retry,
    Wait,
)


class Fate(StrEnum):
    """How a delivery left our hands: the metric label `outcome`."""

    DONE = "done"
    DISCARDED = "discarded"
    RETRIED = "retried"
    WAITED = "waited"
    DEFERRED = "deferred"
    DEAD_LETTERED = "dead_lettered"
    ABANDONED = "abandoned"
    RETURNED = "returned"


class Then(Enum):
    """What is done with the message."""

    DELETE = "delete"
    HIDE = "hide"
    DEFER = "defer"
    BURY = "bury"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One row of the table, filled in.

    `after_s` is None where the backoff decides; `until` is a deferral's. What follows them is for
    the dead-letter queue.
    """

    fate: Fate
    then: Then
    reason: str = ""
    is_attempt: bool = False
    after_s: float | None = None
    until: datetime | None = None
    error_type: str = ""
    path: str = ""
    place: str = ""
    event_id: str = ""
    before_delete: Callable[[], Awaitable[None]] | None = None


PERSON_PAUSE_S = 30.0
"""How long a message waits for a person or a deployment before it looks again."""

LEASE_LOST = Verdict(Fate.ABANDONED, Then.ABANDON, "lease_lost")
RETURNED = Verdict(Fate.RETURNED, Then.HIDE, "draining", after_s=0.0)
TOO_OLD = Verdict(Fate.DEAD_LETTERED, Then.BURY, "too_old")
DEFERRED_PART_MISSING = Verdict(Fate.DEAD_LETTERED, Then.BURY, "deferred_part_missing")


def deferred_malformed(path: str) -> Verdict:
    """It came back in an envelope that cannot be read; `path` says where."""
    return Verdict(Fate.DEAD_LETTERED, Then.BURY, "deferred_malformed", path=path)


def too_early(after_s: float) -> Verdict:
    """Its schedule fired before the time that was asked for."""
    return Verdict(Fate.DEFERRED, Then.HIDE, "too_early", after_s=after_s)


def judge(result: Outcome | BaseException, *, now: datetime, bend: TimeBend = STRAIGHT) -> Verdict:
    """The table's row for what a handler returned or raised.

    What it asked to wait for is of the bent time; what it failed with knows only the machine's.
    """
    if isinstance(result, BaseException):
        return _judge_raised(result)
    return _judge_returned(result, now, bend)


def give_up(verdict: Verdict) -> Verdict:
    """The same failure, after the last attempt."""
    return replace(verdict, fate=Fate.DEAD_LETTERED, then=Then.BURY)


def wait_instead(reason: str, after_s: float | None = None) -> Verdict:
    """What the runtime says by itself when it is not the message's turn. No attempt."""
    return Verdict(Fate.WAITED, Then.HIDE, reason, after_s=after_s)


_WORD = re.compile(r"(?!.*\d{4})[a-z][a-z0-9_]{0,47}")


def label_of(reason: str) -> str:
    """The reason as a metric label: a stable word, or `other` when it is none.

    Four digits in a row are no word: an id or a number must not become a time series.
    """
    return reason if not reason or _WORD.fullmatch(reason) else "other"


def _judge_returned(outcome: Outcome, now: datetime, bend: TimeBend) -> Verdict:
    match outcome:
        case Done():
            return _DONE
        case Discard(reason):
            return Verdict(Fate.DISCARDED, Then.DELETE, reason)
        case Retry(reason, after_s):
            return Verdict(Fate.RETRIED, Then.HIDE, reason, is_attempt=True, after_s=after_s)
        case Wait(reason, after_s):
            return Verdict(Fate.WAITED, Then.HIDE, reason, after_s=bend.waited_s(after_s))
        case Defer(until, reason):
            after_s = bend.waited_s(max(0.0, (until - now).total_seconds()))
            return Verdict(Fate.DEFERRED, Then.DEFER, reason, after_s=after_s, until=until)
        case DeadLetter():
            return Verdict(
                Fate.DEAD_LETTERED,
                Then.BURY,
                outcome.reason,
                error_type=outcome.error_type,
                path=outcome.path,
                event_id=outcome.event_id,
                before_delete=outcome.before_delete,
            )
        case _:
            assert_never(outcome)


_DONE = Verdict(Fate.DONE, Then.DELETE)

_WAITS: tuple[tuple[type[Throttled | QuotaFull], str], ...] = (
    (Throttled, "throttled"),
    (QuotaFull, "quota_full"),
)


def _why_it_waits(error: BaseException) -> Verdict | None:
    """A wait for an error that is no fault of the message."""
    for waiting, reason in _WAITS:
        if isinstance(error, waiting):
            return wait_instead(reason, error.after_s)
    if isinstance(error, Blocked | AccountProblem):
        return wait_instead(error.reason, PERSON_PAUSE_S)
    return wait_instead("in_doubt") if isinstance(error, InDoubt) else None


def _judge_raised(error: BaseException) -> Verdict:
    kind = type(error).__name__
    waits = _why_it_waits(error)
    if waits is not None:
        return waits
    if isinstance(error, TransientError):
        return Verdict(
            Fate.RETRIED,
            Then.HIDE,
            error.reason,
            is_attempt=True,
            after_s=error.after_s,
            error_type=kind,
        )
    if isinstance(error, PermanentError):
        return Verdict(Fate.DEAD_LETTERED, Then.BURY, error.reason, error_type=kind)
    if isinstance(error, Fenced):
        return Verdict(Fate.ABANDONED, Then.ABANDON, "fenced")
    return Verdict(
        Fate.RETRIED,
        Then.HIDE,
        "bug",
        is_attempt=True,
        error_type=kind,
        place=place_of(error),
    )
