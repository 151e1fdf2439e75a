"""What SNS makes of a publication for its SQS subscribers: the envelope, exactly.

Used where deliveries are to be spoilt after SNS has stamped them: no one can reorder what the
emulator has already delivered.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.clock import Clock
from simulator.event_pattern import matches

_LOOKED_UP_FOR_S = 5.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One SQS message to put on one queue."""

    queue: str
    body: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An SQS subscription of a topic, as SNS holds it."""

    arn: str
    queue: str
    is_raw: bool
    filter_policy: Mapping[str, Any]
    filters_body: bool


class SnsDelivery:
    """Looks up a topic's SQS subscriptions, for a few seconds each, and stamps messages."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[str, tuple[float, list[Subscription]]] = {}

    async def subscriptions(self, sns: Any, topic_arn: str) -> list[Subscription]:
        """The topic's SQS subscriptions, all pages."""
        looked_up_at, found = self._known.get(topic_arn, (-_LOOKED_UP_FOR_S, []))
        if self._clock.monotonic() - looked_up_at < _LOOKED_UP_FOR_S and found:
            return found
        found = [
            await self._subscription(sns, listed["SubscriptionArn"], listed["Endpoint"])
            for listed in await _all_pages(sns, topic_arn)
            if listed["Protocol"] == "sqs" and listed["SubscriptionArn"].startswith("arn:")
        ]
        self._known[topic_arn] = (self._clock.monotonic(), found)
        return found

    def stamp(
        self,
        topic_arn: str,
        message: str,
        attributes: Mapping[str, str],
        timestamp: str,
        subscriptions: Sequence[Subscription],
    ) -> Iterator[Delivery]:
        """One delivery for each subscription whose filter lets the message through.

        All have one MessageId, as one publication has.
        """
        message_id = str(uuid.uuid4())
        for subscription in subscriptions:
            if not _passes(subscription, message, attributes):
                continue
            if subscription.is_raw:
                yield Delivery(subscription.queue, message, dict(attributes))
                continue
            envelope: dict[str, Any] = {
                "Type": "Notification",
                "MessageId": message_id,
                "TopicArn": topic_arn,
                "Message": message,
                "Timestamp": timestamp,
                "SignatureVersion": "1",
                "Signature": "U0lNVUxBVE9S",
                "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimulatedCertificate.pem",
                "UnsubscribeURL": (
                    "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe"
                    f"&SubscriptionArn={subscription.arn}"
                ),
            }
            if attributes:
                envelope["MessageAttributes"] = {
                    name: {"Type": "String", "Value": value} for name, value in attributes.items()
                }
            yield Delivery(subscription.queue, json.dumps(envelope, ensure_ascii=False))

    async def _subscription(self, sns: Any, arn: str, endpoint: str) -> Subscription:
        answer = await sns.get_subscription_attributes(SubscriptionArn=arn)
        attributes = answer["Attributes"]
        return Subscription(
            arn=arn,
            queue=endpoint.rsplit(":", 1)[-1],
            is_raw=attributes.get("RawMessageDelivery", "false") == "true",
            filter_policy=json.loads(attributes.get("FilterPolicy") or "{}"),
            filters_body=attributes.get("FilterPolicyScope") == "MessageBody",
        )


async def _all_pages(sns: Any, topic_arn: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = []
    token: dict[str, str] = {}
    while True:
        page = await sns.list_subscriptions_by_topic(TopicArn=topic_arn, **token)
        listed += page["Subscriptions"]
        if not page.get("NextToken"):
            return listed
        token = {"NextToken": page["NextToken"]}


def _passes(subscription: Subscription, message: str, attributes: Mapping[str, str]) -> bool:
    if not subscription.filters_body:
        return matches(subscription.filter_policy, attributes)
    try:
        document = json.loads(message)
    except ValueError:
        return False
    return isinstance(document, dict) and matches(subscription.filter_policy, document)
