"""One chat: its chain of contacts, who takes part, what was said.

Knows no network, and no time but what it is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.content import (
    CHAT_ENDED,
    MESSAGE_METADATA,
    TEXT_PLAIN,
    ItemType,
    Role,
    Visibility,
)
from simulator.contact_centre.flow import Flow
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.items import AttachmentRef, Author, ChatItem, Receipt

MAX_STREAMS = 2
_TICK = timedelta(milliseconds=1)


class ChatState(StrEnum):
    """Where a chat stands."""

    STARTED = "started"
    FLOW = "flow"
    QUEUED = "queued"
    WITH_AGENT = "with_agent"
    ENDED = "ended"


@dataclass(slots=True, eq=False)
class Participant:
    """Someone in a chat. `agent_id` is set for agents only."""

    id: str
    role: Role
    display_name: str
    agent_id: str | None = None
    has_joined: bool = False
    has_left: bool = False

    @property
    def is_present(self) -> bool:
        """Whether they are in the chat now."""
        return self.has_joined and not self.has_left

    @property
    def author(self) -> Author:
        """How their items name them."""
        return Author(self.id, self.role, self.display_name)


@dataclass(frozen=True, slots=True)
class PastSession:
    """What a persistent chat goes on from: the segment used, and the transcript up to it."""

    contact_id: str
    items: tuple[ChatItem, ...]
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True)
class Opening:
    """What StartChatContact asked for, checked."""

    flow: Flow
    display_name: str
    attributes: dict[str, str]
    duration_min: int = 1_500
    supported_types: frozenset[str] = frozenset({TEXT_PLAIN})
    customer_id: str | None = None
    related_contact_id: str | None = None
    segment_attributes: dict[str, Any] = field(default_factory=dict)
    past: PastSession | None = None


@dataclass(frozen=True, slots=True)
class Draft:
    """An item before it has an id, a time and a contact."""

    type: ItemType
    content_type: str | None = None
    content: str | None = None
    author: Author | None = None
    visibility: Visibility = Visibility.ALL
    attachments: tuple[AttachmentRef, ...] = ()
    receipt: Receipt | None = None


class Chat:
    """A conversation from StartChatContact to chat.ended, whatever the number of its contacts."""

    def __init__(
        self, instance: Instance, first: Contact, opening: Opening, customer_participant_id: str
    ) -> None:
        self.instance = instance
        self.opening = opening
        self.contacts = [first]
        self.customer = Participant(
            customer_participant_id, Role.CUSTOMER, opening.display_name, has_joined=False
        )
        self.participants = {self.customer.id: self.customer}
        self.attributes = (opening.past.attributes if opening.past else {}) | opening.attributes
        self.streams: dict[str, str] = {}
        self.items: list[ChatItem] = []
        self.hooks: dict[str, str] = {}
        self.queue_id = instance.queues[0].id
        self.state = ChatState.STARTED
        self.receipts: dict[tuple[str, str], Receipt] = {}

    @property
    def id(self) -> str:
        """The initial contact id: the chat's name for its whole life."""
        return self.contacts[0].id

    @property
    def contact(self) -> Contact:
        """The contact that is current."""
        return self.contacts[-1]

    @property
    def is_ended(self) -> bool:
        """Whether nobody can say anything any more."""
        return self.state is ChatState.ENDED

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""
        return self.contact.disconnected_at if self.is_ended else None

    def find_contact(self, contact_id: str) -> Contact | None:
        """The contact of that id in this chain."""
        return next((c for c in self.contacts if c.id == contact_id), None)

    def present(self, *roles: Role) -> list[Participant]:
        """Who is in the chat, of these roles or of all, oldest first."""
        return [p for p in self.participants.values() if p.is_present and (p.role in roles)]

    def add(self, draft: Draft, item_id: str, now: datetime) -> ChatItem:
        """Append an item. Its time is `now` in milliseconds, or just after the item before."""
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        if self.items and at <= self.items[-1].at:
            at = self.items[-1].at + _TICK
        item = ChatItem(
            id=item_id,
            at=at,
            type=draft.type,
            contact_id=self.contact.id,
            initial_contact_id=self.id,
            content_type=draft.content_type,
            content=draft.content,
            author=draft.author,
            visibility=draft.visibility,
            attachments=draft.attachments,
            receipt=draft.receipt,
        )
        self.items.append(item)
        return item

    def transcript(self) -> list[ChatItem]:
        """What the customer may page through, oldest first: the earlier session, then this one.

        Of an attachment that was scanned only the last state is shown.
        """
        past = list(self.opening.past.items) if self.opening.past else []
        latest = {item.id: item for item in self.items}
        own = [
            latest[item_id]
            for item_id in dict.fromkeys(item.id for item in self.items)
            if latest[item_id].is_kept and latest[item_id].visibility.reaches_customer
        ]
        return past + own

    def is_past(self, item: ChatItem) -> bool:
        """Whether the item is of the session that this chat goes on from."""
        return item.initial_contact_id != self.id

    def knows_message(self, message_id: str) -> bool:
        """Whether a receipt can be about it."""
        past = self.opening.past.items if self.opening.past else ()
        return any(item.id == message_id for item in (*self.items, *past))

    def receive(self, message_id: str, reader: Participant, now: datetime, *, read: bool) -> Draft:
        """Note a receipt and draft the item that tells the others."""
        key = (message_id, reader.id)
        known = self.receipts.get(key, Receipt(message_id, reader.id))
        receipt = Receipt(
            message_id,
            reader.id,
            delivered_at=known.delivered_at or now,
            read_at=known.read_at or (now if read else None),
        )
        self.receipts[key] = receipt
        return Draft(ItemType.MESSAGEMETADATA, MESSAGE_METADATA, receipt=receipt)

    def close(self, now: datetime, reason: str) -> Draft:
        """End the chat and its current contact; drafts chat.ended, which is from nobody."""
        self.contact.disconnect(now, reason)
        self.state = ChatState.ENDED
        return Draft(ItemType.EVENT, CHAT_ENDED)
