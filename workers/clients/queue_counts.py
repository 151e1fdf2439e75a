"""How much is on a queue, for people: SQS's approximate counts, and CloudWatch's age of the oldest.

SQS itself does not tell the age. CloudWatch does, a minute or two late, where it may be asked; an
emulator or a narrow role gives none, and then there is none.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from workers.clients.aws import CloudWatch
from workers.clients.errors import translate
from workers.clock import Clock

if TYPE_CHECKING:
    from types_aiobotocore_sqs import SQSClient

AGE_TIMEOUT_S = 3.0
_LOOK_BACK = timedelta(minutes=10)
_COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """Messages that may be received, that somebody holds, and that are not due yet."""

    visible: int
    in_flight: int
    delayed: int


class QueueCounter:
    """Asks SQS about queues and changes nothing."""

    def __init__(self, sqs: SQSClient) -> None:
        self._sqs = sqs

    async def counts(self, queue_url: str) -> QueueCounts:
        """GetQueueAttributes.

        Raises:
            TransientError: SQS did not answer.
            PermanentError: it refused: no such queue, or no permission.
        """
        try:
            answer = await self._sqs.get_queue_attributes(
                QueueUrl=queue_url, AttributeNames=list(_COUNTS)
            )
        except Exception as failure:
            error = translate("sqs", "GetQueueAttributes", failure, is_repeatable=True)
            if error is None:
                raise
        else:
            return QueueCounts(*(int(answer["Attributes"].get(name, 0)) for name in _COUNTS))
        raise error


class QueueInspector(QueueCounter):
    """Asks CloudWatch too."""

    def __init__(self, sqs: SQSClient, cloudwatch: CloudWatch, clock: Clock) -> None:
        super().__init__(sqs)
        self._cloudwatch = cloudwatch
        self._clock = clock

    async def oldest_s(self, queue_url: str) -> int | None:
        """Age of the oldest message in seconds, at the newest minute CloudWatch has; or None."""
        now = self._clock.now()
        try:
            async with asyncio.timeout(AGE_TIMEOUT_S):
                answer = await self._cloudwatch.get_metric_statistics(
                    Namespace="AWS/SQS",
                    MetricName="ApproximateAgeOfOldestMessage",
                    Dimensions=[{"Name": "QueueName", "Value": queue_url.rsplit("/", 1)[-1]}],
                    StartTime=now - _LOOK_BACK,
                    EndTime=now,
                    Period=60,
                    Statistics=["Maximum"],
                )
        except (ClientError, BotoCoreError, TimeoutError):
            return None
        points = sorted(answer.get("Datapoints", ()), key=lambda point: point["Timestamp"])
        return int(points[-1]["Maximum"]) if points else None
