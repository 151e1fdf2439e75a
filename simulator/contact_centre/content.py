"""The words of a chat on the wire: content types, item types, roles, visibilities."""

from __future__ import annotations

from enum import StrEnum

TEXT_PLAIN = "text/plain"
TEXT_MARKDOWN = "text/markdown"
JSON = "application/json"

_VENDOR = "application/vnd.amazonaws.connect."
INTERACTIVE = _VENDOR + "message.interactive"
INTERACTIVE_RESPONSE = _VENDOR + "message.interactive.response"

TYPING = _VENDOR + "event.typing"
MESSAGE_DELIVERED = _VENDOR + "event.message.delivered"
MESSAGE_READ = _VENDOR + "event.message.read"
MESSAGE_METADATA = _VENDOR + "event.message.metadata"
CONNECTION_ACKNOWLEDGED = _VENDOR + "event.connection.acknowledged"
PARTICIPANT_JOINED = _VENDOR + "event.participant.joined"
PARTICIPANT_LEFT = _VENDOR + "event.participant.left"
TRANSFER_SUCCEEDED = _VENDOR + "event.transfer.succeeded"
TRANSFER_FAILED = _VENDOR + "event.transfer.failed"
CHAT_REHYDRATED = _VENDOR + "event.chat.rehydrated"
CHAT_ENDED = _VENDOR + "event.chat.ended"

SENDABLE = frozenset({TEXT_PLAIN, TEXT_MARKDOWN, JSON, INTERACTIVE_RESPONSE})
"""What SendMessage takes, if the chat supports it (SendMessage, "ContentType")."""

SUPPORTABLE = SENDABLE | {INTERACTIVE}
"""What SupportedMessagingContentTypes may list (StartChatContact)."""

RECEIPTS = frozenset({MESSAGE_DELIVERED, MESSAGE_READ})

KEPT_EVENTS = frozenset(
    {PARTICIPANT_JOINED, PARTICIPANT_LEFT, TRANSFER_SUCCEEDED, TRANSFER_FAILED, CHAT_ENDED}
)
"""The events that a transcript keeps (GetTranscript); typing and the rest pass by."""


class ItemType(StrEnum):
    """`Type` of a chat item. Receipts travel as MESSAGEMETADATA, which the model's enum lacks."""

    MESSAGE = "MESSAGE"
    EVENT = "EVENT"
    ATTACHMENT = "ATTACHMENT"
    MESSAGEMETADATA = "MESSAGEMETADATA"


class Role(StrEnum):
    """`ParticipantRole` of a chat item."""

    AGENT = "AGENT"
    CUSTOMER = "CUSTOMER"
    SYSTEM = "SYSTEM"
    CUSTOM_BOT = "CUSTOM_BOT"


class Visibility(StrEnum):
    """Who may see an item. On SNS this stands in an attribute, never in the body."""

    ALL = "ALL"
    CUSTOMER = "CUSTOMER"
    AGENT = "AGENT"

    @property
    def reaches_customer(self) -> bool:
        """Whether the customer's sockets and transcript get it."""
        return self is not Visibility.AGENT
