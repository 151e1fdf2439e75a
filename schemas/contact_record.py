"""Connect's record of a contact that is over, and a contact flow's call of a Lambda function."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field, JsonValue

from schemas.connect import ConnectCampaign, Endpoint, SegmentAttributes
from schemas.event_class import EventClass
from schemas.shape import EventShape, Id, Shape, StringMap, UpperWord
from schemas.timestamps import MaybeTime, to_ms


class RecordedAgent(Shape):
    """The agent of a contact that is over."""

    arn: str | None = None
    username: str | None = None
    connected_to_agent_timestamp: MaybeTime = None
    agent_interaction_duration: int | None = None
    after_contact_work_duration: int | None = None


class RecordedQueue(Shape):
    """The routing queue of a contact that is over."""

    arn: str | None = None
    name: str | None = None
    enqueue_timestamp: MaybeTime = None
    dequeue_timestamp: MaybeTime = None
    duration: int | None = None


class ContactRecord(EventShape):
    """One contact after its end, and again whenever it changes: the newest update counts.

    Unlike contact events it has the customer's number and the attributes.
    """

    event_class: ClassVar[EventClass] = EventClass.CONNECT_CONTACT_RECORD
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "pascal"

    contact_id: Id
    initial_contact_id: str | None = None
    previous_contact_id: str | None = None
    next_contact_id: str | None = None
    instance_arn: str | None = None
    channel: UpperWord | None = None
    initiation_method: UpperWord | None = None
    disconnect_reason: UpperWord | None = None
    answering_machine_detection_status: UpperWord | None = None
    customer_endpoint: Endpoint | None = None
    system_endpoint: Endpoint | None = None
    agent: RecordedAgent | None = None
    queue: RecordedQueue | None = None
    campaign: ConnectCampaign | None = None
    attributes: StringMap = Field(default_factory=dict)
    segment_attributes: SegmentAttributes = Field(default_factory=dict)
    tags: StringMap = Field(default_factory=dict)
    initiation_timestamp: MaybeTime = None
    connected_to_system_timestamp: MaybeTime = None
    disconnect_timestamp: MaybeTime = None
    last_update_timestamp: MaybeTime = None
    aws_contact_trace_record_format_version: str | None = None

    @property
    def own_type(self) -> str:
        """The name that the record's own format version gives it."""
        return "ContactTraceRecord"

    @property
    def own_id(self) -> str | None:
        """The contact and this version of its record."""
        at = "" if self.own_time is None else to_ms(self.own_time)
        return f"{self.contact_id}/{at}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The contact."""
        return (self.contact_id,)

    @property
    def own_time(self) -> datetime | None:
        """When this version was made."""
        return self.last_update_timestamp or self.disconnect_timestamp or self.initiation_timestamp


class FlowQueue(Shape):
    """The routing queue that the flow has set."""

    arn: str | None = None
    name: str | None = None


class ContactData(Shape):
    """The contact that is in the flow. A chat that an API started has no customer endpoint."""

    contact_id: Id
    initial_contact_id: str | None = None
    previous_contact_id: str | None = None
    channel: UpperWord | None = None
    instance_arn: str | None = None
    initiation_method: UpperWord | None = None
    customer_endpoint: Endpoint | None = None
    system_endpoint: Endpoint | None = None
    customer_id: str | None = None
    language_code: str | None = None
    queue: FlowQueue | None = None
    attributes: StringMap = Field(default_factory=dict)
    segment_attributes: SegmentAttributes = Field(default_factory=dict)


class FlowDetails(Shape):
    """Who is in the flow, and what the block passes on."""

    contact_data: ContactData
    parameters: dict[str, JsonValue] = Field(default_factory=dict)


class ContactFlowRequest(EventShape):
    """A contact flow asks a function, and waits 8 s at most. It has no time of its own."""

    event_class: ClassVar[EventClass] = EventClass.CONTACT_FLOW_REQUEST
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "pascal"

    name: str = "ContactFlowEvent"
    details: FlowDetails

    @property
    def own_type(self) -> str:
        """ContactFlowEvent."""
        return self.name

    @property
    def own_id(self) -> str | None:
        """The contact and what was passed: a retry of the flow's is the same call again."""
        passed = json.dumps(self.details.parameters, sort_keys=True).encode()
        digest = hashlib.sha256(passed).hexdigest()[:16]
        return f"{self.details.contact_data.contact_id}/{digest}"

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The contact."""
        return (self.details.contact_data.contact_id,)
