"""The way out: SNS topics and the event bus, with the knobs that spoil deliveries on the way.

Never publishes to AWS itself: without a local endpoint it refuses.
"""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol

from simulator.clock import Clock
from simulator.event_pattern import matches
from simulator.knobs import Knobs, PublicationKnobs
from simulator.ledger import Ledger, iso
from simulator.settings import SimulatorSettings
from simulator.sns_delivery import Delivery, SnsDelivery
from simulator.tasks import Tasks
from simulator.topology import BusRules

_BUS_KINDS = {
    "aws.connect": "contact_event",
    "aws.ses": "email_event",
    "aws.sms-voice": "receipt",
}


class RemoteEndpointError(RuntimeError):
    """SNS or SQS would be AWS's own: set AWS_ENDPOINT_URL, or AWS_ENDPOINT_URL_SNS and _SQS."""


class Messaging(Protocol):
    """The calls used of SNS's and SQS's clients."""

    meta: Any

    async def publish(self, **request: Any) -> Mapping[str, Any]:
        """SNS Publish."""
        ...

    async def send_message(self, **request: Any) -> Mapping[str, Any]:
        """SQS SendMessage."""
        ...

    async def get_queue_url(self, **request: Any) -> Mapping[str, Any]:
        """SQS GetQueueUrl."""
        ...

    async def list_subscriptions_by_topic(self, **request: Any) -> Mapping[str, Any]:
        """SNS ListSubscriptionsByTopic."""
        ...

    async def get_subscription_attributes(self, **request: Any) -> Mapping[str, Any]:
        """SNS GetSubscriptionAttributes."""
        ...


