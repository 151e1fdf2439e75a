"""DescribeContact: a contact of a chat as the service shows it."""

from __future__ import annotations

from typing import Any

from simulator.contact_centre.chat import Chat
from simulator.contact_centre.contacts import Contact


def describe(chat: Chat, contact: Contact) -> dict[str, Any]:
    """The `Contact` shape, without what does not apply."""
    found: dict[str, Any] = {
        "Arn": f"{chat.instance.arn}/contact/{contact.id}",
        "Id": contact.id,
        "InitialContactId": chat.id,
        "PreviousContactId": contact.previous_id,
        "InitiationMethod": contact.initiation_method,
        "Channel": "CHAT",
        "InitiationTimestamp": contact.initiated_at,
        "ConnectedToSystemTimestamp": contact.connected_at,
        "DisconnectTimestamp": contact.disconnected_at,
        "DisconnectReason": contact.disconnect_reason,
        "LastUpdateTimestamp": contact.updated_at,
        "RelatedContactId": contact.related_id,
        "CustomerId": chat.opening.customer_id,
        "Attributes": dict(chat.attributes),
        "SegmentAttributes": {
            "connect:Subtype": {"ValueString": "connect:Chat"},
            **chat.opening.segment_attributes,
        },
        "QueueInfo": _queue(contact),
        "AgentInfo": _agent(contact),
        "NextContacts": [_next(chat, contact_id) for contact_id in contact.next_ids] or None,
    }
    return {name: value for name, value in found.items() if value is not None}


def _queue(contact: Contact) -> dict[str, Any] | None:
    if contact.queue_id is None:
        return None
    return {"Id": contact.queue_id, "EnqueueTimestamp": contact.enqueued_at}


def _agent(contact: Contact) -> dict[str, Any] | None:
    if contact.agent is None:
        return None
    return {"Id": contact.agent.id, "ConnectedToAgentTimestamp": contact.agent.joined_at}


def _next(chat: Chat, contact_id: str) -> dict[str, Any]:
    following = chat.find_contact(contact_id)
    data: dict[str, Any] = {"ContactId": contact_id}
    if following is not None:
        data["InitiationTimestamp"] = following.initiated_at
    # UNVERIFIED: QUICK_CONNECT is the model's only type; what a disconnect flow's contact is
    # listed as needs a look at a real instance.
    return {"Type": "QUICK_CONNECT", "NextContactMetadata": {"QuickConnectContactData": data}}
