"""StartChatContact: the chat, and whatever else the one call was asked to bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Chat, Draft
from simulator.contact_centre.content import ItemType
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.tokens import TokenKind
from simulator.ledger import iso
from simulator.services.connect import errors
from simulator.services.connect.models import read_opening


@dataclass(frozen=True, slots=True)
class StartedChat:
    """What a ClientToken brought about: the chat, and the parts of the answer that stay."""

    chat: Chat
    participant_token: str
    streaming_id: str | None


def start_chat(centre: ContactCentre, instance: Instance, params: Mapping[str, Any]) -> StartedChat:
    """Make the chat, once everything about the request is known to be good.

    Raises:
        AwsError: as StartChatContact refuses it; nothing was made.
    """
    opening = read_opening(centre, instance, params)
    if centre.lifecycle.active_count(instance) >= centre.knobs.concurrent_chats:
        raise errors.limit_exceeded("The quota of concurrent active chats is exceeded")
    chat = centre.open_chat(instance, opening)
    token = centre.tokens.issue(TokenKind.PARTICIPANT, chat, chat.customer)
    streaming_id = _stream(centre, chat, params.get("ChatStreamingConfiguration"))
    centre.lifecycle.open(chat)
    initial = params.get("InitialMessage")
    if initial is not None:
        draft = Draft(
            ItemType.MESSAGE, initial["ContentType"], initial["Content"], chat.customer.author
        )
        centre.delivery.post(chat, draft)
    return StartedChat(chat, token.value, streaming_id)


def answer(
    centre: ContactCentre, started: StartedChat, params: Mapping[str, Any], *, is_replay: bool
) -> dict[str, Any]:
    """The response. A replay may lack the token, and has no connection of a chat that has ended."""
    chat = started.chat
    found: dict[str, Any] = {
        "ContactId": chat.id,
        "ParticipantId": chat.customer.id,
        "ParticipantToken": started.participant_token,
        "StreamingId": started.streaming_id,
        "ContinuedFromContactId": chat.opening.past.contact_id if chat.opening.past else None,
    }
    if is_replay and not centre.knobs.replay_brings_participant_token:
        found["ParticipantToken"] = None
    if not chat.is_ended:
        found |= _connection(centre, chat, params.get("ConnectionTypes", ()))
    return {name: value for name, value in found.items() if value is not None}


def _stream(centre: ContactCentre, chat: Chat, wanted: Mapping[str, Any] | None) -> str | None:
    if wanted is None:
        return None
    streaming_id = centre.world.new_id()
    chat.streams[streaming_id] = wanted["StreamingEndpointArn"]
    return streaming_id


def _connection(centre: ContactCentre, chat: Chat, types: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "CONNECTION_CREDENTIALS" in types:
        token = centre.connection_token(chat, chat.customer)
        expiry = iso(token.expires_at) if token.expires_at else ""
        found["ConnectionCredentials"] = {"ConnectionToken": token.value, "Expiry": expiry}
    if "WEBSOCKET" in types:
        url, renew_at = centre.websocket(chat, chat.customer)
        found["Websocket"] = {"Url": url, "ConnectionExpiry": iso(renew_at)}
    return found
