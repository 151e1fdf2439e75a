"""Plays the schedules of the topology: puts on their queues what EventBridge Scheduler would.

No emulator here does it whole (see `infra.local.provision`). `python -m infra.local.ticks` plays
them for the queues of a worker's environment, until it is stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import boto3

from infra.local.endpoints import LocalAws
from infra.topology import TOPOLOGY_PATH, load_topology
from schemas.topology import SCHEDULED_TIME, Schedule

if TYPE_CHECKING:
    from types_boto3_sqs import SQSClient

QUEUE_URLS = "SWITCHBOARD_QUEUE_URLS"


def tick_of(schedule: Schedule, at: datetime) -> str:
    """The body of the tick of that time (aware), as Scheduler sends it."""
    written = f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    return json.dumps(schedule.input).replace(SCHEDULED_TIME, written)


def upcoming(schedules: Iterable[Schedule], begin: datetime) -> Iterator[tuple[datetime, Schedule]]:
    """All ticks in their order, for ever, the first of each schedule a rate after `begin`."""
    due = [(begin + one.every, one.name, one) for one in schedules]
    heapq.heapify(due)
    while due:
        at, name, schedule = heapq.heappop(due)
        yield at, schedule
        heapq.heappush(due, (at + schedule.every, name, schedule))


async def play(
    sqs: SQSClient, schedules: Iterable[Schedule], queue_urls: Mapping[str, str], begin: datetime
) -> None:
    """Send every tick when its time comes, those that are past at once. For ever."""
    for at, schedule in upcoming(schedules, begin):
        await asyncio.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))
        await asyncio.to_thread(
            sqs.send_message,
            QueueUrl=queue_urls[schedule.queue],
            MessageBody=tick_of(schedule, at),
        )


def main(arguments: Sequence[str]) -> None:
    """Play the schedules on the endpoints of `AWS_ENDPOINT_URL`."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.ticks",
        description="Play the topology's schedules on local AWS endpoints (AWS_ENDPOINT_URL) for "
        f"the queues of {QUEUE_URLS}, until stopped.",
    )
    parser.add_argument("--topology", type=Path, default=TOPOLOGY_PATH, help="the file to play")
    given = parser.parse_args(arguments)
    for name in ("AWS_ENDPOINT_URL", QUEUE_URLS):
        if not os.environ.get(name):
            parser.error(f"{name} is not set: see python -m infra.local.provision")
    aws = LocalAws.from_environment(os.environ)
    sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
    queue_urls = json.loads(os.environ[QUEUE_URLS])
    schedules = load_topology(given.topology).schedules
    asyncio.run(play(sqs, schedules, queue_urls, datetime.now(UTC)))


if __name__ == "__main__":
    main(sys.argv[1:])
