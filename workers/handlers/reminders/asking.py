"""May this person be called, or texted, at this moment? Everything that policy needs, fetched."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from workers.addresses import Channel
from workers.brands import Brand
from workers.handlers.gate import Message
from workers.handlers.reminders.deps import Deps
from workers.handlers.reminders.ladder import useful_of
from workers.handlers.reminders.policy import Callee, Judgement, Later, Now, Useful, judge
from workers.handlers.reminders.zones import zones_for
from workers.phone import country_of
from workers.stores.call_records import OpenText, Person, RecordMoved, Reminder

MARGIN: Final = timedelta(seconds=20)
"""What is judged now happens a little later: our own rate limit and the call itself take time."""


class Asker:
    """Judges, and keeps what counts against the caps."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def judge(
        self, reminder: Reminder, brand: Brand, channel: Channel, key: str, not_before: datetime
    ) -> tuple[Judgement, Person]:
        """May it be done now? `key` names it, so that a repetition does not count twice."""
        job, rules, now = reminder.job, self._deps.config.reminders, self._deps.clock.now()
        closed = await self._deps.gate.closed_to(
            Message(channel, job.number, brand.message_class, brand.opt_out_list)
        )
        person = await self._deps.calls.person(job.number)
        callee = Callee(
            zones=zones_for(job.number, job.zone),
            country=country_of(job.number),
            closed=None if closed is None else closed.reason,
            contacted=tuple(_moment(ms) for id_, ms in person.contacts.items() if id_ != key),
        )
        useful = useful_of(job, rules)
        useful = Useful(max(useful.not_before, not_before), useful.until)
        judgement = judge(callee, useful, rules, now)
        if isinstance(judgement, Now):
            soon = judge(callee, useful, rules, now + MARGIN)
            return (judgement if isinstance(soon, Now) else soon), person
        return judgement, person

    async def note(self, person: Person, key: str, text: OpenText | None = None) -> bool:
        """Count a contact against the caps, before it is made; False if it must be judged anew."""
        now_ms = self._deps.clock.now_ms()
        texts = [t for t in person.texts if text is None or t.rid != text.rid]
        noted = replace(
            person,
            contacts={**person.contacts, key: now_ms},
            texts=(*texts, text) if text is not None else person.texts,
        )
        try:
            await self._deps.calls.save_person(noted, now_ms=now_ms)
        except RecordMoved:
            return False
        return True


def later(judgement: Later) -> int:
    """When, in whole milliseconds and not before."""
    return -(-round(judgement.at.timestamp() * 1_000_000) // 1000)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
