"""Connect's outbound calls: callees by plan, the flow's keys, events, DescribeContact, limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from simulator.contact_centre.seeding import DEFAULT_INSTANCE_ID, DEFAULT_NUMBER
from simulator.contact_centre.voice.callee import Behaviour, CalleePlan
from simulator.control_channel import ControlError
from simulator.faults import FaultOrder
from tests.contract.simulator.calling import DIAL, Calling, calling
from tests.contract.simulator.conftest import CUSTOMER, refusal

OTHER = "+12065550101"
CAMPAIGN: dict[str, Any] = {
    "TrafficType": "CAMPAIGN",
    "CampaignId": "c-1",
    "AnswerMachineDetectionConfig": {
        "EnableAnswerMachineDetection": True,
        "AwaitAnswerMachinePrompt": True,
    },
}


@pytest.fixture
async def office() -> AsyncIterator[Calling]:
    async with calling() as found:
        yield found


async def test_a_callee_confirms_by_key_and_the_flow_writes_it_down(office: Calling) -> None:
    await office.phones.plan(CalleePlan(keys="1"), number=CUSTOMER)
    contact_id = await office.dial(Name="Reminder", Description="of a visit")
    call = await office.over(contact_id)
    assert (call.pressed, call.said) == ("1", ["Hello Ann. 1 confirm, 2 change, 3 agent."])
    contact = await office.described(contact_id)
    assert contact["Attributes"] == {"firstName": "Ann", "answer": "CONFIRMED"}
    assert contact["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    assert contact["CustomerEndpoint"] == {"Type": "TELEPHONE_NUMBER", "Address": CUSTOMER}
    assert contact["SystemEndpoint"]["Address"] == DEFAULT_NUMBER
    assert (contact["Channel"], contact["InitiationMethod"]) == ("VOICE", "API")
    assert (contact["Name"], contact["Description"]) == ("Reminder", "of a visit")
    assert contact["ConnectedToSystemTimestamp"] < contact["DisconnectTimestamp"]
    assert "AnsweringMachineDetectionStatus" not in contact
    found = await office.connect.get_contact_attributes(
        InstanceId=DEFAULT_INSTANCE_ID, InitialContactId=contact_id
    )
    assert found["Attributes"]["answer"] == "CONFIRMED"
    assert await office.events(contact_id) == [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "CONTACT_DATA_UPDATED",
        "DISCONNECTED",
        "COMPLETED",
    ]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("busy", "TELECOM_BUSY"),
        ("no_answer", "TELECOM_UNANSWERED"),
        ("invalid", "TELECOM_NUMBER_INVALID"),
        ("unreachable", "TELECOM_TIMEOUT"),
        ("blocked", "TELECOM_POTENTIAL_BLOCKING"),
        ("fails", "TELECOM_PROBLEM"),
    ],
)
async def test_a_call_that_nobody_answers_says_why(
    office: Calling, behaviour: Behaviour, reason: str
) -> None:
    await office.phones.plan(CalleePlan(behaviour=behaviour))
    contact_id = await office.dial()
    assert (await office.over(contact_id)).answered_at is None
    contact = await office.described(contact_id)
    assert contact["DisconnectReason"] == reason
    assert "ConnectedToSystemTimestamp" not in contact
    assert await office.events(contact_id) == ["INITIATED", "DISCONNECTED", "COMPLETED"]


async def test_each_call_of_a_number_goes_by_its_own_plan(office: Calling) -> None:
    await office.phones.plan(
        CalleePlan(behaviour="busy"), CalleePlan(behaviour="no_answer"), CalleePlan(keys="1")
    )
    reasons = []
    for _ in range(4):
        contact_id = await office.dial()
        reasons.append((await office.over(contact_id)).disconnect_reason)
    assert reasons == [
        "TELECOM_BUSY",
        "TELECOM_UNANSWERED",
        "CONTACT_FLOW_DISCONNECT",
        "CONTACT_FLOW_DISCONNECT",
    ]


async def test_who_presses_nothing_is_asked_again_and_then_left(office: Calling) -> None:
    await office.phones.plan(CalleePlan(keys="-7"))
    contact_id = await office.dial()
    call = await office.over(contact_id)
    assert (len(call.said), call.pressed) == (2, "7")
    assert "answer" not in call.attributes


async def test_who_wants_an_agent_talks_to_one(office: Calling) -> None:
    await office.phones.plan(CalleePlan(keys="3", talk_ends_by="agent"))
    contact_id = await office.dial()
    call = await office.over(contact_id)
    assert (call.agent, call.disconnect_reason) == ("Jane", "AGENT_DISCONNECT")
    contact = await office.described(contact_id)
    assert contact["AgentInfo"]["ConnectedToAgentTimestamp"]
    assert await office.events(contact_id) == [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "QUEUED",
        "CONNECTED_TO_AGENT",
        "DISCONNECTED",
        "COMPLETED",
    ]


async def test_who_waits_too_long_for_an_agent_hangs_up(office: Calling) -> None:
    await office.simulator.control.set_knobs(contact_centre={"agent_joins": "manual"})
    await office.phones.plan(CalleePlan(keys="3", patience_s=20))
    contact_id = await office.dial()
    call = await office.over(contact_id)
    assert (call.agent, call.disconnect_reason) == (None, "CUSTOMER_DISCONNECT")


async def test_an_agent_takes_the_call_by_hand(office: Calling) -> None:
    await office.simulator.control.set_knobs(contact_centre={"agent_joins": "manual"})
    await office.phones.plan(CalleePlan(keys="3", patience_s=10_000, talks_s=10_000))
    contact_id = await office.dial()
    with pytest.raises(ControlError, match="409"):
        await office.phones.join(contact_id)
    await office.phones.wait_for_call(number=CUSTOMER, state="queued")
    assert (await office.phones.join(contact_id)).state == "with_agent"
    ended = await office.phones.hang_up(contact_id, by="agent")
    assert ended.disconnect_reason == "AGENT_DISCONNECT"
    with pytest.raises(ControlError, match="409"):
        await office.phones.hang_up(contact_id)


async def test_who_hangs_up_early_leaves_no_answer_behind(office: Calling) -> None:
    await office.phones.plan(CalleePlan(keys="1", key_after_s=7, hangs_up_after_s=2))
    contact_id = await office.dial()
    call = await office.over(contact_id)
    assert (call.disconnect_reason, call.pressed) == ("CUSTOMER_DISCONNECT", "")
    assert "answer" not in call.attributes


async def test_a_machine_without_detection_hears_the_flow_to_its_end(office: Calling) -> None:
    await office.phones.plan(CalleePlan(behaviour="machine", keys="1"))
    call = await office.over(await office.dial())
    assert (call.disconnect_reason, call.detection) == ("CONTACT_FLOW_DISCONNECT", None)
    assert (len(call.said), call.pressed) == (2, "")


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        ("answers", "HUMAN_ANSWERED"),
        ("machine", "VOICEMAIL_BEEP"),
        ("fax", "FAX_MACHINE_DETECTED"),
        ("busy", "SIT_TONE_BUSY"),
        ("invalid", "SIT_TONE_INVALID_NUMBER"),
        ("no_answer", "AMD_UNANSWERED"),
    ],
)
async def test_detection_tells_who_answered(behaviour: Behaviour, status: str) -> None:
    async with calling(concurrent_campaign_calls=5) as office:
        await office.phones.plan(CalleePlan(behaviour=behaviour))
        contact_id = await office.dial(**CAMPAIGN)
        await office.over(contact_id)
        contact = await office.described(contact_id)
        assert contact["AnsweringMachineDetectionStatus"] == status
        assert contact["Campaign"] == {"CampaignId": "c-1"}
        assert contact["InitiationTimestamp"] <= contact["RingStartTimestamp"]


async def test_a_flow_leaves_its_message_once_with_a_detected_machine() -> None:
    async with calling(concurrent_campaign_calls=5) as office:
        await office.phones.plan(CalleePlan(behaviour="machine"))
        call = await office.over(await office.dial(**CAMPAIGN))
        assert call.said == ["<speak>Please call us.</speak>"]
        assert call.attributes["answer"] == "LEFT"
        await office.phones.plan(CalleePlan(behaviour="machine", detected="HUMAN_ANSWERED"))
        call = await office.over(await office.dial(**CAMPAIGN))
        assert call.detection == "HUMAN_ANSWERED"
        assert len(call.said) == 2


async def test_the_same_client_token_is_the_same_call_for_seven_days(office: Calling) -> None:
    first = await office.dial(ClientToken="call-1")
    assert await office.dial(ClientToken="call-1") == first
    assert await office.dial(ClientToken="call-2") != first
    dialed = await office.simulator.control.ledger(operation="call_dialed")
    assert len(dialed) == 2
    assert len(await office.simulator.control.ledger(operation="StartOutboundVoiceContact")) == 3
    await office.simulator.control.advance_clock(timedelta(days=7).total_seconds())
    assert await office.dial(ClientToken="call-1") != first


async def test_a_ring_is_cut_off_at_the_timeout(office: Calling) -> None:
    await office.phones.plan(CalleePlan(ring_s=30))
    cut = await office.over(await office.dial(RingTimeoutInSeconds=20))
    assert cut.disconnect_reason == "TELECOM_UNANSWERED"
    heard = await office.over(await office.dial(RingTimeoutInSeconds=40))
    assert heard.answered_at


async def test_a_queue_brings_its_own_number(office: Calling) -> None:
    contact_id = await office.dial(SourcePhoneNumber=None, QueueId="desk")
    assert (await office.phones.call(contact_id)).source == "+12065550188"


async def test_a_related_contact_passes_its_attributes_on(office: Calling) -> None:
    first = await office.dial(Attributes={"firstName": "Ann", "plan": "gold"})
    second = await office.dial(RelatedContactId=first, Attributes={"firstName": "Bob"})
    assert (await office.phones.call(second)).attributes == {"firstName": "Bob", "plan": "gold"}
    assert (await office.described(second))["RelatedContactId"] == first


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        pytest.param({"InstanceId": "none"}, "ResourceNotFoundException", 404, id="instance"),
        pytest.param({"ContactFlowId": "none"}, "ResourceNotFoundException", 404, id="flow"),
        pytest.param({"QueueId": "none"}, "ResourceNotFoundException", 404, id="queue"),
        pytest.param(
            {"SourcePhoneNumber": OTHER}, "ResourceNotFoundException", 404, id="number_not_ours"
        ),
        pytest.param({"SourcePhoneNumber": None}, "InvalidRequestException", 400, id="no_source"),
        pytest.param(
            {"DestinationPhoneNumber": "0206"}, "InvalidParameterException", 400, id="no_e164"
        ),
        pytest.param(
            {"DestinationPhoneNumber": "+447700900123"},
            "DestinationNotAllowedException",
            403,
            id="uk_mobile",
        ),
        pytest.param(
            {"RingTimeoutInSeconds": 61}, "InvalidParameterException", 400, id="long_ring"
        ),
        pytest.param(
            {"Attributes": {"first name": "Ann"}}, "InvalidParameterException", 400, id="bad_key"
        ),
        pytest.param(
            {"Attributes": {"a": "x" * 32_768}}, "InvalidParameterException", 400, id="long_value"
        ),
        pytest.param(
            {"Attributes": {"a": "x" * 20_000, "b": "x" * 20_000}},
            "InvalidRequestException",
            400,
            id="too_many_bytes",
        ),
        pytest.param(
            {"AnswerMachineDetectionConfig": {"EnableAnswerMachineDetection": True}},
            "InvalidRequestException",
            400,
            id="detection_without_campaign",
        ),
        pytest.param(CAMPAIGN, "OutboundContactNotPermittedException", 403, id="no_campaign_quota"),
        pytest.param(
            {"RelatedContactId": "none"}, "ResourceNotFoundException", 404, id="related_contact"
        ),
    ],
)
async def test_what_the_service_refuses_is_refused(
    office: Calling, change: dict[str, Any], code: str, status: int
) -> None:
    request = {k: v for k, v in (DIAL | change).items() if v is not None}
    refused = await refusal(office.connect.start_outbound_voice_contact(**request))
    assert refused["Error"]["Code"] == code
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == status
    assert await office.phones.calls() == []


async def test_one_call_too_many_is_taken_and_finds_a_fast_busy() -> None:
    async with calling(concurrent_calls=1) as office:
        await office.phones.plan(CalleePlan(ring_s=10_000))
        await office.dial()
        second = await office.dial(DestinationPhoneNumber=OTHER)
        assert (await office.over(second)).disconnect_reason == "TELECOM_PROBLEM"
        assert await office.events(second) == ["INITIATED", "DISCONNECTED", "COMPLETED"]


async def test_a_campaign_call_over_its_quota_is_refused() -> None:
    async with calling(concurrent_campaign_calls=1) as office:
        await office.phones.plan(CalleePlan(ring_s=10_000))
        await office.dial(**CAMPAIGN)
        refused = await refusal(office.connect.start_outbound_voice_contact(**DIAL | CAMPAIGN))
        assert refused["Error"]["Code"] == "LimitExceededException"
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429


async def test_five_calls_and_then_two_a_second_while_rates_are_on(office: Calling) -> None:
    await office.simulator.control.set_knobs(rates=True)
    for _ in range(5):
        await office.dial()
    refused = await refusal(office.connect.start_outbound_voice_contact(**DIAL))
    assert refused["Error"]["Code"] == "TooManyRequestsException"
    await office.simulator.control.advance_clock(0.5)
    await office.dial()


async def test_an_instance_without_outbound_calls_refuses_them(office: Calling) -> None:
    await office.simulator.control.set_knobs(voice={"outbound_permitted": False})
    refused = await refusal(office.connect.start_outbound_voice_contact(**DIAL))
    assert refused["Error"]["Code"] == "OutboundContactNotPermittedException"


async def test_a_stopped_call_is_over_at_once(office: Calling) -> None:
    await office.phones.plan(CalleePlan(ring_s=10_000), CalleePlan(keys="3", talks_s=10_000))
    of_it = {"InstanceId": DEFAULT_INSTANCE_ID}
    ringing = await office.dial()
    await office.phones.wait_for_call(state="ringing")
    await office.connect.stop_contact(**of_it, ContactId=ringing)
    assert (await office.phones.call(ringing)).disconnect_reason == "TELECOM_ORIGINATOR_CANCEL"
    talking = await office.dial()
    await office.phones.wait_for_call(state="with_agent")
    await office.connect.stop_contact(**of_it, ContactId=talking)
    assert (await office.phones.call(talking)).disconnect_reason == "API"
    refused = await refusal(office.connect.stop_contact(**of_it, ContactId=talking))
    assert refused["Error"]["Code"] == "ContactNotFoundException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 410


async def test_a_call_is_no_chat(office: Calling) -> None:
    contact_id = await office.dial()
    refused = await refusal(
        office.connect.start_contact_streaming(
            InstanceId=DEFAULT_INSTANCE_ID,
            ContactId=contact_id,
            ChatStreamingConfiguration={"StreamingEndpointArn": "arn:aws:sns:x"},
            ClientToken="t",
        )
    )
    assert refused["Error"]["Code"] in ("ResourceNotFoundException", "InvalidParameterException")


async def test_the_contact_record_has_the_number_and_the_attributes(office: Calling) -> None:
    await office.phones.plan(CalleePlan(keys="2"))
    contact_id = await office.dial()
    await office.over(contact_id)
    [record] = await office.phones.contact_records()
    assert record["ContactId"] == contact_id
    assert record["CustomerEndpoint"]["Address"] == CUSTOMER
    assert record["Attributes"]["answer"] == "CHANGE"
    assert record["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"
    await office.connect.update_contact_attributes(
        InstanceId=DEFAULT_INSTANCE_ID, InitialContactId=contact_id, Attributes={"noted": "yes"}
    )
    [later] = await office.phones.contact_records(after=1)
    assert (later["ContactId"], later["Attributes"]["noted"]) == (contact_id, "yes")


async def test_boto3_dials_too(office: Calling) -> None:
    client = boto3.client(
        "connect",
        endpoint_url=office.simulator.world.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    made = await asyncio.to_thread(client.start_outbound_voice_contact, **DIAL)
    assert (await office.phones.call(made["ContactId"])).number == CUSTOMER


async def test_at_another_pace_a_call_of_real_length_is_over_in_a_moment() -> None:
    """What a ladder of hours is tested with: 10 at night now, and an hour in a second."""
    origin = datetime.now(UTC)
    settings = {"time_origin": origin, "time_offset_s": 14 * 3600, "time_rate": 3600}
    async with calling(settings, time_scale=1) as office:
        await office.phones.plan(CalleePlan(behaviour="no_answer"))
        contact_id = await office.dial()
        await office.over(contact_id)
        contact = await office.described(contact_id)
        rang = contact["DisconnectTimestamp"] - contact["InitiationTimestamp"]
        assert timedelta(seconds=60) <= rang < timedelta(hours=1)
        assert contact["InitiationTimestamp"] - origin >= timedelta(hours=14)


async def test_a_call_whose_answer_was_lost_is_found_again_by_its_token(office: Calling) -> None:
    await office.simulator.control.spoil(
        FaultOrder(
            service="connect", operation="StartOutboundVoiceContact", action="drop_after_doing"
        )
    )
    # The request is a PUT, so aiohttp itself asks again when the connection breaks.
    contact_id = await office.dial(ClientToken="call-1")
    entries = await office.simulator.control.ledger(operation="StartOutboundVoiceContact")
    assert [entry.outcome for entry in entries] == ["dropped", "answered"]
    assert {entry.result["ContactId"] for entry in entries} == {contact_id}
    assert len(await office.phones.calls()) == 1


async def test_a_throttled_request_dials_nobody(office: Calling) -> None:
    order = FaultOrder(service="connect", operation="StartOutboundVoiceContact", action="throttle")
    await office.simulator.control.spoil(order)
    refused = await refusal(office.connect.start_outbound_voice_contact(**DIAL))
    assert refused["Error"]["Code"] == "TooManyRequestsException"
    assert await office.phones.calls() == []
