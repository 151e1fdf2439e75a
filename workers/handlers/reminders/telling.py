"""Telling others how a reminder ended: a bus, in our shape and in Pinpoint's, and profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from workers.errors import AccountProblem, PermanentError
from workers.handlers.reminders.deps import Deps, ReminderResult
from workers.handlers.reminders.results import FINAL
from workers.stores.call_records import RecordMoved, Reminder, Result

log = structlog.get_logger(__name__)

DETAIL_TYPE: Final = "Switchboard Reminder Result"
SUCCESS: Final = "connect.success"
FAILURE: Final = "connect.failure"
_REACHED: Final = FINAL | {Result.HUMAN}


class Teller:
    """Tells each closing of a reminder, at least once."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def tell(self, reminder: Reminder) -> None:
        """Tell what was not told yet. Whoever is killed before it is noted tells it again."""
        if reminder.result is None or reminder.told >= reminder.closings:
            return
        if self._deps.bus is not None:
            await self._publish(reminder)
        if self._deps.profiles is not None:
            await self._deps.profiles.reminder_ended(_for_profile(reminder, reminder.result))
        self._deps.meter.reminder_ended(reminder.job.brand, reminder.result)
        log.info(
            "reminder_closed",
            reminder=reminder.rid,
            result=reminder.result.value,
            detail=reminder.detail,
            calls=len(reminder.attempts),
        )
        try:
            await self._deps.calls.save(replace(reminder, told=reminder.closings))
        except RecordMoved:
            log.info("reminder_told_twice", reminder=reminder.rid)

    async def _publish(self, reminder: Reminder) -> None:
        if self._deps.bus is None:
            return
        events: list[tuple[str, Mapping[str, Any]]] = [(DETAIL_TYPE, detail_of(reminder))]
        if reminder.job.pinpoint is not None:
            kind, detail = pinpoint_event(reminder)
            events.append((kind, detail))
        try:
            await self._deps.bus.publish(events)
        except AccountProblem:
            raise
        except PermanentError as refusal:
            # A bus that takes no such event holds up no reminder; the report has the result.
            self._deps.meter.effect("result_bus", "refused")
            log.warning("result_not_published", reminder=reminder.rid, reason=refusal.reason)


def detail_of(reminder: Reminder) -> dict[str, Any]:
    """The event's detail. It has the sender's ids and no number."""
    job = reminder.job
    return {
        "version": 1,
        "id": f"{reminder.rid}/{reminder.closings}",
        "reminderId": job.id,
        "brand": job.brand,
        "callList": job.call_list,
        "customerId": job.customer_id,
        "result": reminder.result.value if reminder.result is not None else None,
        "detail": reminder.detail,
        "endedAt": _iso(reminder.closed_ms),
        "text": reminder.text.stage.value if reminder.text is not None else None,
        "calls": [
            {
                "attempt": attempt.number,
                "contactId": attempt.contact_id,
                "result": attempt.result.value if attempt.result is not None else None,
                "detail": attempt.detail,
                "endedAt": _iso(attempt.ended_ms),
            }
            for attempt in reminder.attempts
        ],
    }


def pinpoint_event(reminder: Reminder) -> tuple[str, Mapping[str, Any]]:
    """The same as the retired Pinpoint channel reported it, in the form of a Pinpoint event."""
    origin, result = reminder.job.pinpoint, reminder.result
    if origin is None or result is None:
        raise ValueError("no reminder of Pinpoint's that is over")
    kind = SUCCESS if result in _REACHED else FAILURE
    named = {
        "campaign_id": origin.campaign_id,
        "journey_id": origin.journey_id,
        "treatment_id": origin.treatment_id,
        "campaign_activity_id": origin.activity_id if origin.campaign_id else None,
        "journey_activity_id": origin.activity_id if origin.journey_id else None,
        "result": result.value,
        "message": reminder.detail,
    }
    return kind, {
        "event_type": kind,
        "event_timestamp": reminder.closed_ms,
        "event_version": "3.1",
        "application": {"app_id": origin.application_id},
        "client": {"client_id": origin.endpoint_id},
        "attributes": {name: value for name, value in named.items() if value is not None},
        "metrics": {"attempts": len(reminder.attempts)},
    }


def _for_profile(reminder: Reminder, result: Result) -> ReminderResult:
    job = reminder.job
    return ReminderResult(
        reminder_id=job.id,
        number=job.number,
        customer_id=job.customer_id,
        brand=job.brand,
        result=result,
        detail=reminder.detail,
        at=datetime.fromtimestamp(reminder.closed_ms / 1000, UTC),
        appointment_at=job.appointment_at,
        calls=len(reminder.attempts),
    )


def _iso(ms: int) -> str | None:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat() if ms else None
