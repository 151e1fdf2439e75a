"""sqs-workers: its own loop, ten messages to a call of the processor."""

from __future__ import annotations

import json
import os
import sys

from sqs_workers import SQSEnv
from sqs_workers.batching import BatchMessages

SETTINGS = json.loads(os.environ["BENCH_SETTINGS"])

env = SQSEnv()
queue = env.queue(
    "bench",
    batching_policy=BatchMessages(batch_size=SETTINGS["batch_size"]),
    queue_url=os.environ["BENCH_QUEUE_URL"],
)


@queue.processor("handle")
def handle(messages: list) -> None:
    """The same as everybody's: nothing."""


if sys.argv[1] == "send":
    for body in json.loads(os.environ["BENCH_BODIES"]):
        queue.add_job("handle", body=body)
else:
    queue.process_queue(wait_second=SETTINGS["wait_s"])
