"""What handlers may ask of AWS: narrow protocols named for the need, our types and errors.

Implementations own SDK names, error codes, size limits and rates. Nothing here retries a send
that has no idempotency token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ChatStart:
    """One StartChatContact. `client_token` pins the generation, whichever text started it."""

    client_token: str
    contact_flow_id: str
    display_name: str
    attributes: Mapping[str, str]
    duration_min: int
    customer_id: str | None = None
    source_contact_id: str | None = None  # PersistentChat, ENTIRE_PAST_SESSION


@dataclass(frozen=True, slots=True)
class StartedChat:
    """What StartChatContact answered; a replay may bring no token."""

    contact_id: str
    participant_id: str
    participant_token: str | None


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection token of our customer participant, and when it expires (1 day)."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a chat: its bytes are fetched from a presigned URL that dies in minutes."""

    name: str
    content_type: str
    size_bytes: int
    content: bytes


@dataclass(frozen=True, slots=True)
class ContactState:
    """The part of DescribeContact that tells whether a chain goes on."""

    initial_contact_id: str
    is_ended: bool
    has_next: bool
    disconnect_reason: str | None = None


class SourceRefused(Exception):
    """Connect would not attach the earlier chat: start again without it."""


class Chats(Protocol):
    """Amazon Connect chat, seen as the customer's participant.

    All raise Throttled, QuotaFull, TransientError, AccountProblem, PermanentError as fits.
    """

    async def start(self, start: ChatStart) -> StartedChat:
        """StartChatContact. Raises `SourceRefused` when only the attached chat is the trouble."""
        ...

    async def stream(self, contact_id: str, client_token: str) -> None:
        """StartContactStreaming to our topic. Raises `ContactEnded` when the chat is gone."""
        ...

    async def stop(self, contact_id: str) -> None:
        """StopContact. A contact that is gone already is a success."""
        ...

    async def connect(self, participant_token: str) -> Connection:
        """CreateParticipantConnection with ConnectParticipant. Raises `TokenRefused`."""
        ...

    async def say(self, connection_token: str, text: str, client_token: str) -> str:
        """SendMessage text/plain; returns the message id. Raises `TokenRefused`.

        `text` must fit (16,384 bytes): split it with `workers.sms_text.split_for_chat` first.
        """
        ...

    async def delivered(self, connection_token: str, message_id: str, client_token: str) -> None:
        """SendEvent message.delivered. Raises `TokenRefused`; a conflict (3+ people) is ignored."""
        ...

    async def disconnect(self, connection_token: str) -> None:
        """DisconnectParticipant: ends the chat from the customer's side. Gone is a success."""
        ...

    async def attachment(self, connection_token: str, attachment_id: str, name: str) -> Attachment:
        """GetAttachment, then its bytes. Raises `TokenRefused`, `PermanentError` when too large."""
        ...

    async def set_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> None:
        """UpdateContactAttributes by initial contact id; merges keys."""
        ...

    async def describe(self, contact_id: str) -> ContactState:
        """DescribeContact. Raises `ContactEnded` when the instance does not know it."""
        ...


@dataclass(frozen=True, slots=True)
class OutgoingText:
    """One text that fits one SendTextMessage.

    `context` travels to the receipts: at most 5 keys, opaque ids only.
    """

    destination_number: str
    body: str
    origination_identity: str
    configuration_set: str
    message_type: str  # TRANSACTIONAL | PROMOTIONAL
    ttl_s: int
    context: Mapping[str, str] = field(default_factory=dict)
    media_url: str | None = None  # s3://bucket/key: sent by SendMediaMessage


class Texting(Protocol):
    """AWS End User Messaging."""

    async def admit(self, origination_identity: str, parts: int = 1) -> None:
        """Wait for our own rate limit, which counts carrier parts, before the intent is written.

        Raises `Throttled` when that would take more than a few seconds, and `QuotaFull` while
        sending is paused because the monthly spend is used up.
        """
        ...

    async def send(self, text: OutgoingText, *, not_after: float) -> str:
        """SendTextMessage or SendMediaMessage, never repeated by us; returns the message id.

        `not_after` is the monotonic moment after which the request may not be handed to the
        socket any more (protocol rule 1): then `TransientError("too_late")`, surely not sent.
        Takes no rate token: `admit` did.

        Raises:
            Throttled: surely not sent.
            QuotaFull: the monthly spend is used up; surely not sent.
            InDoubt: a timeout, a cut connection, a 5xx: it may be out.
            OptedOut: the destination is on the opt-out list.
            AccountProblem, PermanentError: surely not sent.
        """
        ...

    async def opt_out(self, opt_out_list: str, number: str) -> None:
        """PutOptedOutNumber. Idempotent."""
        ...

    async def opt_in(self, opt_out_list: str, number: str) -> None:
        """DeleteOptedOutNumber; absent is a success. Raises `PermanentError` when EUM refuses."""
        ...


class MediaShelf(Protocol):
    """The private bucket through which an agent's file reaches a phone."""

    async def put(self, key: str, attachment: Attachment) -> str:
        """Store it; returns its s3:// URL. Storing the same key again is harmless."""
        ...

    async def link(self, key: str, ttl_s: int) -> str:
        """A presigned https URL."""
        ...


@dataclass(frozen=True, slots=True)
class ListedNumber:
    """A number on an opt-out list, and since when."""

    number: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some numbers of a list; `next_token` is None on the last page."""

    numbers: tuple[ListedNumber, ...]
    next_token: str | None


class OptOutPages(Protocol):
    """The lists as End User Messaging has them."""

    async def page(self, opt_out_list: str, token: str | None) -> Page:
        """One page; None begins. Raises `TransientError`, `AccountProblem`."""
        ...


@dataclass(frozen=True, slots=True)
class OutboundCall:
    """One StartOutboundVoiceContact.

    `client_token` pins the attempt: whoever repeats it gets the same contact, for 7 days.
    """

    client_token: str
    contact_flow_id: str
    number: str
    attributes: Mapping[str, str]
    source_number: str | None = None
    queue_id: str | None = None
    ring_timeout_s: int = 30
    detect_machines: bool = False


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What DescribeContact, or a contact record, says of a call. Words are AWS's, upper case."""

    is_over: bool
    attributes: Mapping[str, str] = field(default_factory=dict)
    disconnect_reason: str | None = None
    detection: str | None = None
    is_answered: bool = False
    has_met_agent: bool = False
    ended_at: datetime | None = None


class Dialing(Protocol):
    """Amazon Connect's outbound calls."""

    async def dial(self, call: OutboundCall) -> str:
        """StartOutboundVoiceContact; returns the contact id before it rings.

        Raises:
            Throttled, QuotaFull, AccountProblem, PermanentError: not dialled.
            TransientError: it may have been: repeat it with the same token.
        """
        ...

    async def call_facts(self, contact_id: str) -> CallFacts:
        """DescribeContact. Raises `ContactEnded` when the instance does not know it."""
        ...
