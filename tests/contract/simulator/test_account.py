"""What a client asks before it sends, and what set-up tools change."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.simulator.conftest import OUR_NUMBER, Running, reason, refusal

TOPIC = "arn:aws:sns:us-east-1:000000000000:inbound-sms"


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([{"Name": "number-type", "Values": ["SHORT_CODE"]}], ["74454"]),
        ([{"Name": "status", "Values": ["PENDING"]}], ["+12065550166"]),
        ([{"Name": "opt-out-list-name", "Values": ["PoolList"]}], ["+12065550188"]),
        ([{"Name": "two-way-enabled", "Values": ["true"]}], []),
        (
            [
                {"Name": "number-capability", "Values": ["MMS"]},
                {"Name": "status", "Values": ["PENDING", "DELETED"]},
            ],
            ["+12065550166"],
        ),
    ],
)
async def test_numbers_are_filtered(
    sms: Any, filters: list[dict[str, Any]], expected: list[str]
) -> None:
    described = await sms.describe_phone_numbers(Filters=filters)
    assert [number["PhoneNumber"] for number in described["PhoneNumbers"]] == expected


async def test_a_named_number_must_exist(sms: Any) -> None:
    described = await sms.describe_phone_numbers(PhoneNumberIds=["phone-1"])
    assert described["PhoneNumbers"][0]["PhoneNumber"] == OUR_NUMBER
    refused = await refusal(sms.describe_phone_numbers(PhoneNumberIds=["phone-9"]))
    assert refused["ResourceType"] == "phone-number"
    assert refused["ResourceId"] == "phone-9"


async def test_what_exists_is_described(sms: Any) -> None:
    pools = (await sms.describe_pools())["Pools"]
    assert [pool["PoolId"] for pool in pools] == ["pool-1"]
    members = await sms.list_pool_origination_identities(PoolId="pool-1")
    assert [one["PhoneNumber"] for one in members["OriginationIdentities"]] == ["+12065550188"]
    senders = await sms.describe_sender_ids(
        SenderIds=[{"SenderId": "ACME", "IsoCountryCode": "GB"}]
    )
    assert senders["SenderIds"][0]["SenderId"] == "ACME"
    sets = (await sms.describe_configuration_sets())["ConfigurationSets"]
    assert [one["ConfigurationSetName"] for one in sets] == ["receipts"]
    protects = (await sms.describe_protect_configurations())["ProtectConfigurations"]
    assert [one["ProtectConfigurationId"] for one in protects] == ["protect-1"]
    limits = {one["Name"]: one for one in (await sms.describe_account_limits())["AccountLimits"]}
    assert limits["PHONE_NUMBERS"] == {"Name": "PHONE_NUMBERS", "Used": 5, "Max": 25}
    spend = (await sms.describe_spend_limits())["SpendLimits"]
    assert "TEXT_MESSAGE_MONTHLY_SPEND_LIMIT" in {one["Name"] for one in spend}


async def test_an_event_destination_goes_to_exactly_one_place(sms: Any) -> None:
    await sms.create_configuration_set(ConfigurationSetName="cs")
    destination = {
        "ConfigurationSetName": "cs",
        "EventDestinationName": "sns",
        "MatchingEventTypes": ["TEXT_ALL"],
    }
    refused = await refusal(sms.create_event_destination(**destination))
    assert refused["Reason"] == "MISSING_PARAMETER"
    made = await sms.create_event_destination(**destination, SnsDestination={"TopicArn": TOPIC})
    assert made["EventDestination"]["SnsDestination"] == {"TopicArn": TOPIC}
    refused = await refusal(
        sms.create_event_destination(**destination, SnsDestination={"TopicArn": TOPIC})
    )
    assert reason(refused) == ("ConflictException", "RESOURCE_ALREADY_EXISTS")
    for number in range(4):
        other = {**destination, "EventDestinationName": f"d{number}"}
        await sms.create_event_destination(**other, SnsDestination={"TopicArn": TOPIC})
    refused = await refusal(
        sms.create_event_destination(
            **{**destination, "EventDestinationName": "sixth"}, SnsDestination={"TopicArn": TOPIC}
        )
    )
    assert refused["Reason"] == "EVENT_DESTINATIONS_PER_CONFIGURATION_SET"


async def test_a_number_is_wired_for_two_way(sms: Any) -> None:
    refused = await refusal(
        sms.update_phone_number(PhoneNumberId="phone-1", SelfManagedOptOutsEnabled=True)
    )
    assert refused["Reason"] == "TWO_WAY_NOT_ENABLED"
    refused = await refusal(sms.update_phone_number(PhoneNumberId="phone-1", TwoWayEnabled=True))
    assert refused["Reason"] == "TWO_WAY_CHANNEL_NOT_PRESENT"
    updated = await sms.update_phone_number(
        PhoneNumberId="phone-1",
        TwoWayEnabled=True,
        TwoWayChannelArn=TOPIC,
        SelfManagedOptOutsEnabled=True,
        OptOutListName="PoolList",
    )
    assert updated["TwoWayChannelArn"] == TOPIC
    assert updated["SelfManagedOptOutsEnabled"] is True
    refused = await refusal(
        sms.update_phone_number(PhoneNumberId="phone-pooled", TwoWayEnabled=False)
    )
    assert refused["Reason"] == "PHONE_NUMBER_ASSOCIATED_TO_POOL"


async def test_keywords_are_put_and_described(sms: Any) -> None:
    await sms.put_keyword(
        OriginationIdentity="phone-1",
        Keyword="Return",
        KeywordMessage="Welcome back",
        KeywordAction="OPT_IN",
    )
    described = await sms.describe_keywords(
        OriginationIdentity="phone-1", Filters=[{"Name": "keyword-action", "Values": ["OPT_IN"]}]
    )
    assert [one["Keyword"] for one in described["Keywords"]] == ["RETURN"]
    every = {
        one["Keyword"]
        for one in (await sms.describe_keywords(OriginationIdentity="phone-1"))["Keywords"]
    }
    assert {"STOP", "HELP", "ARRET"} <= every


async def test_a_requested_number_sends_and_can_start_a_pool(simulator: Running, sms: Any) -> None:
    number = await sms.request_phone_number(
        IsoCountryCode="US",
        MessageType="TRANSACTIONAL",
        NumberCapabilities=["SMS"],
        NumberType="TOLL_FREE",
    )
    pool = await sms.create_pool(
        OriginationIdentity=number["PhoneNumberId"], MessageType="TRANSACTIONAL"
    )
    await sms.send_text_message(
        DestinationPhoneNumber="+12065550100",
        OriginationIdentity=pool["PoolId"],
        MessageBody="hi",
    )
    [text] = await simulator.control.handset("+12065550100", wait_s=2)
    assert text.origination == number["PhoneNumber"]


async def test_what_is_not_implemented_says_so(sms: Any) -> None:
    refused = await refusal(sms.describe_rcs_agents())
    assert refused["Error"]["Code"] == "NotImplementedException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 501


async def test_a_pool_is_wired_for_two_way(sms: Any) -> None:
    role = "arn:aws:iam::000000000000:role/inbound"
    updated = await sms.update_pool(
        PoolId="pool-1",
        TwoWayEnabled=True,
        TwoWayChannelArn=TOPIC,
        TwoWayChannelRole=role,
        SelfManagedOptOutsEnabled=True,
    )
    assert (updated["TwoWayChannelArn"], updated["TwoWayChannelRole"]) == (TOPIC, role)
    [number] = (await sms.describe_phone_numbers(PhoneNumberIds=["phone-pooled"]))["PhoneNumbers"]
    assert number["SelfManagedOptOutsEnabled"]
    assert number["TwoWayChannelRole"] == role
    refused = await refusal(sms.update_pool(PoolId="pool-9"))
    assert refused["Error"]["Code"] == "ResourceNotFoundException"
    await sms.update_pool(PoolId="pool-1", TwoWayEnabled=False, SelfManagedOptOutsEnabled=False)
    [pool] = (await sms.describe_pools())["Pools"]
    assert "TwoWayChannelRole" not in pool


async def test_an_event_destination_is_switched_off_and_on(sms: Any) -> None:
    named = {"ConfigurationSetName": "receipts", "EventDestinationName": "sns"}
    missing = await refusal(sms.update_event_destination(**named, Enabled=False))
    assert missing["ResourceType"] == "event-destination"
    await sms.create_event_destination(
        **named, MatchingEventTypes=["TEXT_ALL"], SnsDestination={"TopicArn": TOPIC}
    )
    changed = await sms.update_event_destination(**named, Enabled=False)
    assert changed["EventDestination"]["Enabled"] is False
    assert changed["EventDestination"]["MatchingEventTypes"] == ["TEXT_ALL"]
    await sms.update_event_destination(
        **named, Enabled=True, SnsDestination={"TopicArn": f"{TOPIC}-2"}
    )
    [found] = (await sms.describe_configuration_sets())["ConfigurationSets"]
    [shown] = found["EventDestinations"]
    assert (shown["Enabled"], shown["SnsDestination"]) == (True, {"TopicArn": f"{TOPIC}-2"})


async def test_registrations_limits_and_rates_are_those_of_the_world(
    simulator: Running, sms: Any
) -> None:
    world = {
        "phone_numbers": [{"number": OUR_NUMBER, "registration": "registration-1", "mps": 20}],
        "registrations": [
            {"id": "registration-1", "status": "REVIEWING"},
            {"id": "registration-2"},
        ],
        "spend_limits": {"TEXT": {"enforced": 500, "most": 1000}},
    }
    await simulator.control.put_world({"sms_voice": world})
    [number] = (await sms.describe_phone_numbers())["PhoneNumbers"]
    assert number["RegistrationId"] == "registration-1"
    assert number["MessagingLimits"]["RateLimits"] == {"SMS": 20, "MMS": 20}
    found = await sms.describe_registrations(RegistrationIds=["registration-1"])
    assert found["Registrations"][0]["RegistrationStatus"] == "REVIEWING"
    complete = [{"Name": "registration-status", "Values": ["COMPLETE"]}]
    done = (await sms.describe_registrations(Filters=complete))["Registrations"]
    assert [one["RegistrationId"] for one in done] == ["registration-2"]
    limits = {one["Name"]: one for one in (await sms.describe_spend_limits())["SpendLimits"]}
    assert limits["TEXT_MESSAGE_MONTHLY_SPEND_LIMIT"]["EnforcedLimit"] == 500
    assert limits["MEDIA_MESSAGE_MONTHLY_SPEND_LIMIT"]["EnforcedLimit"] == 1
