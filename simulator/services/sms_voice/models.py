"""What one account owns in End User Messaging: identities, lists, configuration sets, keywords.

State only; who may send what to whom is `sending`'s, what the carrier makes of it `carrier`'s.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.services.sms_voice.errors import not_found

DEFAULT_OPT_OUT_LIST = "Default"
_MPS = {"TOLL_FREE": 3.0, "SHORT_CODE": 100.0, "TEN_DLC": 10.0, "LONG_CODE": 10.0}


@dataclass(slots=True)
class TwoWay:
    """How a number or pool treats what customers send, and whom it may not text."""

    two_way_topic_arn: str | None = None
    is_self_managed: bool = False
    opt_out_list: str = DEFAULT_OPT_OUT_LIST
    role_arn: str | None = None
    """Whom the service becomes to publish; without it the topic's policy must let it in."""


@dataclass(slots=True)
class PhoneNumber:
    """An origination phone number or short code."""

    number: str
    id: str
    country: str
    number_type: str
    created_at: datetime
    message_type: str = "TRANSACTIONAL"
    capabilities: tuple[str, ...] = ("SMS",)
    status: str = "ACTIVE"
    two_way: TwoWay = field(default_factory=TwoWay)
    pool_id: str | None = None
    sends_abroad: bool = True
    deletion_protected: bool = False
    mps: float | None = None
    registration_id: str | None = None

    @property
    def parts_per_s(self) -> float:
        """Message parts a second: what was seeded, else the default of its type."""
        if self.mps is not None:
            return self.mps
        if self.number_type == "LONG_CODE" and self.country == "CA":
            return 1.0
        return _MPS.get(self.number_type, 1.0)


@dataclass(slots=True)
class Pool:
    """Numbers and sender ids that send as one, with one set of two-way settings."""

    id: str
    created_at: datetime
    message_type: str = "TRANSACTIONAL"
    two_way: TwoWay = field(default_factory=TwoWay)
    shared_routes: bool = False
    deletion_protected: bool = False
    sender_ids: list[tuple[str, str]] = field(default_factory=list)
    """Sender id and country; numbers know their pool themselves."""


@dataclass(slots=True)
class SenderId:
    """A name that texts come from, in one country. It cannot be answered."""

    sender_id: str
    country: str
    message_types: tuple[str, ...] = ("TRANSACTIONAL",)
    registered: bool = False
    two_way: TwoWay = field(default_factory=TwoWay)


@dataclass(slots=True)
class EventDestination:
    """Where a configuration set's events go; only SNS destinations are played."""

    name: str
    event_types: tuple[str, ...]
    topic_arn: str | None
    other: dict[str, Any] = field(default_factory=dict)
    """The CloudWatch Logs or Firehose member, as it was given."""
    is_enabled: bool = True

    def wants(self, event_type: str) -> bool:
        """Whether this destination is subscribed to such events."""
        family = event_type.split("_", 1)[0] + "_ALL"
        wanted = {"ALL", family, event_type}
        return self.is_enabled and not wanted.isdisjoint(self.event_types)


@dataclass(slots=True)
class ConfigurationSet:
    """A name that sends refer to, with its event destinations."""

    name: str
    created_at: datetime
    destinations: dict[str, EventDestination] = field(default_factory=dict)
    message_type: str | None = None
    sender_id: str | None = None
    protect_configuration_id: str | None = None


@dataclass(frozen=True, slots=True)
class OptedOut:
    """One number on a list. `by_end_user`: the person wrote STOP."""

    number: str
    at: datetime
    by_end_user: bool


@dataclass(slots=True)
class OptOutList:
    """Numbers that must not be texted, and when each was last taken off."""

    name: str
    created_at: datetime
    numbers: dict[str, OptedOut] = field(default_factory=dict)
    removed_at: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Keyword:
    """A word, what it does, and what it is answered with."""

    word: str
    answer: str
    action: str


@dataclass(slots=True)
class ProtectConfiguration:
    """Countries that may not be texted."""

    id: str
    created_at: datetime
    blocked_countries: frozenset[str] = frozenset()
    is_account_default: bool = False
    deletion_protected: bool = False


