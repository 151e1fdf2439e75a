"""Making one call: judged, a place taken, counted, written down, dialled. In that order.

Whoever is killed in between is followed by another who finds the attempt written down and dials
with the same token: Connect answers with the same contact, and nobody's phone rings twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, assert_never

import structlog

from workers.addresses import Channel
from workers.brands import Brand, BrandCalls
from workers.clients.protocols import OutboundCall
from workers.errors import (
    AccountProblem,
    PermanentError,
    QuotaFull,
    Throttled,
    TransientError,
)
from workers.handlers.reminders import changes
from workers.handlers.reminders.air import Air, place_of
from workers.handlers.reminders.asking import Asker, later
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.ending import Ender
from workers.handlers.reminders.ladder import Call
from workers.handlers.reminders.policy import Later, Never, Now
from workers.handlers.reminders.results import ATTEMPT, REMINDER, Ended
from workers.handlers.reminders.zones import local_time, spoken, zones_for
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Defer, Outcome, Wait
from workers.sms_text import clean_for_chat
from workers.stores.call_records import Attempt, CallRef, Reminder, Result

log = structlog.get_logger(__name__)

REPEAT_MS: Final = 600_000
"""For so long a claimed call may be dialled again. Connect keeps its token for 7 days."""
_FULL_BASE_S: Final = 5.0
_FULL_MAX_S: Final = 900.0


class Dialer:
    """Makes calls, each attempt once."""

    def __init__(self, deps: Deps, asker: Asker, air: Air, ender: Ender) -> None:
        self._deps = deps
        self._asker = asker
        self._air = air
        self._ender = ender

    async def call(
        self, reminder: Reminder, brand: Brand, step: Call, delivery: Delivery
    ) -> Outcome:
        """Make a new attempt, or say when."""
        place = place_of(reminder.rid, step.number)
        not_before = datetime.fromtimestamp(step.at_ms / 1000, UTC)
        judgement, _ = await self._asker.judge(reminder, brand, Channel.VOICE, place, not_before)
        match judgement:
            case Never(reason):
                return await self._ender.close_unmade(reminder, reason)
            case Later():
                return await self.put_off(reminder, judgement)
            case Now():
                return await self._claim(reminder, brand, step, delivery)
            case _:
                assert_never(judgement)

    async def _claim(
        self, reminder: Reminder, brand: Brand, step: Call, delivery: Delivery
    ) -> Outcome:
        place = place_of(reminder.rid, step.number)
        not_before = datetime.fromtimestamp(step.at_ms / 1000, UTC)
        if not await self._air.take(place):
            self._deps.meter.call_held_back("in_air")
            return Wait("calls_in_air", self._patience_s(delivery))
        is_claimed = False
        try:
            # Judged once more: taking the place took time, and somebody else may have called.
            judgement, person = await self._asker.judge(
                reminder, brand, Channel.VOICE, place, not_before
            )
            if not isinstance(judgement, Now) or not await self._asker.note(person, place):
                return Wait("judged_anew", 1.0)
            delivery.lease.require()
            now_ms = self._deps.clock.now_ms()
            reminder = await self._deps.calls.save(
                changes.claimed(reminder, step.number, now_ms=now_ms)
            )
            is_claimed = True
        finally:
            if not is_claimed:
                await self._air.leave(place)
        return await self._place(reminder, brand, reminder.attempts[-1], delivery, is_first=True)

    async def again(
        self, reminder: Reminder, brand: Brand, attempt: Attempt, delivery: Delivery
    ) -> Outcome:
        """An attempt is written down and Connect's answer is not: dial with its token, or wait.

        At an hour at which it may not ring it is not repeated: it may never have been made.
        """
        age_ms = self._deps.clock.now_ms() - attempt.claimed_ms
        place = place_of(reminder.rid, attempt.number)
        if age_ms < REPEAT_MS:
            judgement, person = await self._asker.judge(
                reminder, brand, Channel.VOICE, place, datetime.fromtimestamp(0, UTC)
            )
            # Counted anew: the caps go by when a phone rang at the latest.
            if (
                isinstance(judgement, Now)
                and await self._air.take(place)
                and await self._asker.note(person, place)
            ):
                return await self._place(reminder, brand, attempt, delivery)
            return Wait("call_unconfirmed", 60.0)
        await self._ender.end(
            reminder.rid, attempt.number, Ended(Result.FAILED, changes.UNCONFIRMED), None
        )
        return Wait("call_over", 1.0)

    async def put_off(self, reminder: Reminder, judgement: Later) -> Outcome:
        """Written down first: whoever asks again after a kill comes to the same moment."""
        self._deps.meter.call_held_back(judgement.reason)
        at_ms = later(judgement)
        await self._deps.calls.save(changes.due(reminder, at_ms))
        return Defer(datetime.fromtimestamp(at_ms / 1000, UTC), judgement.reason)

    async def _place(
        self,
        reminder: Reminder,
        brand: Brand,
        attempt: Attempt,
        delivery: Delivery,
        *,
        is_first: bool = False,
    ) -> Outcome:
        delivery.lease.require()
        number, rid = attempt.number, reminder.rid
        try:
            contact_id = await self._deps.dialing.dial(self._request(reminder, brand, number))
        except (Throttled, QuotaFull, AccountProblem):
            self._deps.meter.effect("call", "put_off")
            if is_first:
                # Surely not dialled: the attempt is as if it had never been, and its number free.
                # Not so when it is repeated: the try before may have been taken.
                await self._deps.calls.save(changes.withdrawn(reminder, number))
                await self._air.leave(place_of(rid, number))
            raise
        except PermanentError as refusal:
            self._deps.meter.effect("call", "refused")
            log.warning("call_refused", reminder=rid, attempt=number, reason=refusal.reason)
            await self._ender.end(rid, number, Ended(Result.FAILED, refusal.reason), None)
            return Wait("call_over", 1.0)
        except TransientError:
            self._deps.meter.effect("call", "in_doubt")
            raise
        self._deps.meter.effect("call", "dialled")
        log.info("call_dialled", reminder=rid, attempt=number, contact_id=contact_id)
        await self._ender.adopt(reminder, CallRef(rid, number), contact_id)
        return Wait("call_in_air", float(self._deps.config.reminders.look_after_s))

    def _request(self, reminder: Reminder, brand: Brand, number: int) -> OutboundCall:
        rules = brand.calls
        if rules is None:
            raise PermanentError("brand_makes_no_calls")
        return OutboundCall(
            client_token=place_of(reminder.rid, number),
            contact_flow_id=rules.contact_flow_id,
            number=reminder.job.number,
            attributes=attributes_of(reminder, brand, number),
            source_number=rules.source_number,
            queue_id=rules.queue_id,
            ring_timeout_s=rules.ring_timeout_s,
            detect_machines=rules.detect_machines,
        )

    def _patience_s(self, delivery: Delivery) -> float:
        """The longer the more often in vain: thousands must not ask for five places every second.

        SQS counts each as a receive, and there are a thousand before a message is given up.
        """
        most_s = min(_FULL_MAX_S, _FULL_BASE_S * 1.5 ** min(delivery.receive_count, 14))
        return self._deps.random.uniform(most_s / 2, most_s)


def attributes_of(reminder: Reminder, brand: Brand, number: int) -> dict[str, str]:
    """What the flow has to speak with. Ours win over the sender's."""
    job = reminder.job
    language = job.language or brand.language
    return {
        **{key: clean_for_chat(value) for key, value in job.attributes.items()},
        REMINDER: reminder.rid,
        ATTEMPT: str(number),
        "sb_brand": brand.name,
        "sb_name": clean_for_chat(job.name or ""),
        "sb_language": language,
        "sb_when": when(reminder, language),
        "sb_is_dated": "yes" if reminder.job.appointment_at else "no",
        "sb_detects_machines": "yes" if _detects(brand.calls) else "no",
    }


def when(reminder: Reminder, language: str) -> str:
    """The appointment as it is said to the callee; empty where there is none."""
    at, job = reminder.job.appointment_at, reminder.job
    if at is None:
        return ""
    return spoken(local_time(at, zones_for(job.number, job.zone)), language)


def _detects(calls: BrandCalls | None) -> bool:
    return calls is not None and calls.detect_machines
