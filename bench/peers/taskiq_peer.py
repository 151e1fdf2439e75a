"""taskiq with taskiq-aio-sqs, run by its own command line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from taskiq_aio_sqs import SQSBroker

SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])

broker = SQSBroker(
    sqs_queue_name="bench",
    endpoint_url=os.environ["AWS_ENDPOINT_URL"],
    region_name=os.environ["AWS_REGION"],
    max_number_of_messages=SETTINGS["max_number_of_messages"],
    wait_time_seconds=SETTINGS["wait_time_seconds"],
)


@broker.task(task_name="handle")
async def handle(_body: str) -> None:
    """The same as everybody's: nothing."""


async def send() -> None:
    """Ten messages."""
    await broker.startup()
    for body in json.loads(os.environ["BENCH_BODIES"]):
        await handle.kiq(body)
    await broker.shutdown()


if __name__ == "__main__":
    if sys.argv[1] == "send":
        asyncio.run(send())
    else:
        workers, tasks = str(SETTINGS["workers"]), str(SETTINGS["max_async_tasks"])
        run = ["worker", "taskiq_peer:broker", "--workers", workers, "--max-async-tasks", tasks]
        os.chdir(Path(__file__).parent)
        os.execv(sys.executable, [sys.executable, "-m", "taskiq", *run])