@dataclass(frozen=True, slots=True)
class Registration:
    """What a carrier must approve before a number may send."""

    id: str
    registration_type: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """USD a month: what holds now, and what the account may set by itself."""

    enforced: int = 1
    most: int = 1


Identity = PhoneNumber | Pool | SenderId


class Account:
    """Everything by its key, and the look-ups that accept a name, an id or an ARN."""

    def __init__(self, now: datetime) -> None:
        self.numbers: dict[str, PhoneNumber] = {}
        self.pools: dict[str, Pool] = {}
        self.sender_ids: dict[tuple[str, str], SenderId] = {}
        self.configuration_sets: dict[str, ConfigurationSet] = {}
        self.opt_out_lists = {DEFAULT_OPT_OUT_LIST: OptOutList(DEFAULT_OPT_OUT_LIST, now)}
        self.keywords: dict[str, dict[str, Keyword]] = {}
        self.protect_configurations: dict[str, ProtectConfiguration] = {}
        self.registrations: dict[str, Registration] = {}
        self.spend_limits = {channel: SpendLimit() for channel in ("TEXT", "VOICE", "MEDIA")}

    def number(self, name: str) -> PhoneNumber:
        """By number, id or ARN. Raises AwsError when there is none."""
        key = resource_name(name)
        for number in self.numbers.values():
            if key in (number.number, number.number.removeprefix("+"), number.id):
                return number
        raise not_found("phone-number", name)

    def pool(self, name: str) -> Pool:
        """By id or ARN. Raises AwsError when there is none."""
        try:
            return self.pools[resource_name(name)]
        except KeyError:
            raise not_found("pool", name) from None

    def number_or_pool(self, name: str) -> PhoneNumber | Pool:
        """By number, id or ARN. Raises AwsError when there is none."""
        return self.pool(name) if resource_name(name) in self.pools else self.number(name)

    def sender_ids_named(self, name: str) -> list[SenderId]:
        """The same name in each country that has it; an ARN names one country's."""
        wanted = resource_name(name).partition("/")[0]
        country = name.rsplit("/", 1)[-1] if name.startswith("arn:") else None
        return [
            s
            for s in self.sender_ids.values()
            if s.sender_id == wanted and country in (None, s.country)
        ]

    def configuration_set(self, name: str) -> ConfigurationSet:
        """By name or ARN. Raises AwsError when there is none."""
        try:
            return self.configuration_sets[resource_name(name)]
        except KeyError:
            raise not_found("configuration-set", name) from None

    def opt_out_list(self, name: str) -> OptOutList:
        """By name or ARN. Raises AwsError when there is none."""
        try:
            return self.opt_out_lists[resource_name(name)]
        except KeyError:
            raise not_found("opt-out-list", name) from None

    def protect_configuration(self, name: str) -> ProtectConfiguration:
        """By id or ARN. Raises AwsError when there is none."""
        try:
            return self.protect_configurations[resource_name(name)]
        except KeyError:
            raise not_found("protect-configuration", name) from None

    def registration(self, name: str) -> Registration:
        """By id or ARN. Raises AwsError when there is none."""
        try:
            return self.registrations[resource_name(name)]
        except KeyError:
            raise not_found("registration", name) from None

    def in_pool(self, pool: Pool) -> list[PhoneNumber]:
        """The pool's numbers, in the order they were made."""
        return [number for number in self.numbers.values() if number.pool_id == pool.id]

    def two_way_of(self, identity: Identity) -> TwoWay:
        """The settings in force: a pooled number has its pool's."""
        if isinstance(identity, PhoneNumber) and identity.pool_id in self.pools:
            return self.pools[identity.pool_id].two_way
        return identity.two_way

    def lists_in_use(self) -> set[str]:
        """Names of the opt-out lists that some identity refers to."""
        owners: Iterable[Identity] = (*self.numbers.values(), *self.pools.values())
        return {owner.two_way.opt_out_list for owner in owners}


def resource_name(name_or_arn: str) -> str:
    """What stands after the resource type of an ARN; anything else as it is."""
    if not name_or_arn.startswith("arn:"):
        return name_or_arn
    return name_or_arn.split(":", 5)[-1].partition("/")[2]


def new_resource_id(kind: str) -> str:
    """An id as the service makes them: `phone-` or `pool-` and 32 hex digits."""
    return f"{kind}-{secrets.token_hex(16)}"
