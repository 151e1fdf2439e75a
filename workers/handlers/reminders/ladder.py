"""What follows what has happened to a reminder so far: another call, the text, or its end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from schemas.own import Remind
from workers.brands import Brand
from workers.config import ReminderRules
from workers.config.reminders import Rung
from workers.handlers.reminders.policy import Useful
from workers.handlers.reminders.results import FINAL, INVALID_NUMBER
from workers.stores.call_records import Attempt, Reminder, Result, TextStage


@dataclass(frozen=True, slots=True)
class Call:
    """Call, as the attempt of that number, not before `at_ms`."""

    number: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Text:
    """Send the text."""


@dataclass(frozen=True, slots=True)
class Close:
    """It is over."""

    result: Result
    detail: str


Step = Call | Text | Close


def next_step(reminder: Reminder, rules: ReminderRules, *, has_text: bool) -> Step:
    """What is to be done. Expects that no call is on and no text half sent."""
    last = reminder.attempts[-1] if reminder.attempts else None
    if last is None or last.result is None:
        return Call(1, 0)
    if last.result in FINAL or last.detail == INVALID_NUMBER or reminder.text is not None:
        return Close(last.result, last.detail)
    rung = _rung(last.result, rules)
    alike = sum(attempt.result is last.result for attempt in reminder.attempts)
    if alike < rung.calls and len(reminder.attempts) < rules.calls_max:
        return Call(last.number + 1, last.ended_ms + rung.again_after_s * 1000)
    if rung.then == "text" and has_text:
        return Text()
    return Close(last.result, last.detail)


def text_of(reminder: Reminder, brand: Brand) -> str:
    """The text that follows calls in vain, its words not put in yet; empty where there is none."""
    if brand.calls is None:
        return ""
    return brand.calls.text_of(is_dated=reminder.job.appointment_at is not None)


def open_attempt(reminder: Reminder) -> Attempt | None:
    """The call that is on, or may be."""
    last = reminder.attempts[-1] if reminder.attempts else None
    return last if last is not None and last.result is None else None


def is_texting(reminder: Reminder) -> bool:
    """Whether the text's fate is not known yet."""
    return reminder.text is not None and reminder.text.stage is TextStage.SENDING


def useful_of(job: Remind, rules: ReminderRules) -> Useful:
    """From when until when calls are of use; never past the appointment itself."""
    ends = [job.useful_until] if job.useful_until is not None else []
    if job.appointment_at is not None:
        lead = timedelta(seconds=0 if ends else rules.lead_s)
        ends.append(job.appointment_at - lead)
    return Useful(job.not_before or datetime(1970, 1, 1, tzinfo=UTC), min(ends))


def _rung(result: Result, rules: ReminderRules) -> Rung:
    rung: Rung = getattr(rules.ladder, result.value)
    return rung
