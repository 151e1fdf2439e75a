"""The changes of a reminder's record, each from a value to the next. Pure."""

from __future__ import annotations

from dataclasses import replace

from schemas.own import Remind
from workers.handlers.reminders.results import Ended
from workers.stores.call_records import (
    Attempt,
    Reminder,
    Result,
    SentText,
    TextStage,
)

UNCONFIRMED = "unconfirmed"
"""The detail of an attempt that was written down, and that nobody ever saw made."""


def made(rid: str, job: Remind, *, now_ms: int, record_days: int, until_ms: int) -> Reminder:
    """A new reminder; kept for so many days after it is of no use any more."""
    expires_at_s = max(now_ms, until_ms) // 1000 + record_days * 86_400
    return Reminder(rid=rid, job=job, made_ms=now_ms, expires_at_s=expires_at_s)


def claimed(reminder: Reminder, number: int, *, now_ms: int) -> Reminder:
    """An attempt is about to be made: written before anything rings."""
    return replace(reminder, attempts=(*reminder.attempts, Attempt(number, now_ms)), due_ms=0)


def withdrawn(reminder: Reminder, number: int) -> Reminder:
    """An attempt was surely not made: Connect refused it before it did anything."""
    return replace(reminder, attempts=tuple(a for a in reminder.attempts if a.number != number))


def placed(reminder: Reminder, number: int, contact_id: str, *, now_ms: int) -> Reminder:
    """Connect has taken an attempt. One that was given up as unconfirmed is on after all."""
    known = next((a for a in reminder.attempts if a.number == number), None)
    attempt = known or Attempt(number, now_ms)
    if attempt.detail == UNCONFIRMED:
        attempt = replace(attempt, result=None, detail="", ended_ms=0)
    return _with(reminder, replace(attempt, contact_id=contact_id))


def over(reminder: Reminder, number: int, ended: Ended, *, at_ms: int) -> Reminder:
    """It is known how an attempt went."""
    attempt = next(a for a in reminder.attempts if a.number == number)
    return _with(
        reminder, replace(attempt, result=ended.result, detail=ended.detail, ended_ms=at_ms)
    )


def texting(reminder: Reminder, *, now_ms: int) -> Reminder:
    """The text is about to be sent."""
    return replace(reminder, text=SentText(TextStage.SENDING, now_ms), due_ms=0)


def texted(reminder: Reminder, stage: TextStage, message_id: str | None = None) -> Reminder:
    """What became of the text; None where it was surely not sent comes by `untexted`."""
    if reminder.text is None:
        return reminder
    return replace(reminder, text=replace(reminder.text, stage=stage, message_id=message_id))


def untexted(reminder: Reminder) -> Reminder:
    """The text was surely not sent."""
    return replace(reminder, text=None)


def due(reminder: Reminder, at_ms: int) -> Reminder:
    """Nothing is to be done before then."""
    return replace(reminder, due_ms=at_ms)


def closed(reminder: Reminder, result: Result, detail: str, *, now_ms: int) -> Reminder:
    """It is over, be it once more: an answer by text comes after the calls."""
    return replace(
        reminder,
        result=result,
        detail=detail,
        closed_ms=now_ms,
        closings=reminder.closings + 1,
        due_ms=0,
    )


def _with(reminder: Reminder, attempt: Attempt) -> Reminder:
    others = [a for a in reminder.attempts if a.number != attempt.number]
    return replace(
        reminder, attempts=tuple(sorted([*others, attempt], key=lambda each: each.number))
    )
