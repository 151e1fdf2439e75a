"""Who may send what to whom: every refusal of a send that the model itself does not make.

Sources: botocore's error reasons; End User Messaging User Guide, "SMS character limits", "Quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulator.rates import Rate
from simulator.services.sms_voice import errors
from simulator.services.sms_voice.carrier import Sent
from simulator.services.sms_voice.countries import country_of, recipient
from simulator.services.sms_voice.encoding import Encoded, encode
from simulator.services.sms_voice.models import (
    Account,
    ConfigurationSet,
    PhoneNumber,
    Pool,
    SenderId,
    resource_name,
)
from simulator.services.sms_voice.receipts import PRICE_PER_PART_USD
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

Channel = Literal["TEXT", "MEDIA", "VOICE"]
_DEFAULT_TIME_TO_LIVE_S = 259_200
_SENDER_ID_MPS = 10.0
_DRY_RUN = Rate("sms dry run", 5, 5)


@dataclass(frozen=True, slots=True)
class Origin:
    """What a message will come from, chosen from the identity that was asked for."""

    shown: str
    """The number or sender id that the recipient sees."""
    country: str | None
    message_type: str
    opt_out_list: str
    parts_per_s: float


@dataclass(frozen=True, slots=True)
class Cleared:
    """A send that nothing about its sender and its recipient is against."""

    destination: str
    origin: Origin
    configuration_set: ConfigurationSet | None


def clear(state: SmsVoiceState, params: Mapping[str, Any], channel: Channel) -> Cleared:
    """Check who sends to whom.

    Raises:
        AwsError: the first reason against it, in the order in which a fault can be told apart.
    """
    destination = recipient(params["DestinationPhoneNumber"])
    country = country_of(destination)
    configuration_set = _configuration_set(state.account, params)
    origin = _origin(state.account, params, channel, country, configuration_set)
    _check_keyword(state.account, params)
    _check_protect(state.account, params, configuration_set, country)
    _check_recipient(state, origin, destination)
    _check_spend(state, channel)
    return Cleared(destination, origin, configuration_set)


def accept(state: SmsVoiceState, call: Call, channel: Literal["TEXT", "MEDIA"]) -> Sent:
    """Check one send and make the message of it. Nothing is sent yet, nothing is deduplicated.

    Raises:
        AwsError: the first reason against it, in the order in which a fault can be told apart.
    """
    params = call.params
    encoded = _encoded(params, channel)
    cleared = clear(state, params, channel)
    destination, origin = cleared.destination, cleared.origin
    configuration_set = cleared.configuration_set
    _check_price(params, encoded)
    _check_pace(state, origin, destination, encoded, is_dry_run=bool(params.get("DryRun")))
    return Sent(
        message_id=state.world.new_id(),
        channel=channel,
        origination=origin.shown,
        destination=destination,
        body=params.get("MessageBody", ""),
        encoded=encoded,
        message_type=_message_type(params, configuration_set, origin),
        origination_country=origin.country,
        accepted_at=call.received_at,
        accepted_at_monotonic=state.world.clock.monotonic(),
        time_to_live_s=params.get("TimeToLive", _DEFAULT_TIME_TO_LIVE_S),
        configuration_set=configuration_set.name if configuration_set else None,
        context=dict(params.get("Context", {})),
        media_urls=tuple(params.get("MediaUrls", ())),
    )


def _encoded(params: Mapping[str, Any], channel: Channel) -> Encoded:
    body = params.get("MessageBody")
    if body is None and not params.get("MediaUrls"):
        message = "A message needs a MessageBody" + (" or MediaUrls" if channel == "MEDIA" else "")
        raise errors.validation("MISSING_PARAMETER", message, "messageBody")
    encoded = encode(body or "")
    if channel == "TEXT" and not encoded.is_deliverable:
        message = "The message is longer than an SMS may be in its encoding"
        raise errors.validation("MAXIMUM_SIZE_EXCEEDED", message, "messageBody")
    return encoded


def _configuration_set(account: Account, params: Mapping[str, Any]) -> ConfigurationSet | None:
    name = params.get("ConfigurationSetName")
    return account.configuration_set(name) if name else None


def _origin(
    account: Account,
    params: Mapping[str, Any],
    channel: Channel,
    country: str | None,
    configuration_set: ConfigurationSet | None,
) -> Origin:
    asked = params.get("OriginationIdentity")
    if asked is None and configuration_set is not None:
        asked = configuration_set.sender_id
    wanted = params.get("MessageType")
    if asked is None:
        return _of_number(account, _any_number(list(account.numbers.values()), channel, country))
    senders = account.sender_ids_named(asked)
    if senders:
        return _of_sender_id(account, senders, channel, country)
    if resource_name(asked) in account.pools:
        return _of_pool(account, account.pool(asked), channel, country)
    number = account.number(asked)
    _check_number(number, channel, country, wanted)
    return _of_number(account, number)


def _check_number(
    number: PhoneNumber, channel: Channel, country: str | None, wanted: str | None
) -> None:
    if number.status != "ACTIVE":
        message = "The phone number is not active"
        raise errors.conflict("RESOURCE_NOT_ACTIVE", message, "phone-number", number.id)
    if _capability(channel) not in number.capabilities:
        message = f"The phone number cannot send {_capability(channel)}"
        raise errors.conflict("NUMBER_CAPABILITIES_MISMATCH", message, "phone-number", number.id)
    if wanted is not None and wanted != number.message_type:
        message = "The phone number is for messages of another type"
        raise errors.conflict("MESSAGE_TYPE_MISMATCH", message, "phone-number", number.id)
    if not number.sends_abroad and country not in (None, number.country):
        message = "The phone number cannot send to other countries"
        raise errors.validation(
            "INTERNATIONAL_SENDING_NOT_SUPPORTED", message, "destinationPhoneNumber"
        )


def _capability(channel: Channel) -> str:
    return {"TEXT": "SMS", "MEDIA": "MMS", "VOICE": "VOICE"}[channel]


def _any_number(
    numbers: list[PhoneNumber], channel: Channel, country: str | None, pool_id: str = ""
) -> PhoneNumber:
    """The number that the service would pick: of the recipient's country first, then any."""
    fit = [n for n in numbers if n.status == "ACTIVE" and _capability(channel) in n.capabilities]
    fit = [n for n in fit if n.sends_abroad or country in (None, n.country)]
    fit.sort(key=lambda number: number.country != country)
    if not fit:
        message = "No origination identity can send this message"
        kind = ("pool", pool_id) if pool_id else ("account", "")
        raise errors.conflict("NO_ORIGINATION_IDENTITIES_FOUND", message, *kind)
    return fit[0]


