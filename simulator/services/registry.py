"""Which services there are. A folder's `build` is listed here and nowhere else."""

from __future__ import annotations

from simulator.contact_centre.centre import ContactCentre
from simulator.services import (
    Service,
    connect,
    connectparticipant,
    customer_profiles,
    service_quotas,
    ses,
    sms_voice,
)
from simulator.world import World


def build_services(world: World) -> list[Service]:
    """All services, sharing one world; the two of a chat share one contact centre."""
    centre = ContactCentre(world)
    return [
        sms_voice.build(world),
        connect.build(centre),
        connectparticipant.build(centre),
        customer_profiles.build(world),
        ses.build(world),
        service_quotas.build(world),
    ]
