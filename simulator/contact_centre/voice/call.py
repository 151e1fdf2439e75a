"""One call: whom it is to, where it stands, what was said and pressed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.flow import Flow
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.seeding import AgentSeed


class CallState(StrEnum):
    """Where a call stands."""

    DIALING = "dialing"
    RINGING = "ringing"
    FLOW = "flow"
    QUEUED = "queued"
    WITH_AGENT = "with_agent"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Order:
    """What StartOutboundVoiceContact asked for, checked."""

    destination: str
    source: str
    flow: Flow
    attributes: dict[str, str]
    queue_id: str
    ring_timeout_s: int = 60
    detects: bool = False
    awaits_prompt: bool = False
    is_campaign: bool = False
    name: str | None = None
    description: str | None = None


@dataclass(slots=True, eq=False)
class VoiceCall:
    """A call from the request to its end. It is one contact: transfers are not played."""

    instance: Instance
    contact: Contact
    order: Order
    attributes: dict[str, str]
    queue_id: str
    state: CallState = CallState.DIALING
    said: list[str] = field(default_factory=list)
    """What the flow has spoken."""
    pressed: list[str] = field(default_factory=list)
    agent: AgentSeed | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        """The contact id."""
        return self.contact.id

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.contact.is_over

    def close(self, now: datetime, reason: str) -> None:
        """End it."""
        self.contact.disconnect(now, reason)
        self.state = CallState.ENDED
        self.ended.set()
