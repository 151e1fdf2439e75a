"""The rules of the participant service that its model does not hold: tokens, contents, receipts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from simulator.contact_centre.attachments import UPLOAD_LIFE_S, Attachment, is_supported
from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Chat, Participant
from simulator.contact_centre.content import (
    INTERACTIVE_RESPONSE,
    JSON,
    SENDABLE,
    TEXT_MARKDOWN,
    TEXT_PLAIN,
    Role,
)
from simulator.contact_centre.tokens import Token, TokenKind
from simulator.services.connectparticipant import errors

CONTENT_MAX_BYTES = 16_384
RECEIPT_PARTIES = 2


def require_participant(centre: ContactCentre, params: Mapping[str, Any]) -> Token:
    """The bearer of a participant token.

    Raises:
        AwsError: AccessDeniedException.
    """
    token = centre.tokens.find(params["ParticipantToken"], TokenKind.PARTICIPANT, centre.now())
    if token is None or centre.knobs.participant_tokens_refused:
        raise errors.access_denied()
    return token


def require_connection(centre: ContactCentre, params: Mapping[str, Any]) -> Token:
    """The bearer of a connection token.

    Raises:
        AwsError: AccessDeniedException.
    """
    token = centre.tokens.find(params["ConnectionToken"], TokenKind.CONNECTION, centre.now())
    if token is None:
        raise errors.access_denied()
    return token


def check_message(centre: ContactCentre, chat: Chat, params: Mapping[str, Any]) -> None:
    """Refuse a message whose type the chat does not support or whose content does not fit it.

    Raises:
        AwsError: ValidationException.
    """
    content_type, content = params["ContentType"], params["Content"]
    if content_type not in SENDABLE or content_type not in chat.opening.supported_types:
        raise errors.validation("The content type is not supported on this contact")
    try:
        size_bytes = len(content.encode("utf-8"))
    except UnicodeEncodeError as exc:
        raise errors.validation("The content is not valid Unicode") from exc
    if size_bytes > CONTENT_MAX_BYTES:
        raise errors.validation(f"The content is longer than {CONTENT_MAX_BYTES} bytes")
    text_max_chars = centre.knobs.text_max_chars
    is_text = content_type in (TEXT_PLAIN, TEXT_MARKDOWN)
    if is_text and text_max_chars is not None and len(content) > text_max_chars:
        raise errors.validation(f"The content is longer than {text_max_chars} characters")
    if content_type in (JSON, INTERACTIVE_RESPONSE) and _json(content) is None:
        raise errors.validation("The content is not JSON")


def receipt_message_id(chat: Chat, content: str | None) -> str:
    """The message that a receipt is about; members beside `messageId` are none of our business.

    Raises:
        AwsError: ValidationException; ConflictException with more than two people in the chat.
    """
    document = _json(content or "")
    message_id = document.get("messageId") if isinstance(document, dict) else None
    if not isinstance(message_id, str) or not chat.knows_message(message_id):
        raise errors.validation("The content of a receipt must name a message of this chat")
    if len(chat.present(Role.AGENT, Role.CUSTOMER, Role.CUSTOM_BOT)) > RECEIPT_PARTIES:
        raise errors.conflict("Receipts are not supported with more than two participants")
    return message_id


def new_attachment(
    centre: ContactCentre, chat: Chat, owner: Participant, params: Mapping[str, Any], signature: str
) -> Attachment:
    """A file that may be uploaded.

    Raises:
        AwsError: ValidationException for its kind or size, ServiceQuotaExceededException when
            the chat has its 35.
    """
    knobs = centre.knobs
    if not is_supported(params["AttachmentName"]):
        raise errors.validation("The attachment's file type is not supported")
    if params["AttachmentSizeInBytes"] > knobs.attachment_max_bytes:
        raise errors.validation("The attachment is too large")
    if centre.shelf.count_in(chat) >= knobs.attachments_per_chat:
        raise errors.quota("The chat has as many attachments as it may")
    return Attachment(
        id=centre.world.new_id(),
        chat=chat,
        owner=owner,
        name=params["AttachmentName"],
        content_type=params["ContentType"],
        size_bytes=params["AttachmentSizeInBytes"],
        signature=signature,
        upload_until=centre.now() + timedelta(seconds=UPLOAD_LIFE_S),
    )


def _json(text: str) -> Any | None:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
