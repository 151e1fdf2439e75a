"""A contact centre in memory: chats with their tokens, ends and ledger, and `Chats` over a wire.

What it says when, it says as `workers.clients` would after reading Connect's answers. An ended
chat and an expired token look alike, a ClientToken is remembered per operation and chat, and
nothing is streamed of a chat before it was asked to stream.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from schemas.connect import ChatMessage
from tests.fakes.wire import Wire
from workers.clients.protocols import (
    Attachment,
    Chats,
    ChatStart,
    Connection,
    ContactState,
    SourceRefused,
    StartedChat,
)
from workers.clock import Clock
from workers.errors import ContactEnded, PermanentError, QuotaFull, TokenRefused

V = "application/vnd.amazonaws.connect."
CONNECTION_LIFE = timedelta(days=1)


@dataclass(slots=True)
class Chat:
    """One contact of channel CHAT. `said` is what its customer's participant said, in order."""

    contact_id: str
    start: ChatStart
    participant_token: str
    said: list[str] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    delivered: list[str] = field(default_factory=list)
    is_streaming: bool = False
    is_ended: bool = False
    has_next: bool = False
    is_participant_refused: bool = False
    connections: dict[str, datetime] = field(default_factory=dict)
    files: dict[str, Attachment] = field(default_factory=dict)


@dataclass(slots=True)
class ContactCentre:
    """One Connect instance.

    `ledger` is every call that was accepted, a repetition too, as (name, client token or id).
    `room` is how many chats may run at once. `stream` gets what a streaming chat publishes.
    """

    clock: Clock
    room: int = 1_000
    replay_brings_token: bool = True
    is_source_refused: bool = False
    stream: Callable[[ChatMessage], None] | None = None
    chats: dict[str, Chat] = field(default_factory=dict)
    ledger: list[tuple[str, str]] = field(default_factory=list)
    _starts: dict[str, str] = field(default_factory=dict)
    _answers: dict[tuple[str, str], str] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=lambda: count(1))

    # --- what tests ask and do -------------------------------------------------------------------

    @property
    def only_chat(self) -> Chat:
        """The one chat that there ever was."""
        [chat] = self.chats.values()
        return chat

    @property
    def newest_chat(self) -> Chat:
        """The chat that was started last."""
        return list(self.chats.values())[-1]

    @property
    def running(self) -> list[Chat]:
        """The chats that have not ended."""
        return [chat for chat in self.chats.values() if not chat.is_ended]

    def accepted(self, call: str) -> list[str]:
        """The client tokens (or ids) of the accepted calls of one name."""
        return [token for name, token in self.ledger if name == call]

    def expire_connections(self) -> None:
        """Every connection token is refused from now on."""
        for chat in self.chats.values():
            chat.connections.clear()

    def agent_says(self, chat: Chat, text: str) -> ChatMessage:
        """What the agent writes, as it is streamed. Nobody writes into an ended chat."""
        if chat.is_ended:
            raise ValueError("the chat has ended")
        return self._published(chat, Type="MESSAGE", ContentType="text/plain", Content=text)

    def agent_sends_file(self, chat: Chat, name: str, content_type: str) -> ChatMessage:
        """An approved file from the agent."""
        file_id = f"file-{next(self._ids)}"
        chat.files[file_id] = Attachment(name, content_type, 3, b"abc")
        approved = {
            "AttachmentId": file_id,
            "AttachmentName": name,
            "ContentType": content_type,
            "Status": "APPROVED",
        }
        return self._published(chat, Type="ATTACHMENT", Attachments=[approved])

    def end(self, chat: Chat) -> ChatMessage:
        """The agent or the flow ends the chat; returns chat.ended. Its tokens are worth nothing."""
        ended = self._published(chat, Type="EVENT", ContentType=f"{V}event.chat.ended")
        chat.is_ended = True
        return ended

    def _published(self, chat: Chat, *, role: str = "AGENT", **keys: object) -> ChatMessage:
        message = ChatMessage.model_validate(
            {
                "Id": f"item-{next(self._ids)}",
                "AbsoluteTime": self.clock.now().isoformat(),
                "InitialContactId": chat.contact_id,
                "ContactId": chat.contact_id,
                "ParticipantRole": role,
                "Visibility": "ALL",
                **keys,
            }
        )
        if chat.is_streaming and self.stream is not None:
            self.stream(message)
        return message

    # --- what is accepted ------------------------------------------------------------------------

    def start(self, start: ChatStart) -> StartedChat:
        """StartChatContact."""
        known = self._starts.get(start.client_token)
        if known is None:
            if start.source_contact_id is not None and self.is_source_refused:
                raise SourceRefused
            if len(self.running) >= self.room:
                raise QuotaFull("concurrent_chats")
            number = next(self._ids)
            chat = Chat(f"contact-{number}", start, f"participant-{number}")
            self.chats[chat.contact_id] = chat
            self._starts[start.client_token] = chat.contact_id
        else:
            chat = self.chats[known]
        self.ledger.append(("start", start.client_token))
        brings_token = known is None or self.replay_brings_token
        token = chat.participant_token if brings_token else None
        return StartedChat(chat.contact_id, f"customer-of-{chat.contact_id}", token)

    def stream_to_us(self, contact_id: str, client_token: str) -> None:
        """StartContactStreaming."""
        chat = self._known(contact_id)
        if chat.is_ended:
            raise ContactEnded("contact_not_found")
        chat.is_streaming = True
        self.ledger.append(("stream", client_token))

    def stop(self, contact_id: str) -> None:
        """StopContact."""
        chat = self.chats.get(contact_id)
        if chat is not None and not chat.is_ended:
            self.end(chat)
            self.ledger.append(("stop", contact_id))

    def connect(self, participant_token: str) -> Connection:
        """CreateParticipantConnection."""
        for chat in self.chats.values():
            is_taken = not chat.is_ended and not chat.is_participant_refused
            if chat.participant_token == participant_token and is_taken:
                token = f"connection-{next(self._ids)}"
                expires_at = self.clock.now() + CONNECTION_LIFE
                chat.connections[token] = expires_at
                self.ledger.append(("connect", chat.contact_id))
                return Connection(token, expires_at)
        raise TokenRefused("token_refused")

    def say(self, connection_token: str, text: str, client_token: str) -> str:
        """SendMessage."""
        chat = self._connected(connection_token)
        self.ledger.append(("say", client_token))
        known = self._answers.get((chat.contact_id, client_token))
        if known is not None:
            return known
        chat.said.append(text)
        echo = self._published(
            chat, role="CUSTOMER", Type="MESSAGE", ContentType="text/plain", Content=text
        )
        self._answers[chat.contact_id, client_token] = echo.id
        return echo.id

    def deliver(self, connection_token: str, message_id: str, client_token: str) -> None:
        """SendEvent message.delivered."""
        chat = self._connected(connection_token)
        self.ledger.append(("delivered", client_token))
        if (chat.contact_id, client_token) not in self._answers:
            self._answers[chat.contact_id, client_token] = message_id
            chat.delivered.append(message_id)

    def disconnect(self, connection_token: str) -> None:
        """DisconnectParticipant: an ended chat and an expired token pass for success."""
        try:
            chat = self._connected(connection_token)
        except TokenRefused:
            return
        self.ledger.append(("disconnect", chat.contact_id))
        self.end(chat)

    def attachment(self, connection_token: str, attachment_id: str) -> Attachment:
        """GetAttachment and its bytes."""
        chat = self._connected(connection_token)
        if attachment_id not in chat.files:
            raise PermanentError("resource_not_found")
        return chat.files[attachment_id]

    def set_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> None:
        """UpdateContactAttributes: merges, after the end too."""
        self._known(contact_id).attributes.update(attributes)

    def describe(self, contact_id: str) -> ContactState:
        """DescribeContact."""
        chat = self._known(contact_id)
        return ContactState(contact_id, chat.is_ended, chat.has_next)

    def _known(self, contact_id: str) -> Chat:
        chat = self.chats.get(contact_id)
        if chat is None:
            raise ContactEnded("contact_not_found")
        return chat

    def _connected(self, connection_token: str) -> Chat:
        for chat in self.chats.values():
            expires_at = chat.connections.get(connection_token)
            if expires_at is not None and not chat.is_ended and self.clock.now() < expires_at:
                return chat
        raise TokenRefused("token_refused")