def _of_number(account: Account, number: PhoneNumber) -> Origin:
    settings = account.two_way_of(number)
    return Origin(
        number.number,
        number.country,
        number.message_type,
        settings.opt_out_list,
        number.parts_per_s,
    )


def _of_pool(account: Account, pool: Pool, channel: Channel, country: str | None) -> Origin:
    for sender_id, sender_country in pool.sender_ids:
        if sender_country == country and channel == "TEXT":
            return Origin(
                sender_id,
                sender_country,
                pool.message_type,
                pool.two_way.opt_out_list,
                _SENDER_ID_MPS,
            )
    return _of_number(account, _any_number(account.in_pool(pool), channel, country, pool.id))


def _of_sender_id(
    account: Account, senders: list[SenderId], channel: Channel, country: str | None
) -> Origin:
    for sender in senders:
        if sender.country == country and channel == "TEXT":
            return Origin(
                sender.sender_id,
                sender.country,
                sender.message_types[0],
                account.two_way_of(sender).opt_out_list,
                _SENDER_ID_MPS,
            )
    message = "The sender id cannot send to this destination"
    raise errors.validation(
        "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", message, "originationIdentity"
    )


def _check_keyword(account: Account, params: Mapping[str, Any]) -> None:
    keyword, asked = params.get("Keyword"), params.get("OriginationIdentity")
    if keyword is None or asked is None:
        return
    owner = account.number_or_pool(asked)
    is_default = keyword.startswith("KEYWORD_")
    if not is_default and keyword.upper() not in account.keywords.get(owner.id, {}):
        raise errors.not_found("keyword", keyword)


def _check_protect(
    account: Account,
    params: Mapping[str, Any],
    configuration_set: ConfigurationSet | None,
    country: str | None,
) -> None:
    name = params.get("ProtectConfigurationId") or (
        configuration_set.protect_configuration_id if configuration_set else None
    )
    defaults = [p for p in account.protect_configurations.values() if p.is_account_default]
    rules = [account.protect_configuration(name)] if name else defaults
    for protect in rules:
        if country in protect.blocked_countries:
            message = "The destination country is blocked by the protect configuration"
            raise errors.conflict(
                "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION",
                message,
                "protect-configuration",
                protect.id,
            )


def _check_price(params: Mapping[str, Any], encoded: Encoded) -> None:
    limit = params.get("MaxPrice")
    if limit is not None and encoded.parts * PRICE_PER_PART_USD > float(limit):
        message = "The message would cost more than MaxPrice"
        raise errors.validation("PRICE_OVER_THRESHOLD", message, "maxPrice")


def _check_recipient(state: SmsVoiceState, origin: Origin, destination: str) -> None:
    if state.knobs.sandbox and destination not in state.knobs.verified_numbers:
        message = "Destination phone number not verified"
        raise errors.conflict(
            "DESTINATION_PHONE_NUMBER_NOT_VERIFIED",
            message,
            "verified-destination-number",
            destination,
        )
    opted_out = state.account.opt_out_lists[origin.opt_out_list].numbers
    if destination in opted_out:
        message = "Destination phone number is opted out"
        raise errors.conflict(
            "DESTINATION_PHONE_NUMBER_OPTED_OUT", message, "opted-out-number", destination
        )


def _check_spend(state: SmsVoiceState, channel: Channel) -> None:
    knobs = state.knobs
    is_spent = {
        "TEXT": knobs.text_spend_limit_reached,
        "MEDIA": knobs.media_spend_limit_reached,
        "VOICE": knobs.voice_spend_limit_reached,
    }[channel]
    if is_spent:
        reason = f"MONTHLY_SPEND_LIMIT_REACHED_FOR_{channel}"
        raise errors.quota(reason, "The monthly spend limit is reached")


def _check_pace(
    state: SmsVoiceState, origin: Origin, destination: str, encoded: Encoded, *, is_dry_run: bool
) -> None:
    if not state.world.knobs.frame.rates:
        return
    if is_dry_run:
        if not state.rates.take(_DRY_RUN):
            raise errors.throttled()
        return
    to_one = Rate(f"to {destination}", 1, 1)
    by_parts = Rate(f"from {origin.shown}", origin.parts_per_s, max(1.0, origin.parts_per_s))
    # A text of more parts than a second holds still goes out once the bucket is full.
    parts = min(float(encoded.parts), by_parts.burst)
    if not (state.rates.has(to_one) and state.rates.has(by_parts, parts)):
        raise errors.throttled()
    state.rates.take(to_one)
    state.rates.take(by_parts, parts)


def _message_type(
    params: Mapping[str, Any], configuration_set: ConfigurationSet | None, origin: Origin
) -> str:
    default = configuration_set.message_type if configuration_set else None
    return str(params.get("MessageType") or default or origin.message_type)
