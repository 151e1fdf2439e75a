"""What the runtime relies on of a FIFO queue, in memory and at an SQS endpoint alike."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
from aiobotocore.session import get_session

from infra.local.endpoints import LocalAws
from workers.clock import SystemClock
from workers.runtime.memory import MemoryQueue
from workers.runtime.sqs import (
    AioSqsQueue,
    Message,
    Outgoing,
    SqsQueue,
    VisibilityChange,
    sqs_client_config,
)

pytestmark = pytest.mark.emulator


@pytest.fixture(params=["memory", "endpoint"])
async def queue(request: pytest.FixtureRequest) -> AsyncIterator[SqsQueue]:
    if request.param == "memory":
        yield MemoryQueue("work.fifo", SystemClock())
        return
    aws: LocalAws = request.getfixturevalue("aws")
    config = sqs_client_config(pollers=4, slots=10, wait_s=15)
    async with get_session().create_client(
        "sqs", config=config, **aws.client_arguments("SQS")
    ) as client:
        made = await client.create_queue(
            QueueName=f"runtime-{secrets.token_hex(4)}.fifo",
            Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "true"},
        )
        yield AioSqsQueue(client, made["QueueUrl"], "work.fifo")


async def send(queue: SqsQueue, *bodies: str) -> None:
    """Send bodies whose first letter is their group."""
    assert await queue.send([Outgoing(body, group=body[0]) for body in bodies]) == []


async def received(queue: SqsQueue, *, wait_s: int = 0, lease_s: int = 30) -> list[Message]:
    return await queue.receive(10, wait_s=wait_s, visibility_timeout_s=lease_s)


def bodies(messages: list[Message]) -> list[str]:
    return [message.body for message in messages]


async def test_one_receive_brings_several_of_a_group_in_order(queue: SqsQueue) -> None:
    await send(queue, "a1", "b1", "a2", "a3", "b2")
    messages = await received(queue)
    assert [body for body in bodies(messages) if body[0] == "a"] == ["a1", "a2", "a3"]
    assert [body for body in bodies(messages) if body[0] == "b"] == ["b1", "b2"]
    assert {message.group for message in messages} == {"a", "b"}


async def test_a_group_is_locked_while_one_of_it_is_in_flight(queue: SqsQueue) -> None:
    await send(queue, "a1")
    [first] = await received(queue)
    await send(queue, "a2", "b1")
    assert bodies(await received(queue)) == ["b1"]
    assert await queue.delete([first.receipt_handle]) == []
    assert bodies(await received(queue)) == ["a2"]


async def test_what_is_given_back_waits_for_the_hidden_first_one(queue: SqsQueue) -> None:
    await send(queue, "a1", "a2", "a3")
    first, second, third = await received(queue)
    assert await queue.change_visibility([VisibilityChange(first.receipt_handle, 2)]) == []
    back = [VisibilityChange(message.receipt_handle, 0) for message in (second, third)]
    assert await queue.change_visibility(back) == []
    assert await received(queue) == []
    assert bodies(await received(queue, wait_s=4)) == ["a1", "a2", "a3"]


async def test_the_first_one_comes_first_though_it_is_given_back_last(queue: SqsQueue) -> None:
    await send(queue, "a1", "a2")
    first, second = await received(queue)
    assert await queue.change_visibility([VisibilityChange(second.receipt_handle, 0)]) == []
    assert await received(queue) == []
    assert await queue.change_visibility([VisibilityChange(first.receipt_handle, 0)]) == []
    assert bodies(await received(queue)) == ["a1", "a2"]


async def test_a_poll_that_waits_is_woken_when_the_group_comes_free(queue: SqsQueue) -> None:
    await send(queue, "a1")
    [first] = await received(queue)
    await send(queue, "a2")
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(10):
        poll = tasks.create_task(received(queue, wait_s=15))
        await asyncio.sleep(0.2)
        await queue.delete([first.receipt_handle])
        assert bodies(await poll) == ["a2"]


async def test_the_same_deduplication_id_is_taken_once_deleted_or_not(queue: SqsQueue) -> None:
    for body in ("a1", "a2"):
        assert await queue.send([Outgoing(body, group="a", deduplication_id="d1")]) == []
    [message] = await received(queue)
    assert message.body == "a1"
    await queue.delete([message.receipt_handle])
    assert await queue.send([Outgoing("a3", group="a", deduplication_id="d1")]) == []
    await send(queue, "b1", "b1")
    assert bodies(await received(queue)) == ["b1"], "without an id the body's digest is one"


async def test_without_a_group_it_is_refused(queue: SqsQueue) -> None:
    [refused] = await queue.send([Outgoing("x")])
    assert refused.is_sender_fault
    assert refused.code.endswith("MissingParameter")
