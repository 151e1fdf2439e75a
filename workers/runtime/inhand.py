"""The deliveries in our hands: received, and not yet settled."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from workers.clock import Clock
from workers.runtime.config import ConsumerConfig
from workers.runtime.delivery import Delivery, Lease
from workers.runtime.dispatch import Job
from workers.runtime.sqs import Message
from workers.runtime.verdict import Verdict
from workers.tracing import TRACEPARENT, parent_of


@dataclass(slots=True, eq=False)
class Held:
    """One delivery in hand.

    Attributes:
        verdict: set when it is settled without a handler.
        group: the message group whose share it takes, on a fair queue.
        lane: the key whose lane it heads, while it does.
        parcel: where a part of it is stored that is to be forgotten once it is handled.
        is_stuck: its lease is long lost and it was cancelled for that.
    """

    message: Message
    delivery: Delivery
    received_at: float
    job: Job | None = None
    verdict: Verdict | None = None
    group: str | None = None
    lane: str | None = None
    parcel: str | None = None
    task: asyncio.Task[None] | None = None
    is_stuck: bool = False

    def becomes(self, message: Message) -> None:
        """What was received was only the cover of this: the same delivery, the same lease."""
        self.message = message
        self.delivery = _delivery(message, self.delivery.queue, self.delivery.lease)

    @property
    def message_id(self) -> str:
        """The same in each delivery of a message."""
        return self.message.message_id

    @property
    def receipt_handle(self) -> str:
        """Of this delivery alone."""
        return self.message.receipt_handle

    @property
    def parent(self) -> str:
        """The traceparent that the message brought, or empty."""
        attribute = self.message.attributes.get(TRACEPARENT)
        return parent_of(attribute and attribute.value, self.message.trace_header)


def take(message: Message, queue: str, config: ConsumerConfig, clock: Clock) -> Held:
    """A message that has just come, with its lease running."""
    lease = Lease(clock, lasts_s=config.lease_s, at_most_s=config.lease_max_s)
    delivery = _delivery(message, queue, lease)
    return Held(message, delivery, clock.monotonic())


def _delivery(message: Message, queue: str, lease: Lease) -> Delivery:
    return Delivery(
        queue=queue,
        message_id=message.message_id,
        receipt_handle=message.receipt_handle,
        body=message.body,
        attributes={
            name: attribute.value
            for name, attribute in message.attributes.items()
            if isinstance(attribute.value, str)
        },
        receive_count=message.receive_count,
        sent_at=message.sent_at,
        first_received_at=message.first_received_at,
        group=message.group,
        lease=lease,
    )
