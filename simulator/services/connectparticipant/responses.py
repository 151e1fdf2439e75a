"""The operations of the participant service, one method each."""

from __future__ import annotations

import secrets
from typing import Any

from simulator.contact_centre.attachments import AttachmentState
from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Draft
from simulator.contact_centre.content import MESSAGE_READ, RECEIPTS, TYPING, ItemType, Role
from simulator.contact_centre.files import download_url, upload_url
from simulator.contact_centre.filing import file_attachment
from simulator.contact_centre.items import ChatItem
from simulator.contact_centre.tokens import Token
from simulator.contact_centre.transcript import BadPageRequestError, PageRequest, read_page
from simulator.ledger import iso
from simulator.services import operation
from simulator.services.connectparticipant import errors
from simulator.services.connectparticipant.models import (
    check_message,
    new_attachment,
    receipt_message_id,
    require_connection,
    require_participant,
)
from simulator.wire import Call

_MODEL = "botocore service model and its text"
_CHATJS = "amazon-connect-chatjs 5.0.0, run against this"
_LINK_LIFE_S = 60


class ParticipantResponses:
    """connectparticipant over one contact centre."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre

    @operation(
        true_to=(
            "token in a header, Authorization ignored; WEBSOCKET, CONNECTION_CREDENTIALS, "
            "ConnectParticipant for a customer only while the chat streams; one-day tokens, "
            "earlier ones stay good; a socket URL to open within 100 s"
        ),
        source=f"{_MODEL}; {_CHATJS}",
        not_yet=(
            "no WEBRTC_CONNECTION; the error for ConnectParticipant without streaming and whether "
            "a socket URL can be opened twice are unverified"
        ),
    )
    async def create_participant_connection(self, call: Call) -> dict[str, Any]:
        """CreateParticipantConnection."""
        centre, types = self._centre, call.params.get("Type", ())
        token = require_participant(centre, call.params)
        chat, participant = token.chat, token.participant
        wants_connected = call.params.get("ConnectParticipant", False)
        if "WEBRTC_CONNECTION" in types or not (types or wants_connected):
            raise errors.validation("The connection type is not supported for this contact")
        is_customer = participant.role is Role.CUSTOMER
        if wants_connected and is_customer and not chat.streams:
            raise errors.validation("ConnectParticipant needs message streaming to be started")
        answer: dict[str, Any] = {}
        if "WEBSOCKET" in types:
            url, renew_at = centre.websocket(chat, participant)
            answer["Websocket"] = {"Url": url, "ConnectionExpiry": iso(renew_at)}
        if "CONNECTION_CREDENTIALS" in types:
            issued = centre.connection_token(chat, participant)
            expiry = iso(issued.expires_at) if issued.expires_at else ""
            answer["ConnectionCredentials"] = {"ConnectionToken": issued.value, "Expiry": expiry}
        if participant.role is Role.CUSTOM_BOT:
            centre.lifecycle.join_bot(chat, participant)
        elif wants_connected:
            centre.lifecycle.connect_customer(chat)
        return answer

    @operation(
        true_to=(
            "content types the chat supports, 16,384 bytes, JSON where it is said to be; "
            "ClientToken per participant, across reconnects; 403 for expired and ended alike"
        ),
        source=f"{_MODEL}; {_CHATJS}",
        not_yet=(
            "some SDK releases' text says 1,024 characters for text: by knob; no message "
            "processor; messages before the customer is connected are taken (unverified)"
        ),
    )
    async def send_message(self, call: Call) -> dict[str, Any]:
        """SendMessage."""
        token = require_connection(self._centre, call.params)
        check_message(self._centre, token.chat, call.params)
        scope = ("SendMessage", token.participant.id, call.params.get("ClientToken", ""))
        item = self._recall(scope)
        if item is None:
            draft = Draft(
                ItemType.MESSAGE,
                call.params["ContentType"],
                call.params["Content"],
                token.participant.author,
            )
            item = self._centre.delivery.post(token.chat, draft)
            self._remember(scope, item)
            if token.participant.role is Role.CUSTOMER:
                self._centre.lifecycle.customer_spoke(token.chat)
        return _posted(item)

    @operation(
        true_to=(
            "typing and receipts; extra members in a receipt; conflict with more than two "
            "participants; ClientToken per type and content, as chat clients repeat constant ones"
        ),
        source=f"{_MODEL}; {_CHATJS}",
        not_yet=(
            "connection.acknowledged is refused, being retired; an unknown message id is refused "
            "(unverified); receipts are streamed to SNS by knob (unverified)"
        ),
    )
    async def send_event(self, call: Call) -> dict[str, Any]:
        """SendEvent."""
        token = require_connection(self._centre, call.params)
        content_type, content = call.params["ContentType"], call.params.get("Content")
        if content_type != TYPING and content_type not in RECEIPTS:
            raise errors.validation("The content type is not supported")
        draft = self._event(token, content_type, content)
        client_token = call.params.get("ClientToken", "")
        spot = (token.participant.id, content_type, content or "", client_token)
        scope = ("SendEvent", *spot)
        item = self._recall(scope)
        if item is None:
            item = self._centre.delivery.post(token.chat, draft)
            self._remember(scope, item)
        return _posted(item)

    @operation(
        true_to=(
            "ScanDirection, SortOrder, StartPosition (an empty one counts as none), page tokens "
            "that die with the connection, an earlier session's items, kept events only"
        ),
        source=f"{_MODEL}; {_CHATJS}",
        not_yet="the last page's empty NextToken is as seen in clients' reports",
    )
    async def get_transcript(self, call: Call) -> dict[str, Any]:
        """GetTranscript."""
        token, params = require_connection(self._centre, call.params), call.params
        chat = token.chat
        contact_id = params.get("ContactId", chat.id)
        items = chat.transcript() if chat.find_contact(contact_id) else []
        request = PageRequest(
            bearer=token.value,
            max_results=params.get("MaxResults", 10),
            direction=params.get("ScanDirection"),
            is_ascending=params.get("SortOrder") == "ASCENDING",
            position=params.get("StartPosition"),
            next_token=params.get("NextToken"),
        )
        try:
            page = read_page(items, request)
        except BadPageRequestError as exc:
            raise errors.validation(str(exc)) from exc
        wire = [item.as_wire(is_past=chat.is_past(item)) for item in page.items]
        for entry in wire:
            # Over the socket and SNS only; the Item of this operation has no such member.
            del entry["InitialContactId"]
        return {"InitialContactId": chat.id, "Transcript": wire, "NextToken": page.next_token}

    @operation(
        true_to="ends the chat for a customer, a bot only leaves; 403 when it has ended",
        source=_MODEL,
        not_yet="DisconnectOnCustomerExit: no flow runs after the customer has gone",
    )
    async def disconnect_participant(self, call: Call) -> dict[str, Any]:
        """DisconnectParticipant."""
        token = require_connection(self._centre, call.params)
        if token.participant.role is Role.CUSTOMER:
            self._centre.lifecycle.end(token.chat, "CUSTOMER_DISCONNECT", token.participant)
        else:
            self._centre.lifecycle.remove(token.chat, token.participant)
        return {}

    @operation(
        true_to="a real URL to PUT to with the headers given, size and count limits, ClientToken",
        source=_MODEL,
        not_yet="the list of file types and the URL's life are unverified",
    )
    async def start_attachment_upload(self, call: Call) -> dict[str, Any]:
        """StartAttachmentUpload."""
        centre, params = self._centre, call.params
        token = require_connection(centre, params)
        scope = ("StartAttachmentUpload", token.participant.id, params["ClientToken"])
        attachment = self._recall(scope)
        if attachment is None:
            signature = secrets.token_urlsafe(32)
            attachment = new_attachment(centre, token.chat, token.participant, params, signature)
            centre.shelf.announce(attachment)
            self._remember(scope, attachment)
        return {
            "AttachmentId": attachment.id,
            "UploadMetadata": {
                "Url": upload_url(centre, attachment),
                "UrlExpiry": iso(attachment.upload_until),
                "HeadersToInclude": attachment.upload_headers,
            },
        }

    @operation(
        true_to="refused before the PUT, conflict the second time, ClientToken, a scanner by knob",
        source=_MODEL,
        not_yet="which error a missing PUT gets is unverified",
    )
    async def complete_attachment_upload(self, call: Call) -> dict[str, Any]:
        """CompleteAttachmentUpload."""
        token = require_connection(self._centre, call.params)
        attachment = self._centre.shelf.find(call.params["AttachmentIds"][0])
        if attachment is None or attachment.owner is not token.participant:
            raise errors.validation("No such attachment was started by this participant")
        if attachment.confirmed_by == call.params["ClientToken"]:
            return {}
        if attachment.confirmed_by is not None:
            raise errors.conflict("The attachment has been completed already")
        if attachment.state is not AttachmentState.UPLOADED:
            raise errors.validation("The attachment has not been uploaded")
        attachment.confirmed_by = call.params["ClientToken"]
        file_attachment(self._centre, attachment)
        return {}

    @operation(
        true_to="a URL that serves the bytes and expires; none for CUSTOM_BOT nor before approval",
        source=_MODEL,
        not_yet="the default life of the URL is unverified",
    )
    async def get_attachment(self, call: Call) -> dict[str, Any]:
        """GetAttachment."""
        centre, params = self._centre, call.params
        token = require_connection(centre, params)
        if token.participant.role is Role.CUSTOM_BOT:
            raise errors.access_denied()
        attachment = centre.shelf.find(params["AttachmentId"])
        if attachment is None or attachment.chat is not token.chat:
            raise errors.validation("The chat has no such attachment")
        if attachment.state is not AttachmentState.APPROVED:
            raise errors.validation("The attachment is not approved")
        life_s = params.get("UrlExpiryInSeconds", _LINK_LIFE_S)
        secret, expires_at = centre.shelf.link(attachment, centre.now(), life_s)
        shown = params.get("UrlContentDisposition", "ATTACHMENT")
        return {
            "Url": download_url(centre, attachment, secret, shown),
            "UrlExpiry": iso(expires_at),
            "AttachmentSizeInBytes": attachment.size_bytes,
        }

    def _event(self, token: Token, content_type: str, content: str | None) -> Draft:
        if content_type == TYPING:
            return Draft(ItemType.EVENT, TYPING, author=token.participant.author)
        message_id = receipt_message_id(token.chat, content)
        return token.chat.receive(
            message_id,
            token.participant,
            self._centre.now(),
            read=content_type == MESSAGE_READ,
        )

    def _recall(self, scope: tuple[str, ...]) -> Any | None:
        if not scope[-1]:
            return None
        life_s = self._centre.knobs.client_token_life_s
        return self._centre.client_tokens.recall(scope, self._centre.now(), life_s)

    def _remember(self, scope: tuple[str, ...], result: Any) -> None:
        if scope[-1]:
            self._centre.client_tokens.remember(scope, self._centre.now(), result)


def _posted(item: ChatItem) -> dict[str, Any]:
    return {"Id": item.id, "AbsoluteTime": iso(item.at)}
