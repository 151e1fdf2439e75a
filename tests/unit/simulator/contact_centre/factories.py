"""Chats made by hand, for tests of what needs no network."""

from __future__ import annotations

from datetime import UTC, datetime

from simulator.contact_centre.chat import Chat, Draft, Opening, PastSession
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.content import TEXT_PLAIN, ItemType, Visibility
from simulator.contact_centre.instance import Instance, build_instance
from simulator.contact_centre.items import ChatItem
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, InstanceSeed

NOW = datetime(2026, 11, 20, 12, 0, 0, 123_456, tzinfo=UTC)


def an_instance() -> Instance:
    return build_instance(InstanceSeed(), "arn:aws:connect:us-east-1:000000000000:instance/i")


def a_chat(contact_id: str = "contact-1", past: PastSession | None = None) -> Chat:
    instance = an_instance()
    flow = instance.flow(DEFAULT_FLOW_ID)
    assert flow is not None
    opening = Opening(flow=flow, display_name="Ann", attributes={}, past=past)
    first = Contact(contact_id, contact_id, "API", NOW)
    chat = Chat(instance, first, opening, f"{contact_id}-customer")
    chat.customer.has_joined = True
    return chat


def say(
    chat: Chat, item_id: str, content: str = "hi", visibility: Visibility = Visibility.ALL
) -> ChatItem:
    author = chat.customer.author
    draft = Draft(ItemType.MESSAGE, TEXT_PLAIN, content, author, visibility=visibility)
    return chat.add(draft, item_id, NOW)
