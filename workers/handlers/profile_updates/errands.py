"""Who writes a person's profile, and when: one message's errand at a time. Pure.

The first event of a person that makes a difference promises to write, and its message stays on the
queue until the window is over, or for longer where the quota has no turn before (`turns.py`). What
comes meanwhile only goes into the record and is done with: the write carries it. A promise that
nobody keeps (its message was dead-lettered) is taken over by the next event once it is `OVERDUE_MS`
late.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from workers.stores.person_records import Errand

WRITING_MS: Final = 120_000
"""A writer has the person to itself for so long; more than all its calls may take."""
OVERDUE_MS: Final = 120_000


@dataclass(frozen=True, slots=True)
class Nothing:
    """The profile says it all already."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One of these messages stays until the window is over."""

    errand: Errand


@dataclass(frozen=True, slots=True)
class Stay:
    """One of these messages has promised, and it is not time yet, or it is being written."""

    message_id: str
    after_ms: int


@dataclass(frozen=True, slots=True)
class LeaveIt:
    """Another message's write will carry it."""


@dataclass(frozen=True, slots=True)
class Write:
    """Write now, in the name of this message."""

    message_id: str


Duty = Nothing | Promise | Stay | LeaveIt | Write


def duty(
    errand: Errand | None,
    messages: Collection[str],
    *,
    makes_difference: bool,
    now_ms: int,
    window_ms: int,
) -> Duty:
    """What is to be done by whoever has these messages in hand.

    Args:
        errand: what was promised.
        messages: in hand now, the oldest first; one at least.
        makes_difference: whether the profile says less than the record.
        now_ms: the time.
        window_ms: how long to gather before a write. 0: not at all.
    """
    first = next(iter(messages))
    if errand is None:
        if not makes_difference:
            return Nothing()
        return Promise(Errand(first, now_ms + window_ms)) if window_ms else Write(first)
    is_ours = errand.message_id in messages
    if is_ours and now_ms < errand.due_ms:
        return Stay(errand.message_id, errand.due_ms - now_ms)
    if is_ours:
        return Write(errand.message_id)
    return Write(first) if now_ms >= errand.due_ms + OVERDUE_MS else LeaveIt()
