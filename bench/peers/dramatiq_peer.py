"""dramatiq with dramatiq-sqs, run by its own command line."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import dramatiq
from dramatiq.middleware import AgeLimit, Callbacks, Pipelines, Retries, TimeLimit
from dramatiq_sqs import SQSBroker

SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])

broker = SQSBroker(
    middleware=[
        AgeLimit(),
        TimeLimit(),
        Callbacks(),
        Pipelines(),
        Retries(min_backoff=1000, max_backoff=900_000, max_retries=96),
    ]
)
dramatiq.set_broker(broker)


@dramatiq.actor(queue_name="bench")
def handle(_body: str) -> None:
    """The same as everybody's: nothing."""


if __name__ == "__main__":
    if sys.argv[1] == "send":
        for body in json.loads(os.environ["BENCH_BODIES"]):
            handle.send(body)
    else:
        processes, threads = str(SETTINGS["processes"]), str(SETTINGS["threads"])
        run = ["-m", "dramatiq", "dramatiq_peer", "--processes", processes, "--threads", threads]
        os.chdir(Path(__file__).parent)
        os.execv(sys.executable, [sys.executable, *run])
