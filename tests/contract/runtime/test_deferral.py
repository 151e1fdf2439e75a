"""Deferral with Scheduler, S3 and SQS of the emulator, whose schedules really fire.

On the embedded emulator only. LocalStack's schedules never fire, and those of MiniStack beside it
reach MiniStack's queues, not LocalStack's: carrying them over would test the carrier.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.topology import load_topology
from tests.contract.clients.conftest import CountingMeter
from workers.clients.aws import Aws
from workers.clients.call import Caller
from workers.clients.parcels import S3Parcels
from workers.clients.schedules import EventBridgeSchedules, QueueTargets
from workers.clock import STRAIGHT, SystemClock, TimeBend
from workers.errors import AccountProblem
from workers.limits import Limits
from workers.metrics import Metrics
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.deferral import Deferrals, Schedule
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.failures import MemoryFailures
from workers.runtime.outcome import Defer, Done, Outcome
from workers.runtime.shared import Shared
from workers.runtime.sqs import AioSqsQueue, Attribute, Outgoing

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

pytestmark = pytest.mark.emulator

QUEUE = "chat-commands"
DEFERRED_S = 4


BEND = TimeBend(datetime(2040, 1, 1, tzinfo=UTC), offset_s=86_400, rate=60)


@dataclass
class Wired:
    """What a worker would be given, on the emulator."""

    sqs: SQSClient
    schedules: EventBridgeSchedules
    bent_schedules: EventBridgeSchedules
    parcels: S3Parcels
    scheduler: Any
    s3: Any
    provisioned: Provisioned

    def queue(self, name: str) -> AioSqsQueue:
        return AioSqsQueue(self.sqs, self.provisioned.queue_urls[name], name)

    def dlq(self, name: str) -> AioSqsQueue:
        return AioSqsQueue(self.sqs, self.provisioned.dlq_urls[name], f"{name}-dlq")

    def waiting(self) -> list[str]:
        """What was deferred; recurring work stands in the same group."""
        group = self.provisioned.schedule_group
        names = {s["Name"] for s in self.scheduler.list_schedules(GroupName=group)["Schedules"]}
        return sorted(names - {schedule.name for schedule in load_topology().schedules})

    def stored(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.provisioned.deferred_bucket)
        return [found["Key"] for found in listed.get("Contents", [])]


@pytest.fixture
async def wired(
    aws: LocalAws, topology: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Wired]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    caller = Caller(CountingMeter(), Limits(SystemClock()))
    async with Aws() as clients:
        sqs = await clients.sqs()
        targets = QueueTargets(
            sqs, caller, queue_urls=topology.queue_urls, dlq_urls=topology.dlq_urls
        )
        boto: Any = boto3.client

        async def schedules(bend: TimeBend) -> EventBridgeSchedules:
            return EventBridgeSchedules(
                await clients.scheduler(),
                caller,
                targets,
                group=topology.schedule_group,
                role_arn=topology.schedule_role_arn,
                bend=bend,
            )

        yield Wired(
            sqs,
            await schedules(STRAIGHT),
            await schedules(BEND),
            S3Parcels(await clients.s3(), topology.deferred_bucket, caller),
            boto("scheduler", **aws.client_arguments("Scheduler")),
            boto("s3", **aws.client_arguments("S3")),
            topology,
        )


class Deferring:
    """Defers what it sees first, is done with what it sees then."""

    def __init__(self) -> None:
        self.until = datetime.now(UTC) + timedelta(seconds=DEFERRED_S)
        self.seen: list[tuple[datetime, Delivery]] = []
        self.again = asyncio.Event()

    def plan(self, _: Delivery) -> Job:
        return Job(None, "test_event", "TEST", "e1", self._handle)

    async def _handle(self, delivery: Delivery) -> Outcome:
        self.seen.append((datetime.now(UTC), delivery))
        if datetime.now(UTC) < self.until:
            return Defer(self.until, "quiet_hours")
        self.again.set()
        return Done()


# The emulator looks at its schedules every ten seconds: both messages wait for the same look.
@pytest.mark.timeout(90)
async def test_a_deferred_message_small_or_too_big_comes_back_as_it_left(wired: Wired) -> None:
    async with asyncio.TaskGroup() as tasks, asyncio.timeout(80):
        tasks.create_task(_leave_and_come_back(wired, QUEUE, "soon, é"))
        tasks.create_task(_leave_and_come_back(wired, "inbound-sms", "x" * 500_000))
        while len(wired.waiting()) < 2:  # noqa: ASYNC110 - a schedule group has no event
            await asyncio.sleep(0.1)
        assert len(wired.stored()) == 1
    assert wired.stored() == []


async def _leave_and_come_back(wired: Wired, name: str, body: str) -> None:
    queue, dlq = wired.queue(name), wired.dlq(name)
    attributes = {"n": Attribute("Number", "7"), "raw": Attribute("Binary", b"\x00\xff")}
    await queue.send([Outgoing(body, attributes)])
    handler = Deferring()
    deferrals = Deferrals(wired.schedules, wired.parcels)
    shared = Shared(SystemClock(), Metrics(), MemoryFailures(), deferrals=deferrals)
    config = ConsumerConfig(wait_s=1, schedule_after_s=1)
    consumer = Consumer(queue, dlq, handler, config, shared)
    async with asyncio.TaskGroup() as tasks:
        consumer.start(tasks)
        await handler.again.wait()
        receipt = await consumer.drain()
    assert receipt.abandoned == receipt.unacknowledged == 0
    (_, before), (came_at, after) = handler.seen
    assert came_at >= handler.until
    assert after.body == before.body == body
    assert after.message_id == before.message_id
    assert after.sent_at == before.sent_at
    assert after.attributes == before.attributes == {"n": "7"}
    assert after.receive_count == 2


async def test_scheduler_is_told_the_machines_time_and_messages_tell_the_bent_one(
    wired: Wired,
) -> None:
    at = datetime(2040, 1, 2, 1, 0, 30, tzinfo=UTC)
    schedule = Schedule(f"s-{secrets.token_hex(4)}", QUEUE, at, "text")
    await wired.bent_schedules.create(schedule)
    where = {"GroupName": wired.provisioned.schedule_group, "Name": schedule.name}
    made = wired.scheduler.get_schedule(**where)
    wired.scheduler.delete_schedule(**where)
    assert made["ScheduleExpression"] == "at(2040-01-01T00:01:01)", "an hour is a minute"

    await wired.queue("timers").send([Outgoing("x")])
    later = TimeBend(datetime.now(UTC), offset_s=86_400)
    queue = AioSqsQueue(wired.sqs, wired.provisioned.queue_urls["timers"], "timers", later)
    [message] = await queue.receive(1, wait_s=5, visibility_timeout_s=30)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    assert abs(message.sent_at - tomorrow) < timedelta(minutes=1)
    assert abs(message.first_received_at - tomorrow) < timedelta(minutes=1)


async def test_a_schedule_is_made_once_with_all_it_needs(wired: Wired) -> None:
    at = datetime(2040, 2, 29, 23, 59, 58, tzinfo=UTC)
    schedule = Schedule(f"s-{secrets.token_hex(4)}", QUEUE, at, "text")
    await wired.schedules.create(schedule)
    await wired.schedules.create(schedule)
    made = wired.scheduler.get_schedule(
        GroupName=wired.provisioned.schedule_group, Name=schedule.name
    )
    assert made["ScheduleExpression"] == "at(2040-02-29T23:59:58)"
    assert made["ScheduleExpressionTimezone"] == "UTC"
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert made["ActionAfterCompletion"] == "DELETE"
    assert made["Target"] == {
        "Arn": wired.provisioned.queue_arns[QUEUE],
        "RoleArn": wired.provisioned.schedule_role_arn,
        "Input": "text",
        "DeadLetterConfig": {"Arn": f"{wired.provisioned.queue_arns[QUEUE]}-dlq"},
        "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
    }
    assert wired.waiting() == [schedule.name]


async def test_a_fifo_queue_gets_its_group(wired: Wired) -> None:
    schedule = Schedule("s-fifo", QUEUE, datetime(2040, 1, 1, tzinfo=UTC), "text", group="g1")
    await wired.schedules.create(schedule)
    made = wired.scheduler.get_schedule(GroupName=wired.provisioned.schedule_group, Name="s-fifo")
    assert made["Target"]["SqsParameters"] == {"MessageGroupId": "g1"}


async def test_a_group_that_is_not_there_is_a_problem_of_the_account(
    wired: Wired, aws: LocalAws
) -> None:
    caller = Caller(CountingMeter(), Limits(SystemClock()))
    urls = wired.provisioned.queue_urls
    async with Aws() as clients:
        schedules = EventBridgeSchedules(
            await clients.scheduler(),
            caller,
            QueueTargets(await clients.sqs(), caller, queue_urls=urls, dlq_urls=urls),
            group="nobody",
            role_arn=wired.provisioned.schedule_role_arn,
        )
        with pytest.raises(AccountProblem, match=r"^no_schedule_group$"):
            await schedules.create(
                Schedule("s", QUEUE, datetime(2040, 1, 1, tzinfo=UTC), json.dumps({}))
            )


async def test_parcels_are_kept_and_forgotten(wired: Wired) -> None:
    assert await wired.parcels.get("k") is None
    await wired.parcels.put("k", b"\x00 content")
    await wired.parcels.put("k", b"\x00 content")
    assert await wired.parcels.get("k") == b"\x00 content"
    await wired.parcels.delete("k")
    await wired.parcels.delete("k")
    assert await wired.parcels.get("k") is None
