"""Texts, receipts and events on the emulator's topics and queues, clean and spoilt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.topology import TOPOLOGY_PATH
from simulator.application import running
from simulator.client import SimulatorClient
from simulator.publisher import RemoteEndpointError
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import CUSTOMER, OUR_NUMBER, Running

pytestmark = pytest.mark.emulator

TEXT = {
    "DestinationPhoneNumber": CUSTOMER,
    "OriginationIdentity": OUR_NUMBER,
    "MessageBody": "hi",
    "ConfigurationSetName": "receipts",
    "Context": {"intent": "i-1"},
}
Receive = Callable[..., Any]


def local_world(topology: Provisioned) -> dict[str, Any]:
    return {
        "phone_numbers": [
            {
                "number": OUR_NUMBER,
                "capabilities": ["SMS", "MMS", "VOICE"],
                "two_way_topic_arn": topology.topic_arns["inbound-sms"],
                "keywords": {"HOURS": ["AUTOMATIC_RESPONSE", "9 to 5"]},
            },
            {
                "number": "+12065550188",
                "two_way_topic_arn": topology.topic_arns["inbound-sms"],
                "self_managed_opt_outs": True,
            },
        ],
        "configuration_sets": [
            {
                "name": "receipts",
                "event_destinations": [{"topic_arn": topology.topic_arns["delivery-receipts"]}],
            },
            {
                "name": "voice",
                "event_destinations": [
                    {
                        "topic_arn": topology.topic_arns["delivery-receipts"],
                        "event_types": ["VOICE_COMPLETED"],
                    }
                ],
            },
            {
                "name": "failures",
                "event_destinations": [
                    {
                        "topic_arn": topology.topic_arns["delivery-receipts"],
                        "event_types": ["TEXT_UNREACHABLE"],
                    }
                ],
            },
        ],
    }


@pytest.fixture
async def published(
    aws: LocalAws, topology: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    settings = SimulatorSettings(
        world={"sms_voice": local_world(topology)},
        topology_path=TOPOLOGY_PATH,
        queue_prefix=topology.prefix,
        seed=7,
    )
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(running(settings))
        control = await stack.enter_async_context(SimulatorClient(world.url))
        yield Running(world, control, stack)
        assert world.tasks.failures == []


@pytest.fixture
def receive(aws: LocalAws, topology: Provisioned) -> Receive:
    """Takes `count` messages off a queue, as bodies; fewer when no more come."""
    sqs = boto3.client("sqs", **aws.client_arguments("sqs"))

    def take(queue: str, count: int) -> list[str]:
        bodies: list[str] = []
        while len(bodies) < count:
            answer = sqs.receive_message(
                QueueUrl=topology.queue_urls[queue], MaxNumberOfMessages=10, WaitTimeSeconds=1
            )
            found = answer.get("Messages", [])
            if not found:
                return bodies
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(
                    QueueUrl=topology.queue_urls[queue], ReceiptHandle=message["ReceiptHandle"]
                )
        return bodies

    async def taken(queue: str, count: int) -> list[dict[str, Any]]:
        return [json.loads(body) for body in await asyncio.to_thread(take, queue, count)]

    return taken


async def test_a_customers_text_comes_to_the_queue_in_its_sns_envelope(
    published: Running, receive: Receive
) -> None:
    result = await published.control.text_from_customer(CUSTOMER, OUR_NUMBER, "Grüße 😀")
    [envelope] = await receive("inbound-sms", 1)
    assert json.loads(envelope["Message"]) == {
        "originationNumber": CUSTOMER,
        "destinationNumber": OUR_NUMBER,
        "messageKeyword": "KEYWORD_000000000000",
        "messageBody": "Grüße 😀",
        "inboundMessageId": result.inbound_message_id,
    }
    [fact] = await published.control.ledger(operation="inbound_text_published")
    assert fact.params["inboundMessageId"] == result.inbound_message_id


async def test_a_reply_names_the_message_that_was_last_sent(
    published: Running, receive: Receive
) -> None:
    sms = await published.sdk("pinpoint-sms-voice-v2")
    sent = await sms.send_text_message(**TEXT)
    await published.control.text_from_customer(CUSTOMER, OUR_NUMBER, "yes")
    [envelope] = await receive("inbound-sms", 1)
    message = json.loads(envelope["Message"])
    assert message["previousPublishedMessageId"] == sent["MessageId"]


@pytest.mark.parametrize("body", ["STOP", "stop it", "  Cancel my 2pm visit", "HELP me"])
async def test_a_managed_number_answers_stop_and_help_itself(
    published: Running, receive: Receive, body: str
) -> None:
    result = await published.control.text_from_customer(CUSTOMER, OUR_NUMBER, body)
    assert result.answered
    assert result.inbound_message_id is None
    [answer] = await published.control.handset(CUSTOMER)
    assert answer.kind == "auto_reply"
    sms = await published.sdk("pinpoint-sms-voice-v2")
    listed = await sms.describe_opted_out_numbers(OptOutListName="Default")
    by_end_user = [one["EndUserOptedOut"] for one in listed["OptedOutNumbers"]]
    assert by_end_user == ([] if "HELP" in body else [True])
    assert await receive("inbound-sms", 1) == []


async def test_a_self_managed_number_passes_stop_on(published: Running, receive: Receive) -> None:
    result = await published.control.text_from_customer(CUSTOMER, "+12065550188", "STOP")
    assert (result.answered, result.keyword) == (False, "STOP")
    [envelope] = await receive("inbound-sms", 1)
    assert json.loads(envelope["Message"])["messageKeyword"] == "STOP"
    assert await published.control.handset(CUSTOMER) == []


async def test_a_keyword_of_ours_is_answered_and_published(
    published: Running, receive: Receive
) -> None:
    result = await published.control.text_from_customer(CUSTOMER, OUR_NUMBER, "hours?")
    assert (result.answered, result.keyword) == (False, "HOURS")
    assert [text.body for text in await published.control.handset(CUSTOMER)] == ["9 to 5"]
    assert len(await receive("inbound-sms", 1)) == 1


async def test_receipts_tell_the_fate_with_the_context_of_the_send(
    published: Running, receive: Receive
) -> None:
    sms = await published.sdk("pinpoint-sms-voice-v2")
    sent = await sms.send_text_message(**TEXT)
    events = [json.loads(body["Message"]) for body in await receive("delivery-receipts", 2)]
    events.sort(key=lambda event: event["isFinal"])
    pending, delivered = events
    assert (pending["eventType"], pending["isFinal"]) == ("TEXT_PENDING", False)
    assert (
        delivered.items()
        >= {
            "eventType": "TEXT_DELIVERED",
            "eventVersion": "1.0",
            "isFinal": True,
            "messageId": sent["MessageId"],
            "context": {"intent": "i-1"},
            "originationPhoneNumber": OUR_NUMBER,
            "destinationPhoneNumber": CUSTOMER,
            "isoCountryCode": "US",
            "messageEncoding": "GSM",
            "messageType": "TRANSACTIONAL",
            "messageStatus": "DELIVERED",
            "totalMessageParts": 1,
            "totalMessagePrice": 0.00581,
        }.items()
    )
    assert delivered["messageRequestTimestamp"] <= delivered["eventTimestamp"]


async def test_a_voice_messages_last_event_tells_how_long_the_call_was(
    published: Running, receive: Receive
) -> None:
    sms = await published.sdk("pinpoint-sms-voice-v2")
    sent = await sms.send_voice_message(**TEXT | {"ConfigurationSetName": "voice"})
    [body] = await receive("delivery-receipts", 1)
    event = json.loads(body["Message"])
    times = (event.pop("eventTimestamp"), event.pop("messageRequestTimestamp"))
    assert times[1] <= times[0]
    assert event == {
        "eventType": "VOICE_COMPLETED",
        "eventVersion": "1.0",
        "isFinal": True,
        "originationPhoneNumber": OUR_NUMBER,
        "destinationPhoneNumber": CUSTOMER,
        "isoCountryCode": "US",
        "messageId": sent["MessageId"],
        "messageStatus": "COMPLETED",
        "callDurationInSeconds": 1,
        "totalDurationInMinutes": 1,
        "totalMessagePrice": 0.013,
        "context": {"intent": "i-1"},
    }


async def test_a_destination_gets_only_the_events_it_asked_for(
    published: Running, receive: Receive
) -> None:
    await published.control.set_carrier("unreachable", number="+12065550101")
    sms = await published.sdk("pinpoint-sms-voice-v2")
    await sms.send_text_message(**{**TEXT, "ConfigurationSetName": "failures"})
    await sms.send_text_message(
        **{
            **TEXT,
            "ConfigurationSetName": "failures",
            "DestinationPhoneNumber": "+12065550101",
        }
    )
    [body] = await receive("delivery-receipts", 2)
    assert json.loads(body["Message"])["messageStatus"] == "UNREACHABLE"
    assert await published.control.handset("+12065550101") == []


async def test_an_event_goes_whole_to_the_queues_whose_rule_fits(
    published: Running, receive: Receive
) -> None:
    for channel in ("VOICE", "CHAT"):
        await published.world.publisher.to_bus(
            "aws.connect",
            "Amazon Connect Contact Event",
            {"channel": channel, "eventType": "DISCONNECTED", "contactId": "c-1"},
            ["arn:aws:connect:us-east-1:000000000000:instance/i"],
        )
    [event] = await receive("contact-events", 2)
    assert event["detail"]["channel"] == "CHAT"
    assert event["source"] == "aws.connect"
    assert event.keys() == {
        "version",
        "id",
        "detail-type",
        "source",
        "account",
        "time",
        "region",
        "resources",
        "detail",
    }


async def publish(published: Running, topology: Provisioned, count: int) -> None:
    for number in range(count):
        await published.world.publisher.to_topic(
            topology.topic_arns["chat-stream"],
            json.dumps({"n": number}),
            {"MessageVisibility": "ALL"},
            "chat",
        )


async def test_the_envelope_stamped_here_is_the_one_sns_makes(
    published: Running, topology: Provisioned, receive: Receive
) -> None:
    await publish(published, topology, 1)
    [by_sns] = await receive("chat-stream", 1)
    await published.control.set_knobs(publications={"chat": {"reorder": 1, "reorder_by_ms": 0}})
    await publish(published, topology, 1)
    [by_us] = await receive("chat-stream", 1)
    assert by_us.keys() == by_sns.keys()
    assert by_us["MessageAttributes"] == by_sns["MessageAttributes"]
    assert by_us["MessageAttributes"] == {"MessageVisibility": {"Type": "String", "Value": "ALL"}}
    for same in ("Type", "TopicArn", "Message", "SignatureVersion"):
        assert by_us[same] == by_sns[same]
    assert len(by_us["Timestamp"]) == len("2026-11-24T00:00:00.000Z") == len(by_sns["Timestamp"])


async def test_a_duplicate_is_the_same_delivery_again(
    published: Running, topology: Provisioned, receive: Receive
) -> None:
    await published.control.set_knobs(publications={"chat": {"duplicate": 1, "reorder_by_ms": 1}})
    await publish(published, topology, 1)
    first, second = await receive("chat-stream", 2)
    assert first == second


async def test_a_republication_has_an_sns_id_of_its_own(
    published: Running, topology: Provisioned, receive: Receive
) -> None:
    await published.control.set_knobs(publications={"chat": {"republish": 1}})
    await publish(published, topology, 1)
    first, second = await receive("chat-stream", 2)
    assert first["Message"] == second["Message"]
    assert first["MessageId"] != second["MessageId"]


async def test_late_deliveries_keep_the_time_they_were_stamped_with(
    published: Running, topology: Provisioned, receive: Receive
) -> None:
    await published.control.set_knobs(publications={"chat": {"reorder": 0.5, "reorder_by_ms": 150}})
    await publish(published, topology, 20)
    bodies = await receive("chat-stream", 20)
    arrived = [json.loads(body["Message"])["n"] for body in bodies]
    # Several may be stamped within one millisecond; between others the stamps give the order.
    by_stamp = sorted((body["Timestamp"], json.loads(body["Message"])["n"]) for body in bodies)
    assert sorted(arrived) == list(range(20))
    assert arrived != list(range(20))
    assert [number for _, number in by_stamp] == list(range(20))


async def test_a_lost_publication_is_a_fact_of_the_ledger(
    published: Running, topology: Provisioned, receive: Receive
) -> None:
    await published.control.set_knobs(publications={"chat": {"lose": 1}})
    await publish(published, topology, 1)
    assert await receive("chat-stream", 1) == []
    [fact] = await published.control.ledger(operation="publication_lost")
    assert fact.params == {"kind": "chat"}


async def test_a_filter_policy_and_raw_delivery_hold_for_stamped_deliveries_too(
    published: Running, topology: Provisioned, aws: LocalAws, receive: Receive
) -> None:
    sns = boto3.client("sns", **aws.client_arguments("sns"))
    topic = await asyncio.to_thread(lambda: sns.create_topic(Name=f"{topology.prefix}other"))
    region_account = topic["TopicArn"].split(":")[3:5]
    queue_arn = ":".join(["arn:aws:sqs", *region_account, f"{topology.prefix}chat-commands"])
    await asyncio.to_thread(
        lambda: sns.subscribe(
            TopicArn=topic["TopicArn"],
            Protocol="sqs",
            Endpoint=queue_arn,
            Attributes={
                "RawMessageDelivery": "true",
                "FilterPolicy": json.dumps({"kind": ["wanted"]}),
            },
        )
    )
    await published.control.set_knobs(publications={"chat": {"reorder": 1, "reorder_by_ms": 0}})
    for kind in ("wanted", "other"):
        await published.world.publisher.to_topic(
            topic["TopicArn"], json.dumps({"kind": kind}), {"kind": kind}, "chat"
        )
    assert await receive("chat-commands", 2) == [{"kind": "wanted"}]


async def test_nothing_is_ever_published_to_aws_itself() -> None:
    async with running(SimulatorSettings()) as world:
        with pytest.raises(RemoteEndpointError):
            await world.publisher.to_topic("arn:aws:sns:us-east-1:000000000000:t", "{}", {}, "chat")
