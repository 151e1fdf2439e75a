"""The rules of Amazon Connect's operations that its service model does not hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Chat, Opening, PastSession
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.content import SUPPORTABLE, TEXT_PLAIN
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.voice.call import VoiceCall
from simulator.services.connect import errors

ATTRIBUTES_MAX_BYTES = 32_768
_KEY = re.compile(r"[A-Za-z0-9_-]+")


def require_instance(centre: ContactCentre, params: Mapping[str, Any]) -> Instance:
    """The instance that a request names.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    instance = centre.instance(params["InstanceId"])
    if instance is None:
        raise errors.not_found("Instance not found")
    return instance


def require_contact(
    centre: ContactCentre, params: Mapping[str, Any], member: str = "ContactId"
) -> tuple[Chat, Contact]:
    """The chat and contact that a request names, of its instance.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    instance = require_instance(centre, params)
    found = centre.find(params[member])
    if found is None or found[0].instance.id != instance.id:
        raise errors.not_found("Contact not found")
    return found


def require_any(
    centre: ContactCentre, params: Mapping[str, Any], member: str = "ContactId"
) -> tuple[Chat | VoiceCall, Contact]:
    """The chat or call, and the contact, that a request names, of its instance.

    Raises:
        AwsError: ResourceNotFoundException.
    """
    call = centre.dialer.find(params[member])
    if call is None:
        return require_contact(centre, params, member)
    if call.instance.id != require_instance(centre, params).id:
        raise errors.not_found("Contact not found")
    return call, call.contact


def check_attributes(attributes: Mapping[str, str]) -> None:
    """Refuse what contact attributes cannot hold: 32,768 UTF-8 bytes in all, plain keys.

    Raises:
        AwsError: InvalidParameterException or InvalidRequestException.
    """
    if any(_KEY.fullmatch(key) is None for key in attributes):
        raise errors.invalid_parameter(
            "Attribute keys can include only alphanumeric, dash, and underscore characters"
        )
    pairs = [*attributes.keys(), *attributes.values()]
    if sum(utf8_bytes(text) for text in pairs) > ATTRIBUTES_MAX_BYTES:
        raise errors.invalid_request(
            f"Attributes exceed {ATTRIBUTES_MAX_BYTES} UTF-8 bytes across all key-value pairs"
        )


def utf8_bytes(text: str) -> int:
    """Size as sent; a lone surrogate counts as the three bytes it would take."""
    return len(text.encode("utf-8", "surrogatepass"))


def read_opening(centre: ContactCentre, instance: Instance, params: Mapping[str, Any]) -> Opening:
    """What StartChatContact asks for, checked.

    Raises:
        AwsError: as StartChatContact refuses it.
    """
    flow = instance.flow(params["ContactFlowId"])
    if flow is None:
        raise errors.not_found("Contact flow not found")
    check_attributes(params.get("Attributes", {}))
    return Opening(
        flow=flow,
        display_name=params["ParticipantDetails"]["DisplayName"],
        attributes=dict(params.get("Attributes", {})),
        duration_min=params.get("ChatDurationInMinutes", 1_500),
        supported_types=_supported_types(params),
        customer_id=params.get("CustomerId"),
        related_contact_id=params.get("RelatedContactId"),
        segment_attributes=params.get("SegmentAttributes", {}),
        past=_past_session(centre, instance, params),
    )


def _supported_types(params: Mapping[str, Any]) -> frozenset[str]:
    listed = frozenset(params.get("SupportedMessagingContentTypes", (TEXT_PLAIN,)))
    if TEXT_PLAIN not in listed:
        raise errors.invalid_request("SupportedMessagingContentTypes must contain text/plain")
    if listed - SUPPORTABLE:
        raise errors.invalid_request("SupportedMessagingContentTypes holds an unsupported type")
    initial = params.get("InitialMessage")
    if initial is not None and initial["ContentType"] not in listed:
        raise errors.invalid_request("The content type of InitialMessage is not supported")
    return listed


def _past_session(
    centre: ContactCentre, instance: Instance, params: Mapping[str, Any]
) -> PastSession | None:
    wanted = params.get("PersistentChat")
    if wanted is None:
        return None
    if "RelatedContactId" in params:
        raise errors.invalid_request("RelatedContactId and PersistentChat exclude each other")
    if not {"RehydrationType", "SourceContactId"} <= wanted.keys():
        raise errors.invalid_request("PersistentChat needs RehydrationType and SourceContactId")
    found = centre.find(wanted["SourceContactId"])
    if found is None or found[0].instance.id != instance.id:
        raise errors.not_found("The source contact does not exist")
    chat, segment = found
    if wanted["RehydrationType"] == "ENTIRE_PAST_SESSION":
        if segment.id != chat.id:
            raise errors.invalid_request("SourceContactId is not an initial contact id")
        segment = chat.contact
    _require_transcript(centre, chat)
    return PastSession(segment.id, _items_up_to(chat, segment), dict(chat.attributes))


def _require_transcript(centre: ContactCentre, chat: Chat) -> None:
    """The earlier session must have ended, and long enough ago for its transcript to exist."""
    if chat.ended_at is None:
        raise errors.invalid_request("The source session has not ended")
    wait = timedelta(seconds=centre.knobs.past_transcript_after_s)
    if centre.now() < chat.ended_at + wait:
        raise errors.invalid_request("The transcript of the source contact is not available yet")


def _items_up_to(chat: Chat, segment: Contact) -> tuple[Any, ...]:
    """The transcript of a session up to and with one segment; its own past comes along."""
    later = {contact.id for contact in chat.contacts[chat.contacts.index(segment) + 1 :]}
    return tuple(item for item in chat.transcript() if item.contact_id not in later)
