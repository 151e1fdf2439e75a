"""This runtime as production runs it, with handlers that do nothing.

Leases, lanes, decoding, routing, idempotency keys, metrics, logs and signals are all on; the
queue is the one that `workers.bootstrap` would make.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any, cast

from workers.clients.aws import Aws, AwsPolicy
from workers.clock import SystemClock
from workers.log import configure_logging
from workers.metrics import Metrics
from workers.routing import Doors, Router
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.failures import MemoryFailures
from workers.runtime.lean_sqs import LeanSqs
from workers.runtime.outcome import Done, Outcome
from workers.runtime.shared import Shared
from workers.runtime.sqs import AioSqsQueue
from workers.runtime.supervisor import Supervisor, spare_the_collector


class NoDoor:
    """Every door of the application: opens, and nothing is behind it."""

    async def handle(self, *_event: object) -> Outcome:
        """Done."""
        return Done()


async def main() -> int:
    """Consume until SIGTERM."""
    configure_logging()
    url = os.environ["BENCH_QUEUE_URL"]
    config = ConsumerConfig(**json.loads(os.environ["BENCH_SETTINGS"]))
    clock = SystemClock()
    shared = Shared(clock, Metrics(), MemoryFailures())
    door = cast("Doors", NoDoors())
    async with Aws(AwsPolicy(max_connections=config.slots + config.pollers_max)) as aws:
        client: Any = await aws.sqs()
        if os.environ.get("BENCH_TRANSPORT", "lean") == "lean":
            client = LeanSqs(client, await aws.credentials())
        queues = AioSqsQueue(client, url, "work"), AioSqsQueue(client, url + "-dlq", "work-dlq")
        consumer = Consumer(*queues, Router(door), config, shared)
        spare_the_collector()
        return await Supervisor([consumer], clock).run()


class NoDoors:
    """`Doors`, whichever is asked for; no profiles are written and nobody is called."""

    calls = None
    profiles = None

    def __getattr__(self, _name: str) -> NoDoor:
        return NoDoor()


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
