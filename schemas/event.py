"""Every event there is, as one type."""

from __future__ import annotations

from schemas.connect import ChatMessage, ContactEvent
from schemas.contact_record import ContactFlowRequest, ContactRecord
from schemas.email import SesEvent
from schemas.own import Command
from schemas.pinpoint_legacy import CustomChannelCall, PinpointRecord
from schemas.service_event import OtherServiceEvent
from schemas.sms_voice import InboundSms, Receipt, RegistrationStatusChange

Event = (
    InboundSms
    | Receipt
    | RegistrationStatusChange
    | SesEvent
    | PinpointRecord
    | CustomChannelCall
    | ContactEvent
    | ContactRecord
    | ChatMessage
    | ContactFlowRequest
    | OtherServiceEvent
    | Command
)
"""What `Decoded.event` holds."""
