"""SQS: the queues, their dead-letter queues, and who may send to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from schemas.topology import MAX_RETENTION_S
from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.needs import key_arn
from workers.cli.doctor.policies import Sender, admits
from workers.cli.doctor.site import Site, document
from workers.cli.one_shot import is_not_found

CATALOGUE: Final = Catalogue()
_ASKS: Final = ("sqs:GetQueueAttributes",)
_LEAST_RECEIVE_COUNT: Final = 100
_AWS_MANAGED_KEY: Final = "alias/aws/sqs"


@CATALOGUE.add(
    looks_at="each queue and dead-letter queue of SWITCHBOARD_QUEUE_URLS and SWITCHBOARD_DLQ_URLS",
    remedy="run `terraform apply`, and give the task the outputs of the same deployment",
    asks=_ASKS,
    after=("credentials",),
)
def queues(site: Site) -> Iterator[Problem]:
    """Those of the topology are wired, and each answers."""
    for queue in site.topology.queues:
        if queue.name not in site.settings.queue_urls:
            yield Problem(queue.name, "it is not in SWITCHBOARD_QUEUE_URLS")
    urls = [*site.queue_urls.items()]
    urls += [(f"{name}-dlq", url) for name, url in site.dlq_urls.items()]
    for name, url in urls:
        try:
            site.queue(url)
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(name, "there is no such queue in this account and Region")


@CATALOGUE.add(
    looks_at="each queue's redrive policy: the net under the workers' own dead-lettering",
    remedy="set the queue's redrive policy to its own dead-letter queue, maxReceiveCount as in"
    " infra/topology.json",
    asks=_ASKS,
    after=("queues",),
)
def dead_letter_queues(site: Site) -> Iterator[Problem]:
    """A receive is no attempt here, so a low count loses messages that only waited."""
    for name, url in site.queue_urls.items():
        redrive = document(site.queue(url).get("RedrivePolicy"))
        target = site.queue(site.dlq_urls[name])["QueueArn"]
        if redrive.get("deadLetterTargetArn") != target:
            yield Problem(name, f"its dead letters do not go to {target.rpartition(':')[2]}")
        elif int(redrive.get("maxReceiveCount", 0)) < _LEAST_RECEIVE_COUNT:
            says = f"maxReceiveCount is {redrive.get('maxReceiveCount')}: waiting messages run out"
            yield Problem(name, says)


@CATALOGUE.add(
    looks_at="whether each dead-letter queue takes its queue's messages, and keeps them longer",
    remedy="set the dead-letter queue's RedriveAllowPolicy to byQueue with its queue, and its"
    " retention to 14 days",
    asks=_ASKS,
    after=("queues",),
)
def dead_letter_keeping(site: Site) -> Iterator[Problem]:
    """A message keeps its age when it moves, so an equal retention may drop it at once."""
    for name, dlq_url in site.dlq_urls.items():
        queue, dlq = site.queue(site.queue_urls[name]), site.queue(dlq_url)
        allow = document(dlq.get("RedriveAllowPolicy"))
        permission = allow.get("redrivePermission", "allowAll")
        is_listed = queue["QueueArn"] in allow.get("sourceQueueArns", ())
        if permission == "denyAll" or (permission == "byQueue" and not is_listed):
            yield Problem(f"{name}-dlq", "it does not take messages of its queue")
        kept_s = int(dlq["MessageRetentionPeriod"])
        if kept_s <= int(queue["MessageRetentionPeriod"]) and kept_s != MAX_RETENTION_S:
            yield Problem(f"{name}-dlq", "it keeps messages no longer than its queue")


@CATALOGUE.add(
    looks_at="the keys that queues are encrypted with: SNS, EventBridge and Scheduler cannot use"
    " the key that AWS keeps for SQS",
    remedy="encrypt the queue with a key of your own whose policy lets those services in, or with"
    " SqsManagedSseEnabled",
    asks=_ASKS,
    after=("queues",),
)
def queue_encryption(site: Site) -> Iterator[Problem]:
    """What is published to such a queue is dropped without a trace."""
    for name, url in site.queue_urls.items():
        key = site.queue(url).get("KmsMasterKeyId", "")
        if key.rpartition(":")[2] == _AWS_MANAGED_KEY:
            yield Problem(name, f"it is encrypted with {_AWS_MANAGED_KEY}")


@CATALOGUE.add(
    looks_at="each queue's policy: the topics and rules that feed it may send to it",
    remedy="allow sqs:SendMessage to the service, with aws:SourceArn of that topic or rule",
    asks=("sqs:GetQueueAttributes", "events:ListRuleNamesByTarget"),
    after=("queues", "chat_stream_region"),
)
def queue_policies(site: Site) -> Iterator[Problem]:
    """SNS and EventBridge tell nobody when a queue refuses them."""
    for name, url in site.queue_urls.items():
        arn = site.queue(url)["QueueArn"]
        policy = document(site.queue(url).get("Policy"))
        for sender in _senders(site, name):
            if not admits(policy, "sqs:SendMessage", arn, sender):
                says = f"its policy does not let {sender.service} in for {sender.source_arn}"
                yield Problem(name, says)


@CATALOGUE.add(
    looks_at="the policies of queues' own keys: what feeds a queue must be let in there too",
    remedy="allow kms:GenerateDataKey and kms:Decrypt to the service in the key's policy",
    asks=(
        "sqs:GetQueueAttributes",
        "events:ListRuleNamesByTarget",
        "kms:GetKeyPolicy",
        "kms:DescribeKey",
    ),
    after=("queue_encryption", "queue_policies"),
)
def queue_keys(site: Site) -> Iterator[Problem]:
    """Each key is asked for once."""
    keys: dict[str, dict[str, Any]] = {}
    arn_of: dict[str, str] = {}
    for name, url in site.queue_urls.items():
        key = site.queue(url).get("KmsMasterKeyId")
        if not key:
            continue
        if key not in keys:
            arn_of[key] = key_arn(site, key)
            answer = site.aws.client("kms").get_key_policy(KeyId=arn_of[key], PolicyName="default")
            keys[key] = document(answer["Policy"])
        for sender in _senders(site, name):
            for action in ("kms:GenerateDataKey", "kms:Decrypt"):
                if not admits(keys[key], action, arn_of[key], sender):
                    yield Problem(name, f"its key does not allow {action} to {sender.service}")
    if not keys:
        raise NotConcerned("no queue has a key of its own")


def _senders(site: Site, queue: str) -> Iterator[Sender]:
    """The topics and rules that feed a queue: those of the topology, as the account has them."""
    for one in site.topology.subscriptions:
        if one.queue == queue and one.topic in site.topics:
            yield Sender("sns.amazonaws.com", site.topics[one.topic], site.account_id)
    if any(rule.queue == queue for rule in site.topology.rules):
        arn = site.queue(site.queue_urls[queue])["QueueArn"]
        for name in site.rules_to(arn):
            source = site.arn("events", f"rule/{name}")
            yield Sender("events.amazonaws.com", source, site.account_id)
