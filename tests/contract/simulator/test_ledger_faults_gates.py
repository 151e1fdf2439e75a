from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.control_channel import ControlError
from simulator.faults import FaultOrder
from simulator.gates import GateOrder
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import (
    CUSTOMER,
    OUR_NUMBER,
    SMS_WORLD,
    Running,
    reason,
    refusal,
)

SMS = "pinpoint-sms-voice-v2"
TEXT = {
    "DestinationPhoneNumber": CUSTOMER,
    "OriginationIdentity": OUR_NUMBER,
    "MessageBody": "hi",
}


def order(action: str, **more: Any) -> FaultOrder:
    return FaultOrder(service=SMS, operation="SendTextMessage", action=action, **more)


async def test_an_accepted_request_is_recorded_as_it_came(simulator: Running, sms: Any) -> None:
    sent = await sms.send_text_message(**TEXT, Context={"intent": "i-1"})
    [entry] = await simulator.control.ledger(operation="SendTextMessage")
    assert entry.params == {**TEXT, "Context": {"intent": "i-1"}}
    assert entry.result == {"MessageId": sent["MessageId"]}
    assert (entry.app, entry.outcome, entry.service) == ("worker-1", "answered", SMS)
    assert entry.request_id == sent["ResponseMetadata"]["RequestId"]


async def test_a_refused_request_is_listed_apart(simulator: Running, sms: Any) -> None:
    await refusal(sms.send_text_message(**{**TEXT, "OriginationIdentity": "pool-9"}))
    assert await simulator.control.ledger() == []
    [refused] = await simulator.control.refused()
    assert refused.error is not None
    assert refused.error["code"] == "ResourceNotFoundException"
    assert (await simulator.control.status())["refused"] == 1


async def test_the_ledger_is_read_from_where_one_left_off(simulator: Running, sms: Any) -> None:
    await sms.describe_pools()
    [first] = await simulator.control.ledger()
    waiting = asyncio.create_task(
        simulator.control.ledger(after=first.seq, operation="DescribePools", wait_s=15)
    )
    await sms.describe_pools()
    async with asyncio.timeout(10):
        [second] = await waiting
    assert second.seq == first.seq + 1


async def test_the_ledger_file_holds_the_request_before_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    settings = SimulatorSettings(world={"sms_voice": SMS_WORLD}, ledger_path=path)
    async with running(settings) as world, SimulatorClient(world.url) as control:
        await control.arm_gate(GateOrder(service=SMS))
        sending = asyncio.create_task(post_text(world.url))
        held = await control.wait_gate(15)
        assert held is not None
        [line] = [
            entry
            for entry in map(json.loads, path.read_text("utf-8").splitlines())
            if entry["kind"] == "request"
        ]
        assert (line["seq"], line["outcome"]) == (held.seq, "held")
        assert not sending.done()
        await control.release_gate(held.gate)
        assert await sending == 200


