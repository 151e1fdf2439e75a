"""The `sms_voice` section of the world document: what the account owns at the start."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.services.sms_voice.models import (
    DEFAULT_OPT_OUT_LIST,
    Account,
    ConfigurationSet,
    EventDestination,
    Keyword,
    OptedOut,
    OptOutList,
    PhoneNumber,
    Pool,
    ProtectConfiguration,
    Registration,
    SenderId,
    SpendLimit,
    TwoWay,
    new_resource_id,
)

Number = Annotated[str, Field(pattern=r"^\+?[1-9][0-9]{1,18}$")]
MessageType = Literal["TRANSACTIONAL", "PROMOTIONAL"]


class _Seed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _TwoWaySeed(_Seed):
    two_way_topic_arn: str | None = None
    self_managed_opt_outs: bool = False
    opt_out_list: str = DEFAULT_OPT_OUT_LIST
    two_way_role_arn: str | None = None
    keywords: dict[str, tuple[str, str]] = Field(default_factory=dict)
    """By word: action and answer."""

    def two_way(self) -> TwoWay:
        """The settings as state."""
        return TwoWay(
            self.two_way_topic_arn,
            self.self_managed_opt_outs,
            self.opt_out_list,
            self.two_way_role_arn,
        )


class PhoneNumberSeed(_TwoWaySeed):
    """A number or short code."""

    number: Number
    id: str | None = None
    country: str = Field(default="US", pattern="^[A-Z]{2}$")
    type: Literal["SHORT_CODE", "LONG_CODE", "TOLL_FREE", "TEN_DLC", "SIMULATOR"] = "TEN_DLC"
    message_type: MessageType = "TRANSACTIONAL"
    capabilities: tuple[Literal["SMS", "VOICE", "MMS", "RCS"], ...] = ("SMS", "MMS")
    status: Literal["PENDING", "ACTIVE", "ASSOCIATING", "DISASSOCIATING", "DELETED"] = "ACTIVE"
    pool: str | None = None
    sends_abroad: bool = True
    mps: float | None = Field(default=None, gt=0)
    registration: str | None = None


class PoolSeed(_TwoWaySeed):
    """A pool; numbers name it."""

    id: str
    message_type: MessageType = "TRANSACTIONAL"
    sender_ids: tuple[tuple[str, str], ...] = ()


class SenderIdSeed(_Seed):
    """A sender id in one country."""

    sender_id: str = Field(pattern="^[A-Za-z0-9_-]{1,11}$")
    country: str = Field(pattern="^[A-Z]{2}$")
    message_types: tuple[MessageType, ...] = ("TRANSACTIONAL",)


class EventDestinationSeed(_Seed):
    """An SNS event destination."""

    name: str = "sns"
    topic_arn: str
    event_types: tuple[str, ...] = ("TEXT_ALL", "MEDIA_ALL")
    enabled: bool = True


class ConfigurationSetSeed(_Seed):
    """A configuration set and its destinations."""

    name: str
    event_destinations: tuple[EventDestinationSeed, ...] = ()
    protect_configuration: str | None = None


class OptOutListSeed(_Seed):
    """A list; each number with whether the person itself opted out."""

    name: str
    numbers: dict[Number, bool] = Field(default_factory=dict)


class ProtectConfigurationSeed(_Seed):
    """Countries that may not be texted."""

    id: str
    blocked_countries: tuple[str, ...] = ()
    account_default: bool = False


class RegistrationSeed(_Seed):
    """A registration of a number or sender id."""

    id: str
    type: str = "US_TEN_DLC_CAMPAIGN_REGISTRATION"
    status: Literal[
        "CREATED",
        "SUBMITTED",
        "AWS_REVIEWING",
        "REVIEWING",
        "REQUIRES_AUTHENTICATION",
        "PROVISIONING",
        "COMPLETE",
        "REQUIRES_UPDATES",
        "CLOSED",
        "DELETED",
    ] = "COMPLETE"


class SpendLimitSeed(_Seed):
    """USD a month: what holds now, and what the account may set by itself."""

    enforced: int = Field(default=1, ge=0)
    most: int = Field(default=1, ge=0)


class SmsVoiceWorld(_Seed):
    """The whole section."""

    phone_numbers: tuple[PhoneNumberSeed, ...] = ()
    pools: tuple[PoolSeed, ...] = ()
    sender_ids: tuple[SenderIdSeed, ...] = ()
    configuration_sets: tuple[ConfigurationSetSeed, ...] = ()
    opt_out_lists: tuple[OptOutListSeed, ...] = ()
    protect_configurations: tuple[ProtectConfigurationSeed, ...] = ()
    registrations: tuple[RegistrationSeed, ...] = ()
    spend_limits: dict[Literal["TEXT", "VOICE", "MEDIA"], SpendLimitSeed] = Field(
        default_factory=dict
    )


def seeded_account(section: Mapping[str, Any], now: datetime) -> Account:
    """The account that the document describes.

    Raises:
        pydantic.ValidationError: the document is malformed.
    """
    world = SmsVoiceWorld.model_validate(section)
    account = Account(now)
    for opt_out_list in world.opt_out_lists:
        account.opt_out_lists[opt_out_list.name] = _opt_out_list(opt_out_list, now)
    for pool in world.pools:
        _add_pool(account, pool, now)
    for number in world.phone_numbers:
        _add_number(account, number, now)
    for sender in world.sender_ids:
        key = (sender.sender_id, sender.country)
        account.sender_ids[key] = SenderId(*key, message_types=sender.message_types)
    for configuration_set in world.configuration_sets:
        _add_configuration_set(account, configuration_set, now)
    for protect in world.protect_configurations:
        account.protect_configurations[protect.id] = ProtectConfiguration(
            protect.id, now, frozenset(protect.blocked_countries), protect.account_default
        )
    _add_permissions(account, world, now)
    return account


def _add_permissions(account: Account, world: SmsVoiceWorld, now: datetime) -> None:
    """What carriers approved, and what may be spent."""
    for one in world.registrations:
        account.registrations[one.id] = Registration(one.id, one.type, one.status, now)
    for channel, limit in world.spend_limits.items():
        account.spend_limits[channel] = SpendLimit(limit.enforced, limit.most)


def _opt_out_list(seed: OptOutListSeed, now: datetime) -> OptOutList:
    numbers = {number: OptedOut(number, now, by) for number, by in seed.numbers.items()}
    return OptOutList(seed.name, now, numbers)


def _add_pool(account: Account, seed: PoolSeed, now: datetime) -> None:
    account.pools[seed.id] = Pool(
        seed.id, now, seed.message_type, seed.two_way(), sender_ids=list(seed.sender_ids)
    )
    account.keywords[seed.id] = _keywords(seed)
    account.opt_out_lists.setdefault(seed.opt_out_list, OptOutList(seed.opt_out_list, now))


def _add_number(account: Account, seed: PhoneNumberSeed, now: datetime) -> None:
    number = PhoneNumber(
        number=seed.number,
        id=seed.id or new_resource_id("phone"),
        country=seed.country,
        number_type=seed.type,
        created_at=now,
        message_type=seed.message_type,
        capabilities=seed.capabilities,
        status=seed.status,
        two_way=seed.two_way(),
        pool_id=seed.pool,
        sends_abroad=seed.sends_abroad,
        mps=seed.mps,
        registration_id=seed.registration,
    )
    account.numbers[number.number] = number
    account.keywords[number.id] = _keywords(seed)
    account.opt_out_lists.setdefault(seed.opt_out_list, OptOutList(seed.opt_out_list, now))


def _keywords(seed: _TwoWaySeed) -> dict[str, Keyword]:
    return {
        word.upper(): Keyword(word.upper(), answer, action)
        for word, (action, answer) in seed.keywords.items()
    }


def _add_configuration_set(account: Account, seed: ConfigurationSetSeed, now: datetime) -> None:
    account.configuration_sets[seed.name] = ConfigurationSet(
        seed.name,
        now,
        {
            d.name: EventDestination(d.name, d.event_types, d.topic_arn, is_enabled=d.enabled)
            for d in seed.event_destinations
        },
        protect_configuration_id=seed.protect_configuration,
    )
