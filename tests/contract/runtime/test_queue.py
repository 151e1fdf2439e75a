"""One suite for every queue: what the runtime relies on, in memory and by either transport."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from aiobotocore.credentials import AioCredentials
from aiobotocore.session import get_session

from infra.local.endpoints import LocalAws
from workers.clock import SystemClock
from workers.errors import AccountProblem, TransientError
from workers.runtime.lean_sqs import LeanSqs
from workers.runtime.memory import MemoryQueue
from workers.runtime.sqs import (
    AioSqsQueue,
    Attribute,
    Message,
    Outgoing,
    SqsQueue,
    VisibilityChange,
    sqs_client_config,
)

pytestmark = pytest.mark.emulator


@pytest.fixture(params=["memory", "sdk", "lean"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[SqsQueue]:
    if request.param == "memory":
        yield MemoryQueue("work", SystemClock())
        return
    aws: LocalAws = request.getfixturevalue("aws")
    config = sqs_client_config(pollers=4, slots=10, wait_s=15)
    arguments = aws.client_arguments("SQS")
    async with get_session().create_client("sqs", config=config, **arguments) as client:
        name = f"runtime-{secrets.token_hex(4)}"
        url = (await client.create_queue(QueueName=name))["QueueUrl"]
        if request.param == "sdk":
            yield AioSqsQueue(client, url, "work")
            return
        credentials = AioCredentials(
            arguments["aws_access_key_id"], arguments["aws_secret_access_key"]
        )
        yield AioSqsQueue(LeanSqs(client, credentials), url, "work")


async def received(queue: SqsQueue, count: int = 10, *, lease_s: int = 30) -> list[Message]:
    return await queue.receive(count, wait_s=1, visibility_timeout_s=lease_s)


async def test_a_message_arrives_whole(queue: SqsQueue) -> None:
    body = '{"text": "héllo 🎉"}'
    attributes = {
        "traceparent": Attribute("String", "00-0a-0b-01"),
        "count": Attribute("Number.int", "5"),
        "raw": Attribute("Binary", b"\x00\xff"),
    }
    assert await queue.send([Outgoing(body, attributes)]) == []
    [message] = await received(queue)
    assert message.body == body
    assert message.attributes == attributes
    assert message.receive_count == 1
    assert abs(datetime.now(UTC) - message.sent_at) < timedelta(seconds=5)
    assert abs(datetime.now(UTC) - message.first_received_at) < timedelta(seconds=5)
    assert message.group is None


async def test_a_received_message_is_hidden_and_a_deleted_one_gone(queue: SqsQueue) -> None:
    await queue.send([Outgoing("a")])
    [message] = await received(queue)
    assert await queue.receive(10, wait_s=0, visibility_timeout_s=30) == []
    assert await queue.delete([message.receipt_handle]) == []
    assert await queue.receive(10, wait_s=0, visibility_timeout_s=30) == []


async def test_a_message_given_back_comes_again_with_another_handle(queue: SqsQueue) -> None:
    await queue.send([Outgoing("a")])
    [first] = await received(queue)
    assert await queue.change_visibility([VisibilityChange(first.receipt_handle, 0)]) == []
    [second] = await received(queue)
    assert second.message_id == first.message_id
    assert second.receive_count == 2
    assert second.receipt_handle != first.receipt_handle
    assert second.first_received_at == first.first_received_at


async def test_a_lease_that_ran_out_lets_the_message_come_again(queue: SqsQueue) -> None:
    await queue.send([Outgoing("a")])
    [first] = await received(queue, lease_s=1)
    [second] = await queue.receive(10, wait_s=3, visibility_timeout_s=30)
    assert second.message_id == first.message_id


async def test_an_extended_lease_keeps_the_message_hidden(queue: SqsQueue) -> None:
    await queue.send([Outgoing("a")])
    [first] = await received(queue, lease_s=1)
    assert await queue.change_visibility([VisibilityChange(first.receipt_handle, 30)]) == []
    assert await queue.receive(10, wait_s=2, visibility_timeout_s=30) == []


async def test_a_long_poll_brings_what_comes_while_it_waits(queue: SqsQueue) -> None:
    async with asyncio.TaskGroup() as tasks:
        poll = tasks.create_task(queue.receive(10, wait_s=15, visibility_timeout_s=30))
        await asyncio.sleep(0.2)
        await queue.send([Outgoing("late")])
        async with asyncio.timeout(10):
            [message] = await poll
    assert message.body == "late"


async def test_batches_hold_ten_and_refusals_are_told_apart(queue: SqsQueue) -> None:
    assert await queue.send([Outgoing(str(number)) for number in range(10)]) == []
    messages: list[Message] = []
    while len(messages) < 10:
        messages += await received(queue)
    handles = [message.receipt_handle for message in messages]
    changes = [VisibilityChange(handle, 60) for handle in handles]
    changes[3] = VisibilityChange(f"{handles[3]}-not-a-handle", 60)
    [refused] = await queue.change_visibility(changes)
    assert refused.index == 3
    assert refused.is_sender_fault
    assert await queue.delete(handles) == []


async def test_a_queue_that_is_not_there_is_an_account_problem(aws: LocalAws) -> None:
    config = sqs_client_config(pollers=1, slots=1, wait_s=1)
    async with get_session().create_client(
        "sqs", config=config, **aws.client_arguments("SQS")
    ) as client:
        url = f"{aws.endpoint_url}/000000000000/no-such-queue"
        with pytest.raises(AccountProblem):
            await AioSqsQueue(client, url, "none").receive(1, wait_s=0, visibility_timeout_s=30)


async def test_an_endpoint_that_does_not_answer_is_transient(unused_tcp_port: int) -> None:
    config = sqs_client_config(pollers=1, slots=1, wait_s=1)
    aws = LocalAws(endpoint_url=f"http://127.0.0.1:{unused_tcp_port}")
    async with get_session().create_client(
        "sqs", config=config, **aws.client_arguments("SQS")
    ) as client:
        queue = AioSqsQueue(client, f"{aws.endpoint_url}/000000000000/x", "x")
        with pytest.raises(TransientError):
            await queue.delete(["handle"])
