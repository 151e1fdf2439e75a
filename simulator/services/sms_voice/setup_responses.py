"""What `setup` tools call: configuration sets and their destinations, numbers, keywords, pools."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.sms_voice import errors
from simulator.services.sms_voice.idempotency import once
from simulator.services.sms_voice.limits import (
    EVENT_DESTINATIONS_PER_CONFIGURATION_SET,
    KEYWORDS_PER_IDENTITY,
    check_room,
)
from simulator.services.sms_voice.models import (
    ConfigurationSet,
    EventDestination,
    Keyword,
    PhoneNumber,
    Pool,
    TwoWay,
    new_resource_id,
)
from simulator.services.sms_voice.rendering import Rendering, destination
from simulator.services.sms_voice.state import SmsVoiceState
from simulator.wire import Call

_MODEL = "botocore service model"
_KINDS = ("CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination")


class SetupResponses:
    """The create, put, request and update calls."""

    def __init__(self, state: SmsVoiceState) -> None:
        self._state = state
        self._render = Rendering(state.world)

    @operation(
        true_to="name, quota, ClientToken, conflict when it exists",
        source=_MODEL,
        not_yet="tags are not kept",
    )
    async def create_configuration_set(self, call: Call) -> dict[str, Any]:
        """CreateConfigurationSet."""
        return once(self._state, call, self._create_set)

    def _create_set(self, call: Call) -> dict[str, Any]:
        sets, name = self._state.account.configuration_sets, call.params["ConfigurationSetName"]
        if name in sets:
            message = "The configuration set exists already"
            raise errors.conflict("RESOURCE_ALREADY_EXISTS", message, "configuration-set", name)
        check_room("CONFIGURATION_SETS", len(sets))
        sets[name] = ConfigurationSet(name, self._state.world.clock.now())
        return {
            "ConfigurationSetArn": self._render.arn("configuration-set", name),
            "ConfigurationSetName": name,
            "CreatedTimestamp": sets[name].created_at,
        }

    @operation(
        true_to="exactly one destination, five per set, ClientToken",
        source="botocore service model and its text",
        not_yet="only SNS destinations get events",
    )
    async def create_event_destination(self, call: Call) -> dict[str, Any]:
        """CreateEventDestination."""
        return once(self._state, call, self._create_destination)

    def _create_destination(self, call: Call) -> dict[str, Any]:
        found = self._state.account.configuration_set(call.params["ConfigurationSetName"])
        given = {kind: call.params[kind] for kind in _KINDS if kind in call.params}
        if len(given) != 1:
            reason = "PARAMETERS_CANNOT_BE_USED_TOGETHER" if given else "MISSING_PARAMETER"
            raise errors.validation(reason, "Exactly one destination must be given")
        name = call.params["EventDestinationName"]
        if name in found.destinations:
            message = "The event destination exists already"
            raise errors.conflict("RESOURCE_ALREADY_EXISTS", message, "event-destination", name)
        if len(found.destinations) >= EVENT_DESTINATIONS_PER_CONFIGURATION_SET:
            reason = "EVENT_DESTINATIONS_PER_CONFIGURATION_SET"
            raise errors.quota(reason, "The configuration set has all it may have")
        topic = given.pop("SnsDestination", {}).get("TopicArn")
        types = tuple(call.params["MatchingEventTypes"])
        found.destinations[name] = EventDestination(name, types, topic, given)
        return {
            "ConfigurationSetArn": self._render.arn("configuration-set", found.name),
            "ConfigurationSetName": found.name,
            "EventDestination": destination(found.destinations[name]),
        }

    @operation(
        true_to="what is given changes: exactly one destination, types, enabled or not",
        source="botocore service model and its text",
        not_yet="UNVERIFIED: that a destination of another kind may take the place of the first",
    )
    async def update_event_destination(self, call: Call) -> dict[str, Any]:
        """UpdateEventDestination."""
        params = call.params
        found = self._state.account.configuration_set(params["ConfigurationSetName"])
        name = params["EventDestinationName"]
        before = found.destinations.get(name)
        if before is None:
            raise errors.not_found("event-destination", name)
        given = {kind: params[kind] for kind in _KINDS if kind in params}
        if len(given) > 1:
            raise errors.validation(
                "PARAMETERS_CANNOT_BE_USED_TOGETHER", "One destination must be given at most"
            )
        topic, other = before.topic_arn, before.other
        if given:
            topic = given.pop("SnsDestination", {}).get("TopicArn")
            other = given
        found.destinations[name] = EventDestination(
            name,
            tuple(params.get("MatchingEventTypes", before.event_types)),
            topic,
            other,
            params.get("Enabled", before.is_enabled),
        )
        return {
            "ConfigurationSetArn": self._render.arn("configuration-set", found.name),
            "ConfigurationSetName": found.name,
            "EventDestination": destination(found.destinations[name]),
        }

    @operation(
        true_to=(
            "two-way with topic and role, self-managed opt-outs (need two-way), opt-out list; "
            "refused in a pool"
        ),
        source="botocore service model and its text",
        not_yet="the role is shown again and not looked at; so is whether the topic lets it in",
    )
    async def update_phone_number(self, call: Call) -> dict[str, Any]:
        """UpdatePhoneNumber."""
        params = call.params
        number = self._state.account.number(params["PhoneNumberId"])
        if number.pool_id:
            message = "The phone number is in a pool, whose settings count"
            raise errors.conflict(
                "PHONE_NUMBER_ASSOCIATED_TO_POOL", message, "phone-number", number.id
            )
        number.two_way = self._updated(number.two_way, params)
        number.sends_abroad = params.get("InternationalSendingEnabled", number.sends_abroad)
        number.deletion_protected = params.get(
            "DeletionProtectionEnabled", number.deletion_protected
        )
        return self._render.number(number, number.two_way)

    def _updated(self, now: TwoWay, params: dict[str, Any]) -> TwoWay:
        topic = params.get("TwoWayChannelArn", now.two_way_topic_arn)
        is_two_way = params.get("TwoWayEnabled", now.two_way_topic_arn is not None)
        if is_two_way and topic is None:
            message = "Two-way messaging needs a channel"
            raise errors.validation("TWO_WAY_CHANNEL_NOT_PRESENT", message, "twoWayChannelArn")
        is_self_managed = params.get("SelfManagedOptOutsEnabled", now.is_self_managed)
        if is_self_managed and not is_two_way:
            message = "Self-managed opt-outs need two-way messaging"
            raise errors.validation("TWO_WAY_NOT_ENABLED", message, "selfManagedOptOutsEnabled")
        wanted = params.get("OptOutListName", now.opt_out_list)
        opt_out_list = self._state.account.opt_out_list(wanted).name
        role = params.get("TwoWayChannelRole", now.role_arn)
        return TwoWay(
            topic if is_two_way else None,
            is_self_managed,
            opt_out_list,
            role if is_two_way else None,
        )

    @operation(
        true_to="two-way with topic and role, self-managed opt-outs (need two-way), opt-out list",
        source="botocore service model and its text",
        not_yet="the role is shown again and not looked at; so is whether the topic lets it in",
    )
    async def update_pool(self, call: Call) -> dict[str, Any]:
        """UpdatePool."""
        params = call.params
        pool = self._state.account.pool(params["PoolId"])
        pool.two_way = self._updated(pool.two_way, params)
        pool.shared_routes = params.get("SharedRoutesEnabled", pool.shared_routes)
        pool.deletion_protected = params.get("DeletionProtectionEnabled", pool.deletion_protected)
        return self._render.pool(pool)

    @operation(
        true_to="new and replaced keywords, 30 per identity",
        source="botocore service model; End User Messaging User Guide, Keywords",
        not_yet="the required opt-out keywords may be given other answers, not other actions",
    )
    async def put_keyword(self, call: Call) -> dict[str, Any]:
        """PutKeyword."""
        owner = self._state.account.number_or_pool(call.params["OriginationIdentity"])
        known = self._state.account.keywords.setdefault(owner.id, {})
        word = call.params["Keyword"].upper()
        kind = "pool" if isinstance(owner, Pool) else "phone-number"
        if word not in known and len(known) >= KEYWORDS_PER_IDENTITY:
            reason = f"KEYWORDS_PER_{kind.replace('-', '_').upper()}"
            raise errors.quota(reason, "The identity has all the keywords it may have")
        action = call.params.get("KeywordAction", "AUTOMATIC_RESPONSE")
        known[word] = Keyword(word, call.params["KeywordMessage"], action)
        return {
            "OriginationIdentityArn": self._render.arn(kind, owner.id),
            "OriginationIdentity": owner.id,
            "Keyword": word,
            "KeywordMessage": call.params["KeywordMessage"],
            "KeywordAction": action,
        }

    @operation(
        true_to="an active number of the type asked for, quota, ClientToken",
        source=_MODEL,
        not_yet="numbers are invented, of the US plan; no registration, no waiting for ACTIVE",
    )
    async def request_phone_number(self, call: Call) -> dict[str, Any]:
        """RequestPhoneNumber."""
        return once(self._state, call, self._request)

    def _request(self, call: Call) -> dict[str, Any]:
        account, params = self._state.account, call.params
        check_room("PHONE_NUMBERS", len(account.numbers))
        pool = account.pool(params["PoolId"]) if params.get("PoolId") else None
        opt_out_list = account.opt_out_list(params.get("OptOutListName", "Default")).name
        number = PhoneNumber(
            number=self._unused_number(),
            id=new_resource_id("phone"),
            country=params["IsoCountryCode"],
            number_type=params["NumberType"],
            created_at=self._state.world.clock.now(),
            message_type=params["MessageType"],
            capabilities=tuple(params["NumberCapabilities"]),
            two_way=TwoWay(opt_out_list=opt_out_list),
            pool_id=pool.id if pool else None,
            sends_abroad=params.get("InternationalSendingEnabled", True),
        )
        account.numbers[number.number] = number
        return self._render.number(number, account.two_way_of(number))

    def _unused_number(self) -> str:
        while True:
            number = f"+1206555{self._state.world.random.randrange(10_000):04d}"
            if number not in self._state.account.numbers:
                return number

    @operation(
        true_to="a pool with the first identity's settings, quota, ClientToken",
        source=_MODEL,
        not_yet="tags are not kept; a sender id as the first identity",
    )
    async def create_pool(self, call: Call) -> dict[str, Any]:
        """CreatePool."""
        return once(self._state, call, self._create_pool)

    def _create_pool(self, call: Call) -> dict[str, Any]:
        account = self._state.account
        number = account.number(call.params["OriginationIdentity"])
        if number.pool_id:
            message = "The phone number is in a pool already"
            raise errors.conflict(
                "PHONE_NUMBER_ASSOCIATED_TO_POOL", message, "phone-number", number.id
            )
        check_room("POOLS", len(account.pools))
        pool = Pool(
            new_resource_id("pool"),
            self._state.world.clock.now(),
            call.params["MessageType"],
            number.two_way,
            deletion_protected=call.params.get("DeletionProtectionEnabled", False),
        )
        account.pools[pool.id] = pool
        account.keywords[pool.id] = dict(account.keywords.get(number.id, {}))
        number.pool_id = pool.id
        return self._render.pool(pool)