class Publisher:
    """Sends what the services say, once and in order unless the knobs of its kind say otherwise.

    Kinds: inbound_sms, receipt, chat, contact_event, contact_record, email_event. A call
    returns when the message is out, or, where it is to be late, when it is on its way.
    """

    def __init__(
        self,
        settings: SimulatorSettings,
        clock: Clock,
        chance: random.Random,
        knobs: Knobs,
        ledger: Ledger,
        tasks: Tasks,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._knobs = knobs
        self._ledger = ledger
        self._tasks = tasks
        self._clients: dict[str, Messaging] = {}
        self._opening = asyncio.Lock()
        self._open = AsyncExitStack()
        self._queue_urls: dict[str, str] = {}
        self._rules = BusRules(settings.topology_path, settings.queue_prefix)
        self._sns_delivery = SnsDelivery(clock)

    async def to_topic(
        self, topic_arn: str, message: str, attributes: Mapping[str, str], kind: str
    ) -> None:
        """Publish to SNS; attributes are of type String."""
        knobs = self._knobs.publication(kind)
        if await self._is_lost(kind, knobs):
            return
        copies = 2 if self._hits(knobs.republish) else 1
        for _ in range(copies):
            if knobs.plays_sns or kind in self._settings.plays_sns_for:
                await self._deliver_stamped(topic_arn, message, attributes, knobs)
            else:
                await self._publish(topic_arn, message, attributes)

    async def to_bus(
        self,
        source: str,
        detail_type: str,
        detail: Mapping[str, Any],
        resources: Sequence[str] = (),
    ) -> None:
        """Put an event on the default bus: to every queue whose rule in the topology fits it."""
        kind = _BUS_KINDS.get(source, source)
        knobs = self._knobs.publication(kind)
        if await self._is_lost(kind, knobs):
            return
        for _ in range(2 if self._hits(knobs.republish) else 1):
            event = self._bus_event(source, detail_type, detail, resources)
            body = json.dumps(event, ensure_ascii=False)
            queues = [r.queue for r in self._rules.rules if matches(r.pattern, event)]
            for queue in queues:
                await self._deliver(Delivery(queue, body), knobs)

    async def to_queue(self, queue: str, body: str, kind: str) -> None:
        """Put a message on an SQS queue, as a pipe does; `queue` is its deployed name."""
        knobs = self._knobs.publication(kind)
        if await self._is_lost(kind, knobs):
            return
        for _ in range(2 if self._hits(knobs.republish) else 1):
            await self._deliver(Delivery(queue, body), knobs)

    async def close(self) -> None:
        """Close the clients."""
        await self._open.aclose()
        self._clients.clear()

    def _bus_event(
        self, source: str, detail_type: str, detail: Mapping[str, Any], resources: Sequence[str]
    ) -> dict[str, Any]:
        return {
            "version": "0",
            "id": str(uuid.uuid4()),
            "detail-type": detail_type,
            "source": source,
            "account": self._settings.account_id,
            "time": self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": self._settings.region,
            "resources": list(resources),
            "detail": dict(detail),
        }

    async def _is_lost(self, kind: str, knobs: PublicationKnobs) -> bool:
        if knobs.delay_ms:
            await self._clock.sleep(knobs.delay_ms / 1000)
        if not self._hits(knobs.lose):
            return False
        self._ledger.fact("publisher", "publication_lost", kind=kind)
        return True

    def _hits(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    async def _publish(self, topic_arn: str, message: str, attributes: Mapping[str, str]) -> None:
        sns = await self._client("sns")
        await sns.publish(
            TopicArn=topic_arn,
            Message=message,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in attributes.items()
            },
        )

    async def _deliver_stamped(
        self,
        topic_arn: str,
        message: str,
        attributes: Mapping[str, str],
        knobs: PublicationKnobs,
    ) -> None:
        stamp = self._clock.now()
        subscriptions = await self._sns_delivery.subscriptions(await self._client("sns"), topic_arn)
        for delivery in self._sns_delivery.stamp(
            topic_arn, message, attributes, iso(stamp), subscriptions
        ):
            await self._deliver(delivery, knobs)

    async def _deliver(self, delivery: Delivery, knobs: PublicationKnobs) -> None:
        """Put one delivery on its queue: late, or twice, by the knobs."""
        if self._hits(knobs.duplicate):
            self._tasks.start("duplicate delivery", self._late(delivery, knobs))
        if self._hits(knobs.reorder):
            self._tasks.start("late delivery", self._late(delivery, knobs))
        else:
            await self._send(delivery)

    async def _late(self, delivery: Delivery, knobs: PublicationKnobs) -> None:
        await self._clock.sleep(self._chance.uniform(0, knobs.reorder_by_ms) / 1000)
        await self._send(delivery)

    async def _send(self, delivery: Delivery) -> None:
        sqs = await self._client("sqs")
        await sqs.send_message(
            QueueUrl=await self._queue_url(delivery.queue),
            MessageBody=delivery.body,
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value}
                for name, value in delivery.attributes.items()
            },
        )

    async def _queue_url(self, queue: str) -> str:
        if queue not in self._queue_urls:
            sqs = await self._client("sqs")
            found = await sqs.get_queue_url(QueueName=queue)
            self._queue_urls[queue] = found["QueueUrl"]
        return self._queue_urls[queue]

    async def _client(self, service: str) -> Messaging:
        async with self._opening:
            if service not in self._clients:
                self._clients[service] = await self.open_client(service)
        return self._clients[service]

    async def open_client(self, service: str) -> Messaging:
        """A client of SNS or SQS. The seam for who plays both in this process."""
        from aiobotocore.config import AioConfig
        from aiobotocore.session import get_session

        context = get_session().create_client(
            service,  # type: ignore[call-overload]
            region_name=self._settings.region,
            aws_access_key_id=self._settings.aws.access_key_id,
            aws_secret_access_key=self._settings.aws.secret_access_key,
            config=AioConfig(connect_timeout=5, read_timeout=10, max_pool_connections=50),
        )
        client: Messaging = await self._open.enter_async_context(context)
        if ".amazonaws.com" in client.meta.endpoint_url:
            raise RemoteEndpointError(service)
        return client
