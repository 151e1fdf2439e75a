"""The schedules as the local world plays them, onto the emulator's queue."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.local.ticks import play, tick_of
from infra.topology import load_topology

pytestmark = pytest.mark.emulator


async def test_ticks_whose_time_has_come_are_on_the_queue(
    aws: LocalAws, topology: Provisioned
) -> None:
    sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
    (sweep,) = (one for one in load_topology().schedules if one.name == "call-sweep")
    url = topology.queue_urls[sweep.queue]
    begin = datetime.now(UTC) - timedelta(minutes=12)
    playing = asyncio.create_task(play(sqs, [sweep], topology.queue_urls, begin))
    try:
        bodies: list[str] = []
        while len(bodies) < 2:
            got = await asyncio.to_thread(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=5)
            for message in got["Messages"]:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        assert not playing.done(), "the next one is to come"
    finally:
        playing.cancel()
    assert sorted(bodies) == [
        tick_of(sweep, begin + timedelta(minutes=minutes)) for minutes in (5, 10)
    ]
