"""Which services there are. A folder's `build` is listed here and nowhere else."""

from __future__ import annotations

from simulator.services import Service, sms_voice
from simulator.world import World


def build_services(world: World) -> list[Service]:
    """All services, sharing one world."""
    return [
        sms_voice.build(world),
    ]
