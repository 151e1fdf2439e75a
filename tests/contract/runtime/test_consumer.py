"""A whole consumer on an SQS endpoint."""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter

import pytest
from aiobotocore.session import get_session

from infra.local.endpoints import LocalAws
from workers.clock import SystemClock
from workers.metrics import OUTCOMES, RECEIVED, Metrics
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.failures import MemoryFailures
from workers.runtime.outcome import DeadLetter, Done, Outcome, Retry
from workers.runtime.shared import Shared
from workers.runtime.sqs import AioSqsQueue, Attribute, Message, Outgoing, sqs_client_config

HANDLED_COUNT = 100
"""97 and "shaky" twice and "last" once; "bad" never gets to a handler."""

pytestmark = pytest.mark.emulator


class Plan:
    """Handles by the body: `bad` is refused, `shaky` fails once, all else is done."""

    def __init__(self) -> None:
        self.handled: Counter[str] = Counter()
        self.all_handled = asyncio.Event()

    def plan(self, delivery: Delivery) -> Job | DeadLetter:
        if delivery.body == "bad":
            return DeadLetter("undecodable", error_type="ValidationError", path="x")
        return Job(delivery.attributes.get("key"), "test_event", "TEST", "e1", self._handle)

    async def _handle(self, delivery: Delivery) -> Outcome:
        self.handled[delivery.body] += 1
        if delivery.body == "shaky" and delivery.receive_count == 1:
            return Retry("once", after_s=0)
        if self.handled.total() == HANDLED_COUNT:
            self.all_handled.set()
        return Done()


async def drained_queue(queue: AioSqsQueue) -> list[Message]:
    found: list[Message] = []
    while batch := await queue.receive(10, wait_s=1, visibility_timeout_s=30):
        found += batch
    return found


async def test_every_message_ends_once_as_its_outcome_says(aws: LocalAws) -> None:
    config = ConsumerConfig(wait_s=1, backoff_base_s=0.1)
    client_config = sqs_client_config(pollers=4, slots=64, wait_s=1)
    async with get_session().create_client(
        "sqs", config=client_config, **aws.client_arguments("SQS")
    ) as client:
        name = f"runtime-{secrets.token_hex(4)}"
        queue, dlq = [
            AioSqsQueue(client, (await client.create_queue(QueueName=each))["QueueUrl"], each)
            for each in (name, f"{name}-dlq")
        ]
        bodies = [*(f"m{number}" for number in range(97)), "bad", "shaky", "last"]
        for first in range(0, len(bodies), 10):
            await queue.send(
                [
                    Outgoing(body, {"key": Attribute("String", body[-1])})
                    for body in bodies[first : first + 10]
                ]
            )
        plan, metrics = Plan(), Metrics()
        shared = Shared(SystemClock(), metrics, MemoryFailures())
        consumer = Consumer(queue, dlq, plan, config, shared)
        async with asyncio.TaskGroup() as tasks, asyncio.timeout(20):
            consumer.start(tasks)
            await plan.all_handled.wait()
            receipt = await consumer.drain()
        assert receipt.abandoned == receipt.unacknowledged == receipt.polls_cut == 0
        assert plan.handled == Counter({body: 1 for body in bodies if body != "bad"} | {"shaky": 2})
        assert metrics.total(RECEIVED) == metrics.total(OUTCOMES) == 101
        assert await drained_queue(queue) == []
        [copy] = await drained_queue(dlq)
        assert copy.body == "bad"
        assert copy.attributes["reason"] == Attribute("String", "undecodable")
        assert copy.attributes["key"] == Attribute("String", "d")
