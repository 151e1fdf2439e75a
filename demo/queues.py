"""The queues of a world from outside: how much is on them, what was dead-lettered and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned

if TYPE_CHECKING:
    from types_boto3_sqs.literals import QueueAttributeNameType

SETTLING_QUEUES = ("inbound-sms", "chat-stream", "contact-events", "delivery-receipts")
"""Not our own commands: a chat's idle timer is a message that waits there for its whole life."""

_KEPT_S = 43_200  # A dead letter that was read once is not read again.


@dataclass(frozen=True, slots=True)
class Buried:
    """A dead letter."""

    queue: str
    body: str
    reason: str


class Queues:
    """Blocking but for `settled`."""

    def __init__(self, aws: LocalAws, made: Provisioned) -> None:
        self._sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
        self._made = made
        self._buried: list[Buried] = []

    def depth(self) -> int:
        """How many messages are on the queues, in hand or delayed."""
        counts: list[QueueAttributeNameType] = [
            "ApproximateNumberOfMessages",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
        ]
        return sum(
            int(count)
            for name in SETTLING_QUEUES
            for count in self._sqs.get_queue_attributes(
                QueueUrl=self._made.queue_urls[name], AttributeNames=counts
            )["Attributes"].values()
        )

    async def settled(self, within_s: int) -> bool:
        """Wait until they are empty; False when they are not in time."""
        for _ in range(within_s):
            if not await asyncio.to_thread(self.depth):
                return True
            await asyncio.sleep(1)
        return False

    def send(self, queue: str, body: str) -> None:
        """Put a body on a queue as it is."""
        self._sqs.send_message(QueueUrl=self._made.queue_urls[queue], MessageBody=body)

    def buried(self) -> list[Buried]:
        """All dead letters so far."""
        for name, url in self._made.dlq_urls.items():
            while found := self._sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                WaitTimeSeconds=0,
                VisibilityTimeout=_KEPT_S,
                MessageAttributeNames=["All"],
            ).get("Messages"):
                for message in found:
                    reason = message.get("MessageAttributes", {}).get("reason")
                    self._buried.append(
                        Buried(name, message["Body"], reason["StringValue"] if reason else "")
                    )
        return self._buried

    def has_buried(self, body: str) -> bool:
        """Whether this body was dead-lettered with a reason."""
        return any(letter.body == body and letter.reason for letter in self.buried())
