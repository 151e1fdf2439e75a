"""Amazon Connect (connect): chats, their streaming, calls, contacts and attributes."""

from __future__ import annotations

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.control import ContactCentreControl
from simulator.contact_centre.voice.control import VoiceControl
from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.connect import errors
from simulator.services.connect.responses import ConnectResponses

NAME = "connect"
_RATES = {
    name: Rate(f"{NAME} {name}", per_s, burst)
    for name, per_s, burst in (
        ("StartChatContact", 5, 8),
        ("StartContactStreaming", 5, 8),
        ("StopContactStreaming", 5, 8),
        ("CreateParticipant", 5, 8),
        ("StopContact", 10, 15),
        ("DescribeContact", 10, 15),
        ("GetContactAttributes", 10, 15),
        ("UpdateContactAttributes", 10, 15),
    )
}


def build(centre: ContactCentre) -> Service:
    """The service over this contact centre."""
    return ModelledService(
        name=NAME,
        world_key=NAME,
        responses=ConnectResponses(centre),
        errors=errors.SHAPES,
        rates=_RATES,
        default_rate=lambda name: Rate(f"{NAME} {name}", 2, 5),
        control=(
            *ContactCentreControl(centre).routes(),
            *VoiceControl(centre.dialer, centre.delivery).routes(),
        ),
        seed=centre.seed,
    )
