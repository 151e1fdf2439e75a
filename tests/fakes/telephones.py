"""Amazon Connect's outbound calls in memory: who was dialled when, and how each call goes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from tests.fakes.wire import Wire
from workers.clients.protocols import CallFacts, Dialing, OutboundCall
from workers.clock import Clock
from workers.errors import ContactEnded, QuotaFull

ANSWERED = CallFacts(is_over=True, is_answered=True, disconnect_reason="CONTACT_FLOW_DISCONNECT")
BUSY = CallFacts(is_over=True, disconnect_reason="TELECOM_BUSY")
NO_ANSWER = CallFacts(is_over=True, disconnect_reason="TELECOM_UNANSWERED")
INVALID = CallFacts(is_over=True, disconnect_reason="TELECOM_NUMBER_INVALID")
FAILED = CallFacts(is_over=True, disconnect_reason="TELECOM_PROBLEM")
MACHINE = CallFacts(is_over=True, is_answered=True, detection="VOICEMAIL_BEEP")


def pressed(answer: str, *, met_agent: bool = False) -> CallFacts:
    """A call in which the flow wrote an answer down."""
    return CallFacts(
        is_over=True,
        is_answered=True,
        attributes={"sb_answer": answer},
        disconnect_reason="CONTACT_FLOW_DISCONNECT",
        has_met_agent=met_agent,
    )


@dataclass(frozen=True, slots=True)
class Dialled:
    """One call that rang somewhere."""

    contact_id: str
    call: OutboundCall
    at: datetime


@dataclass(slots=True)
class Exchange:
    """The service. `plans`: how a number's calls go, the last for all that follow.

    A call ends after `lasts_s`; then `on_end` is told its contact.
    """

    clock: Clock
    plans: dict[str, list[CallFacts]] = field(default_factory=dict)
    lasts_s: float = 30.0
    is_full: bool = False
    on_end: Callable[[str, datetime], None] | None = None
    dialled: list[Dialled] = field(default_factory=list)
    described: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    _by_token: dict[str, Dialled] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1))

    def dial(self, call: OutboundCall) -> str:
        """StartOutboundVoiceContact: the same token is the same contact."""
        if call.client_token in self._by_token:
            return self._by_token[call.client_token].contact_id
        if self.is_full:
            raise QuotaFull("concurrent_calls", after_s=5)
        made = Dialled(f"contact-{next(self._ids)}", call, self.clock.now())
        self.dialled.append(made)
        self._by_token[call.client_token] = made
        if self.on_end is not None:
            self.on_end(made.contact_id, made.at + timedelta(seconds=self.lasts_s))
        return made.contact_id

    def facts(self, contact_id: str) -> CallFacts:
        """DescribeContact."""
        self.described[contact_id] += 1
        made = next((d for d in self.dialled if d.contact_id == contact_id), None)
        if made is None:
            raise ContactEnded("contact_not_found")
        ended_at = made.at + timedelta(seconds=self.lasts_s)
        if self.clock.now() < ended_at:
            return CallFacts(is_over=False, attributes=made.call.attributes)
        plans = self.plans.get(made.call.number) or [ANSWERED]
        turn = [d for d in self.dialled if d.call.number == made.call.number].index(made)
        plan = plans[min(turn, len(plans) - 1)]
        attributes: Mapping[str, str] = {**made.call.attributes, **plan.attributes}
        return CallFacts(
            is_over=True,
            attributes=attributes,
            disconnect_reason=plan.disconnect_reason,
            detection=plan.detection,
            is_answered=plan.is_answered,
            has_met_agent=plan.has_met_agent,
            ended_at=ended_at,
        )


class FakeDialing(Dialing):
    """`Dialing` of one worker."""

    def __init__(self, exchange: Exchange, wire: Wire) -> None:
        self._exchange = exchange
        self._wire = wire

    async def dial(self, call: OutboundCall) -> str:
        """StartOutboundVoiceContact."""

        async def accept() -> str:
            return self._exchange.dial(call)

        return await self._wire.carry("dialing.dial", accept)

    async def call_facts(self, contact_id: str) -> CallFacts:
        """DescribeContact."""

        async def accept() -> CallFacts:
            return self._exchange.facts(contact_id)

        return await self._wire.carry("dialing.call_facts", accept)
