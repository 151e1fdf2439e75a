"""AWS End User Messaging (pinpoint-sms-voice-v2): numbers, texts, voice, opt-outs, receipts."""

from __future__ import annotations

from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.sms_voice import errors
from simulator.services.sms_voice.carrier import SERVICE
from simulator.services.sms_voice.control import SmsControl
from simulator.services.sms_voice.knobs import SmsVoiceKnobs
from simulator.services.sms_voice.responses import SmsVoiceResponses
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.world import World

_PACED_BY_IDENTITY = frozenset({"SendTextMessage", "SendMediaMessage"})
_RATES = {
    name: Rate(f"{SERVICE} {name}", 10, 10)
    for name in ("PutOptedOutNumber", "DeleteOptedOutNumber")
}


def _one_a_second(operation_name: str) -> Rate | None:
    # Sends are paced by the identity's own limit, which only `sending` knows.
    if operation_name in _PACED_BY_IDENTITY:
        return None
    return Rate(f"{SERVICE} {operation_name}", 1, 1)


def build(world: World, state: SmsVoiceState | None = None) -> Service:
    """The service over this world; `state` is given by who plays the people in this process."""
    world.knobs.register("sms_voice", SmsVoiceKnobs())
    state = state or SmsVoiceState(world)
    return ModelledService(
        name=SERVICE,
        world_key="sms_voice",
        responses=SmsVoiceResponses(state),
        errors=errors.SHAPES,
        rates=_RATES,
        default_rate=_one_a_second,
        control=SmsControl(state).routes(),
        seed=state.put_world,
    )
