"""End User Messaging's SendVoiceMessage: what is refused, who listens, which events tell."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.services.sms_voice.voice_line import VoiceBehaviour
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import CUSTOMER, OUR_NUMBER, Running, reason, refusal

TEXT_ONLY = "+12065550188"
TO = {
    "DestinationPhoneNumber": CUSTOMER,
    "OriginationIdentity": OUR_NUMBER,
    "MessageBody": "Your visit is tomorrow at nine. Please come ten minutes before that.",
}


@pytest.fixture
async def simulator() -> AsyncIterator[Running]:
    world_document = {
        "phone_numbers": [
            {"number": OUR_NUMBER, "id": "phone-1", "capabilities": ["SMS", "VOICE"]},
            {"number": TEXT_ONLY, "id": "phone-text"},
            {"number": "+12065550177", "capabilities": ["VOICE"], "pool": "pool-1"},
        ],
        "pools": [{"id": "pool-1"}],
        "sender_ids": [{"sender_id": "ACME", "country": "US"}],
        "configuration_sets": [{"name": "receipts"}],
        "protect_configurations": [{"id": "protect-1", "blocked_countries": ["US"]}],
    }
    async with AsyncExitStack() as stack:
        settings = SimulatorSettings(world={"sms_voice": world_document})
        world = await stack.enter_async_context(running(settings))
        control = await stack.enter_async_context(SimulatorClient(world.url))
        await control.set_knobs(sms_voice={"voice_second_ms": 1})
        yield Running(world, control, stack)


@pytest.fixture
async def sms(simulator: Running) -> Any:
    return await simulator.sdk("pinpoint-sms-voice-v2", app="worker-1")


async def told(simulator: Running) -> list[str]:
    """The types of all events, once the call is over."""
    await simulator.world.tasks.settle()
    emitted = await simulator.control.ledger(operation="receipt_emitted")
    assert [entry.params["is_final"] for entry in emitted][-1:] == [True]
    return [entry.params["event_type"].removeprefix("VOICE_") for entry in emitted]


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        ("listens", ["INITIATED", "RINGING", "ANSWERED", "COMPLETED"]),
        ("machine", ["INITIATED", "RINGING", "ANSWERED", "COMPLETED"]),
        ("hangs_up", ["INITIATED", "RINGING", "ANSWERED", "COMPLETED"]),
        ("busy", ["INITIATED", "BUSY"]),
        ("no_answer", ["INITIATED", "RINGING", "NO_ANSWER"]),
        ("failed", ["INITIATED", "FAILED"]),
        ("ttl_expired", ["TTL_EXPIRED"]),
    ],
)
async def test_events_tell_how_the_call_went(
    simulator: Running, sms: Any, behaviour: VoiceBehaviour, expected: list[str]
) -> None:
    await simulator.control.set_voice_line(behaviour, number=CUSTOMER)
    await sms.send_voice_message(**TO)
    assert await told(simulator) == expected


async def test_a_listener_hears_all_and_who_hangs_up_the_beginning(
    simulator: Running, sms: Any
) -> None:
    sent = await sms.send_voice_message(**TO)
    [first] = await simulator.control.handset(CUSTOMER, wait_s=2)
    assert (first.kind, first.body) == ("voice", TO["MessageBody"])
    assert first.message_id == sent["MessageId"]
    await simulator.control.set_voice_line("hangs_up")
    await sms.send_voice_message(**TO)
    [second] = await simulator.control.handset(CUSTOMER, after=1, wait_s=2)
    assert TO["MessageBody"].startswith(second.body)
    assert second.body != TO["MessageBody"]


async def test_tags_are_not_heard(simulator: Running, sms: Any) -> None:
    body = '<speak>Your code is <say-as interpret-as="digits">123</say-as>.</speak>'
    await sms.send_voice_message(**TO | {"MessageBody": body}, MessageBodyTextType="SSML")
    [heard] = await simulator.control.handset(CUSTOMER, wait_s=2)
    assert heard.body == "Your code is 123."


async def test_a_pool_calls_from_a_number_that_can_speak(simulator: Running, sms: Any) -> None:
    await sms.send_voice_message(**TO | {"OriginationIdentity": "pool-1"})
    [heard] = await simulator.control.handset(CUSTOMER, wait_s=2)
    assert heard.origination == "+12065550177"


async def test_one_recipient_is_called_five_times_in_a_day(simulator: Running, sms: Any) -> None:
    for _ in range(5):
        await sms.send_voice_message(**TO)
    refused = await refusal(sms.send_voice_message(**TO))
    assert reason(refused) == ("ServiceQuotaExceededException", "DAILY_DESTINATION_CALL_LIMIT")
    await sms.send_voice_message(**TO | {"DestinationPhoneNumber": "+12065550101"})
    await simulator.control.advance_clock(24 * 3600)
    await sms.send_voice_message(**TO)


async def test_a_dry_run_calls_nobody_and_counts_for_nothing(simulator: Running, sms: Any) -> None:
    for _ in range(6):
        assert (await sms.send_voice_message(**TO, DryRun=True))["MessageId"]
    await simulator.world.tasks.settle()
    assert await simulator.control.ledger(operation="receipt_emitted") == []


async def test_twenty_calls_a_minute_while_rates_are_on(simulator: Running, sms: Any) -> None:
    """A call a second, as the operation allows, uses twenty up, and what a third a second adds."""
    await simulator.control.set_knobs(rates=True)
    for number in range(60):
        to = TO | {"DestinationPhoneNumber": f"+120655502{number:02d}"}
        try:
            await sms.send_voice_message(**to)
        except ClientError:
            break
        await simulator.control.advance_clock(1)
    [refused] = await simulator.control.refused("SendVoiceMessage")
    assert refused.error == {"code": "ThrottlingException", "status": 400}
    assert 29 <= len(await simulator.control.ledger(operation="SendVoiceMessage")) <= 35


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"MessageBody": None}, ("ValidationException", "MISSING_PARAMETER"), id="no"),
        pytest.param(
            {"MessageBody": "x" * 3001}, ("ValidationException", "MAXIMUM_SIZE_EXCEEDED"), id="long"
        ),
        pytest.param(
            {"MessageBody": "hi", "MessageBodyTextType": "SSML"},
            ("ValidationException", "INVALID_PARAMETER"),
            id="no_ssml",
        ),
        pytest.param(
            {"OriginationIdentity": TEXT_ONLY},
            ("ConflictException", "NUMBER_CAPABILITIES_MISMATCH"),
            id="number_without_voice",
        ),
        pytest.param(
            {"OriginationIdentity": "ACME"},
            ("ValidationException", "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY"),
            id="sender_id",
        ),
        pytest.param(
            {"MaxPricePerMinute": "0.01"},
            ("ValidationException", "PRICE_OVER_THRESHOLD"),
            id="dearer_than_allowed",
        ),
        pytest.param(
            {"ProtectConfigurationId": "protect-1"},
            ("ConflictException", "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"),
            id="protected_country",
        ),
        pytest.param(
            {"TimeToLive": 259_201},
            ("ValidationException", "FIELD_VALIDATION_FAILED"),
            id="long_life",
        ),
        pytest.param(
            {"VoiceId": "HAL"}, ("ValidationException", "FIELD_VALIDATION_FAILED"), id="voice"
        ),
    ],
)
async def test_what_the_service_refuses_is_refused(
    sms: Any, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    request = {name: value for name, value in (TO | change).items() if value is not None}
    assert reason(await refusal(sms.send_voice_message(**request))) == expected


async def test_who_opted_out_is_not_called_and_a_spent_limit_calls_nobody(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_knobs(sms_voice={"voice_spend_limit_reached": True})
    refused = await refusal(sms.send_voice_message(**TO))
    assert refused["Reason"] == "MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE"
    await sms.send_text_message(**TO)
    await simulator.control.set_knobs(sms_voice={})
    await sms.put_opted_out_number(OptOutListName="Default", OptedOutNumber=CUSTOMER)
    refused = await refusal(sms.send_voice_message(**TO))
    assert refused["Reason"] == "DESTINATION_PHONE_NUMBER_OPTED_OUT"


async def test_a_message_that_waits_behind_a_long_call_expires(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_knobs(sms_voice={"voice_second_ms": 1_000})
    await sms.send_voice_message(**TO)
    await sms.send_voice_message(**TO, TimeToLive=5)
    for _ in range(4):
        await simulator.control.advance_clock(6)
        await simulator.control.ledger(operation="receipt_emitted", wait_s=0.1)
    assert (await told(simulator))[-1] == "TTL_EXPIRED"
