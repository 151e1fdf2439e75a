"""The consumer as a process: signals, the receipt on stdout, and its HTTP face."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from workers.clock import SystemClock
from workers.metrics import RECEIVED, Metrics
from workers.runtime.breaker import Pause
from workers.runtime.health import Health, Pulse, State
from workers.runtime.http import health_app, serving
from workers.testing import FakeClock

PROGRAM = """
import asyncio, sys
from workers.clock import SystemClock
from workers.log import configure_logging
from workers.metrics import Metrics
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.dispatch import Job
from workers.runtime.failures import MemoryFailures
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done
from workers.runtime.shared import Shared
from workers.runtime.supervisor import Supervisor

async def handle(delivery):
    await asyncio.sleep(float(delivery.body))
    return Done()

class Plan:
    def plan(self, delivery):
        return Job(None, "test_event", "TEST", delivery.message_id, handle)

async def main():
    configure_logging()
    clock = SystemClock()
    queue = MemoryQueue("work", clock)
    queue.put(sys.argv[1])
    shared = Shared(clock, Metrics(), MemoryFailures())
    config = ConsumerConfig(wait_s=1, pollers_max=1)
    consumer = Consumer(queue, MemoryQueue("work-dlq", clock), Plan(), config, shared)
    return await Supervisor([consumer], clock).run()

sys.exit(asyncio.run(main()))
"""


@asynccontextmanager
async def consuming(seconds: float) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(seconds), stdout=PIPE
    )
    try:
        assert process.stdout is not None
        while json.loads(await process.stdout.readline())["event"] != "consuming":
            pass
        await asyncio.sleep(0.2)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def receipt_of(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    printed = [json.loads(line) for line in (await process.stdout.read()).splitlines()]
    receipt: dict[str, Any] = next(line for line in printed if line["event"] == "drained")
    return receipt


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_and_prints_the_receipt(number: signal.Signals) -> None:
    async with consuming(1.0) as process:
        process.send_signal(number)
        receipt = await receipt_of(process)
        assert await process.wait() == 0
    assert receipt["done"] == 1
    assert receipt["abandoned"] == 0


async def test_a_second_signal_forces() -> None:
    async with consuming(60) as process:
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(20):
            receipt = await receipt_of(process)
        assert await process.wait() == 1
    assert receipt["forced"]
    assert receipt["abandoned"] == 1


async def answer(port: int, path: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


def began(pulse: Pulse, clock: FakeClock) -> None:
    clock.advance(1)


def polled(pulse: Pulse, clock: FakeClock) -> None:
    pulse.poll_ended(has_answered=True)


def silent(pulse: Pulse, clock: FakeClock) -> None:
    polled(pulse, clock)
    clock.advance(61)


def refused(pulse: Pulse, clock: FakeClock) -> None:
    pulse.poll_ended(has_answered=False)


def full(pulse: Pulse, clock: FakeClock) -> None:
    polled(pulse, clock)
    pulse.enter(State.FULL)
    clock.advance(600)


def paused(pulse: Pulse, clock: FakeClock) -> None:
    polled(pulse, clock)
    pulse.enter(State.PAUSED, Pause(clock.now(), "maintenance", "operator"))
    clock.advance(600)


def paused_from_the_start(pulse: Pulse, clock: FakeClock) -> None:
    pulse.enter(State.PAUSED, Pause(clock.now(), "maintenance", "operator"))


def resumed(pulse: Pulse, clock: FakeClock) -> None:
    paused(pulse, clock)
    pulse.enter(State.POLLING)


def drained_while_paused(pulse: Pulse, clock: FakeClock) -> None:
    draining(pulse, clock)
    pulse.enter(State.PAUSED, Pause(clock.now(), "maintenance", "operator"))


def draining(pulse: Pulse, clock: FakeClock) -> None:
    polled(pulse, clock)
    pulse.enter(State.DRAINING)
    clock.advance(600)


@pytest.mark.parametrize(
    ("happened", "healthz", "readyz", "trouble"),
    [
        pytest.param(began, 200, 503, "SQS has not answered yet", id="not_polled_yet"),
        pytest.param(polled, 200, 200, None, id="polled_lately"),
        pytest.param(
            silent, 503, 503, "no poll has ended for 61 s, 60 s are allowed", id="silent_too_long"
        ),
        pytest.param(refused, 200, 503, "the last poll failed", id="sqs_refuses"),
        pytest.param(full, 200, 200, None, id="every_slot_taken"),
        pytest.param(paused, 200, 200, None, id="paused_on_purpose"),
        pytest.param(paused_from_the_start, 200, 200, None, id="paused_from_the_start"),
        pytest.param(resumed, 200, 200, None, id="just_resumed"),
        pytest.param(draining, 200, 503, "it stops: no more polls", id="draining"),
        pytest.param(
            drained_while_paused, 200, 503, "it stops: no more polls", id="a_drain_is_final"
        ),
    ],
)
async def test_health_follows_the_polls(
    happened: Callable[[Pulse, FakeClock], None], healthz: int, readyz: int, trouble: str | None
) -> None:
    clock = FakeClock()
    pulse = Pulse("work", clock, stale_after_s=60)
    happened(pulse, clock)
    async with serving(health_app(Health([pulse]), Metrics()), host="127.0.0.1", port=0) as port:
        status, body = await answer(port, "/healthz")
        assert status == healthz
        assert (await answer(port, "/readyz"))[0] == readyz
    described = json.loads(body)["queues"]["work"]
    assert described.get("trouble") == trouble
    if happened in (paused, paused_from_the_start):
        assert described["reason"] == "maintenance"
        assert described["since"] == "2026-03-02T12:00:00+00:00"


async def test_one_dead_queue_is_enough() -> None:
    clock = FakeClock()
    dead = Pulse("a", clock, stale_after_s=60)
    clock.advance(61)
    alive = Pulse("b", clock, stale_after_s=60)
    health = Health([dead, alive])
    assert not health.liveness().is_ok


async def test_metrics_are_served_as_prometheus_reads_them() -> None:
    metrics = Metrics()
    metrics.add(RECEIVED, 3, queue="work")
    pulse = Pulse("work", SystemClock(), stale_after_s=60)
    async with serving(health_app(Health([pulse]), metrics), host="127.0.0.1", port=0) as port:
        status, body = await answer(port, "/metrics")
    assert status == 200
    assert 'switchboard_received_total{queue="work"} 3.0' in body
