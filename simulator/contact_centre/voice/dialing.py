"""The moves of a call: dialled, ringing, answered, in the queue, with an agent, over.

The timing is the callee's plan; contact events and the ledger tell of each move.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from simulator.contact_centre.contacts import ContactAgent
from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.feed import Feed
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.contact_centre.seeding import AgentSeed
from simulator.contact_centre.voice.call import CallState, VoiceCall
from simulator.contact_centre.voice.call_flow import CallFlow
from simulator.contact_centre.voice.callee import (
    CAMPAIGN_REASONS,
    DISCONNECT_REASONS,
    CalleePlan,
    Callees,
)
from simulator.contact_centre.voice.knobs import VoiceKnobs
from simulator.contact_centre.voice.records import ContactRecords
from simulator.world import World

FAST_BUSY = "TELECOM_PROBLEM"
"""How a call over the quota ends. UNVERIFIED: only that it is a fast busy is documented."""


class WrongMomentError(Exception):
    """The call is not in the state that the move needs; carries the state it is in."""

    def __init__(self, state: CallState) -> None:
        super().__init__(f"the call is {state.value}")
        self.state = state


class Dialer:
    """All calls, and what happens to them."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery
        self._flows = CallFlow(world, delivery, self)
        self._calls: dict[str, VoiceCall] = {}
        self._plans: dict[str, CalleePlan] = {}
        self._live: set[VoiceCall] = set()
        self.callees = Callees()
        self.feed = Feed()
        self.records = ContactRecords(world)

    @property
    def _knobs(self) -> VoiceKnobs:
        return self._world.knobs.of(VoiceKnobs)

    @property
    def _desk_knobs(self) -> ContactCentreKnobs:
        return self._world.knobs.of(ContactCentreKnobs)

    def calls(self) -> Iterable[VoiceCall]:
        """All calls, oldest first, ended ones too."""
        return tuple(self._calls.values())

    def find(self, contact_id: str) -> VoiceCall | None:
        """The call of that contact."""
        return self._calls.get(contact_id)

    def active_count(self, instance: Instance, *, campaign_only: bool = False) -> int:
        """How many calls of an instance are not over."""
        return sum(
            1
            for call in self._live
            if call.instance is instance and (call.order.is_campaign or not campaign_only)
        )

    def start(self, call: VoiceCall) -> None:
        """Take a call on; everything after happens by itself."""
        is_over_quota = self.active_count(call.instance) >= self._knobs.concurrent_calls
        plan = self.callees.next(call.order.destination)
        self._calls[call.id] = call
        self._plans[call.id] = plan
        self._live.add(call)
        self._tell("call_dialed", call, destination=call.order.destination)
        self._changed(call, "INITIATED")
        self._world.tasks.start("call", self._play(call, plan, is_over_quota=is_over_quota))

    def end(self, call: VoiceCall, reason: str) -> None:
        """End a call. Ending it again is nothing."""
        if call.is_over:
            return
        self._live.discard(call)
        call.close(self._world.clock.now(), reason)
        self._tell("call_ended", call, reason=reason)
        self._changed(call, "DISCONNECTED")
        work_s = self._desk_knobs.after_contact_work_ms / 1000
        if call.contact.agent is not None and work_s:
            self._world.tasks.start("after_contact_work", self._complete(call, work_s))
        else:
            self._delivery.contact_event(call, call.contact, "COMPLETED")
            self.records.write(call)

    def hang_up(self, call: VoiceCall) -> None:
        """The callee hangs up, or will not take it.

        Raises:
            WrongMomentError: it is over.
        """
        if call.is_over:
            raise WrongMomentError(call.state)
        is_answered = call.contact.connected_at is not None
        self.end(call, "CUSTOMER_DISCONNECT" if is_answered else "TELECOM_BUSY")

    def agent_hangs_up(self, call: VoiceCall) -> None:
        """The agent ends the talk.

        Raises:
            WrongMomentError: no agent has it.
        """
        if call.state is not CallState.WITH_AGENT:
            raise WrongMomentError(call.state)
        self.end(call, "AGENT_DISCONNECT")

    def stop(self, call: VoiceCall) -> None:
        """End it from our side (StopContact). UNVERIFIED: both reasons."""
        is_answered = call.contact.connected_at is not None
        self.end(call, "API" if is_answered else "TELECOM_ORIGINATOR_CANCEL")

    def enqueue(self, call: VoiceCall) -> None:
        """Put a call into its routing queue."""
        now = self._world.clock.now()
        call.contact.queue_id, call.contact.enqueued_at = call.queue_id, now
        call.state = CallState.QUEUED
        self._changed(call, "QUEUED")
        knobs = self._desk_knobs
        if knobs.agent_joins == "automatic" and knobs.is_staffed:
            self._world.tasks.start("agent_joins", self._join_later(call))
        self._world.tasks.start("patience", self._lose_patience(call))

    def join(self, call: VoiceCall, agent: AgentSeed) -> None:
        """An agent takes the call.

        Raises:
            WrongMomentError: it is not queued.
        """
        if call.state is not CallState.QUEUED:
            raise WrongMomentError(call.state)
        call.agent = agent
        call.contact.agent = ContactAgent(agent.id, self._world.clock.now())
        call.state = CallState.WITH_AGENT
        self._changed(call, "CONNECTED_TO_AGENT")
        self._world.tasks.start("talk", self._talk(call, self._plans[call.id]))

    def waiting_with(self, call: VoiceCall) -> int:
        """How many calls wait in the routing queue that `call` would go to."""
        return sum(
            1
            for other in self._live
            if other.state is CallState.QUEUED and other.queue_id == call.queue_id
        )

    async def lasts(self, call: VoiceCall, seconds: float) -> bool:
        """Wait so many of a call's seconds; False as soon as the call is over."""
        if call.is_over:
            return False
        wait = asyncio.ensure_future(self._world.clock.sleep(seconds * self._knobs.time_scale))
        over = asyncio.ensure_future(call.ended.wait())
        try:
            await asyncio.wait((wait, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            wait.cancel()
            over.cancel()
        return not call.is_over

    async def _play(self, call: VoiceCall, plan: CalleePlan, *, is_over_quota: bool) -> None:
        if not await self.lasts(call, self._knobs.dial_after_s):
            return
        if is_over_quota:
            self.end(call, FAST_BUSY)
            return
        call.state = CallState.RINGING
        if call.order.is_campaign:
            call.contact.rang_at = self._world.clock.now()
        self.feed.put("call", call.id, {"state": call.state.value})
        is_in_time = plan.is_answered and plan.ring_s <= call.order.ring_timeout_s
        ring_s = plan.ring_s if is_in_time or not plan.is_answered else call.order.ring_timeout_s
        if plan.behaviour == "no_answer":
            ring_s = call.order.ring_timeout_s
        if not await self.lasts(call, ring_s):
            return
        if is_in_time:
            await self._answered(call, plan)
        else:
            self._fail(call, plan)

    def _fail(self, call: VoiceCall, plan: CalleePlan) -> None:
        late = plan.model_copy(update={"behaviour": "no_answer"})
        found = late if plan.is_answered else plan
        if call.order.detects:
            call.contact.amd_status = found.detection(awaits_prompt=call.order.awaits_prompt)
        if call.order.is_campaign:
            reason = CAMPAIGN_REASONS.get(found.behaviour, "OUTBOUND_ATTEMPT_FAILED")
            call.contact.event_disconnect_reason = reason
        self.end(call, DISCONNECT_REASONS[found.behaviour])

    async def _answered(self, call: VoiceCall, plan: CalleePlan) -> None:
        call.contact.connected_at = self._world.clock.now()
        call.state = CallState.FLOW
        self._tell("call_answered", call, by=plan.behaviour)
        stays_s = plan.hangs_up_after_s
        if stays_s is None and plan.behaviour != "answers":
            stays_s = plan.listens_s
        if stays_s is not None:
            self._world.tasks.start("hang_up", self._hang_up_later(call, stays_s))
        if call.order.detects:
            if not await self.lasts(call, self._knobs.detection_s):
                return
            awaits = call.order.awaits_prompt
            call.contact.amd_status = plan.detection(awaits_prompt=awaits)
        self._changed(call, "CONNECTED_TO_SYSTEM")
        await self._flows.run(call, plan)

    async def _hang_up_later(self, call: VoiceCall, after_s: float) -> None:
        if await self.lasts(call, after_s):
            self.hang_up(call)

    async def _join_later(self, call: VoiceCall) -> None:
        await self._world.clock.sleep(self._desk_knobs.agent_joins_after_ms / 1000)
        if call.state is CallState.QUEUED:
            self.join(call, call.instance.agent(None))

    async def _lose_patience(self, call: VoiceCall) -> None:
        await self.lasts(call, self._plans[call.id].patience_s)
        if call.state is CallState.QUEUED:
            self.hang_up(call)

    async def _talk(self, call: VoiceCall, plan: CalleePlan) -> None:
        if await self.lasts(call, plan.talks_s):
            is_callee = plan.talk_ends_by == "callee"
            self.end(call, "CUSTOMER_DISCONNECT" if is_callee else "AGENT_DISCONNECT")

    async def _complete(self, call: VoiceCall, work_s: float) -> None:
        await self._world.clock.sleep(work_s)
        self._delivery.contact_event(call, call.contact, "COMPLETED")
        self.records.write(call)

    def _changed(self, call: VoiceCall, event_type: str) -> None:
        self.feed.put("call", call.id, {"state": call.state.value})
        self._delivery.contact_event(call, call.contact, event_type)

    def _tell(self, fact: str, call: VoiceCall, **details: str) -> None:
        self._world.ledger.fact("connect", fact, contact_id=call.id, **details)
