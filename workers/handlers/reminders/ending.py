"""How a call ended: from contact events, contact records, and by asking where neither came.

An event says that a call is over and not how, and names a contact and nobody. So Connect is asked
once for each call, by whoever first learns that it may be over.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import structlog

from schemas.connect import ContactEvent
from schemas.contact_record import ContactRecord
from schemas.own import CallSweep, ReminderWatch
from schemas.timestamps import to_ms
from workers.clients.protocols import CallFacts
from workers.errors import ContactEnded, TransientError
from workers.handlers.reminders import changes
from workers.handlers.reminders.air import Air, place_of
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.ladder import Close, Step, Text, next_step, text_of
from workers.handlers.reminders.results import (
    FINAL,
    Ended,
    ended,
    facts_of,
    ref_of_attributes,
)
from workers.handlers.reminders.telling import Teller
from workers.log import bind_contact
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.call_records import Attempt, CallRef, RecordMoved, Reminder, Result
from workers.stores.ticks import CLAIM_MS, TAKEN_LOOK_S, Turn

log = structlog.get_logger(__name__)

ENDINGS: Final = frozenset({"DISCONNECTED", "COMPLETED"})
UNKNOWN_GRACE_S: Final = 5.0
"""A call's first events may be here before Connect's answer to the dial is written down."""
NOT_OVER_S: Final = 15.0
_TRIES: Final = 8
_SWEEP: Final = "call_sweep"
_NOT_OURS: Final = Discard("contact_not_ours")


class Ender:
    """Writes down how calls went, each once."""

    def __init__(self, deps: Deps, air: Air, teller: Teller) -> None:
        self._deps = deps
        self._air = air
        self._teller = teller

    # --- who says so ------------------------------------------------------------------------------

    async def event(self, event: ContactEvent, delivery: Delivery) -> Outcome:
        """A contact event of a call, in any order, twice, of ours or not."""
        if event.event_type not in ENDINGS or not self._deps.config.makes_calls:
            return Discard("contact_event_not_needed")
        bind_contact(event.contact_id)
        ref = await self._deps.calls.of_contact(event.contact_id)
        if ref is None:
            waited_s = (self._deps.clock.now() - delivery.first_received_at).total_seconds()
            if waited_s < UNKNOWN_GRACE_S:
                return Wait("contact_unknown", UNKNOWN_GRACE_S - waited_s)
        return await self._ask(event.contact_id, ref)

    async def record(self, record: ContactRecord) -> Outcome:
        """A contact record: it has everything, so nobody is asked."""
        if record.channel != "VOICE":
            return Discard("contact_record_not_needed")
        bind_contact(record.contact_id)
        ref = await self._deps.calls.of_contact(record.contact_id)
        return await self._conclude(record.contact_id, ref, facts_of(record))

    async def sweep(self, tick: CallSweep) -> Outcome:
        """The net under lost events: ask about every call that is on for too long.

        One owner a tick, and harmless when two believe that they are: it is all idempotent.
        """
        owner = self._deps.new_owner()
        turn = await self._claim(tick, owner)
        if turn is not Turn.OURS:
            return Done() if turn is Turn.DONE else Wait("tick_taken", TAKEN_LOOK_S)
        floor_ms = self._deps.clock.now_ms() - self._deps.config.reminders.look_after_s * 1000
        air = await self._deps.calls.in_air()
        late = [name for name, claimed_ms in air.calls.items() if claimed_ms < floor_ms]
        for name in late:
            rid, _, number = name.partition(".")
            await self._look(name, rid, int(number))
            if await self._claim(tick, owner) is not Turn.OURS:
                return Wait("tick_taken", TAKEN_LOOK_S)  # We were too slow, and another has begun.
        await self._deps.ticks.finish(_SWEEP, tick.tick, owner)
        log.info("calls_swept", tick=tick.tick, in_air=len(air.calls), late=len(late))
        return Done()

    async def _claim(self, tick: CallSweep, owner: str) -> Turn:
        until_ms = self._deps.clock.now_ms() + CLAIM_MS
        return await self._deps.ticks.claim(_SWEEP, tick.tick, owner, until_ms=until_ms)

    async def _look(self, place: str, rid: str, number: int) -> None:
        reminder = await self._deps.calls.find(rid)
        attempt = _attempt(reminder, number) if reminder is not None else None
        if reminder is None or attempt is None or attempt.result is not None:
            await self._air.leave(place)
        elif attempt.contact_id is not None:
            await self.look(reminder, attempt)

    async def look(self, reminder: Reminder, attempt: Attempt) -> bool:
        """Ask about a call of which nothing was heard; True once it is known how it went."""
        if attempt.contact_id is None:
            return False
        facts = await self._facts(attempt.contact_id)
        if facts is not None and facts.is_over:
            await self.end(reminder.rid, attempt.number, ended(facts), facts.ended_at)
            return True
        age_ms = self._deps.clock.now_ms() - attempt.claimed_ms
        if facts is not None and age_ms < self._deps.config.reminders.call_max_s * 1000:
            return False
        detail = "never_ended" if facts is not None else "contact_gone"
        await self.end(reminder.rid, attempt.number, Ended(Result.FAILED, detail), None)
        return True

    async def _ask(self, contact_id: str, ref: CallRef | None) -> Outcome:
        if ref is not None:
            reminder = await self._deps.calls.find(ref.rid)
            attempt = _attempt(reminder, ref.attempt) if reminder is not None else None
            if attempt is not None and attempt.result is not None and reminder is not None:
                # Whoever wrote it down may have been killed before what follows.
                await self._air.leave(place_of(ref.rid, ref.attempt))
                await self._teller.tell(reminder)
                return Done()
        facts = await self._facts(contact_id)
        if facts is None:
            return _NOT_OURS if ref is None else await self._give_up(ref)
        return await self._conclude(contact_id, ref, facts)

    async def _give_up(self, ref: CallRef) -> Outcome:
        await self.end(ref.rid, ref.attempt, Ended(Result.FAILED, "contact_gone"), None)
        return Done()

    async def _conclude(self, contact_id: str, ref: CallRef | None, facts: CallFacts) -> Outcome:
        if ref is None:
            ref = ref_of_attributes(facts.attributes)
            reminder = await self._deps.calls.find(ref.rid) if ref is not None else None
            if ref is None or reminder is None:
                return _NOT_OURS
        else:
            reminder = await self._deps.calls.find(ref.rid)
        if reminder is not None:
            # Nothing to do, unless the worker that dialled was killed before it wrote this down.
            await self.adopt(reminder, ref, contact_id)
        if not facts.is_over:
            return Wait("call_not_over", NOT_OVER_S)
        await self.end(ref.rid, ref.attempt, ended(facts), facts.ended_at)
        return Done()

    async def _facts(self, contact_id: str) -> CallFacts | None:
        try:
            return await self._deps.dialing.call_facts(contact_id)
        except ContactEnded:
            return None

    # --- what is written down ---------------------------------------------------------------------

    async def adopt(self, reminder: Reminder, ref: CallRef, contact_id: str) -> None:
        """This contact is that attempt. The map first: without it no event finds its call."""
        attempt = _attempt(reminder, ref.attempt)
        if attempt is not None and attempt.contact_id == contact_id:
            return
        await self._deps.calls.map_contact(contact_id, ref, expires_at_s=reminder.expires_at_s)
        for _ in range(_TRIES):
            attempt = _attempt(reminder, ref.attempt)
            if attempt is not None and attempt.contact_id == contact_id:
                return
            placed = changes.placed(
                reminder, ref.attempt, contact_id, now_ms=self._deps.clock.now_ms()
            )
            try:
                await self._deps.calls.save(placed)
            except RecordMoved as moved:
                reminder = moved.record
            else:
                return
        raise TransientError("reminder_contended", after_s=1.0)

    async def end(self, rid: str, number: int, how: Ended, at: datetime | None) -> None:
        """Write down how an attempt went, once; close the reminder if nothing follows."""
        reminder = await self._deps.calls.find(rid)
        for _ in range(_TRIES):
            attempt = _attempt(reminder, number) if reminder is not None else None
            if reminder is None or attempt is None or attempt.result is not None:
                break
            if how.result is Result.OPTED_OUT:
                await self._opt_out(reminder)
            now_ms = self._deps.clock.now_ms()
            over = changes.over(reminder, number, how, at_ms=now_ms if at is None else to_ms(at))
            # Where it was said that nobody was called, and somebody was, that is taken back.
            is_denied = over.result is Result.NOT_CALLED
            step = Close(how.result, how.detail) if is_denied else self._next(over)
            try:
                reminder = await self._deps.calls.save(_closed_if_last(over, step, now_ms))
            except RecordMoved as moved:
                reminder = moved.record
                continue
            self._deps.meter.call_ended(reminder.job.brand, how.result)
            log.info(
                "call_ended", reminder=rid, attempt=number, result=how.result, detail=how.detail
            )
            if isinstance(step, Text):
                # The watch that is under way comes in minutes; a text need not wait for it.
                await self._deps.commands.send(ReminderWatch(rid=rid))
            break
        else:
            raise TransientError("reminder_contended", after_s=1.0)
        await self._air.leave(place_of(rid, number))
        if reminder is not None:
            await self._teller.tell(reminder)

    async def close_unmade(self, reminder: Reminder, reason: str) -> Outcome:
        """No call more may be made: it ends as the last one did, or with none."""
        last = reminder.attempts[-1] if reminder.attempts else None
        result = last.result if last is not None and last.result is not None else Result.NOT_CALLED
        return await self.close(reminder, result, reason)

    async def close(self, reminder: Reminder, result: Result, detail: str) -> Outcome:
        """It is over: written down, then told. Raises `RecordMoved`."""
        now_ms = self._deps.clock.now_ms()
        shut = await self._deps.calls.save(changes.closed(reminder, result, detail, now_ms=now_ms))
        await self._teller.tell(shut)
        return Done()

    def _next(self, reminder: Reminder) -> Step:
        brand = self._deps.config.find(reminder.job.brand)
        has_text = brand is not None and bool(text_of(reminder, brand))
        return next_step(reminder, self._deps.config.reminders, has_text=has_text)

    async def _opt_out(self, reminder: Reminder) -> None:
        """Before it is written down as the result: whoever is killed in between does it again."""
        brand = self._deps.config.find(reminder.job.brand)
        if brand is not None:
            await self._deps.gate.close(brand, reminder.job.number, f"reminder.{reminder.rid}")
            self._deps.meter.effect("call_opt_out", "done")


def _attempt(reminder: Reminder, number: int) -> Attempt | None:
    return next((a for a in reminder.attempts if a.number == number), None)


def _closed_if_last(reminder: Reminder, step: Step, now_ms: int) -> Reminder:
    """Closed in the same write; what is closed already is closed anew by an answer only."""
    is_closed = reminder.result not in (None, Result.NOT_CALLED)
    if not isinstance(step, Close) or (is_closed and step.result not in FINAL):
        return reminder
    return changes.closed(reminder, step.result, step.detail, now_ms=now_ms)
