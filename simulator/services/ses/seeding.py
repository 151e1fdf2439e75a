"""The `ses` section of the world document: what the account owns at the start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.services.ses.events import API_NAMES
from simulator.services.ses.models import (
    Account,
    ConfigurationSet,
    Destination,
    Identity,
    Suppressed,
)


class _Seed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DestinationSeed(_Seed):
    """Where events go: to an SNS topic, or to the event bus."""

    name: str = "events"
    topic_arn: str | None = None
    """The event bus when None."""
    event_types: tuple[str, ...] = tuple(API_NAMES.values())


class ConfigurationSetSeed(_Seed):
    """A configuration set and its destinations."""

    name: str
    event_destinations: tuple[DestinationSeed, ...] = ()


class IdentitySeed(_Seed):
    """A verified address or domain, with the topics of its feedback notifications."""

    name: str
    topics: dict[Literal["Bounce", "Complaint", "Delivery"], str] = Field(default_factory=dict)
    with_headers: bool = False


class TemplateSeed(_Seed):
    """A template's texts."""

    subject: str
    text: str = ""
    html: str = ""


class SesWorld(_Seed):
    """The whole section."""

    configuration_sets: tuple[ConfigurationSetSeed, ...] = ()
    identities: tuple[IdentitySeed, ...] | None = None
    """Who may send; anybody when None."""
    templates: dict[str, TemplateSeed] = Field(default_factory=dict)
    suppressed: dict[str, Literal["BOUNCE", "COMPLAINT"]] = Field(default_factory=dict)
    suppressed_reasons: tuple[Literal["BOUNCE", "COMPLAINT"], ...] = ("BOUNCE", "COMPLAINT")
    """What puts an address onto the account's suppression list."""


def seeded_account(section: Mapping[str, Any], now: datetime) -> Account:
    """The account that the document describes.

    Raises:
        pydantic.ValidationError: the document is malformed.
    """
    world = SesWorld.model_validate(section)
    identities = None
    if world.identities is not None:
        identities = [
            Identity(one.name, {str(k): v for k, v in one.topics.items()}, one.with_headers)
            for one in world.identities
        ]
    return Account(
        sets={one.name: _configuration_set(one) for one in world.configuration_sets},
        identities=identities,
        templates={
            name: {"Subject": one.subject, "Text": one.text, "Html": one.html}
            for name, one in world.templates.items()
        },
        suppressed={
            address: Suppressed(address, reason, now)
            for address, reason in world.suppressed.items()
        },
        suppressed_reasons=frozenset(world.suppressed_reasons),
    )


def _configuration_set(seed: ConfigurationSetSeed) -> ConfigurationSet:
    return ConfigurationSet(
        seed.name, {one.name: _destination(one) for one in seed.event_destinations}
    )


def _destination(seed: DestinationSeed) -> Destination:
    document: dict[str, Any] = {"EventBridgeDestination": {}}
    if seed.topic_arn is not None:
        document = {"SnsDestination": {"TopicArn": seed.topic_arn}}
    return Destination(seed.name, seed.event_types, document)
