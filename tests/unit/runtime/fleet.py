"""A consumer on an in-memory queue, and handlers that say what a test tells them to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from workers.clock import Clock
from workers.metrics import IN_FLIGHT, OUTCOMES, RECEIVED, Metrics
from workers.runtime.breaker import Breaker, InProcessBreaker
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.deferral import Deferrals
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.drain import QueueReceipt
from workers.runtime.failures import Failures, MemoryFailures
from workers.runtime.gate import ALWAYS_OPEN, Gate
from workers.runtime.health import State
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome
from workers.runtime.shared import Shared
from workers.runtime.sqs import SqsQueue
from workers.testing import LoopClock

Handle = Callable[[Delivery], Awaitable[Outcome]]
Plan = Callable[[Delivery], Job | Discard | DeadLetter]


async def done(_delivery: Delivery) -> Outcome:
    return Done()


class ByKey:
    """Plans by the message attribute `key`; without one the job orders itself."""

    def __init__(self, handle: Handle, planned: Plan | None) -> None:
        self.handle = handle
        self.planned = planned

    def plan(self, delivery: Delivery) -> Job | Discard | DeadLetter:
        if self.planned is not None:
            return self.planned(delivery)
        key = delivery.attributes.get("key")
        return Job(key, "test_event", "TEST", f"event-{delivery.body}", self.handle)


@dataclass
class Fleet:
    """One consumer and everything it touches."""

    consumer: Consumer
    queue: MemoryQueue
    wrapped: SqsQueue
    dispatcher: ByKey
    dlq: MemoryQueue
    failures: MemoryFailures
    metrics: Metrics
    clock: Clock
    shared: Shared

    def outcomes(self, **labels: str) -> int:
        return int(self.metrics.total(OUTCOMES, queue=self.queue.name, **labels))

    def assert_adds_up(self) -> None:
        """G5: what came in went out, with an outcome, or is still here."""
        received = self.metrics.total(RECEIVED)
        assert received == self.metrics.total(OUTCOMES) + self.metrics.total(IN_FLIGHT)

    async def until_empty(self) -> None:
        async with asyncio.timeout(3 * 86_400):  # Of virtual time.
            while len(self.queue):
                await self.clock.sleep(0.5)


def dlq_name(name: str) -> str:
    return f"{name.removesuffix('.fifo')}-dlq{'.fifo' if name.endswith('.fifo') else ''}"


def make_fleet(
    handle: Handle = done,
    *,
    failures: Failures | None = None,
    plan: Plan | None = None,
    deferrals: Callable[[MemoryQueue], Deferrals] | None = None,
    breaker: Breaker | None = None,
    queues: tuple[MemoryQueue, MemoryQueue] | None = None,
    gate: Gate = ALWAYS_OPEN,
    name: str = "work",
    wrap: Callable[[MemoryQueue], SqsQueue] = lambda queue: queue,
    **settings: Any,
) -> Fleet:
    clock = LoopClock()
    queue, dlq = queues or (MemoryQueue(name, clock), MemoryQueue(dlq_name(name), clock))
    memory = MemoryFailures()
    metrics = Metrics()
    shared = Shared(
        clock,
        metrics,
        failures or memory,
        breaker=breaker or InProcessBreaker(),
        deferrals=deferrals(queue) if deferrals else None,
        rng=Random(7),  # noqa: S311 - the same run each time
    )
    dispatcher = ByKey(handle, plan)
    wrapped = wrap(queue)
    consumer = Consumer(wrapped, dlq, dispatcher, ConsumerConfig(**settings), shared, gate)
    return Fleet(consumer, queue, wrapped, dispatcher, dlq, memory, metrics, clock, shared)


@asynccontextmanager
async def running(
    handle: Handle = done,
    *,
    before_start: Callable[[MemoryQueue], None] | None = None,
    **arguments: Any,
) -> AsyncIterator[Fleet]:
    """A consumer at work, drained at the end if the test has not done so. Its sums are checked."""
    fleet = make_fleet(handle, **arguments)
    if before_start is not None:
        before_start(fleet.queue)
    async with asyncio.TaskGroup() as tasks:
        fleet.consumer.start(tasks)
        yield fleet
        if fleet.consumer.pulse.state is not State.DRAINING:
            fleet.consumer.force()
            await fleet.consumer.drain()
    fleet.assert_adds_up()


async def drained(fleet: Fleet) -> QueueReceipt:
    return await fleet.consumer.drain()
