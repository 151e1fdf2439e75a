"""Connect: contact events from EventBridge, and what it streams of a chat to SNS."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field

from schemas.event_class import EventClass
from schemas.shape import EventShape, Id, Shape, StringMap, Texts, UpperWord, fold_keys
from schemas.timestamps import MaybeTime, Time, to_ms


def _segment_values(value: Any) -> Any:
    """Take the value out of `{"valueString": ...}`; other kinds of value stay as they are."""
    if not isinstance(value, dict):
        return value
    return {k: _segment_value(v) for k, v in value.items()}


def _segment_value(value: Any) -> Any:
    return fold_keys(value).get("valuestring", value) if isinstance(value, dict) else value


SegmentAttributes = Annotated[StringMap, BeforeValidator(_segment_values)]
"""Names such as `connect:Subtype`, with their plain values."""


class QueueInfo(Shape):
    """The routing queue that a contact waits in or waited in."""

    queue_arn: str | None = None
    queue_type: UpperWord | None = None
    enqueue_timestamp: MaybeTime = None


class AgentInfo(Shape):
    """The agent, and when what happened between agent and contact."""

    agent_arn: str | None = None
    connected_to_agent_timestamp: MaybeTime = None
    accepted_by_agent_timestamp: MaybeTime = None
    after_contact_work_start_timestamp: MaybeTime = None
    after_contact_work_end_timestamp: MaybeTime = None
    after_contact_work_duration: int | None = None


class CustomerVoiceActivity(Shape):
    """When the called person's greeting was heard."""

    greeting_start_timestamp: MaybeTime = None
    greeting_end_timestamp: MaybeTime = None


class ConnectCampaign(Shape):
    """The outbound campaign of a call."""

    campaign_id: str | None = None


class Endpoint(Shape):
    """A number or address on one side of a contact."""

    type: UpperWord | None = None
    address: str | None = None


class ContactEvent(EventShape):
    """A step in a contact's life. It has no customer number and no contact attributes.

    Best effort, unordered, for every contact of the instance. New event types are to be ignored,
    so any word is taken (Connect administrator guide, "Contact events").
    """

    event_class: ClassVar[EventClass] = EventClass.CONNECT_CONTACT_EVENT

    event_type: UpperWord
    contact_id: Id
    initial_contact_id: str | None = None
    previous_contact_id: str | None = None
    related_contact_id: str | None = None
    channel: UpperWord | None = None
    instance_arn: str | None = None
    initiation_method: UpperWord | None = None
    disconnect_reason: UpperWord | None = None
    answering_machine_detection_status: UpperWord | None = None
    initiation_timestamp: MaybeTime = None
    connected_to_system_timestamp: MaybeTime = None
    disconnect_timestamp: MaybeTime = None
    scheduled_timestamp: MaybeTime = None
    queue_info: QueueInfo | None = None
    agent_info: AgentInfo | None = None
    customer_voice_activity: CustomerVoiceActivity | None = None
    campaign: ConnectCampaign | None = None
    customer_id: str | None = None
    system_endpoint: Endpoint | None = None
    segment_attributes: SegmentAttributes = Field(default_factory=dict)
    tags: StringMap = Field(default_factory=dict)
    updated_properties: Texts = ()

    @property
    def subtype(self) -> str | None:
        """`connect:SMS` for native SMS, `connect:Chat` for a chat like ours."""
        return self.segment_attributes.get("connect:Subtype")

    @property
    def own_type(self) -> str:
        """INITIATED, DISCONNECTED, ..."""
        return self.event_type

    @property
    def own_id(self) -> str | None:
        """Contact, type and time. EventBridge's id is better, where there is one."""
        at = "" if self.own_time is None else to_ms(self.own_time)
        return f"{self.contact_id}/{self.event_type}/{at}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The contact."""
        return (self.contact_id,)

    @property
    def own_time(self) -> datetime | None:
        """The step's own timestamp. EventBridge's time goes before it: not every step has one."""
        match self.event_type:
            case "INITIATED":
                return self.initiation_timestamp
            case "CONNECTED_TO_SYSTEM":
                return self.connected_to_system_timestamp
            case "QUEUED":
                return self.queue_info.enqueue_timestamp if self.queue_info else None
            case "CONNECTED_TO_AGENT":
                return self.agent_info.connected_to_agent_timestamp if self.agent_info else None
            case "DISCONNECTED" | "COMPLETED":
                return self.disconnect_timestamp
            case _:
                return None


class Attachment(Shape):
    """A file in a chat. Only an APPROVED one can be fetched."""

    attachment_id: Id
    attachment_name: str | None = None
    content_type: str | None = None
    status: UpperWord | None = None


class MessageReceipt(Shape):
    """When one participant got and read a message."""

    delivered_timestamp: MaybeTime = None
    read_timestamp: MaybeTime = None
    recipient_participant_id: str | None = None


class MessageMetadata(Shape):
    """Receipts of a message, or which piece of a streamed answer this is."""

    message_id: str | None = None
    receipts: tuple[MessageReceipt, ...] = ()
    message_completed: bool | None = None
    chunk_number: int | None = None


class ChatMessage(EventShape):
    """One item of a chat: words, a file, or that somebody came, typed or left.

    `visibility` says who may see it. Connect sends it as a message attribute, never in the body,
    so whatever a body has under that name is not it; None means that it was lost on the way.
    """

    event_class: ClassVar[EventClass] = EventClass.CONNECT_CHAT_MESSAGE
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "pascal"

    id: Id
    type: UpperWord
    absolute_time: Time
    initial_contact_id: Id
    contact_id: str | None = None
    related_contact_id: str | None = None
    content: str | None = None
    content_type: str | None = None
    participant_id: str | None = None
    participant_role: UpperWord | None = None
    display_name: str | None = None
    attachments: tuple[Attachment, ...] = ()
    message_metadata: MessageMetadata | None = None
    visibility: UpperWord | None = None

    @property
    def own_type(self) -> str:
        """MESSAGE, EVENT, ATTACHMENT, MESSAGEMETADATA."""
        return self.type

    @property
    def own_id(self) -> str | None:
        """Connect's id of the item."""
        return self.id

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The first contact of the chain: the one id that a transfer does not change."""
        return (self.initial_contact_id,)

    @property
    def own_time(self) -> datetime | None:
        """When it was said."""
        return self.absolute_time