class FakeChats(Chats):
    """`Chats` of one worker: a contact centre at the other end of its wire."""

    def __init__(self, centre: ContactCentre, wire: Wire) -> None:
        self._centre = centre
        self._wire = wire

    async def start(self, start: ChatStart) -> StartedChat:
        """StartChatContact."""

        async def accept() -> StartedChat:
            return self._centre.start(start)

        return await self._wire.carry("chats.start", accept)

    async def stream(self, contact_id: str, client_token: str) -> None:
        """StartContactStreaming."""

        async def accept() -> None:
            self._centre.stream_to_us(contact_id, client_token)

        await self._wire.carry("chats.stream", accept)

    async def stop(self, contact_id: str) -> None:
        """StopContact."""

        async def accept() -> None:
            self._centre.stop(contact_id)

        await self._wire.carry("chats.stop", accept)

    async def connect(self, participant_token: str) -> Connection:
        """CreateParticipantConnection."""

        async def accept() -> Connection:
            return self._centre.connect(participant_token)

        return await self._wire.carry("chats.connect", accept)

    async def say(self, connection_token: str, text: str, client_token: str) -> str:
        """SendMessage."""

        async def accept() -> str:
            return self._centre.say(connection_token, text, client_token)

        return await self._wire.carry("chats.say", accept)

    async def delivered(self, connection_token: str, message_id: str, client_token: str) -> None:
        """SendEvent."""

        async def accept() -> None:
            self._centre.deliver(connection_token, message_id, client_token)

        await self._wire.carry("chats.delivered", accept)

    async def disconnect(self, connection_token: str) -> None:
        """DisconnectParticipant."""

        async def accept() -> None:
            self._centre.disconnect(connection_token)

        await self._wire.carry("chats.disconnect", accept)

    async def attachment(self, connection_token: str, attachment_id: str, name: str) -> Attachment:
        """GetAttachment."""

        async def accept() -> Attachment:
            found = self._centre.attachment(connection_token, attachment_id)
            return replace(found, name=name)

        return await self._wire.carry("chats.attachment", accept)

    async def set_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> None:
        """UpdateContactAttributes."""

        async def accept() -> None:
            self._centre.set_attributes(contact_id, attributes)

        await self._wire.carry("chats.set_attributes", accept)

    async def describe(self, contact_id: str) -> ContactState:
        """DescribeContact."""

        async def accept() -> ContactState:
            return self._centre.describe(contact_id)

        return await self._wire.carry("chats.describe", accept)
