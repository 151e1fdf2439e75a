"""What a contact centre consists of at the start: the `connect` section of the world document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from simulator.contact_centre.flow import read_flow
from simulator.contact_centre.flow_texts import FlowTexts

DEFAULT_INSTANCE_ID = "11111111-1111-4111-8111-111111111111"
DEFAULT_FLOW_ID = "22222222-2222-4222-8222-222222222222"
DEFAULT_QUEUE_ID = "33333333-3333-4333-8333-333333333333"
DEFAULT_NUMBER = "+12065550199"
DEFAULT_AGENT_ID = "44444444-4444-4444-8444-444444444444"


class _Seed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FlowSeed(_Seed):
    """A contact flow: flow JSON (2019-10-30), or texts that become one."""

    id: str = DEFAULT_FLOW_ID
    name: str = "Inbound chat"
    type: Literal["CONTACT_FLOW", "CUSTOMER_QUEUE", "OUTBOUND_WHISPER"] = "CONTACT_FLOW"
    state: Literal["ACTIVE", "ARCHIVED"] = "ACTIVE"
    status: Literal["PUBLISHED", "SAVED"] = "PUBLISHED"
    """One that is only saved takes no contacts."""
    texts: FlowTexts = FlowTexts()
    content: dict[str, Any] | None = None

    @field_validator("content")
    @classmethod
    def _can_be_walked(cls, content: dict[str, Any] | None) -> dict[str, Any] | None:
        if content is not None:
            read_flow(content)
        return content


class QueueSeed(_Seed):
    """A routing queue."""

    id: str = DEFAULT_QUEUE_ID
    name: str = "BasicQueue"
    outbound_number: str | None = None
    """Its caller id, for calls that name the queue only; else the instance's first number."""


class AgentSeed(_Seed):
    """Someone who can join chats. The display name is what customers see."""

    id: str = DEFAULT_AGENT_ID
    display_name: str = Field(default="Jane", min_length=1, max_length=256)


class InstanceSeed(_Seed):
    """One Connect instance. The first queue and the first agent are those taken by default."""

    id: str = DEFAULT_INSTANCE_ID
    flows: tuple[FlowSeed, ...] = Field(default=(FlowSeed(),), min_length=1)
    queues: tuple[QueueSeed, ...] = Field(default=(QueueSeed(),), min_length=1)
    agents: tuple[AgentSeed, ...] = Field(default=(AgentSeed(),), min_length=1)
    system_display_name: str = Field(default="SYSTEM_MESSAGE", min_length=1, max_length=256)
    phone_numbers: tuple[str, ...] = Field(default=(DEFAULT_NUMBER,), min_length=1)
    """Those it may call from."""
    status: Literal["CREATION_IN_PROGRESS", "ACTIVE", "CREATION_FAILED"] = "ACTIVE"
    storage: dict[str, str] = Field(default_factory=dict)
    """The bucket of each resource type, such as CHAT_TRANSCRIPTS, that is kept in S3."""
    lambda_functions: tuple[str, ...] = ()
    """ARNs of the functions that its flows may call."""


class ConnectSeed(_Seed):
    """All instances of the account."""

    instances: tuple[InstanceSeed, ...] = (InstanceSeed(),)
