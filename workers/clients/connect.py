"""Amazon Connect: opening, streaming, ending and describing chats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.checks import check_attributes, check_start, check_token
from workers.clients.connect_participant import AttachmentPolicy, CustomerParticipant
from workers.clients.errors import CONNECT
from workers.clients.protocols import Chats, ChatStart, ContactState, SourceRefused, StartedChat
from workers.errors import ContactEnded, PermanentError, TransientError
from workers.limits import Priority

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from types_aiobotocore_connect import ConnectClient
    from types_aiobotocore_connectparticipant import ConnectParticipantClient

_START: Final = Api(CONNECT, "StartChatContact", bucket="connect.start_chat")
_STREAM: Final = Api(CONNECT, "StartContactStreaming", bucket="connect.start_streaming")
_STOP: Final = Api(CONNECT, "StopContact", bucket="connect.stop_contact")
_SET: Final = Api(
    CONNECT, "UpdateContactAttributes", bucket="connect.update_attributes", priority=Priority.LOW
)
_DESCRIBE: Final = Api(CONNECT, "DescribeContact", bucket="connect.describe_contact")

# What StartChatContact may say when the earlier chat cannot be attached: its transcript is not
# ready, or the id is unknown. UNVERIFIED: AWS names no error for it; to check, attach a chat that
# ended a second ago on a live instance.
_SOURCE_REASONS: Final = frozenset(
    {"invalid_request", "invalid_parameter", "flow_or_instance_not_found"}
)


@dataclass(frozen=True, slots=True)
class Instance:
    """The Connect instance, and what our chats in it look like.

    `content_types` is what agents and flows may send us: without text/markdown the agent's desk
    offers no rich text that a phone could not show. Must contain text/plain.
    """

    instance_id: str
    streaming_topic_arn: str
    content_types: tuple[str, ...] = (
        "text/plain",
        "application/vnd.amazonaws.connect.message.interactive",
    )


class Contacts:
    """The calls of Connect itself, signed. Not used alone: see `ConnectChats`."""

    def __init__(self, client: ConnectClient, instance: Instance, caller: Caller) -> None:
        caller.watch(client, CONNECT)
        self._connect = client
        self._instance = instance
        self._caller = caller

    async def start(self, start: ChatStart) -> StartedChat:
        """StartChatContact. Raises `SourceRefused` when only the attached chat is the trouble."""
        check_start(start)
        request = self._start_request(start)
        try:
            answer = await self._caller.call(
                _START, lambda: self._connect.start_chat_contact(**request)
            )
        except PermanentError as refusal:
            if start.source_contact_id is None or refusal.reason not in _SOURCE_REASONS:
                raise
            raise SourceRefused from None
        if not answer.get("ContactId") or not answer.get("ParticipantId"):
            raise TransientError("unreadable_answer")
        return StartedChat(
            contact_id=answer["ContactId"],
            participant_id=answer["ParticipantId"],
            participant_token=answer.get("ParticipantToken") or None,
        )

    def _start_request(self, start: ChatStart) -> Any:
        request: dict[str, Any] = {
            "InstanceId": self._instance.instance_id,
            "ContactFlowId": start.contact_flow_id,
            "Attributes": dict(start.attributes),
            "ParticipantDetails": {"DisplayName": start.display_name},
            "ClientToken": start.client_token,
            "ChatDurationInMinutes": start.duration_min,
            "SupportedMessagingContentTypes": list(self._instance.content_types),
        }
        if start.customer_id:
            request["CustomerId"] = start.customer_id
        if start.source_contact_id:
            request["PersistentChat"] = {
                "RehydrationType": "ENTIRE_PAST_SESSION",
                "SourceContactId": start.source_contact_id,
            }
        return request

    async def stream(self, contact_id: str, client_token: str) -> None:
        """StartContactStreaming to our topic. Raises `ContactEnded` when the chat is gone."""
        check_token(client_token)
        topic = {"StreamingEndpointArn": self._instance.streaming_topic_arn}
        await self._caller.call(
            _STREAM,
            lambda: self._connect.start_contact_streaming(
                InstanceId=self._instance.instance_id,
                ContactId=contact_id,
                ChatStreamingConfiguration=topic,  # type: ignore[arg-type] # a TypedDict literal
                ClientToken=client_token,
            ),
        )

    async def stop(self, contact_id: str) -> None:
        """StopContact. A contact that is gone already is a success."""
        try:
            await self._caller.call(
                _STOP,
                lambda: self._connect.stop_contact(
                    InstanceId=self._instance.instance_id, ContactId=contact_id
                ),
            )
        except ContactEnded:
            return

    async def set_attributes(self, contact_id: str, attributes: Mapping[str, str]) -> None:
        """UpdateContactAttributes by initial contact id; merges keys."""
        check_attributes(attributes)
        await self._caller.call(
            _SET,
            lambda: self._connect.update_contact_attributes(
                InstanceId=self._instance.instance_id,
                InitialContactId=contact_id,
                Attributes=dict(attributes),
            ),
        )

    async def describe(self, contact_id: str) -> ContactState:
        """DescribeContact. Raises `ContactEnded` when the instance does not know it."""
        answer = await self._caller.call(
            _DESCRIBE,
            lambda: self._connect.describe_contact(
                InstanceId=self._instance.instance_id, ContactId=contact_id
            ),
        )
        contact = answer.get("Contact")
        if not contact:
            raise TransientError("unreadable_answer")
        return ContactState(
            # The first contact of a chain does not repeat its own id as the initial one.
            initial_contact_id=contact.get("InitialContactId") or contact_id,
            is_ended=contact.get("DisconnectTimestamp") is not None,
            has_next=bool(contact.get("NextContacts")),
            disconnect_reason=contact.get("DisconnectReason"),
        )


class ConnectChats(Contacts, CustomerParticipant, Chats):
    """`Chats` over Connect, its participant service, and plain HTTP for the files."""

    def __init__(
        self,
        *,
        connect: ConnectClient,
        participant: ConnectParticipantClient,
        http: ClientSession,
        instance: Instance,
        caller: Caller,
        attachments: AttachmentPolicy | None = None,
    ) -> None:
        Contacts.__init__(self, connect, instance, caller)
        CustomerParticipant.__init__(
            self, participant, http, caller, attachments or AttachmentPolicy()
        )
