"""What an operator may do by hand to who is written to; each change is written down first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workers.addresses import Channel
from workers.brands import MessageClass
from workers.clock import Clock
from workers.config import BounceRules
from workers.errors import TransientError
from workers.handlers.bounce_tracking.decide import decide, lifted
from workers.handlers.bounce_tracking.facts import Fact
from workers.handlers.bounce_tracking.standing import Standing, State, standing
from workers.stores.address_health import AddressBook
from workers.stores.address_records import AddressHealth, AddressRecord, Kind, RecordChanged
from workers.stores.audit import Act, AuditTrail
from workers.stores.protocols import Suppressions
from workers.stores.suppressions import OptOutBook

TRIES: Final = 8
OPT_OUT: Final = "opted_out"


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One reason to leave one address alone, wherever it is kept.

    Attributes:
        address: None for an opt-out that was stored before addresses were kept with them.
        state: the address's; an opt-out of texts by itself is `suppressed`.
        words: the source's own, or what told of the opt-out.
        opt_out_list, message_class: None for all.
    """

    channel: Channel
    address: str | None
    state: State
    cause: str
    words: str
    since: datetime
    until: datetime | None
    message_class: MessageClass | None
    opt_out_list: str | None


@dataclass(frozen=True, slots=True)
class Lifted:
    """What a removal found: what held before, and which opt-out lists still hold."""

    before: Standing
    opt_outs_removed: tuple[str, ...]
    opt_outs_left: tuple[str, ...]


class SuppressionDesk:
    """Adds, lifts and lists. Reading the lists walks through the whole table."""

    def __init__(  # noqa: PLR0913 - the stores behind one desk
        self,
        *,
        health: AddressHealth,
        addresses: AddressBook,
        opt_outs: OptOutBook,
        suppressions: Suppressions,
        trail: AuditTrail,
        rules: BounceRules,
        clock: Clock,
    ) -> None:
        self._health = health
        self._addresses = addresses
        self._opt_outs = opt_outs
        self._suppressions = suppressions
        self._rules = rules
        self._clock = clock
        self.trail = trail

    async def add(
        self,
        channel: Channel,
        address: str,
        message_class: MessageClass | None,
        *,
        by: str,
        reason: str,
    ) -> bool:
        """Leave an address alone from now on; False when an operator had said so before."""
        await self._audit("added", channel, address, by, reason)
        now_ms = self._clock.now_ms()
        fact = Fact(
            channel,
            address,
            message_id=f"operator.{message_class or 'all'}.{now_ms}",
            kind=Kind.ADDED,
            at_ms=now_ms,
            words=f"by {by}",
            message_class=message_class,
        )
        record = await self._health.find(channel, address)
        for _ in range(TRIES):
            holds = standing(record, self._rules, now_ms).holds
            if any((h.cause, h.message_class) == (Kind.ADDED, message_class) for h in holds):
                return False
            decision = decide(record, fact, self._rules, now_ms=now_ms)
            if decision.record is None:
                return False
            try:
                await self._health.save(decision.record)
            except RecordChanged as changed:
                record = changed.record
            else:
                return True
        raise TransientError("address_record_contended")

    async def lift(
        self,
        channel: Channel,
        address: str,
        opt_out_lists: tuple[str, ...],
        *,
        with_opt_outs: bool,
        by: str,
        reason: str,
    ) -> Lifted:
        """Forgive an address all until now, and with `with_opt_outs` its opt-outs of texts too."""
        await self._audit("removed", channel, address, by, reason)
        before = await self._lift_record(channel, address)
        if channel is Channel.EMAIL:
            return Lifted(before, (), ())
        left = [name for name in opt_out_lists if await self._has_left(name, address)]
        if not with_opt_outs:
            return Lifted(before, (), tuple(left))
        for name in left:
            await self._suppressions.remove(name, address)
        return Lifted(before, tuple(left), ())

    async def each(self) -> AsyncIterator[Suppressed]:
        """Every reason that holds now, in no order."""
        now_ms = self._clock.now_ms()
        async for record in self._addresses.each():
            for one in _suppressed(record, standing(record, self._rules, now_ms)):
                yield one
        async for opt_out in self._opt_outs.each():
            yield Suppressed(
                channel=Channel.SMS,
                address=opt_out.number,
                state=State.SUPPRESSED,
                cause=OPT_OUT,
                words=opt_out.suppression.source.partition(".")[0],
                since=opt_out.suppression.since,
                until=None,
                message_class=opt_out.message_class,
                opt_out_list=opt_out.scope,
            )

    async def _lift_record(self, channel: Channel, address: str) -> Standing:
        now_ms = self._clock.now_ms()
        record = await self._health.find(channel, address)
        for _ in range(TRIES):
            before = standing(record, self._rules, now_ms)
            if record is None or not before.holds:
                return before
            try:
                await self._health.save(lifted(record, self._rules, now_ms=now_ms))
            except RecordChanged as changed:
                record = changed.record
            else:
                return before
        raise TransientError("address_record_contended")

    async def _has_left(self, opt_out_list: str, number: str) -> bool:
        found = [await self._suppressions.find(opt_out_list, number, c) for c in MessageClass]
        return any(one is not None for one in found)

    async def _audit(self, act: str, channel: Channel, address: str, by: str, reason: str) -> None:
        now = self._clock.now()
        await self.trail.record(Act(now, f"suppression_{act}", by, reason, channel, address))


def _suppressed(record: AddressRecord, now: Standing) -> list[Suppressed]:
    return [
        Suppressed(
            channel=record.channel,
            address=record.address,
            state=now.state,
            cause=hold.cause.value,
            words=hold.words,
            since=hold.since,
            until=hold.until,
            message_class=hold.message_class,
            opt_out_list=hold.scope,
        )
        for hold in now.holds
    ]
