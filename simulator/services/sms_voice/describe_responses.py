"""What a client asks before it sends: identities, configuration sets, limits, keywords."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.sms_voice import errors, paging
from simulator.services.sms_voice.inbound import REQUIRED_KEYWORDS
from simulator.services.sms_voice.limits import ACCOUNT_LIMITS
from simulator.services.sms_voice.models import (
    ConfigurationSet,
    PhoneNumber,
    Pool,
    ProtectConfiguration,
    SenderId,
)
from simulator.services.sms_voice.rendering import Rendering, rates
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

_MODEL = "botocore service model"


class DescribeResponses:
    """The describe and list calls."""

    def __init__(self, state: SmsVoiceState) -> None:
        self._state = state
        self._render = Rendering(state.world)

    @operation(
        true_to=(
            "ids, ARNs and numbers, all filters, pages, settings of the pool in force, the "
            "registration, rates by capability"
        ),
        source=_MODEL,
        not_yet="daily caps of 10DLC numbers; the pricing tier",
    )
    async def describe_phone_numbers(self, call: Call) -> dict[str, Any]:
        """DescribePhoneNumbers."""
        account, filters = self._state.account, call.params.get("Filters")
        found = paging.chosen(
            call.params.get("PhoneNumberIds"), account.numbers.values(), account.number
        )
        shown = [
            self._render.number(number, account.two_way_of(number))
            | {"MessagingLimits": {"RateLimits": rates(number)}}
            for number in found
            if paging.passes(filters, self._number_filters(number))
        ]
        return paging.page(shown, "PhoneNumbers", call.params)

    def _number_filters(self, number: PhoneNumber) -> dict[str, Any]:
        two_way = self._state.account.two_way_of(number)
        return {
            "status": number.status,
            "iso-country-code": number.country,
            "message-type": number.message_type,
            "number-capability": number.capabilities,
            "number-type": number.number_type,
            "two-way-enabled": two_way.two_way_topic_arn is not None,
            "self-managed-opt-outs-enabled": two_way.is_self_managed,
            "opt-out-list-name": two_way.opt_out_list,
            "deletion-protection-enabled": number.deletion_protected,
            "two-way-channel-arn": two_way.two_way_topic_arn,
        }

    @operation(true_to="ids and ARNs, all filters, pages", source=_MODEL)
    async def describe_pools(self, call: Call) -> dict[str, Any]:
        """DescribePools."""
        account, filters = self._state.account, call.params.get("Filters")
        found = paging.chosen(call.params.get("PoolIds"), account.pools.values(), account.pool)
        shown = [
            self._render.pool(pool) for pool in found if paging.passes(filters, _pool_filters(pool))
        ]
        return paging.page(shown, "Pools", call.params)

    @operation(true_to="ids by country, all filters, pages", source=_MODEL)
    async def describe_sender_ids(self, call: Call) -> dict[str, Any]:
        """DescribeSenderIds."""
        asked, known = call.params.get("SenderIds"), self._state.account.sender_ids
        found = list(known.values())
        if asked:
            found = [self._sender_id(one["SenderId"], one["IsoCountryCode"]) for one in asked]
        shown = [
            self._render.sender_id(sender)
            for sender in found
            if paging.passes(call.params.get("Filters"), _sender_filters(sender))
        ]
        return paging.page(shown, "SenderIds", call.params)

    def _sender_id(self, name: str, country: str) -> SenderId:
        for sender in self._state.account.sender_ids_named(name):
            if sender.country == country:
                return sender
        raise errors.not_found("sender-id", name)

    @operation(true_to="names and ARNs, all filters, pages", source=_MODEL)
    async def describe_configuration_sets(self, call: Call) -> dict[str, Any]:
        """DescribeConfigurationSets."""
        account, filters = self._state.account, call.params.get("Filters")
        found = paging.chosen(
            call.params.get("ConfigurationSetNames"),
            account.configuration_sets.values(),
            account.configuration_set,
        )
        shown = [
            self._render.configuration_set(one)
            for one in found
            if paging.passes(filters, _set_filters(one))
        ]
        return paging.page(shown, "ConfigurationSets", call.params)

    @operation(true_to="sandbox or production (knob)", source=_MODEL)
    async def describe_account_attributes(self, call: Call) -> dict[str, Any]:
        """DescribeAccountAttributes."""
        tier = "SANDBOX" if self._state.knobs.sandbox else "PRODUCTION"
        shown = [{"Name": "ACCOUNT_TIER", "Value": tier}]
        protects = self._state.account.protect_configurations.values()
        shown += [
            {"Name": "DEFAULT_PROTECT_CONFIGURATION_ID", "Value": protect.id}
            for protect in protects
            if protect.is_account_default
        ]
        return paging.page(shown, "AccountAttributes", call.params)

    @operation(
        true_to="used and allowed of what exists here",
        source="End User Messaging User Guide, Quotas",
        not_yet="registrations, attachments and verified numbers",
    )
    async def describe_account_limits(self, call: Call) -> dict[str, Any]:
        """DescribeAccountLimits."""
        account = self._state.account
        used = {
            "PHONE_NUMBERS": len(account.numbers),
            "POOLS": len(account.pools),
            "CONFIGURATION_SETS": len(account.configuration_sets),
            "OPT_OUT_LISTS": len(account.opt_out_lists),
            "SENDER_IDS": len(account.sender_ids),
        }
        shown = [
            {"Name": name, "Used": used[name], "Max": limit}
            for name, limit in ACCOUNT_LIMITS.items()
        ]
        return paging.page(shown, "AccountLimits", call.params)

    @operation(
        true_to="the first limits of a new account, 1 USD, or those of the world document",
        source="End User Messaging User Guide, Quotas",
        not_yet="spending is not added up: the knobs say when a limit is reached",
    )
    async def describe_spend_limits(self, call: Call) -> dict[str, Any]:
        """DescribeSpendLimits."""
        shown = [
            {
                "Name": f"{channel}_MESSAGE_MONTHLY_SPEND_LIMIT",
                "EnforcedLimit": limit.enforced,
                "MaxLimit": limit.most,
                "Overridden": limit.enforced != limit.most,
            }
            for channel, limit in self._state.account.spend_limits.items()
        ]
        return paging.page(shown, "SpendLimits", call.params)

    @operation(
        true_to="required and own keywords, the action filter, pages",
        source="botocore service model; End User Messaging User Guide, Keywords",
    )
    async def describe_keywords(self, call: Call) -> dict[str, Any]:
        """DescribeKeywords."""
        owner = self._state.account.number_or_pool(call.params["OriginationIdentity"])
        known = {**REQUIRED_KEYWORDS, **self._state.account.keywords.get(owner.id, {})}
        asked = [word.upper() for word in call.params.get("Keywords") or ()]
        for word in asked:
            if word not in known:
                raise errors.not_found("keyword", word)
        shown = [
            {
                "Keyword": keyword.word,
                "KeywordMessage": keyword.answer,
                "KeywordAction": keyword.action,
            }
            for keyword in known.values()
            if (not asked or keyword.word in asked)
            and paging.passes(call.params.get("Filters"), {"keyword-action": keyword.action})
        ]
        return {
            **self._identity(owner),
            **paging.page(shown, "Keywords", call.params),
        }

    def _identity(self, owner: PhoneNumber | Pool) -> dict[str, Any]:
        kind = "pool" if isinstance(owner, Pool) else "phone-number"
        return {
            "OriginationIdentityArn": self._render.arn(kind, owner.id),
            "OriginationIdentity": owner.id,
        }

    @operation(true_to="numbers and sender ids of the pool, filters, pages", source=_MODEL)
    async def list_pool_origination_identities(self, call: Call) -> dict[str, Any]:
        """ListPoolOriginationIdentities."""
        account = self._state.account
        pool = account.pool(call.params["PoolId"])
        members = [
            {
                **self._identity(number),
                "IsoCountryCode": number.country,
                "NumberCapabilities": list(number.capabilities),
                "PhoneNumber": number.number,
            }
            for number in account.in_pool(pool)
        ] + [
            {
                "OriginationIdentityArn": self._render.arn("sender-id", f"{name}/{country}"),
                "OriginationIdentity": name,
                "IsoCountryCode": country,
                "NumberCapabilities": ["SMS"],
            }
            for name, country in pool.sender_ids
        ]
        shown = [
            member
            for member in members
            if paging.passes(
                call.params.get("Filters"),
                {
                    "iso-country-code": member["IsoCountryCode"],
                    "number-capability": member["NumberCapabilities"],
                },
            )
        ]
        return {
            "PoolArn": self._render.arn("pool", pool.id),
            "PoolId": pool.id,
            **paging.page(shown, "OriginationIdentities", call.params),
        }

    @operation(true_to="ids and ARNs, all filters, pages", source=_MODEL)
    async def describe_protect_configurations(self, call: Call) -> dict[str, Any]:
        """DescribeProtectConfigurations."""
        account = self._state.account
        found = paging.chosen(
            call.params.get("ProtectConfigurationIds"),
            account.protect_configurations.values(),
            account.protect_configuration,
        )
        shown = [
            self._protect(one)
            for one in found
            if paging.passes(
                call.params.get("Filters"),
                {
                    "account-default": one.is_account_default,
                    "deletion-protection-enabled": one.deletion_protected,
                },
            )
        ]
        return paging.page(shown, "ProtectConfigurations", call.params)

    @operation(
        true_to="ids and ARNs, both filters, pages",
        source=_MODEL,
        not_yet="seeded only: none can be made; versions are all 1",
    )
    async def describe_registrations(self, call: Call) -> dict[str, Any]:
        """DescribeRegistrations."""
        account, filters = self._state.account, call.params.get("Filters")
        found = paging.chosen(
            call.params.get("RegistrationIds"),
            account.registrations.values(),
            account.registration,
        )
        shown = [
            self._render.registration(one)
            for one in found
            if paging.passes(
                filters,
                {
                    "registration-type": one.registration_type,
                    "registration-status": one.status,
                },
            )
        ]
        return paging.page(shown, "Registrations", call.params)

    def _protect(self, found: ProtectConfiguration) -> dict[str, Any]:
        return {
            "ProtectConfigurationArn": self._render.arn("protect-configuration", found.id),
            "ProtectConfigurationId": found.id,
            "CreatedTimestamp": found.created_at,
            "AccountDefault": found.is_account_default,
            "DeletionProtectionEnabled": found.deletion_protected,
        }


def _pool_filters(pool: Pool) -> dict[str, Any]:
    return {
        "status": "ACTIVE",
        "message-type": pool.message_type,
        "two-way-enabled": pool.two_way.two_way_topic_arn is not None,
        "self-managed-opt-outs-enabled": pool.two_way.is_self_managed,
        "opt-out-list-name": pool.two_way.opt_out_list,
        "shared-routes-enabled": pool.shared_routes,
        "deletion-protection-enabled": pool.deletion_protected,
        "two-way-channel-arn": pool.two_way.two_way_topic_arn,
    }


def _sender_filters(sender: SenderId) -> dict[str, Any]:
    return {
        "sender-id": sender.sender_id,
        "iso-country-code": sender.country,
        "message-type": sender.message_types,
        "deletion-protection-enabled": False,
        "registered": sender.registered,
    }


def _set_filters(found: ConfigurationSet) -> dict[str, Any]:
    destinations = found.destinations.values()
    return {
        "event-destination-name": tuple(found.destinations),
        "matching-event-types": {t for d in destinations for t in d.event_types},
        "default-message-type": found.message_type,
        "default-sender-id": found.sender_id,
        "default-message-feedback-enabled": None,
        "protect-configuration-id": found.protect_configuration_id,
    }
