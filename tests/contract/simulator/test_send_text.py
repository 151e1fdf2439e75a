from __future__ import annotations

from typing import Any

import pytest

from tests.contract.simulator.conftest import CUSTOMER, OUR_NUMBER, Running, reason, refusal

TO = {"DestinationPhoneNumber": CUSTOMER, "OriginationIdentity": OUR_NUMBER}


async def test_a_sent_text_arrives_at_the_handset(simulator: Running, sms: Any) -> None:
    sent = await sms.send_text_message(**TO, MessageBody="Hello, it’s 😀")
    [text] = await simulator.control.handset(CUSTOMER, wait_s=2)
    assert text.message_id == sent["MessageId"]
    assert (text.body, text.origination, text.kind) == ("Hello, it’s 😀", OUR_NUMBER, "text")


async def test_texts_of_one_pair_arrive_in_the_order_they_were_accepted(
    simulator: Running, sms: Any
) -> None:
    bodies = [f"text {n}" for n in range(10)]
    for body in bodies:
        await sms.send_text_message(**TO, MessageBody=body)
    await simulator.control.handset(CUSTOMER, after=9, wait_s=2)
    assert [text.body for text in await simulator.control.handset(CUSTOMER)] == bodies


async def test_the_same_request_twice_is_two_texts(simulator: Running, sms: Any) -> None:
    """The API has no client token: nothing is deduplicated."""
    first = await sms.send_text_message(**TO, MessageBody="once?")
    second = await sms.send_text_message(**TO, MessageBody="once?")
    assert first["MessageId"] != second["MessageId"]
    await simulator.control.handset(CUSTOMER, after=1, wait_s=2)
    assert len(await simulator.control.handset(CUSTOMER)) == 2


async def test_a_dry_run_checks_and_sends_nothing(simulator: Running, sms: Any) -> None:
    answer = await sms.send_text_message(**TO, MessageBody="hi", DryRun=True)
    assert answer["MessageId"]
    await simulator.world.tasks.settle()
    assert await simulator.control.handset(CUSTOMER) == []
    assert await simulator.control.ledger(operation="receipt_emitted") == []
    refused = await refusal(sms.send_text_message(**TO, MessageBody="ж" * 631, DryRun=True))
    assert reason(refused) == ("ValidationException", "MAXIMUM_SIZE_EXCEEDED")


@pytest.mark.parametrize(
    "identity",
    [
        OUR_NUMBER,
        "phone-1",
        "arn:aws:sms-voice:us-east-1:000000000000:phone-number/phone-1",
        "74454",
        "pool-1",
        "arn:aws:sms-voice:us-east-1:000000000000:pool/pool-1",
        None,
    ],
)
async def test_every_way_to_name_an_identity_is_understood(sms: Any, identity: str | None) -> None:
    asked = {} if identity is None else {"OriginationIdentity": identity}
    await sms.send_text_message(DestinationPhoneNumber=CUSTOMER, MessageBody="hi", **asked)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"MessageBody": " "}, ("ValidationException", "FIELD_VALIDATION_FAILED"), id="blank"
        ),
        pytest.param(
            {"MessageBody": None}, ("ValidationException", "MISSING_PARAMETER"), id="no_body"
        ),
        pytest.param(
            {"MessageBody": "x" * 1531},
            ("ValidationException", "MAXIMUM_SIZE_EXCEEDED"),
            id="longer_than_ten_gsm_parts",
        ),
        pytest.param(
            {"MessageBody": "ж" * 631},
            ("ValidationException", "MAXIMUM_SIZE_EXCEEDED"),
            id="longer_than_unicode_may_be",
        ),
        pytest.param(
            {"DestinationPhoneNumber": "0123"},
            ("ValidationException", "FIELD_VALIDATION_FAILED"),
            id="number_of_another_shape",
        ),
        pytest.param(
            {"OriginationIdentity": "+12065550000"},
            ("ResourceNotFoundException", None),
            id="unknown_number",
        ),
        pytest.param(
            {"OriginationIdentity": "pool-9"},
            ("ResourceNotFoundException", None),
            id="unknown_pool",
        ),
        pytest.param(
            {"ConfigurationSetName": "none"},
            ("ResourceNotFoundException", None),
            id="unknown_configuration_set",
        ),
        pytest.param(
            {"ProtectConfigurationId": "none"},
            ("ResourceNotFoundException", None),
            id="unknown_protect_configuration",
        ),
        pytest.param(
            {"Keyword": "SALE"}, ("ResourceNotFoundException", None), id="unknown_keyword"
        ),
        pytest.param(
            {"ProtectConfigurationId": "protect-1", "DestinationPhoneNumber": "+33612345678"},
            ("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"),
            id="protected_country",
        ),
        pytest.param(
            {"MaxPrice": "0.01", "MessageBody": "x" * 161},
            ("ValidationException", "PRICE_OVER_THRESHOLD"),
            id="dearer_than_allowed",
        ),
        pytest.param(
            {"OriginationIdentity": "phone-new"},
            ("ConflictException", "RESOURCE_NOT_ACTIVE"),
            id="number_not_active",
        ),
        pytest.param(
            {"OriginationIdentity": "phone-home", "DestinationPhoneNumber": "+447700900123"},
            ("ValidationException", "INTERNATIONAL_SENDING_NOT_SUPPORTED"),
            id="number_stays_at_home",
        ),
        pytest.param(
            {"OriginationIdentity": "ACME"},
            ("ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY"),
            id="sender_id_of_another_country",
        ),
        pytest.param(
            {"MessageType": "PROMOTIONAL"},
            ("ConflictException", "MESSAGE_TYPE_MISMATCH"),
            id="message_of_another_type",
        ),
    ],
)
async def test_what_the_service_refuses_is_refused_with_its_reason(
    simulator: Running, sms: Any, change: dict[str, Any], expected: tuple[str, str | None]
) -> None:
    request = {**TO, "MessageBody": "hi", **change}
    request = {name: value for name, value in request.items() if value is not None}
    refused = await refusal(sms.send_text_message(**request))
    assert reason(refused) == expected
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert await simulator.control.ledger() == []


