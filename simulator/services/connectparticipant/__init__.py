"""The Amazon Connect Participant Service (connectparticipant): a chat seen by who takes part."""

from __future__ import annotations

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.files import AttachmentFiles
from simulator.contact_centre.gateway import WebSocketGateway
from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.connectparticipant import errors
from simulator.services.connectparticipant.responses import ParticipantResponses

NAME = "connectparticipant"
# The quotas are per instance; one bucket for all is the same as long as one instance is used.
_MESSAGES = Rate(f"{NAME} messages and events", 10, 15)
_RATES = {
    "SendMessage": _MESSAGES,
    "SendEvent": _MESSAGES,
    "CreateParticipantConnection": Rate(f"{NAME} connections", 6, 9),
    "DisconnectParticipant": Rate(f"{NAME} disconnects", 3, 5),
    "GetTranscript": Rate(f"{NAME} transcripts", 8, 12),
    "StartAttachmentUpload": Rate(f"{NAME} upload starts", 2, 5),
    "CompleteAttachmentUpload": Rate(f"{NAME} upload ends", 2, 5),
    "GetAttachment": Rate(f"{NAME} attachments", 8, 12),
}


def build(centre: ContactCentre) -> Service:
    """The service over this contact centre; its calls carry a token instead of a signature."""
    gateway = WebSocketGateway(centre)
    return ModelledService(
        name=NAME,
        world_key=NAME,
        responses=ParticipantResponses(centre),
        errors=errors.SHAPES,
        rates=_RATES,
        is_signed=False,
        raw=(*gateway.routes(), *AttachmentFiles(centre).routes()),
        on_close=gateway.close,
    )
