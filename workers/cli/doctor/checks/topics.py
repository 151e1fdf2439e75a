"""SNS: the topics, who may publish to them, and whether our queues hear them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, Problem
from workers.cli.doctor.policies import Sender, admits
from workers.cli.doctor.site import Site, document
from workers.cli.one_shot import is_not_found
from workers.cli.topics import INBOUND

CATALOGUE: Final = Catalogue()


@CATALOGUE.add(
    looks_at="each topic: there, and open to the service that publishes to it (Connect's chat"
    " stream, End User Messaging's texts and receipts, SES)",
    remedy="run `terraform apply`; the topic's policy must allow sns:Publish to that service with"
    " aws:SourceAccount of this account",
    asks=("sns:GetTopicAttributes",),
    after=("chat_stream_region",),
)
def topics(site: Site) -> Iterator[Problem]:
    """A topic of customers' texts may be closed where numbers have a role to publish by."""
    for topic in site.topology.topics:
        arn = site.topics.get(topic.name)
        if arn is None:
            continue
        try:
            found = site.aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(topic.name, f"there is no topic {arn}")
            continue
        sender = Sender(topic.publisher, None, site.account_id)
        if admits(document(found.get("Policy")), "sns:Publish", arn, sender):
            continue
        if topic.name == INBOUND and _all_have_roles(site):
            continue
        yield Problem(topic.name, f"its policy does not let {topic.publisher} publish")


def _all_have_roles(site: Site) -> bool:
    numbers = [number for brand in site.brands for number in site.numbers_of(brand)]
    return bool(numbers) and all(number.get("TwoWayChannelRole") for number in numbers)


@CATALOGUE.add(
    looks_at="whether each queue is subscribed to its topic, confirmed, with raw delivery off",
    remedy="run `terraform apply`; a subscription of another account's queue is confirmed from"
    " there; raw delivery must be off: times and visibility stand in the envelope",
    asks=("sns:ListSubscriptionsByTopic", "sns:GetSubscriptionAttributes"),
    after=("queues", "topics"),
)
def subscriptions(site: Site) -> Iterator[Problem]:
    """Compared with the subscriptions of the topology."""
    sns = site.aws.client("sns")
    for wanted in site.topology.subscriptions:
        topic, url = site.topics.get(wanted.topic), site.queue_urls.get(wanted.queue)
        if topic is None or url is None:
            continue
        arn = site.queue(url)["QueueArn"]
        listed = site.aws.pages(
            "sns", "list_subscriptions_by_topic", "Subscriptions", TopicArn=topic
        )
        ours = [one for one in listed if one["Endpoint"] == arn]
        says = standing(ours)
        if says:
            yield Problem(wanted.queue, f"{says} {wanted.topic}")
            continue
        found = sns.get_subscription_attributes(SubscriptionArn=ours[0]["SubscriptionArn"])
        if found["Attributes"].get("RawMessageDelivery") == "true":
            yield Problem(wanted.queue, f"raw delivery is on for the topic {wanted.topic}")


def standing(subscriptions: Iterable[Mapping[str, Any]]) -> str:
    """What is wrong with a queue's subscriptions to a topic, as the list call shows them."""
    arns = [str(one["SubscriptionArn"]) for one in subscriptions]
    if not arns:
        return "it is not subscribed to the topic"
    if not any(arn.startswith("arn:") for arn in arns):
        return "its subscription is not confirmed by the topic"
    return ""
