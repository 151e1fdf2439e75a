"""The participant service: what the customer's participant says and does in its chat.

Calls carry a token in a header and no signature. The token is never logged nor put in an error.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from workers.clients.call import Api, Caller
from workers.clients.checks import check_content, check_token
from workers.clients.errors import PARTICIPANT
from workers.clients.protocols import Attachment, Connection
from workers.errors import PermanentError, TokenRefused, TransientError
from workers.limits import Priority

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from types_aiobotocore_connectparticipant import ConnectParticipantClient

_CONNECTION: Final = Api(
    PARTICIPANT, "CreateParticipantConnection", bucket="participant.connection"
)
_MESSAGE: Final = Api(PARTICIPANT, "SendMessage", bucket="participant.message")
_EVENT: Final = Api(PARTICIPANT, "SendEvent", bucket="participant.message", priority=Priority.LOW)
_DISCONNECT: Final = Api(PARTICIPANT, "DisconnectParticipant", bucket="participant.disconnect")
_ATTACHMENT: Final = Api(PARTICIPANT, "GetAttachment", bucket="participant.attachment")
_DOWNLOAD: Final = Api("https", "DownloadAttachment")

_DELIVERED: Final = "application/vnd.amazonaws.connect.event.message.delivered"


@dataclass(frozen=True, slots=True)
class AttachmentPolicy:
    """How large a file is taken from a chat into memory, and how long its URL is asked to live."""

    max_bytes: int = 5_000_000
    url_expiry_s: int = 60


class CustomerParticipant:
    """The calls of the participant service. Not used alone: see `ConnectChats`."""

    def __init__(
        self,
        client: ConnectParticipantClient,
        http: ClientSession,
        caller: Caller,
        attachments: AttachmentPolicy,
    ) -> None:
        caller.watch(client, PARTICIPANT)
        self._participant = client
        self._http = http
        self._caller = caller
        self._attachments = attachments

    async def connect(self, participant_token: str) -> Connection:
        """CreateParticipantConnection with ConnectParticipant. Raises `TokenRefused`."""
        answer = await self._caller.call(
            _CONNECTION,
            lambda: self._participant.create_participant_connection(
                ParticipantToken=participant_token,
                Type=["CONNECTION_CREDENTIALS"],
                ConnectParticipant=True,
            ),
        )
        credentials: Any = answer.get("ConnectionCredentials") or {}
        expires_at = _read_time(credentials.get("Expiry"))
        if not credentials.get("ConnectionToken") or expires_at is None:
            raise TransientError("unreadable_answer")
        return Connection(token=credentials["ConnectionToken"], expires_at=expires_at)

    async def say(self, connection_token: str, text: str, client_token: str) -> str:
        """SendMessage text/plain; returns the message id. Raises `TokenRefused`."""
        check_content(text)
        check_token(client_token)
        answer = await self._caller.call(
            _MESSAGE,
            lambda: self._participant.send_message(
                ContentType="text/plain",
                Content=text,
                ClientToken=client_token,
                ConnectionToken=connection_token,
            ),
        )
        status = (answer.get("MessageMetadata") or {}).get("MessageProcessingStatus")
        if status in {"FAILED", "REJECTED"}:
            raise PermanentError("message_rejected", operation="SendMessage")
        if not answer.get("Id"):
            raise TransientError("unreadable_answer")
        return answer["Id"]

    async def delivered(self, connection_token: str, message_id: str, client_token: str) -> None:
        """SendEvent message.delivered. Raises `TokenRefused`; a conflict (3+ people) is ignored."""
        check_token(client_token)
        try:
            await self._caller.call(
                _EVENT,
                lambda: self._participant.send_event(
                    ContentType=_DELIVERED,
                    Content=json.dumps({"messageId": message_id}),
                    ClientToken=client_token,
                    ConnectionToken=connection_token,
                ),
            )
        except PermanentError as refusal:
            if refusal.reason != "conflict":
                raise

    async def disconnect(self, connection_token: str) -> None:
        """DisconnectParticipant: ends the chat from the customer's side. Gone is a success.

        An expired token cannot be told from an ended chat and passes for one: where the chat must
        be gone for sure, stop the contact.
        """
        try:
            await self._caller.call(
                _DISCONNECT,
                lambda: self._participant.disconnect_participant(ConnectionToken=connection_token),
            )
        except TokenRefused:
            return

    async def attachment(self, connection_token: str, attachment_id: str, name: str) -> Attachment:
        """GetAttachment, then its bytes. Raises `TokenRefused`, `PermanentError` when too large."""
        answer = await self._caller.call(
            _ATTACHMENT,
            lambda: self._participant.get_attachment(
                AttachmentId=attachment_id,
                ConnectionToken=connection_token,
                UrlExpiryInSeconds=self._attachments.url_expiry_s,
            ),
        )
        if not answer.get("Url"):
            raise TransientError("unreadable_answer")
        if answer.get("AttachmentSizeInBytes", 0) > self._attachments.max_bytes:
            raise PermanentError("attachment_too_large", operation="GetAttachment")
        content_type, content = await self._caller.call(
            _DOWNLOAD, lambda: self._download(answer["Url"])
        )
        return Attachment(name, content_type, len(content), content)

    async def _download(self, url: str) -> tuple[str, bytes]:
        """The bytes behind a presigned URL, which is itself a secret."""
        async with self._http.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise TransientError("attachment_not_served")
            content = bytearray()
            async for chunk in response.content.iter_chunked(65_536):
                content += chunk
                if len(content) > self._attachments.max_bytes:
                    raise PermanentError("attachment_too_large", operation="GetAttachment")
            return response.content_type, bytes(content)


def _read_time(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