async def test_an_opted_out_recipient_is_a_conflict_that_names_the_resource(sms: Any) -> None:
    await sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=CUSTOMER)
    refused = await refusal(sms.send_text_message(**TO, MessageBody="hi"))
    assert reason(refused) == ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT")
    assert refused["ResourceType"] == "opted-out-number"
    assert refused["ResourceId"] == CUSTOMER


async def test_an_opt_out_holds_for_the_identities_of_its_list_only(sms: Any) -> None:
    await sms.put_opted_out_number(OptOutListName="PoolList", OptedOutNumber=CUSTOMER)
    await sms.send_text_message(**TO, MessageBody="hi")
    pooled = {"DestinationPhoneNumber": CUSTOMER, "MessageBody": "hi"}
    for identity in ("pool-1", "phone-pooled"):
        refused = await refusal(sms.send_text_message(**pooled, OriginationIdentity=identity))
        assert refused["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"


async def test_a_sender_id_sends_in_its_country(simulator: Running, sms: Any) -> None:
    await sms.send_text_message(
        DestinationPhoneNumber="+447700900123", OriginationIdentity="ACME", MessageBody="hi"
    )
    [text] = await simulator.control.handset("+447700900123", wait_s=2)
    assert text.origination == "ACME"


async def test_a_spent_limit_refuses_texts_but_not_media(simulator: Running, sms: Any) -> None:
    await simulator.control.set_knobs(sms_voice={"text_spend_limit_reached": True})
    refused = await refusal(sms.send_text_message(**TO, MessageBody="hi"))
    assert reason(refused) == (
        "ServiceQuotaExceededException",
        "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT",
    )
    await sms.send_media_message(**TO, MediaUrls=["s3://bucket/photo.jpg"])


async def test_a_sandboxed_account_texts_verified_numbers_only(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_knobs(sms_voice={"sandbox": True, "verified_numbers": [CUSTOMER]})
    await sms.send_text_message(**TO, MessageBody="hi")
    other = {**TO, "DestinationPhoneNumber": "+12065550101"}
    refused = await refusal(sms.send_text_message(**other, MessageBody="hi"))
    assert refused["Reason"] == "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"
    tier = (await sms.describe_account_attributes())["AccountAttributes"][0]
    assert tier == {"Name": "ACCOUNT_TIER", "Value": "SANDBOX"}


async def test_media_needs_exactly_one_s3_url_and_an_mms_number(
    simulator: Running, sms: Any
) -> None:
    await sms.send_media_message(**TO, MediaUrls=["s3://bucket/photo.jpg"], MessageBody="look")
    [text] = await simulator.control.handset(CUSTOMER, wait_s=2)
    assert (text.kind, text.media_urls) == ("media", ("s3://bucket/photo.jpg",))
    for urls in (["s3://bucket/a", "s3://bucket/b"], ["https://example.com/a.jpg"]):
        refused = await refusal(sms.send_media_message(**TO, MediaUrls=urls))
        assert reason(refused) == ("ValidationException", "FIELD_VALIDATION_FAILED")
        assert refused["Fields"][0]["Name"].startswith("mediaUrls")
    refused = await refusal(sms.send_media_message(**TO))
    assert refused["Reason"] == "MISSING_PARAMETER"
    from_short_code = {**TO, "OriginationIdentity": "74454"}
    refused = await refusal(sms.send_media_message(**from_short_code, MessageBody="hi"))
    assert refused["Reason"] == "NUMBER_CAPABILITIES_MISMATCH"


async def test_one_recipient_gets_one_text_a_second_while_rates_are_on(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_knobs(rates=True)
    await sms.send_text_message(**TO, MessageBody="hi")
    refused = await refusal(sms.send_text_message(**TO, MessageBody="hi"))
    assert refused["Error"]["Code"] == "ThrottlingException"
    assert "Reason" not in refused
    await simulator.control.advance_clock(1)
    await sms.send_text_message(**TO, MessageBody="hi")


async def test_an_identity_is_paced_by_the_parts_it_sends(simulator: Running, sms: Any) -> None:
    """A 10DLC number has ten parts a second unless its campaign says otherwise."""
    await simulator.control.set_knobs(rates=True)
    long = "x" * 153 * 6
    others = [{**TO, "DestinationPhoneNumber": f"+1206555011{n}"} for n in range(2)]
    await sms.send_text_message(**others[0], MessageBody=long)
    refused = await refusal(sms.send_text_message(**others[1], MessageBody=long))
    assert refused["Error"]["Code"] == "ThrottlingException"
