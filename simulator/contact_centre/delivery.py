"""Takes what happens in a chat, or a call, to all who are to know.

Sockets, SNS topics, the event bus, the desk's feed and the ledger: each way out keeps the chat's
order.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Protocol

from simulator.contact_centre.chat import Chat, Draft
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.content import TYPING, ItemType
from simulator.contact_centre.feed import Feed
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.items import ChatItem
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.contact_centre.sockets import Sockets
from simulator.ledger import iso
from simulator.world import World

CONTACT_EVENT = "Amazon Connect Contact Event"


class Owner(Protocol):
    """Whose contact it is: a chat, or a call."""

    instance: Instance

    @property
    def id(self) -> str:
        """The initial contact id."""
        ...


class Delivery:
    """Posting to a chat, and telling the world of it."""

    def __init__(self, world: World, sockets: Sockets, feed: Feed) -> None:
        self._world = world
        self._sockets = sockets
        self._feed = feed

    def post(self, chat: Chat, draft: Draft, item_id: str | None = None) -> ChatItem:
        """Add an item to the chat and send it everywhere; returns before it has arrived."""
        item = chat.add(draft, item_id or self._world.new_id(), self._world.clock.now())
        self.send(chat, item)
        return item

    def send(self, chat: Chat, item: ChatItem) -> None:
        """Send an item that the chat has already; a test does so to say something twice."""
        self._world.ledger.fact("connect", "chat_item", **item_facts(item))
        self._feed.put("item", chat.id, item_facts(item))
        tasks = self._world.tasks
        tasks.in_lane(f"sockets {chat.id}", self._to_sockets(chat, item))
        # Only topics that stream now: what was said before is for GetTranscript.
        topics = tuple(chat.streams.values())
        if topics and self._is_streamed(item):
            tasks.in_lane(f"stream {chat.id}", self._to_topics(chat, item, topics))

    def changed(self, chat: Chat) -> None:
        """Tell the desk that a chat is in another state."""
        self._feed.put("chat", chat.id, {"state": chat.state.value})

    def contact_event(
        self, owner: Owner, contact: Contact, event_type: str, updated: tuple[str, ...] = ()
    ) -> None:
        """Put a contact event on the bus, as the contact stands now."""
        contact.updated_at = self._world.clock.now()
        instance = owner.instance
        detail = contact.event_detail(instance, event_type, updated)
        self._world.ledger.fact(
            "connect",
            "contact_event",
            event_type=event_type,
            contact_id=contact.id,
            initial_contact_id=contact.initial_id,
        )
        resources = (instance.arn, f"{instance.arn}/contact/{contact.id}")
        work = self._world.publisher.to_bus("aws.connect", CONTACT_EVENT, detail, resources)
        self._world.tasks.in_lane(f"bus {owner.id}", work)

    def _is_streamed(self, item: ChatItem) -> bool:
        if item.type is not ItemType.MESSAGEMETADATA:
            return True
        return self._world.knobs.of(ContactCentreKnobs).stream_receipts

    async def _to_sockets(self, chat: Chat, item: ChatItem) -> None:
        if not item.visibility.reaches_customer:
            return
        for participant in tuple(chat.participants.values()):
            is_own = item.author is not None and item.author.participant_id == participant.id
            if not (is_own and item.content_type == TYPING):
                await self._sockets.send(participant.id, item)

    async def _to_topics(self, chat: Chat, item: ChatItem, topics: tuple[str, ...]) -> None:
        message = json.dumps(item.as_wire(), ensure_ascii=False)
        attributes = stream_attributes(item, chat, self._world.settings.account_id)
        for topic in topics:
            await self._world.publisher.to_topic(topic, message, attributes, "chat")


def stream_attributes(item: ChatItem, chat: Chat, account_id: str) -> Mapping[str, str]:
    """The SNS message attributes of a streamed item.

    The visibility is here and nowhere else. What an item lacks is left out: SNS takes no empty
    attribute.
    """
    content_type = item.content_type
    if content_type is None and item.attachments:
        content_type = item.attachments[0].content_type
    attributes = {
        "InitialContactId": item.initial_contact_id,
        "MessageVisibility": item.visibility.value,
        "Type": item.type.value,
        "AccountId": account_id,
        "ContentType": content_type,
        "InstanceId": chat.instance.id,
        "ContactId": item.contact_id,
        "ParticipantRole": item.author.role.value if item.author else None,
    }
    return {name: value for name, value in attributes.items() if value is not None}


def item_facts(item: ChatItem) -> dict[str, Any]:
    """An item as the ledger and the desk show it, whoever may see it."""
    return {
        "id": item.id,
        "at": iso(item.at),
        "type": item.type.value,
        "content_type": item.content_type,
        "content": item.content,
        "role": item.author.role.value if item.author else None,
        "participant_id": item.author.participant_id if item.author else None,
        "display_name": item.author.display_name if item.author else None,
        "visibility": item.visibility.value,
        "contact_id": item.contact_id,
        "initial_contact_id": item.initial_contact_id,
        "attachments": [attachment.as_wire() for attachment in item.attachments],
        "receipt": item.receipt.as_wire() if item.receipt else None,
    }
