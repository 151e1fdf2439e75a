"""DescribeContact: a contact of a chat, or a call, as the service shows it."""

from __future__ import annotations

from typing import Any

from simulator.contact_centre.chat import Chat
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.voice.call import VoiceCall


def describe(owner: Chat | VoiceCall, contact: Contact) -> dict[str, Any]:
    """The `Contact` shape, without what does not apply."""
    found = _of_any(owner, contact)
    found |= _of_call(owner) if isinstance(owner, VoiceCall) else _of_chat(owner, contact)
    return {name: value for name, value in found.items() if value is not None}


def _of_any(owner: Chat | VoiceCall, contact: Contact) -> dict[str, Any]:
    return {
        "Arn": f"{owner.instance.arn}/contact/{contact.id}",
        "Id": contact.id,
        "InitiationMethod": contact.initiation_method,
        "Channel": contact.channel,
        "InitiationTimestamp": contact.initiated_at,
        "ConnectedToSystemTimestamp": contact.connected_at,
        "DisconnectTimestamp": contact.disconnected_at,
        "DisconnectReason": contact.disconnect_reason,
        "LastUpdateTimestamp": contact.updated_at,
        "RelatedContactId": contact.related_id,
        "Attributes": dict(owner.attributes),
        "SegmentAttributes": {"connect:Subtype": {"ValueString": contact.subtype}},
        "QueueInfo": _queue(contact),
        "AgentInfo": _agent(contact),
    }


def _of_chat(chat: Chat, contact: Contact) -> dict[str, Any]:
    return {
        "InitialContactId": chat.id,
        "PreviousContactId": contact.previous_id,
        "CustomerId": chat.opening.customer_id,
        "SegmentAttributes": {
            "connect:Subtype": {"ValueString": contact.subtype},
            **chat.opening.segment_attributes,
        },
        "NextContacts": [_next(chat, contact_id) for contact_id in contact.next_ids] or None,
    }


def _of_call(call: VoiceCall) -> dict[str, Any]:
    order, contact = call.order, call.contact
    return {
        "Name": order.name,
        "Description": order.description,
        "CustomerEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": order.destination},
        "SystemEndpoint": {"Type": "TELEPHONE_NUMBER", "Address": order.source},
        "AnsweringMachineDetectionStatus": contact.amd_status,
        "RingStartTimestamp": contact.rang_at,
        "Campaign": {"CampaignId": contact.campaign_id} if contact.campaign_id else None,
    }


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
