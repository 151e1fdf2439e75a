"""What becomes of an accepted voice message: the call, who takes it, and the events that tell.

Source: End User Messaging User Guide, "Event format" and botocore's EventType.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from simulator.services.sms_voice.carrier import EVERY_NUMBER, Carrier, Spoken
from simulator.services.sms_voice.knobs import SmsVoiceKnobs
from simulator.services.sms_voice.receipts import voice_receipt
from simulator.world import World

VoiceBehaviour = Literal[
    "listens", "hangs_up", "machine", "busy", "no_answer", "failed", "ttl_expired"
]
"""A machine counts as completed: the events do not tell it from a person."""
_RING_TIMEOUT_S = 60.0
_CHARS_PER_S = 15
_HANGS_UP_AFTER_S = 3


@dataclass(frozen=True, slots=True)
class VoiceRule:
    """How one destination takes a call; it rings so many of a call's seconds before."""

    behaviour: VoiceBehaviour = "listens"
    ring_s: float = 6


class VoiceLine:
    """All calls of voice messages. Calls to one number come one after another."""

    def __init__(self, world: World, carrier: Carrier) -> None:
        self._world = world
        self._carrier = carrier
        self._rules: dict[str, VoiceRule] = {}
        self._called: dict[str, list[float]] = {}

    def put_rule(self, number: str, rule: VoiceRule) -> None:
        """Say how a number behaves from now on; `*` is every number without a rule of its own."""
        self._rules[number] = rule

    def clear_rules(self) -> None:
        """Every number listens again."""
        self._rules.clear()

    def calls_within(self, number: str, seconds: float) -> int:
        """How many calls to a number were accepted so lately."""
        since = self._world.clock.monotonic() - seconds
        return sum(1 for at in self._called.get(number, ()) if at > since)

    def take(self, spoken: Spoken) -> None:
        """Make the call, in the background."""
        at = spoken.accepted_at_monotonic
        self._called.setdefault(spoken.destination, []).append(at)
        rules = self._rules
        rule = rules.get(spoken.destination) or rules.get(EVERY_NUMBER) or VoiceRule()
        self._world.tasks.in_lane(f"voice {spoken.destination}", self._call(spoken, rule))

    async def _call(self, spoken: Spoken, rule: VoiceRule) -> None:
        waited_s = self._world.clock.monotonic() - spoken.accepted_at_monotonic
        if rule.behaviour == "ttl_expired" or waited_s > spoken.time_to_live_s:
            await self._tell(spoken, "TTL_EXPIRED", is_final=True)
            return
        await self._tell(spoken, "INITIATED")
        if rule.behaviour == "failed":
            await self._tell(spoken, "FAILED", is_final=True)
        elif rule.behaviour == "busy":
            await self._lasts(rule.ring_s)
            await self._tell(spoken, "BUSY", is_final=True)
        else:
            await self._ring(spoken, rule)

    async def _ring(self, spoken: Spoken, rule: VoiceRule) -> None:
        await self._tell(spoken, "RINGING")
        if rule.behaviour == "no_answer" or rule.ring_s > _RING_TIMEOUT_S:
            await self._lasts(_RING_TIMEOUT_S)
            await self._tell(spoken, "NO_ANSWER", is_final=True)
            return
        await self._lasts(rule.ring_s)
        await self._tell(spoken, "ANSWERED")
        length_s = max(1, len(spoken.body) // _CHARS_PER_S)
        heard = spoken.body
        if rule.behaviour == "hangs_up" and length_s > _HANGS_UP_AFTER_S:
            length_s = _HANGS_UP_AFTER_S
            heard = heard[: length_s * _CHARS_PER_S]
        await self._lasts(length_s)
        self._carrier.put_spoken(spoken, heard)
        await self._tell(spoken, "COMPLETED", is_final=True, talked_s=length_s)

    async def _lasts(self, seconds: float) -> None:
        second_ms = self._world.knobs.of(SmsVoiceKnobs).voice_second_ms
        await self._world.clock.sleep(seconds * second_ms / 1000)

    async def _tell(
        self, spoken: Spoken, status: str, *, is_final: bool = False, talked_s: int = 0
    ) -> None:
        event = voice_receipt(
            spoken, status, is_final=is_final, now=self._world.clock.now(), talked_s=talked_s
        )
        await self._carrier.tell("VOICE", spoken.configuration_set, event)
