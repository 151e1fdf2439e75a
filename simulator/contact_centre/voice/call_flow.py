"""Carries out the steps of a contact flow in a call: speaks, asks for keys, queues, hangs up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, assert_never

from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.flow import walk
from simulator.contact_centre.flow_blocks import (
    Ask,
    CallStatus,
    Check,
    Disconnect,
    EnterQueue,
    Say,
    SayInTurn,
    SetAttributes,
    SetHook,
    SetQueue,
    Step,
    Wait,
    Went,
)
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.contact_centre.voice.call import CallState, VoiceCall
from simulator.contact_centre.voice.callee import SILENT, CalleePlan
from simulator.contact_centre.voice.knobs import VoiceKnobs
from simulator.world import World

_CALL_STATUSES = {
    "HUMAN_ANSWERED": "CallAnswered",
    "VOICEMAIL_BEEP": "VoicemailBeep",
    "VOICEMAIL_NO_BEEP": "VoicemailNoBeep",
}


class CallMoves(Protocol):
    """What a flow may do to a call."""

    def enqueue(self, call: VoiceCall) -> None:
        """Put it into its routing queue."""
        ...

    def end(self, call: VoiceCall, reason: str) -> None:
        """End it."""
        ...

    def waiting_with(self, call: VoiceCall) -> int:
        """How many wait in the routing queue that it would go to."""
        ...

    async def lasts(self, call: VoiceCall, seconds: float) -> bool:
        """Wait so many of a call's seconds; False once the call is over."""
        ...


class CallFlow:
    """Runs a call's flow until it ends, queues the call, or is left by the callee."""

    def __init__(self, world: World, delivery: Delivery, moves: CallMoves) -> None:
        self._world = world
        self._delivery = delivery
        self._moves = moves

    async def run(self, call: VoiceCall, plan: CalleePlan) -> None:
        """Walk the flow with a callee who goes by the plan."""
        keys = iter(plan.keys if plan.behaviour == "answers" else "")
        walker = walk(call.order.flow, call.attributes)
        step = next(walker, None)
        while step is not None and not call.is_over:
            went = await self._perform(call, plan, keys, step)
            if call.is_over:
                return
            try:
                step = walker.send(went)
            except StopIteration:
                step = None
        if call.state is CallState.FLOW:
            self._moves.end(call, "CONTACT_FLOW_DISCONNECT")

    async def _perform(
        self, call: VoiceCall, plan: CalleePlan, keys: Iterator[str], step: Step
    ) -> Went:
        match step:
            case Say(text):
                await self._say(call, text)
            case Ask():
                return await self._ask(call, plan, keys, step)
            case SetAttributes(attributes):
                call.attributes.update(attributes)
                self._delivery.contact_event(
                    call, call.contact, "CONTACT_DATA_UPDATED", ("UserDefinedAttributes",)
                )
            case SetQueue(queue):
                call.queue_id = call.instance.queue_id(queue)
            case Disconnect():
                self._moves.end(call, "CONTACT_FLOW_DISCONNECT")
            case Wait(seconds):
                await self._moves.lasts(call, seconds)
                return Went(met="WaitCompleted")
            case Check() | CallStatus() | EnterQueue() | SetHook() | SayInTurn():
                return self._decide(call, step)
            case _:
                assert_never(step)
        return Went()

    async def _say(self, call: VoiceCall, text: str) -> None:
        call.said.append(text)
        await self._moves.lasts(call, self._world.knobs.of(VoiceKnobs).prompt_s)

    async def _ask(self, call: VoiceCall, plan: CalleePlan, keys: Iterator[str], ask: Ask) -> Went:
        """Speak, and wait for one key; the limit runs from the end of the prompt."""
        call.said.append(ask.text)
        key = next(keys, SILENT)
        limit_s = self._world.knobs.of(VoiceKnobs).prompt_s + ask.limit_s
        if key == SILENT or plan.key_after_s > limit_s:
            await self._moves.lasts(call, limit_s)
            return Went(error="InputTimeLimitExceeded")
        if await self._moves.lasts(call, plan.key_after_s):
            call.pressed.append(key)
            self._world.ledger.fact("connect", "key_pressed", contact_id=call.id, key=key)
        return Went(met=key)

    def _decide(
        self, call: VoiceCall, step: Check | CallStatus | EnterQueue | SetHook | SayInTurn
    ) -> Went:
        match step:
            case Check(what):
                return self._check(what)
            case CallStatus():
                return _status(call)
            case EnterQueue():
                return self._enter_queue(call)
            case SetHook() | SayInTurn():
                # Whisper, hold and queue flows: what the callee hears there is not played.
                return Went()

    def _check(self, what: str) -> Went:
        knobs = self._world.knobs.of(ContactCentreKnobs)
        if what == "hours":
            return Went(met=str(knobs.is_open))
        return Went(met="1" if knobs.is_staffed else "0")

    def _enter_queue(self, call: VoiceCall) -> Went:
        capacity = self._world.knobs.of(ContactCentreKnobs).queue_capacity
        if capacity is not None and self._moves.waiting_with(call) >= capacity:
            return Went(error="QueueAtCapacity")
        self._moves.enqueue(call)
        return Went()


def _status(call: VoiceCall) -> Went:
    """What the flow may know of the detection; nothing when there was none."""
    if call.contact.amd_status is None:
        return Went(error="NoMatchingError")
    return Went(met=_CALL_STATUSES.get(call.contact.amd_status, "NotDetected"))
