"""AWS End User Messaging SMS (pinpoint-sms-voice-v2): numbers, texts, opt-outs, receipts."""

from __future__ import annotations

from simulator.services import ModelledService, Service
from simulator.services.sms_voice import errors
from simulator.services.sms_voice.responses import SmsVoice
from simulator.world import World


def build(world: World) -> Service:
    """The service over this world."""
    return ModelledService(
        name="pinpoint-sms-voice-v2",
        world_key="sms_voice",
        responses=SmsVoice(world),
        errors=errors.SHAPES,
        rates={},
    )
