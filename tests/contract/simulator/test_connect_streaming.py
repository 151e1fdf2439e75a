"""StartContactStreaming and contact events, on the emulator's topics and queues."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.topology import TOPOLOGY_PATH
from simulator.contact_centre.content import Visibility
from tests.contract.simulator.chatting import (
    INSTANCE,
    TOPIC,
    VENDOR,
    Chatting,
    Customer,
    chatting,
)
from tests.contract.simulator.conftest import refusal

pytestmark = pytest.mark.emulator

Receive = Callable[..., Any]


@pytest.fixture
async def chats(
    aws: LocalAws, topology: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Chatting]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    settings = {"topology_path": TOPOLOGY_PATH, "queue_prefix": topology.prefix, "seed": 7}
    async with chatting(settings) as found:
        yield found
        assert found.world.tasks.failures == []


@pytest.fixture
def receive(aws: LocalAws, topology: Provisioned) -> Receive:
    """Takes messages off a queue until one fits, or no more come; all that were taken."""
    sqs = boto3.client("sqs", **aws.client_arguments("sqs"))

    def take(queue: str, last: Callable[[Any], bool]) -> list[Any]:
        url, bodies = topology.queue_urls[queue], []
        while True:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=2)
            found = answer.get("Messages", [])
            for message in found:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                bodies.append(json.loads(message["Body"]))
            if not found or any(last(body) for body in bodies):
                return bodies

    async def taken(queue: str, last: Callable[[Any], bool]) -> list[Any]:
        return await asyncio.to_thread(take, queue, last)

    return taken


def says(words: str) -> Callable[[Any], bool]:
    return lambda envelope: words in envelope["Message"]


async def stream(chats: Chatting, customer: Customer, topic: str, by: str = "s") -> Any:
    return await chats.connect.start_contact_streaming(
        **INSTANCE,
        ContactId=customer.contact_id,
        ChatStreamingConfiguration={"StreamingEndpointArn": topic},
        ClientToken=by,
    )


async def test_what_is_said_after_the_start_is_streamed_with_its_attributes(
    chats: Chatting, topology: Provisioned, receive: Receive
) -> None:
    customer = await chats.with_agent()
    await chats.desk.say(customer.contact_id, "too early")
    await stream(chats, customer, topology.topic_arns["chat-stream"])
    sent = await chats.send(customer, "from the customer")
    await chats.desk.say(customer.contact_id, "secret", visibility=Visibility.AGENT)
    await chats.desk.attach(customer.contact_id, "map.png", b"png", "image/png")
    await chats.desk.end(customer.contact_id)
    envelopes = await receive("chat-stream", says("chat.ended"))
    by_time = sorted(
        ((json.loads(e["Message"]), e["MessageAttributes"]) for e in envelopes),
        key=lambda pair: str(pair[0]["AbsoluteTime"]),
    )
    bodies = [body for body, _ in by_time]
    attributes = [{k: v["Value"] for k, v in found.items()} for _, found in by_time]
    assert [body.get("Content", body["Type"]) for body in bodies] == [
        "from the customer",
        "secret",
        "ATTACHMENT",
        "EVENT",
        "EVENT",
    ]
    assert bodies[0]["Id"] == sent["Id"]
    assert attributes[0] == {
        "InitialContactId": customer.contact_id,
        "MessageVisibility": "ALL",
        "Type": "MESSAGE",
        "AccountId": "000000000000",
        "ContentType": "text/plain",
        "InstanceId": INSTANCE["InstanceId"],
        "ContactId": customer.contact_id,
        "ParticipantRole": "CUSTOMER",
    }
    assert attributes[1]["MessageVisibility"] == "AGENT"
    assert attributes[2]["ContentType"] == "image/png"
    assert "ContentType" not in bodies[2]
    assert bodies[4]["ContentType"] == f"{VENDOR}event.chat.ended"
    assert "ParticipantRole" not in attributes[4]
    assert {found["Type"] for found in by_time[0][1].values()} == {"String"}


async def test_same_token_is_the_same_stream_and_another_one_says_everything_twice(
    chats: Chatting, topology: Provisioned, receive: Receive
) -> None:
    topic = topology.topic_arns["chat-stream"]
    customer = await chats.with_agent()
    first = await stream(chats, customer, topic)
    assert (await stream(chats, customer, topic))["StreamingId"] == first["StreamingId"]
    await chats.send(customer, "once")
    await stream(chats, customer, topic, by="another")
    await chats.send(customer, "twice")
    await chats.send(customer, "last")
    envelopes = await receive("chat-stream", lambda _: False)
    said = [json.loads(envelope["Message"])["Content"] for envelope in envelopes]
    assert (said.count("once"), said.count("twice")) == (1, 2)


async def test_stopped_stream_says_no_more_and_can_be_started_again(
    chats: Chatting, topology: Provisioned, receive: Receive
) -> None:
    topic = topology.topic_arns["chat-stream"]
    customer = await chats.with_agent()
    made = await stream(chats, customer, topic)
    named = {**INSTANCE, "ContactId": customer.contact_id, "StreamingId": made["StreamingId"]}
    await chats.connect.stop_contact_streaming(**named)
    await chats.send(customer, "unheard")
    gone = await refusal(chats.connect.stop_contact_streaming(**named))
    assert gone["Error"]["Code"] == "ResourceNotFoundException"
    await stream(chats, customer, topic, by="again")
    await chats.send(customer, "heard")
    [envelope] = await receive("chat-stream", says("heard"))
    assert json.loads(envelope["Message"])["Content"] == "heard"


async def test_a_contact_streams_to_two_topics_and_not_after_its_end(chats: Chatting) -> None:
    await chats.control.set_knobs(publications={"chat": {"lose": 1}})
    customer = await chats.with_agent()
    await stream(chats, customer, TOPIC, by="1")
    await stream(chats, customer, TOPIC + "-2", by="2")
    third = await refusal(stream(chats, customer, TOPIC + "-3", by="3"))
    assert third["Error"]["Code"] == "LimitExceededException"
    assert third["ResponseMetadata"]["HTTPStatusCode"] == 429
    other = await chats.open()
    await chats.connect.stop_contact(**INSTANCE, ContactId=other.contact_id)
    late = await refusal(stream(chats, other, TOPIC))
    assert late["Error"]["Code"] == "ResourceNotFoundException"


async def test_the_end_is_put_on_the_bus_in_awss_shape(chats: Chatting, receive: Receive) -> None:
    customer = await chats.with_agent()
    await chats.desk.transfer(customer.contact_id)
    await chats.desk.end(customer.contact_id, by="system")
    first, last = await receive("contact-events", lambda e: "previousContactId" in e["detail"])
    arn = f"arn:aws:connect:us-east-1:000000000000:instance/{INSTANCE['InstanceId']}"
    assert first["source"] == "aws.connect"
    assert first["detail-type"] == "Amazon Connect Contact Event"
    assert first["resources"] == [arn, f"{arn}/contact/{customer.contact_id}"]
    detail = first["detail"]
    assert (detail["eventType"], detail["channel"]) == ("DISCONNECTED", "CHAT")
    assert detail["contactId"] == customer.contact_id
    assert detail["agentInfo"]["agentArn"].startswith(f"{arn}/agent/")
    assert "initialContactId" not in detail
    assert last["detail"]["initialContactId"] == customer.contact_id
    assert last["detail"]["initiationMethod"] == "TRANSFER"


async def test_an_event_and_an_item_can_be_said_again(
    chats: Chatting, topology: Provisioned, receive: Receive
) -> None:
    customer = await chats.with_agent()
    await stream(chats, customer, topology.topic_arns["chat-stream"])
    item = await chats.desk.say(customer.contact_id, "hello")
    await chats.desk.resend(customer.contact_id, item.id)
    envelopes = await receive("chat-stream", lambda _: False)
    assert [json.loads(e["Message"])["Id"] for e in envelopes] == [item.id, item.id]
    await chats.desk.emit_contact_event(customer.contact_id, "DISCONNECTED")
    [event] = await receive("contact-events", lambda _: True)
    assert event["detail"]["contactId"] == customer.contact_id
    assert "disconnectTimestamp" not in event["detail"]
