"""A contact: one segment of a chat's chain, or a call.

A transfer or a disconnect flow makes the next one of a chain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from simulator.contact_centre.instance import Instance
from simulator.ledger import iso


@dataclass(frozen=True, slots=True)
class ContactAgent:
    """The agent of one contact, and since when."""

    id: str
    joined_at: datetime


@dataclass(slots=True)
class Contact:
    """One segment. Its end is the chat's end only when nothing follows it."""

    id: str
    initial_id: str
    initiation_method: str
    initiated_at: datetime
    previous_id: str | None = None
    related_id: str | None = None
    connected_at: datetime | None = None
    queue_id: str | None = None
    enqueued_at: datetime | None = None
    agent: ContactAgent | None = None
    disconnected_at: datetime | None = None
    disconnect_reason: str | None = None
    updated_at: datetime | None = None
    next_ids: list[str] = field(default_factory=list)
    channel: Literal["CHAT", "VOICE"] = "CHAT"
    system_number: str | None = None
    """Ours, of a call."""
    amd_status: str | None = None
    campaign_id: str | None = None
    rang_at: datetime | None = None
    """Shown of campaign calls only."""
    event_disconnect_reason: str | None = None
    """What the contact event of a failed campaign call says."""

    @property
    def subtype(self) -> str:
        """The segment attribute connect:Subtype. UNVERIFIED for calls."""
        return "connect:Chat" if self.channel == "CHAT" else "connect:Telephony"

    @property
    def is_over(self) -> bool:
        """Whether this segment has ended."""
        return self.disconnected_at is not None

    def disconnect(self, now: datetime, reason: str) -> None:
        """End this segment."""
        self.disconnected_at = now
        self.disconnect_reason = reason

    def event_detail(
        self, instance: Instance, event_type: str, updated: tuple[str, ...] = ()
    ) -> dict[str, Any]:
        """The `detail` of a contact event, as of now.

        No number and no contact attribute stands in it (administrator guide, "Contact events"),
        and `disconnectReason` only for campaign calls.
        """
        detail: dict[str, Any] = {
            "eventType": event_type,
            "contactId": self.id,
            "channel": self.channel,
            "instanceArn": instance.arn,
            "initiationMethod": self.initiation_method,
            "initiationTimestamp": iso(self.initiated_at),
            "segmentAttributes": {"connect:Subtype": {"valueString": self.subtype}},
            "tags": self._tags(instance),
        }
        # The first contact of a chain carries neither id: it is its own beginning.
        if self.previous_id is not None:
            detail["initialContactId"] = self.initial_id
            detail["previousContactId"] = self.previous_id
        if self.related_id is not None:
            detail["relatedContactId"] = self.related_id
        if updated:
            detail["updatedProperties"] = list(updated)
        return detail | self._progress(instance)

    def _tags(self, instance: Instance) -> dict[str, str]:
        tags = {"aws:connect:instanceId": instance.id}
        if self.system_number is not None:
            tags["aws:connect:systemEndpoint"] = self.system_number
        return tags

    def _progress(self, instance: Instance) -> dict[str, Any]:
        progress: dict[str, Any] = {}
        if self.connected_at is not None:
            progress["connectedToSystemTimestamp"] = iso(self.connected_at)
        if self.queue_id is not None and self.enqueued_at is not None:
            progress["queueInfo"] = {
                "queueArn": instance.queue_arn(self.queue_id),
                "queueType": "STANDARD",
                "enqueueTimestamp": iso(self.enqueued_at),
            }
        if self.agent is not None:
            progress["agentInfo"] = {
                "agentArn": f"{instance.arn}/agent/{self.agent.id}",
                "connectedToAgentTimestamp": iso(self.agent.joined_at),
            }
        if self.disconnected_at is not None:
            progress["disconnectTimestamp"] = iso(self.disconnected_at)
        return progress | self._of_call()

    def _of_call(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            "answeringMachineDetectionStatus": self.amd_status,
            "disconnectReason": self.event_disconnect_reason if self.is_over else None,
        }
        if self.campaign_id is not None:
            found["campaign"] = {"campaignId": self.campaign_id}
        if self.rang_at is not None:
            found["ringStartTimestamp"] = iso(self.rang_at)
        if self.system_number is not None:
            found["systemEndpoint"] = {"type": "TELEPHONE_NUMBER", "address": self.system_number}
        return {name: value for name, value in found.items() if value is not None}
