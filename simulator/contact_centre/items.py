"""One item of a chat: a message, an event, an attachment or a receipt."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.contact_centre.content import KEPT_EVENTS, ItemType, Role, Visibility
from simulator.ledger import iso


@dataclass(frozen=True, slots=True)
class Author:
    """Who an item is from; some events (chat.ended) are from nobody."""

    participant_id: str
    role: Role
    display_name: str


@dataclass(frozen=True, slots=True)
class AttachmentRef:
    """A file as an item names it."""

    attachment_id: str
    name: str
    content_type: str
    status: str

    def as_wire(self) -> dict[str, Any]:
        """The `AttachmentItem` shape."""
        return {
            "AttachmentId": self.attachment_id,
            "AttachmentName": self.name,
            "ContentType": self.content_type,
            "Status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Receipt:
    """That one participant got, or read, one message."""

    message_id: str
    recipient_id: str
    delivered_at: datetime | None = None
    read_at: datetime | None = None

    def as_wire(self) -> dict[str, Any]:
        """The `MessageMetadata` shape."""
        times = {"DeliveredTimestamp": self.delivered_at, "ReadTimestamp": self.read_at}
        receipt = {key: iso(at) for key, at in times.items() if at is not None}
        return {
            "MessageId": self.message_id,
            "Receipts": [receipt | {"RecipientParticipantId": self.recipient_id}],
        }


@dataclass(frozen=True, slots=True)
class ChatItem:
    """What sockets, topics and transcripts carry. `at` is strictly later than the item before."""

    id: str
    at: datetime
    type: ItemType
    contact_id: str
    initial_contact_id: str
    content_type: str | None = None
    content: str | None = None
    author: Author | None = None
    visibility: Visibility = Visibility.ALL
    attachments: tuple[AttachmentRef, ...] = field(default=())
    receipt: Receipt | None = None

    @property
    def is_kept(self) -> bool:
        """Whether transcripts show it."""
        return self.type is not ItemType.EVENT or self.content_type in KEPT_EVENTS

    def as_wire(self, *, is_past: bool = False) -> dict[str, Any]:
        """The `Item` shape plus InitialContactId, absent keys left out.

        `is_past` is for items of an earlier session that this chat goes on from: they carry
        RelatedContactId instead of ContactId (GetTranscript, "Item").
        """
        wire: dict[str, Any] = {
            "AbsoluteTime": iso(self.at),
            "Content": self.content,
            "ContentType": self.content_type,
            "Id": self.id,
            "Type": self.type.value,
        }
        if self.author is not None:
            wire["ParticipantId"] = self.author.participant_id
            wire["DisplayName"] = self.author.display_name
            wire["ParticipantRole"] = self.author.role.value
        if self.attachments:
            wire["Attachments"] = [attachment.as_wire() for attachment in self.attachments]
        if self.receipt is not None:
            wire["MessageMetadata"] = self.receipt.as_wire()
        wire["InitialContactId"] = self.initial_contact_id
        wire["RelatedContactId" if is_past else "ContactId"] = self.contact_id
        return {key: value for key, value in wire.items() if value is not None}
