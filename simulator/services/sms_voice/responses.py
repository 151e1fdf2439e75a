"""The operations of AWS End User Messaging SMS, one method each."""

from __future__ import annotations

from simulator.world import World


class SmsVoice:
    """pinpoint-sms-voice-v2 over one world."""

    def __init__(self, world: World) -> None:
        self._world = world