async def post_text(url: str) -> int:
    headers = {
        "X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage",
        "Authorization": "AWS4-HMAC-SHA256 any",
    }
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=TEXT, headers=headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize(
    ("action", "status", "expected"),
    [
        ("throttle", 400, ("ThrottlingException", None)),
        ("error_500", 500, ("InternalServerException", None)),
        ("error_503", 503, ("ServiceUnavailable", None)),
        (
            "refuse:ConflictException:DESTINATION_PHONE_NUMBER_OPTED_OUT",
            400,
            ("ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
        ),
        ("refuse:AccessDeniedException", 400, ("AccessDeniedException", None)),
    ],
)
async def test_a_fault_before_doing_changes_nothing_and_is_used_up(
    simulator: Running, sms: Any, action: str, status: int, expected: tuple[str, str | None]
) -> None:
    await simulator.control.spoil(order(action))
    refused = await refusal(sms.send_text_message(**TEXT))
    assert reason(refused) == expected
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == status
    assert await simulator.control.ledger(operation="SendTextMessage") == []
    await sms.send_text_message(**TEXT)


async def test_a_dropped_answer_leaves_the_text_sent(simulator: Running, sms: Any) -> None:
    await simulator.control.spoil(order("drop_after_doing"))
    with pytest.raises((HTTPClientError, BotoCoreError)) as cut:
        await sms.send_text_message(**TEXT)
    assert not isinstance(cut.value, ClientError)
    [entry] = await simulator.control.ledger(operation="SendTextMessage")
    assert entry.outcome == "dropped"
    assert len(await simulator.control.handset(CUSTOMER, wait_s=2)) == 1


async def test_an_error_after_doing_leaves_the_text_sent(simulator: Running, sms: Any) -> None:
    await simulator.control.spoil(order("error_500_after_doing"))
    refused = await refusal(sms.send_text_message(**TEXT))
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 500
    [entry] = await simulator.control.ledger(operation="SendTextMessage")
    assert entry.outcome == "failed_after"
    assert len(await simulator.control.handset(CUSTOMER, wait_s=2)) == 1


async def test_a_fault_hits_only_the_requests_it_means(simulator: Running, sms: Any) -> None:
    other = await simulator.sdk(SMS, app="worker-2")
    await simulator.control.spoil(
        order("throttle", app="worker-1", match={"DestinationPhoneNumber": CUSTOMER}, count=2)
    )
    await other.send_text_message(**TEXT)
    await sms.send_text_message(**{**TEXT, "DestinationPhoneNumber": "+12065550101"})
    for _ in range(2):
        await refusal(sms.send_text_message(**TEXT))
    await sms.send_text_message(**TEXT)


async def test_a_hanging_request_is_never_answered_nor_done(simulator: Running, sms: Any) -> None:
    await simulator.control.spoil(order("hang"))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await sms.send_text_message(**TEXT)
    assert await simulator.control.ledger(operation="SendTextMessage") == []


async def test_chances_by_knob_hit_their_operation_only(simulator: Running, sms: Any) -> None:
    await simulator.control.set_knobs(api={f"{SMS}.SendTextMessage": {"throttle": 1}})
    await refusal(sms.send_text_message(**TEXT))
    await sms.describe_pools()
    await simulator.control.reset_knobs()
    await sms.send_text_message(**TEXT)


async def test_a_gate_holds_a_done_request_until_it_is_released(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.arm_gate(GateOrder(service=SMS, operation="SendTextMessage"))
    await sms.describe_pools()
    sending = asyncio.create_task(sms.send_text_message(**TEXT))
    held = await simulator.control.wait_gate(15)
    assert held is not None
    assert (held.operation, held.app) == ("SendTextMessage", "worker-1")
    entries = await simulator.control.ledger(operation="SendTextMessage")
    assert [(entry.seq, entry.outcome) for entry in entries] == [(held.seq, "held")]
    assert len(await simulator.control.handset(CUSTOMER, wait_s=2)) == 1
    assert not sending.done()
    await simulator.control.release_gate(held.gate)
    async with asyncio.timeout(10):
        assert (await sending)["MessageId"]
    await sms.send_text_message(**TEXT)


async def test_a_held_request_whose_client_died_hurts_nobody(simulator: Running, sms: Any) -> None:
    await simulator.control.arm_gate(GateOrder(service=SMS))
    sending = asyncio.create_task(sms.send_text_message(**TEXT))
    held = await simulator.control.wait_gate(15)
    assert held is not None
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await simulator.control.release_gate(held.gate)
    await sms.send_text_message(**TEXT)
    assert len(await simulator.control.ledger(operation="SendTextMessage")) == 2


async def test_a_gate_opens_by_itself_when_its_time_is_up(simulator: Running, sms: Any) -> None:
    await simulator.control.arm_gate(GateOrder(service=SMS, count=2, hold_ms=100))
    sending = asyncio.create_task(sms.send_text_message(**TEXT))
    held = await simulator.control.wait_gate(15)
    assert held is not None
    async with asyncio.timeout(10):
        await sending
    with pytest.raises(ControlError) as gone:
        await simulator.control.release_gate(held.gate)
    assert gone.value.status == 404
    # One that is held no more is not told of either.
    await sms.send_text_message(**TEXT)
    assert await simulator.control.wait_gate(0.05) is None


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("PUT", "knobs", {"no_such_knob": 1}),
        ("PUT", "knobs", {"rates": "perhaps"}),
        ("PUT", "knobs", {"sms_voice": {"settled_after_ms": -1}}),
        ("POST", "faults", {"service": SMS, "action": "explode"}),
        ("POST", "gates", {"service": SMS, "count": 0}),
        ("POST", "clock/advance", {"seconds": -1}),
        ("PUT", "world", {"no_such_service": {}}),
        ("PUT", "world", {"sms_voice": {"phone_numbers": [{"number": "abc"}]}}),
        ("PUT", "sms/carrier", {"number": CUSTOMER, "behaviour": "magic"}),
        ("POST", "sms/inbound", {"from": CUSTOMER, "to": "+12065550000", "body": "hi"}),
        ("GET", "ledger?after=x", None),
    ],
)
async def test_a_control_document_that_means_nothing_is_answered_400(
    simulator: Running, method: str, path: str, document: dict[str, Any] | None
) -> None:
    with pytest.raises(ControlError) as refused:
        await simulator.control.channel.call(method, path, document)
    assert refused.value.status == 400
    assert refused.value.reason
