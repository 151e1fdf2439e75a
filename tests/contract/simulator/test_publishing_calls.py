"""What calls put on the bus and on the pipe's queue, clean and spoilt, on the emulator."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.topology import TOPOLOGY_PATH
from schemas.decode import decode_body
from schemas.decoded import Decoded
from simulator.contact_centre.voice.callee import CalleePlan
from tests.contract.simulator.calling import Calling, calling
from tests.contract.simulator.conftest import CUSTOMER

pytestmark = pytest.mark.emulator

QUEUE = "contact-events"
Bodies = Callable[..., Any]


@pytest.fixture
async def office(
    aws: LocalAws, topology: Provisioned, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> AsyncIterator[Calling]:
    """An office whose calls' events go to a queue, whatever the shipped rules say of calls."""
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    document = json.loads(TOPOLOGY_PATH.read_text("utf-8"))
    pattern = {"source": ["aws.connect"], "detail": {"channel": ["VOICE"]}}
    document["rules"] = [document["rules"][0] | {"queue": QUEUE, "pattern": pattern}]
    rules = tmp_path / "topology.json"
    rules.write_text(json.dumps(document), "utf-8")
    settings = {"topology_path": rules, "queue_prefix": topology.prefix, "seed": 7}
    records = topology.prefix + QUEUE
    async with calling(settings, contact_records=records) as found:
        yield found
        assert found.simulator.world.tasks.failures == []


@pytest.fixture
def bodies(aws: LocalAws, topology: Provisioned) -> Bodies:
    """Takes messages off the queue until `count` have come, or no more do."""
    sqs = boto3.client("sqs", **aws.client_arguments("sqs"))
    url = topology.queue_urls[QUEUE]

    def take(count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            if not answer.get("Messages"):
                break
            for message in answer["Messages"]:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    async def taken(count: int) -> list[dict[str, Any]]:
        return await asyncio.to_thread(take, count)

    return taken


async def test_a_calls_events_and_record_come_out_as_aws_shapes_them(
    office: Calling, bodies: Bodies
) -> None:
    await office.phones.plan(CalleePlan(keys="1"))
    contact_id = await office.dial()
    messages = await bodies(6)
    events = [message["detail"] for message in messages if "detail" in message]
    assert {event["contactId"] for event in events} == {contact_id}
    assert {event["eventType"] for event in events} == {
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "CONTACT_DATA_UPDATED",
        "DISCONNECTED",
        "COMPLETED",
    }
    [gone] = [event for event in events if event["eventType"] == "DISCONNECTED"]
    assert (gone["channel"], gone["initiationMethod"]) == ("VOICE", "API")
    assert gone["connectedToSystemTimestamp"] <= gone["disconnectTimestamp"]
    assert gone["tags"]["aws:connect:systemEndpoint"] == gone["systemEndpoint"]["address"]
    # Contact events have neither the number nor the attributes, and no reason but for campaigns.
    assert CUSTOMER not in json.dumps(events)
    assert "CONFIRMED" not in json.dumps(events)
    assert "disconnectReason" not in gone
    [piped] = [message for message in messages if message.get("eventSource") == "aws:kinesis"]
    [result] = decode_body(json.dumps(piped))
    assert isinstance(result, Decoded), result
    record = json.loads(base64.b64decode(piped["data"]))
    assert record["ContactId"] == piped["partitionKey"] == contact_id
    assert record["Attributes"]["answer"] == "CONFIRMED"


async def test_lost_events_lose_no_call(office: Calling, bodies: Bodies) -> None:
    await office.simulator.control.set_knobs(publications={"contact_event": {"lose": 1}})
    contact_id = await office.dial()
    await office.over(contact_id)
    await office.simulator.world.tasks.settle()
    assert [m for m in await bodies(6) if "detail" in m] == []
    assert (await office.described(contact_id))["DisconnectReason"] == "CONTACT_FLOW_DISCONNECT"


async def test_events_come_twice_and_out_of_order_when_the_knobs_say_so(
    office: Calling, bodies: Bodies
) -> None:
    spoilt = {"duplicate": 1, "reorder": 0.5, "reorder_by_ms": 100}
    await office.simulator.control.set_knobs(publications={"contact_event": spoilt})
    await office.phones.plan(CalleePlan(behaviour="busy"))
    await office.over(await office.dial())
    await office.simulator.world.tasks.settle()
    events = [m for m in await bodies(7) if "detail" in m]
    types = sorted(event["detail"]["eventType"] for event in events)
    assert types == ["COMPLETED"] * 2 + ["DISCONNECTED"] * 2 + ["INITIATED"] * 2
    assert len({event["id"] for event in events}) == 3


async def test_a_failed_campaign_call_says_so_in_its_event(office: Calling, bodies: Bodies) -> None:
    await office.simulator.control.set_knobs(
        voice={"time_scale": 0.005, "concurrent_campaign_calls": 1}
    )
    await office.phones.plan(CalleePlan(behaviour="busy"))
    await office.dial(
        TrafficType="CAMPAIGN",
        CampaignId="c-1",
        AnswerMachineDetectionConfig={"EnableAnswerMachineDetection": True},
    )
    events = [message["detail"] for message in await bodies(3)]
    [gone] = [event for event in events if event["eventType"] == "DISCONNECTED"]
    assert gone["disconnectReason"] == "OUTBOUND_DESTINATION_ENDPOINT_ERROR"
    assert gone["answeringMachineDetectionStatus"] == "SIT_TONE_BUSY"
    assert gone["campaign"] == {"campaignId": "c-1"}
    assert gone["initiationTimestamp"] < gone["ringStartTimestamp"] < gone["disconnectTimestamp"]
