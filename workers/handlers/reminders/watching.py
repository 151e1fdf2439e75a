"""One reminder's life: its watch is a message that comes back until the reminder is over.

Each time it reads what stands in the record and does the one next thing. It may come twice, late,
or by two ways: whatever it does is claimed in the record first.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import assert_never

from schemas.own import ReminderWatch
from workers.brands import Brand
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.dialing import Dialer
from workers.handlers.reminders.ending import Ender
from workers.handlers.reminders.ladder import (
    Call,
    Close,
    Text,
    is_texting,
    next_step,
    open_attempt,
    text_of,
)
from workers.handlers.reminders.telling import Teller
from workers.handlers.reminders.texts import Texter
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Defer, Discard, Done, Outcome, Wait
from workers.stores.call_records import Attempt, ListState, RecordMoved, Reminder

MOVED_S = 1.0
PAUSED_LOOK_S = 3_600.0
"""Whoever resumes a list sends its watches anew, so nobody waits that long."""


class Watcher:
    """Looks after reminders."""

    def __init__(
        self, deps: Deps, *, dialer: Dialer, texter: Texter, ender: Ender, teller: Teller
    ) -> None:
        self._deps = deps
        self._dialer = dialer
        self._texter = texter
        self._ender = ender
        self._teller = teller

    async def watch(self, watch: ReminderWatch, delivery: Delivery) -> Outcome:
        """Do the next thing for a reminder."""
        reminder = await self._deps.calls.find(watch.rid)
        if reminder is None:
            return Discard("reminder_unknown")
        try:
            return await self._step(reminder, delivery)
        except RecordMoved:
            return Wait("reminder_moved", MOVED_S)

    async def _step(self, reminder: Reminder, delivery: Delivery) -> Outcome:
        if reminder.result is not None:
            await self._teller.tell(reminder)
            return Done()
        brand = self._deps.config.find(reminder.job.brand)
        if brand is None or brand.calls is None:
            return await self._ender.close_unmade(reminder, "brand_makes_no_calls")
        attempt = open_attempt(reminder)
        if attempt is not None:
            return await self._on(reminder, brand, attempt, delivery)
        if reminder.text is not None and is_texting(reminder):
            return await self._texter.settle(reminder, brand, reminder.text)
        return await self._held(reminder) or await self._next(reminder, brand, delivery)

    async def _on(
        self, reminder: Reminder, brand: Brand, attempt: Attempt, delivery: Delivery
    ) -> Outcome:
        """A call is on, or may be."""
        if attempt.contact_id is None:
            return await self._dialer.again(reminder, brand, attempt, delivery)
        look_ms = self._deps.config.reminders.look_after_s * 1000
        left_ms = attempt.claimed_ms + look_ms - self._deps.clock.now_ms()
        if left_ms > 0:
            return Wait("call_in_air", left_ms / 1000)
        if await self._ender.look(reminder, attempt):
            return Wait("call_over", MOVED_S)
        return Wait("call_in_air", look_ms / 1000)

    async def _held(self, reminder: Reminder) -> Outcome | None:
        name = reminder.job.call_list
        call_list = await self._deps.calls.call_list(name) if name is not None else None
        if call_list is None or call_list.state is ListState.RUNNING:
            return None
        if call_list.state is ListState.PAUSED:
            return Wait("list_paused", PAUSED_LOOK_S)
        return await self._ender.close_unmade(reminder, "cancelled")

    async def _next(self, reminder: Reminder, brand: Brand, delivery: Delivery) -> Outcome:
        if reminder.due_ms > self._deps.clock.now_ms():
            return Defer(datetime.fromtimestamp(reminder.due_ms / 1000, UTC), "not_due")
        has_text = bool(text_of(reminder, brand))
        step = next_step(reminder, self._deps.config.reminders, has_text=has_text)
        match step:
            case Call():
                return await self._dialer.call(reminder, brand, step, delivery)
            case Text():
                return await self._texter.send(reminder, brand, delivery)
            case Close(result, detail):
                return await self._ender.close(reminder, result, detail)
            case _:
                assert_never(step)
