"""EventBridge Scheduler: one-time schedules that send a text to one of our queues."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from workers.clients.call import Api, Caller
from workers.clients.errors import SCHEDULE_EXISTS, SCHEDULER
from workers.clock import STRAIGHT, TimeBend
from workers.errors import PermanentError
from workers.runtime.deferral import Schedule, Schedules

if TYPE_CHECKING:
    from types_aiobotocore_scheduler import EventBridgeSchedulerClient
    from types_aiobotocore_scheduler.type_defs import TargetTypeDef
    from types_aiobotocore_sqs import SQSClient

_CREATE: Final = Api(SCHEDULER, "CreateSchedule")
_GET_ATTRIBUTES: Final = Api("sqs", "GetQueueAttributes")
_DAY_S: Final = 86_400
_MOST_RETRIES: Final = 185  # Of a day, the longest and the most that there may be.


@dataclass(frozen=True, slots=True)
class Target:
    """A queue to send to, and the one that gets what could not be sent in a day, as ARNs."""

    queue_arn: str
    dlq_arn: str


class QueueTargets:
    """Finds out the ARNs of queues from their URLs, when they are first needed."""

    def __init__(
        self,
        client: SQSClient,
        caller: Caller,
        *,
        queue_urls: Mapping[str, str],
        dlq_urls: Mapping[str, str],
    ) -> None:
        self._sqs = client
        self._caller = caller
        self._queue_urls = queue_urls
        self._dlq_urls = dlq_urls
        self._known: dict[str, Target] = {}

    async def find(self, queue: str) -> Target:
        """By the queue's configured name. Raises `SwitchboardError`."""
        if queue not in self._known:
            self._known[queue] = Target(
                await self._arn(self._queue_urls[queue]), await self._arn(self._dlq_urls[queue])
            )
        return self._known[queue]

    async def _arn(self, url: str) -> str:
        answer = await self._caller.call(
            _GET_ATTRIBUTES,
            lambda: self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
        )
        return answer["Attributes"]["QueueArn"]


class EventBridgeSchedules(Schedules):
    """`Schedules` in one group. `role_arn` is what Scheduler becomes to send to the queues.

    Its precision is a minute: it fires within the minute of its time (user guide, "Schedule
    types"), and once or, rarely, more often. It goes by the machine's time: `bend` tells.
    """

    def __init__(
        self,
        client: EventBridgeSchedulerClient,
        caller: Caller,
        targets: QueueTargets,
        *,
        group: str,
        role_arn: str,
        bend: TimeBend = STRAIGHT,
    ) -> None:
        self._scheduler = client
        self._caller = caller
        self._targets = targets
        self._group = group
        self._role_arn = role_arn
        self._bend = bend

    async def create(self, schedule: Schedule) -> None:
        """Make it. One of that name that is there already is a success."""
        target = self._target(schedule, await self._targets.find(schedule.queue))
        at = _whole_second(self._bend.straight(schedule.at).astimezone(UTC))
        try:
            await self._caller.call(
                _CREATE,
                lambda: self._scheduler.create_schedule(
                    GroupName=self._group,
                    Name=schedule.name,
                    ClientToken=schedule.name,
                    ScheduleExpression=f"at({at:%Y-%m-%dT%H:%M:%S})",
                    ScheduleExpressionTimezone="UTC",
                    FlexibleTimeWindow={"Mode": "OFF"},
                    ActionAfterCompletion="DELETE",
                    Target=target,
                ),
            )
        except PermanentError as error:
            if error.reason != SCHEDULE_EXISTS:
                raise

    def _target(self, schedule: Schedule, to: Target) -> TargetTypeDef:
        target: TargetTypeDef = {
            "Arn": to.queue_arn,
            "RoleArn": self._role_arn,
            "Input": schedule.text,
            "DeadLetterConfig": {"Arn": to.dlq_arn},
            "RetryPolicy": {
                "MaximumEventAgeInSeconds": _DAY_S,
                "MaximumRetryAttempts": _MOST_RETRIES,
            },
        }
        if schedule.group is not None:
            target["SqsParameters"] = {"MessageGroupId": schedule.group}
        return target


def _whole_second(at: datetime) -> datetime:
    """Rounded up: early is worse than late."""
    return at if at.microsecond == 0 else at.replace(microsecond=0) + timedelta(seconds=1)
