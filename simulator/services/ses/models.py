"""What one account has in SES: identities, configuration sets, templates, the suppression list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from simulator.services.ses.errors import not_found

Reason = Literal["BOUNCE", "COMPLAINT"]


@dataclass(slots=True)
class Destination:
    """Where a configuration set's events go; only SNS and EventBridge are played."""

    name: str
    event_types: tuple[str, ...]
    document: dict[str, Any]
    is_enabled: bool = True

    def wants(self, event_type: str) -> bool:
        """Whether events of that type (as the API spells it) go there."""
        return self.is_enabled and event_type in self.event_types

    @property
    def topic_arn(self) -> str | None:
        """The SNS topic, if it is one."""
        found: str | None = self.document.get("SnsDestination", {}).get("TopicArn")
        return found

    @property
    def is_bus(self) -> bool:
        """Whether it is the event bus."""
        return "EventBridgeDestination" in self.document


@dataclass(slots=True)
class ConfigurationSet:
    """A name that mails refer to."""

    name: str
    destinations: dict[str, Destination] = field(default_factory=dict)
    suppressed_reasons: frozenset[str] | None = None
    """Which reasons of the account's list count; the account's own choice when None."""
    is_sending: bool = True


@dataclass(slots=True)
class Identity:
    """A verified address or domain, and the topics of its feedback notifications."""

    name: str
    topics: dict[str, str] = field(default_factory=dict)
    """By Bounce, Complaint, Delivery."""
    with_headers: bool = False

    def covers(self, address: str) -> bool:
        """Whether mail from that address is this identity's."""
        address, name = address.lower(), self.name.lower()
        domain = address.rpartition("@")[2]
        return name in (address, domain) or domain.endswith(f".{name}")


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One address that the account does not write to."""

    address: str
    reason: Reason
    at: datetime
    message_id: str | None = None
    feedback_id: str | None = None


@dataclass(slots=True)
class Account:
    """Everything by its key."""

    sets: dict[str, ConfigurationSet] = field(default_factory=dict)
    identities: list[Identity] | None = None
    """Any sender may write when None."""
    templates: dict[str, dict[str, str]] = field(default_factory=dict)
    suppressed: dict[str, Suppressed] = field(default_factory=dict)
    suppressed_reasons: frozenset[str] = frozenset({"BOUNCE", "COMPLAINT"})

    def configuration_set(self, name: str) -> ConfigurationSet:
        """By name.

        Raises:
            AwsError: NotFoundException.
        """
        found = self.sets.get(name)
        if found is None:
            raise not_found(f"Configuration set <{name}> does not exist.")
        return found

    def identity(self, address: str) -> Identity | None:
        """The identity that covers an address, an address before its domain."""
        found = [one for one in self.identities or () if one.covers(address)]
        return max(found, key=lambda one: "@" in one.name, default=None)

    def suppression(self, address: str, chosen: ConfigurationSet | None) -> Suppressed | None:
        """Why mail to an address is not sent. Upper and lower case do not count here.

        The list itself tells them apart: only sending is forgiving (SES Developer Guide, "Using
        the account-level suppression list").
        """
        reasons = self.suppressed_reasons
        if chosen is not None and chosen.suppressed_reasons is not None:
            reasons = chosen.suppressed_reasons
        for one in self.suppressed.values():
            if one.address.lower() == address.lower() and one.reason in reasons:
                return one
        return None
