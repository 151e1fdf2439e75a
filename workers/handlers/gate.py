"""The one gate that every message passes: nobody who left, and no address that is dead.

It fails closed: when it cannot be known, the error goes up and nothing is sent. Two are asked: who
opted out of this opt-out list (`Suppressions`), and what mail servers and carriers say of the
address (`AddressHealth`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from workers.addresses import Channel, normalise
from workers.brands import Brand, MessageClass
from workers.clock import Clock
from workers.config import BounceRules
from workers.handlers.bounce_tracking.decide import decide
from workers.handlers.bounce_tracking.facts import Fact
from workers.handlers.bounce_tracking.standing import OPT_OUTS, standing
from workers.stores.address_records import AddressHealth, Kind, RecordChanged
from workers.stores.protocols import Suppression, Suppressions

SOURCE_ADDRESS: Final = "address_record"
_TRIES: Final = 8


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody wants to send: by which channel, to whom, of which class.

    `scope`: the opt-out list that it goes out under; None where there is none, as for mail.
    """

    channel: Channel
    address: str
    message_class: MessageClass
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Closed:
    """Why a message may not go out. `is_opt_out`: its recipient wants none; they may come back."""

    reason: str
    since: datetime
    source: str
    is_opt_out: bool


class Gate:
    """Asks and keeps who may be written to. A text's scope is its brand's opt-out list."""

    def __init__(
        self, suppressions: Suppressions, health: AddressHealth, rules: BounceRules, clock: Clock
    ) -> None:
        self._suppressions = suppressions
        self._health = health
        self._rules = rules
        self._clock = clock

    async def closed_to(self, message: Message) -> Closed | None:
        """Why a message may not go out, or None. Raises `TransientError`: then it may not, too.

        A STOP by text holds for calls under the same opt-out list: it revokes those as well (47 CFR
        64.1200(a)(10)). What is no address on its channel is not for the gate to refuse.
        """
        if message.scope is not None and message.channel is not Channel.EMAIL:
            left = await self._suppressions.find(
                message.scope, message.address, message.message_class
            )
            if left is not None:
                return _left(left)
        address = normalise(message.channel, message.address)
        if address is None:
            return None
        record = await self._health.find(message.channel, address)
        hold = standing(record, self._rules, self._clock.now_ms()).against(
            message.message_class, message.scope
        )
        if hold is None:
            return None
        return Closed(hold.cause, hold.since, SOURCE_ADDRESS, hold.cause in OPT_OUTS)

    async def closed_for(self, brand: Brand, number: str) -> Closed | None:
        """Why this number may not get the brand's texts, or None. Raises `TransientError`."""
        return await self.closed_to(
            Message(Channel.SMS, number, brand.message_class, brand.opt_out_list)
        )

    async def close(
        self, brand: Brand, number: str, source: str, message_class: MessageClass | None = None
    ) -> bool:
        """Record an opt-out, for one class or all; True when this `source` is its cause.

        A repeat of the same cause is its cause still, so that what follows from it can be redone.
        """
        found = await self._suppressions.find(brand.opt_out_list, number, brand.message_class)
        if found is None:
            opted_out = Suppression("opted_out", self._clock.now(), source)
            await self._suppressions.add(brand.opt_out_list, number, message_class, opted_out)
            return True
        return found.source == source

    async def open(self, brand: Brand, number: str) -> None:
        """The person opted in again; what only says that nobody is there stays."""
        await self._suppressions.remove(brand.opt_out_list, number)
        address = normalise(Channel.SMS, number)
        if address is not None:
            await self._record_return(address, brand.opt_out_list)

    async def _record_return(self, number: str, scope: str) -> None:
        now_ms = self._clock.now_ms()
        back = Fact(
            Channel.SMS, number, f"opt_in.{scope}.{now_ms}", Kind.OPTED_IN, now_ms, scope=scope
        )
        record = await self._health.find(Channel.SMS, number)
        for _ in range(_TRIES):
            holds = standing(record, self._rules, now_ms).holds
            if not any(hold.cause in OPT_OUTS and hold.reaches(scope) for hold in holds):
                return
            decision = decide(record, back, self._rules, now_ms=now_ms)
            if decision.record is None:
                return
            try:
                await self._health.save(decision.record)
            except RecordChanged as changed:
                record = changed.record
            else:
                return


def _left(suppression: Suppression) -> Closed:
    return Closed(suppression.reason, suppression.since, suppression.source, is_opt_out=True)
