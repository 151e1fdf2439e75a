"""What of a chat is for the customer, and how it reads as a text. Pure.

Connect marks who may see an item (`MessageVisibility`, an SNS attribute that never stands in the
body). An item that lost the mark is not sent on: it could be a note between agents.
"""

from __future__ import annotations

from dataclasses import dataclass

from schemas.connect import ChatMessage
from workers.handlers.chat_relay.entries import FilePayload
from workers.sms_text import flatten_interactive, strip_markdown

V = "application/vnd.amazonaws.connect."
ENDED = V + "event.chat.ended"
FOR_CUSTOMER = frozenset({"CUSTOMER", "ALL"})


@dataclass(frozen=True, slots=True)
class ForCustomer:
    """Words, files, or both, on their way to a phone."""

    body: str = ""
    files: tuple[FilePayload, ...] = ()


@dataclass(frozen=True, slots=True)
class NotForCustomer:
    """Why an item stays in the chat: a stable word, counted."""

    reason: str


@dataclass(frozen=True, slots=True)
class ChatEnded:
    """The chat of this contact is over."""


Reading = ForCustomer | NotForCustomer | ChatEnded


def read_message(message: ChatMessage) -> Reading:
    """Sort one item of the chat stream."""
    if message.type == "EVENT":
        is_end = message.content_type == ENDED
        return ChatEnded() if is_end else NotForCustomer("chat_event")
    if message.type not in ("MESSAGE", "ATTACHMENT"):
        return NotForCustomer("not_a_message")
    if message.participant_role == "CUSTOMER":
        return NotForCustomer("own_echo")
    if message.visibility not in FOR_CUSTOMER:
        return NotForCustomer("visibility_missing" if message.visibility is None else "not_visible")
    return _files(message) if message.type == "ATTACHMENT" else _words(message)


def _files(message: ChatMessage) -> Reading:
    files = tuple(
        FilePayload(
            id=a.attachment_id, name=a.attachment_name or "file", content_type=a.content_type or ""
        )
        for a in message.attachments
        if a.status == "APPROVED"
    )
    return ForCustomer(files=files) if files else NotForCustomer("attachment_not_approved")


def _words(message: ChatMessage) -> Reading:
    metadata = message.message_metadata
    if metadata is not None and metadata.message_completed is False:
        return NotForCustomer("partial_message")
    text: str | None = message.content or ""
    match message.content_type:
        case "text/plain":
            pass
        case "text/markdown":
            text = strip_markdown(message.content or "")
        case kind if kind == V + "message.interactive":
            text = flatten_interactive(message.content or "")
        case _:
            return NotForCustomer("unsupported_content_type")
    if not text or not text.strip():
        return NotForCustomer("empty_message")
    return ForCustomer(body=text)
