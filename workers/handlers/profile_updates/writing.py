"""Facts into a person's record, and the record into the profile, by whose errand that is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from workers.config import ObjectKind
from workers.errors import SwitchboardError, TransientError
from workers.handlers.profile_updates.decide import decide
from workers.handlers.profile_updates.deps import Deps
from workers.handlers.profile_updates.errands import (
    WRITING_MS,
    Duty,
    LeaveIt,
    Nothing,
    Promise,
    Stay,
    Write,
    duty,
)
from workers.handlers.profile_updates.facts import PersonFact
from workers.handlers.profile_updates.finding import Found
from workers.handlers.profile_updates.objects import digest, objects
from workers.stores.person_records import Errand, PersonChanged, PersonRecord, PersonState

log = structlog.get_logger(__name__)

TRIES: Final = 8
"""Writers of one person at the same time; more than that wait their turn on the queue."""
_LAST_CALL_MS: Final = 20_000
"""A call takes so long at most: none begins later than that before the writer's time is over."""
_DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of facts.

    Attributes:
        state: what is known of the person now.
        as_of_ms: the time that the profile was written for, or an earlier one.
        is_news: whether any of it was not known before.
        staying: the message that is to come back, and when; None where all may go.
    """

    state: PersonState
    as_of_ms: int
    is_news: bool
    staying: Stay | None = None


class Writer:
    """Keeps people's records and writes their profiles."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def take(
        self,
        person: Found,
        facts: Sequence[PersonFact],
        messages: Collection[str],
        *,
        window_ms: int,
    ) -> Taken:
        """Take facts into a person's record; write the profile if it is time and ours to do.

        Raises:
            TransientError: the record is contended, or a call failed. To be told again.
        """
        record = await self._record(person)
        for _ in range(TRIES):
            state = decide(record.state, facts)
            is_news = state != record.state
            taken = Taken(state, self._deps.clock.now_ms(), is_news)
            changed = replace(record, state=state)
            todo = self._duty(changed, messages, window_ms)
            try:
                return await self._do(todo, taken, self._counted(changed, facts, is_news))
            except PersonChanged as other:
                record = other.record or PersonRecord(person.profile_id)
        raise TransientError("person_record_contended", after_s=1.0)

    async def _do(self, todo: Duty, taken: Taken, changed: PersonRecord) -> Taken:
        match todo:
            case Promise(errand):
                errand = replace(errand, due_ms=self._deps.turns.take(errand.due_ms))
                await self._deps.people.save(replace(changed, errand=errand))
                stay = Stay(errand.message_id, errand.due_ms - self._deps.clock.now_ms())
                return replace(taken, staying=stay)
            case Write(message_id):
                await self._write(changed, message_id)
                return taken
            case Nothing() | LeaveIt() | Stay():
                if taken.is_news:
                    await self._deps.people.save(changed)
                return replace(taken, staying=todo) if isinstance(todo, Stay) else taken

    def _duty(self, record: PersonRecord, messages: Collection[str], window_ms: int) -> Duty:
        now_ms = self._deps.clock.now_ms()
        return duty(
            record.errand,
            messages,
            makes_difference=bool(self._unwritten(record)),
            now_ms=now_ms,
            window_ms=window_ms,
        )

    def _unwritten(self, record: PersonRecord) -> dict[ObjectKind, str]:
        made = objects(record, self._deps.rules, self._deps.clock.now_ms())
        return {kind: text for kind, text in made.items() if record.told.get(kind) != digest(text)}

    async def _write(self, record: PersonRecord, message_id: str) -> None:
        """Write what differs, until nobody has added anything meanwhile.

        As long as it is under way the record says of nothing that it was told: if this is where it
        ends, nobody knows what the profile says, and whoever comes next tells it all.

        Raises `PersonChanged` only before anything was written.
        """
        due_ms = self._deps.clock.now_ms() + WRITING_MS
        mine = Errand(message_id, due_ms, self._deps.new_nonce())
        told = dict(record.told)
        record = await self._deps.people.save(replace(record, errand=mine, told={}))
        written: set[ObjectKind] = set()
        for _ in range(TRIES):
            differing = self._unwritten(replace(record, told=told))
            await self._put(record, mine, differing, told)
            written |= differing.keys()
            finished = replace(record, told=told, errand=None, unwritten=0)
            try:
                await self._deps.people.save(finished)
            except PersonChanged as other:
                if other.record is None or other.record.errand != mine:
                    raise TransientError("profile_written_by_another", after_s=1.0) from None
                record = other.record
            else:
                self._wrote(record, written)
                return
        raise TransientError("person_record_contended", after_s=1.0)

    def _wrote(self, record: PersonRecord, kinds: Collection[ObjectKind]) -> None:
        if not kinds:
            return  # Another one's errand had said it all by then.
        self._deps.turns.written(len(kinds))
        self._deps.meter.profile_merged(record.unwritten)
        log.info(
            "profile_written",
            profile_id=record.profile_id,
            kinds=sorted(kind.value for kind in kinds),
            events=record.unwritten,
        )

    async def _put(
        self,
        record: PersonRecord,
        mine: Errand,
        differing: Mapping[ObjectKind, str],
        told: dict[str, str],
    ) -> None:
        """Put these objects, and note each in `told`."""
        try:
            for kind, text in differing.items():
                mapping = self._deps.rules.objects.named(kind)
                if mapping is None:
                    continue
                if self._deps.clock.now_ms() > mine.due_ms - _LAST_CALL_MS:
                    raise TransientError("profile_takes_too_long", after_s=1.0)
                told.pop(kind, None)
                await self._deps.service.put(mapping.type, text)
                told[kind] = digest(text)
                self._deps.meter.profile_written(kind)
        except SwitchboardError:
            await self._let_go(replace(record, told=told), mine)
            raise

    async def _let_go(self, record: PersonRecord, mine: Errand) -> None:
        """Nothing is on its way any more, so whoever has the message next need not wait."""
        try:
            now_ms = self._deps.clock.now_ms()
            errand = replace(mine, due_ms=now_ms, nonce="")
            await self._deps.people.save(replace(record, errand=errand))
        except SwitchboardError:
            log.info("errand_not_let_go")

    async def _record(self, person: Found) -> PersonRecord:
        record = await self._deps.people.find(person.profile_id)
        if record is not None:
            return record
        former = await self._deps.people.find(person.formerly) if person.formerly else None
        return PersonRecord(person.profile_id, state=former.state if former else PersonState())

    def _counted(
        self, record: PersonRecord, facts: Sequence[PersonFact], is_news: bool
    ) -> PersonRecord:
        kept_s = self._deps.clock.now_ms() // 1000 + self._deps.rules.record_days * _DAY_S
        unwritten = record.unwritten + (len(facts) if is_news else 0)
        return replace(record, unwritten=unwritten, expires_at_s=max(record.expires_at_s, kept_s))
