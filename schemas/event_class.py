"""The families of events, by the words that metrics, routing and `switchboard classify` use."""

from __future__ import annotations

from enum import StrEnum


class EventClass(StrEnum):
    """Which source an event comes from. What it says is its type, the source's own word."""

    INBOUND_SMS = "inbound_sms"
    EUM_EVENT = "eum_event"
    SES_EVENT = "ses_event"
    PINPOINT_EVENT = "pinpoint_event"
    PINPOINT_CUSTOM_CHANNEL = "pinpoint_custom_channel"
    CONNECT_CONTACT_EVENT = "connect_contact_event"
    CONNECT_CONTACT_RECORD = "connect_contact_record"
    CONNECT_CHAT_MESSAGE = "connect_chat_message"
    CONTACT_FLOW_REQUEST = "contact_flow_request"
    COMMAND = "command"
