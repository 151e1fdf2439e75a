"""The door of reminder dialing: a wish for a call becomes a record, and gets its watch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import structlog

from schemas.own import Remind, ReminderWatch
from schemas.pinpoint_legacy import CustomChannelCall
from workers.handlers.reminders import changes
from workers.handlers.reminders.air import Air
from workers.handlers.reminders.asking import Asker
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.dialing import Dialer
from workers.handlers.reminders.ending import Ender
from workers.handlers.reminders.ladder import useful_of
from workers.handlers.reminders.pinpoint import brand_of, read_call
from workers.handlers.reminders.telling import Teller
from workers.handlers.reminders.texts import ReplyDoor, Texter
from workers.handlers.reminders.watching import Watcher
from workers.phone import normalise
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome
from workers.stores.call_records import RecordMoved, Result

log = structlog.get_logger(__name__)

UNREADABLE_NUMBER: Final = "invalid_number"


class RemindDoor:
    """Takes wishes for calls."""

    def __init__(self, deps: Deps, ender: Ender) -> None:
        self._deps = deps
        self._ender = ender

    async def remind(self, remind: Remind) -> Outcome:
        """Write a reminder down and send its watch. The same id again is the same reminder."""
        brand = self._deps.config.find(remind.brand)
        if brand is None:
            return DeadLetter("unknown_brand", event_id=remind.id)
        if brand.calls is None:
            return DeadLetter("brand_makes_no_calls", event_id=remind.id)
        rid = self._deps.calls.rid(remind.id)
        number = normalise(remind.number)
        rules, now_ms = self._deps.config.reminders, self._deps.clock.now_ms()
        until_ms = int(useful_of(remind, rules).until.timestamp() * 1000)
        job = remind.model_copy(
            update={"number": number or remind.number, "zone": await self._zone(remind, number)}
        )
        made = changes.made(
            rid, job, now_ms=now_ms, record_days=rules.record_days, until_ms=until_ms
        )
        try:
            reminder = await self._deps.calls.save(made)
        except RecordMoved as moved:
            reminder = moved.record
            if reminder is None:
                raise
        else:
            log.info("reminder_taken", reminder=rid, brand=brand.name, call_list=job.call_list)
        if number is None and reminder.result is None:
            return await self._ender.close(reminder, Result.NOT_CALLED, UNREADABLE_NUMBER)
        await self._deps.commands.send(ReminderWatch(rid=rid))
        return Done()

    async def _zone(self, remind: Remind, number: str | None) -> str | None:
        """What the command says, else the profile; the number is asked at the moment of dialing."""
        if remind.zone is not None or number is None or self._deps.zones is None:
            return remind.zone
        return await self._deps.zones.zone_of(number, remind.customer_id)

    async def custom_channel(self, call: CustomChannelCall, delivery: Delivery) -> Outcome:
        """A campaign's or journey's endpoints: each becomes a reminder on the queue."""
        if not self._deps.config.makes_calls:
            return Discard("nobody_makes_calls")
        if brand_of(call, self._deps.config) is None:
            return DeadLetter("unknown_brand", event_id=call.activity_id or "")
        read = read_call(call, self._deps.config, delivery.sent_at)
        for reason in read.skipped:
            self._deps.meter.effect("legacy_endpoint", reason)
        for remind in read.reminders:
            delivery.lease.require()
            await self._deps.commands.send(remind)
            self._deps.meter.effect("legacy_endpoint", "taken")
        return Done() if read.reminders else Discard("no_endpoint_to_call")


@dataclass(frozen=True, slots=True)
class CallDoors:
    """Every door of reminder dialing."""

    reminders: RemindDoor
    watches: Watcher
    endings: Ender
    texts: Texter
    replies: ReplyDoor

    @classmethod
    def over(cls, deps: Deps) -> CallDoors:
        """All of them over these tools."""
        asker, air, teller = Asker(deps), Air(deps), Teller(deps)
        ender = Ender(deps, air, teller)
        dialer = Dialer(deps, asker, air, ender)
        texter = Texter(deps, asker, dialer, ender)
        return cls(
            reminders=RemindDoor(deps, ender),
            watches=Watcher(deps, dialer=dialer, texter=texter, ender=ender, teller=teller),
            endings=ender,
            texts=texter,
            replies=ReplyDoor(deps, teller),
        )
