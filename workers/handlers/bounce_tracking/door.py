"""The door of bounce tracking: an event in, its facts into the records, others told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import structlog

from schemas.decoded import Decoded
from schemas.event import Event
from schemas.sms_voice import MediaReceipt, TextReceipt
from schemas.timestamps import to_ms
from workers.addresses import Channel
from workers.errors import AccountProblem, PermanentError, TransientError
from workers.handlers.bounce_tracking.decide import Decision, decide, passed_on
from workers.handlers.bounce_tracking.deps import AddressFact, Deps
from workers.handlers.bounce_tracking.facts import NO_NUMBER, Fact, Lens
from workers.handlers.bounce_tracking.reading import read
from workers.handlers.bounce_tracking.standing import FOR_GOOD, SOFT, Standing, State
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Outcome, Wait
from workers.stores.address_records import AddressRecord, Evidence, Kind, RecordChanged

log = structlog.get_logger(__name__)

TRIES: Final = 8
"""Writers of one address at the same time; more than that wait their turn on the queue."""

RECIPIENT_LOOK_S: Final = 10.0
RECIPIENT_KNOWN_WITHIN_S: Final = 60.0

_SES_REASONS: Final[dict[Kind, Literal["BOUNCE", "COMPLAINT"]]] = {
    Kind.HARD_BOUNCE: "BOUNCE",
    Kind.COMPLAINT: "COMPLAINT",
}


@dataclass(frozen=True, slots=True)
class _Taken:
    """A fact once it is in its record."""

    decision: Decision
    record: AddressRecord | None


class BounceDoor:
    """What mail servers and carriers say, in any order, twice, by several ways, or days late."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def handle(self, decoded: Decoded, delivery: Delivery) -> Outcome:
        """Take in every fact of an event; what one of its addresses lacks harms no other."""
        event = await self._with_number(decoded.event)
        reading = read(event, self._lens(decoded, delivery))
        if reading.unneeded == NO_NUMBER and self._may_become_known(delivery):
            return Wait("recipient_not_known_yet", RECIPIENT_LOOK_S)
        ends: list[datetime] = []
        for fact in reading.facts:
            delivery.lease.require()
            taken = await self._take(fact)
            await self._follow(fact, taken)
            ends += self._ends(taken.decision)
        if reading.broken:
            return DeadLetter(reading.broken, event_id=decoded.event_id or "")
        if ends:
            return Defer(min(ends), "suppression_ends")
        return Done() if reading.facts else Discard(reading.unneeded)

    def _ends(self, decision: Decision) -> list[datetime]:
        """When what this very event brought about is over, and the profile must say so.

        Ours needs nobody to end it: whether an address is suppressed is worked out when asked.
        """
        if self._deps.profiles is None or decision.evidence is None:
            return []
        at_ms = decision.evidence.at_ms
        holds = decision.after.holds
        return [hold.until for hold in holds if hold.until and to_ms(hold.since) == at_ms]

    async def _with_number(self, event: Event) -> Event:
        """A receipt on EventBridge with the number that its text went to, where we know it."""
        recipients = self._deps.recipients
        if recipients is None or not isinstance(event, TextReceipt | MediaReceipt):
            return event
        if event.destination_phone_number is not None:
            return event
        number = await recipients.find(event.message_id)
        return event.model_copy(update={"destination_phone_number": number})

    def _may_become_known(self, delivery: Delivery) -> bool:
        """A receipt may come before its sender has written down whom it had texted."""
        age_s = (self._deps.clock.now() - delivery.sent_at).total_seconds()
        return self._deps.recipients is not None and age_s < RECIPIENT_KNOWN_WITHIN_S

    def _lens(self, decoded: Decoded, delivery: Delivery) -> Lens:
        return Lens(
            rules=self._deps.config.bounces,
            at=decoded.time or delivery.sent_at,
            now=self._deps.clock.now(),
            event_id=decoded.event_id or delivery.message_id,
            scope_of=self._scope_of,
        )

    def _scope_of(self, origination: str | None) -> str | None:
        brand = self._deps.config.brand_of(origination) if origination else None
        return brand.opt_out_list if brand else None

    async def _take(self, fact: Fact) -> _Taken:
        health, rules = self._deps.health, self._deps.config.bounces
        record = await health.find(fact.channel, fact.address)
        for _ in range(TRIES):
            decision = decide(record, fact, rules, now_ms=self._deps.clock.now_ms())
            if decision.record is None:
                return _Taken(decision, record)
            try:
                return _Taken(decision, await health.save(decision.record))
            except RecordChanged as changed:
                record = changed.record
        raise TransientError("address_record_contended", after_s=1.0)

    async def _follow(self, fact: Fact, taken: _Taken) -> None:
        decision, evidence = taken.decision, taken.decision.evidence
        self._deps.meter.address_fact(fact.channel, fact.kind, decision.result)
        for cause in _causes(decision.after) - _causes(decision.before):
            self._deps.meter.address_suppressed(fact.channel, cause)
            log.info(
                "address_suppressed",
                channel=fact.channel,
                cause=cause,
                state=decision.after.state,
                message_class=fact.message_class,
            )
        if evidence is not None and taken.record is not None:
            await self._pass_on(fact, evidence, taken.record)
            await self._tell_profile(taken.record, decision)

    async def _pass_on(self, fact: Fact, evidence: Evidence, record: AddressRecord) -> None:
        """Onto the provider's own list: sooner twice, which does no harm, than not at all."""
        if evidence.kind is Kind.COMPLAINT and not fact.tells_class:
            return  # Its twin, which has the tags, may say that it concerns one class only.
        if evidence.passed_on or not await self._put(evidence, record):
            return
        try:
            await self._deps.health.save(passed_on(record, evidence.id))
        except RecordChanged:
            log.info("pass_on_not_recorded", channel=record.channel)

    async def _put(self, evidence: Evidence, record: AddressRecord) -> bool:
        """Whether the provider's list is done with it, be it that it takes no such address."""
        try:
            if record.channel is Channel.EMAIL:
                return await self._suppress(evidence, record.address)
            return record.channel is Channel.SMS and await self._opt_out(evidence, record.address)
        except AccountProblem:
            raise
        except PermanentError as refusal:
            self._deps.meter.effect("provider_list", "refused")
            log.warning("address_not_passed_on", channel=record.channel, reason=refusal.reason)
            return True

    async def _suppress(self, evidence: Evidence, address: str) -> bool:
        """SES's list knows no classes: what concerns one of them would suppress the others too."""
        mail_list, reason = self._deps.mail_list, _SES_REASONS.get(evidence.kind)
        if mail_list is None or reason is None or evidence.message_class is not None:
            return False
        await mail_list.suppress(address, reason)
        self._deps.meter.effect("ses_suppression_list", "done")
        return True

    async def _opt_out(self, evidence: Evidence, number: str) -> bool:
        lists = self._deps.opt_out_lists
        if lists is None or evidence.kind is not Kind.OPTED_OUT or evidence.scope is None:
            return False
        await lists.opt_out(evidence.scope, number)
        self._deps.meter.effect("eum_opt_out_list", "done")
        return True

    async def _tell_profile(self, record: AddressRecord, decision: Decision) -> None:
        """Told again with each repetition: whoever was killed in between has told nobody."""
        if self._deps.profiles is None or decision.evidence is None:
            return
        has_changed = decision.before.state is not decision.after.state
        may_have_changed = decision.result == "repeated" and any(
            evidence.kind in SOFT for evidence in record.evidence
        )
        if has_changed or may_have_changed or decision.evidence.kind in FOR_GOOD:
            await self._deps.profiles.address_is(address_fact(record, decision.after))


def address_fact(record: AddressRecord, now: Standing) -> AddressFact:
    """What a profile should say of a record; the gravest reason first."""
    holds = sorted(now.holds, key=lambda hold: (hold.cause not in _DEAD_FIRST, hold.since))
    hold = holds[0] if holds else None
    return AddressFact(
        channel=record.channel,
        address=record.address,
        state=now.state,
        cause=hold.cause if hold else None,
        words=hold.words if hold else "",
        since=hold.since if hold else None,
        until=hold.until if hold else None,
        revision=record.revision,
    )


_DEAD_FIRST: Final = frozenset({Kind.HARD_BOUNCE, Kind.INVALID_NUMBER})


def _causes(standing: Standing) -> set[Kind]:
    return {hold.cause for hold in standing.holds} if standing.state is not State.OK else set()
