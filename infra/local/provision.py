"""Makes the topology on local endpoints: queues, topics, rules, tables, buckets, schedules.

Every step can be repeated: what is there is brought to what the file says, nothing is deleted.
`python -m infra.local.provision` does it against the endpoints of the standard variables and
prints the environment of a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from infra.local.endpoints import ACCOUNT_ID, LocalAws
from infra.topology import TOPOLOGY_PATH, load_topology
from schemas.topology import Queue, Rule, Schedule, Subscription, Table, Topic, Topology

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_s3 import S3Client
    from types_boto3_sns import SNSClient
    from types_boto3_sqs import SQSClient
    from types_boto3_sqs.literals import QueueAttributeNameType

LOCAL_INSTANCE_ID = "10ca1000-0000-4000-8000-000000000001"
"""The Connect instance that the simulator plays."""
TICK_MAX_AGE_S = 300
"""For so long Scheduler tries to send a tick. Then the next one is due."""


@dataclass(frozen=True)
class Provisioned:
    """Where everything of a topology is; the keys of every map are the logical names."""

    prefix: str
    queue_urls: Mapping[str, str]
    dlq_urls: Mapping[str, str]
    queue_arns: Mapping[str, str]
    topic_arns: Mapping[str, str]
    tables: Mapping[str, str]
    buckets: Mapping[str, str]
    schedule_group: str
    schedule_role_arn: str
    deferred_bucket: str

    def worker_environment(self, instance_id: str = LOCAL_INSTANCE_ID) -> dict[str, str]:
        """The wiring of a worker, as a deployment's outputs would give it."""
        return {
            "SWITCHBOARD_QUEUE_URLS": json.dumps(dict(self.queue_urls)),
            "SWITCHBOARD_DLQ_URLS": json.dumps(dict(self.dlq_urls)),
            "SWITCHBOARD_SESSIONS_TABLE": self.tables["sessions"],
            "SWITCHBOARD_SUPPRESSIONS_TABLE": self.tables["suppressions"],
            "SWITCHBOARD_PROFILES_TABLE": self.tables["profiles"],
            "SWITCHBOARD_DELIVERIES_TABLE": self.tables["deliveries"],
            "SWITCHBOARD_CALLS_TABLE": self.tables["calls"],
            "SWITCHBOARD_FLEET_TABLE": self.tables["fleet"],
            "SWITCHBOARD_MEDIA_BUCKET": self.buckets["media"],
            "SWITCHBOARD_DEFERRED_BUCKET": self.deferred_bucket,
            "SWITCHBOARD_SCHEDULE_GROUP": self.schedule_group,
            "SWITCHBOARD_SCHEDULE_ROLE_ARN": self.schedule_role_arn,
            "SWITCHBOARD_CHAT_STREAM_TOPIC_ARN": self.topic_arns["chat-stream"],
            "SWITCHBOARD_CONNECT_INSTANCE_ID": instance_id,
        }


def provision(topology: Topology, aws: LocalAws, *, prefix: str = "") -> Provisioned:
    """Make the topology, each real name being `prefix` and the logical one. Blocks, about 0.5 s.

    Raises:
        botocore.exceptions.ClientError, BotoCoreError: an endpoint refused or did not answer;
            what was made before stays, and a repetition goes on from there.
    """
    # Local endpoints come and go: a few tries within seconds, not a minute of back-off.
    config = Config(retries={"mode": "standard", "total_max_attempts": 3}, read_timeout=20)
    session = boto3.Session()
    sqs = session.client("sqs", config=config, **aws.client_arguments("SQS"))
    sns = session.client("sns", config=config, **aws.client_arguments("SNS"))
    events = session.client("events", config=config, **aws.client_arguments("EventBridge"))
    dynamodb = session.client("dynamodb", config=config, **aws.client_arguments("DynamoDB"))
    s3 = session.client(
        "s3",
        config=config.merge(Config(s3={"addressing_style": "path"})),
        **aws.client_arguments("S3"),
    )

    scheduler: Any = session.client("scheduler", config=config, **aws.client_arguments("Scheduler"))

    topic_arns = {topic.name: _make_topic(sns, topic, prefix) for topic in topology.topics}
    queues = _Queues(sqs, prefix, _senders(topology, topic_arns, aws.region, prefix))
    for queue in topology.queues:
        queues.make(queue)
    for subscription in topology.subscriptions:
        _subscribe(sns, subscription, topic_arns, queues.arns)
    for rule in topology.rules:
        _make_rule(events, rule, queues.arns[rule.queue], prefix)
    group = _make_schedule_group(scheduler, prefix + topology.deferral.schedule_group)
    # Only named: no emulator here looks at roles.
    role_arn = f"arn:aws:iam::{ACCOUNT_ID}:role/{prefix}{topology.deferral.role}"
    for schedule in topology.schedules:
        target = {
            "Arn": queues.arns[schedule.queue],
            "RoleArn": role_arn,
            "DeadLetterConfig": {"Arn": queues.dlq_arns[schedule.queue]},
        }
        _make_schedule(scheduler, schedule, group, target)
    return Provisioned(
        prefix=prefix,
        queue_urls=queues.urls,
        dlq_urls=queues.dlq_urls,
        queue_arns=queues.arns,
        topic_arns=topic_arns,
        tables={table.name: _make_table(dynamodb, table, prefix) for table in topology.tables},
        buckets={b.name: _make_bucket(s3, prefix + b.name) for b in topology.buckets},
        schedule_group=group,
        schedule_role_arn=role_arn,
        deferred_bucket=prefix + topology.deferral.bucket,
    )


class _Queues:
    """Makes queues with their dead-letter queues and gathers where they are."""

    def __init__(self, sqs: SQSClient, prefix: str, senders: Mapping[str, list[str]]) -> None:
        self._sqs = sqs
        self._prefix = prefix
        self._senders = senders
        self.urls: dict[str, str] = {}
        self.dlq_urls: dict[str, str] = {}
        self.arns: dict[str, str] = {}
        self.dlq_arns: dict[str, str] = {}

    def make(self, queue: Queue) -> None:
        dlq_url, dlq_arn = self._create(queue.dlq.name)
        url, arn = self._create(queue.name)
        self._sqs.set_queue_attributes(
            QueueUrl=dlq_url,
            Attributes={
                "MessageRetentionPeriod": str(queue.dlq.retention_s),
                "RedriveAllowPolicy": json.dumps(
                    {"redrivePermission": "byQueue", "sourceQueueArns": [arn]}
                ),
            },
        )
        redrive = {"deadLetterTargetArn": dlq_arn, "maxReceiveCount": queue.max_receive_count}
        attributes: dict[QueueAttributeNameType, str] = {
            "VisibilityTimeout": str(queue.visibility_timeout_s),
            "MessageRetentionPeriod": str(queue.retention_s),
            "ReceiveMessageWaitTimeSeconds": str(queue.receive_wait_s),
            "RedrivePolicy": json.dumps(redrive),
        }
        senders = self._senders.get(queue.name)
        if senders:
            attributes["Policy"] = _queue_policy(arn, senders)
        self._sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)
        self.urls[queue.name], self.arns[queue.name] = url, arn
        self.dlq_urls[queue.name], self.dlq_arns[queue.name] = dlq_url, dlq_arn

    def _create(self, name: str) -> tuple[str, str]:
        # Without attributes it answers with the queue that is there, whatever it is set to.
        url = self._sqs.create_queue(QueueName=self._prefix + name)["QueueUrl"]
        got = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, got["Attributes"]["QueueArn"]


def _senders(
    topology: Topology, topic_arns: Mapping[str, str], region: str, prefix: str
) -> dict[str, list[str]]:
    """The ARNs of the topics and rules that may send to each queue."""
    senders: dict[str, list[str]] = {}
    for subscription in topology.subscriptions:
        senders.setdefault(subscription.queue, []).append(topic_arns[subscription.topic])
    for rule in topology.rules:
        arn = f"arn:aws:events:{region}:{ACCOUNT_ID}:rule/{prefix}{rule.name}"
        senders.setdefault(rule.queue, []).append(arn)
    return senders


def _queue_policy(queue_arn: str, senders: list[str]) -> str:
    services = sorted({f"{arn.split(':')[2]}.amazonaws.com" for arn in senders})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": services},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": senders}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _make_topic(sns: SNSClient, topic: Topic, prefix: str) -> str:
    arn = sns.create_topic(Name=prefix + topic.name)["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": topic.publisher},
        "Action": "sns:Publish",
        "Resource": arn,
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
    return arn


def _subscribe(
    sns: SNSClient,
    subscription: Subscription,
    topic_arns: Mapping[str, str],
    queue_arns: Mapping[str, str],
) -> None:
    sns.subscribe(
        TopicArn=topic_arns[subscription.topic],
        Protocol="sqs",
        Endpoint=queue_arns[subscription.queue],
        Attributes={"RawMessageDelivery": str(subscription.raw_delivery).lower()},
    )


def _make_rule(events: EventBridgeClient, rule: Rule, queue_arn: str, prefix: str) -> None:
    name = prefix + rule.name
    events.put_rule(Name=name, EventPattern=json.dumps(rule.pattern), State="ENABLED")
    events.put_targets(Rule=name, Targets=[{"Id": rule.queue, "Arn": queue_arn}])


def _make_table(dynamodb: DynamoDBClient, table: Table, prefix: str) -> str:
    name = prefix + table.name
    keys = [table.partition_key, *([table.sort_key] if table.sort_key else [])]
    try:
        dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": "RANGE" if place else "HASH"}
                for place, key in enumerate(keys)
            ],
        )
    except dynamodb.exceptions.ResourceInUseException:
        pass  # It is there. A key cannot be changed later, so there is nothing to bring up to date.
    else:
        dynamodb.get_waiter("table_exists").wait(
            TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 20}
        )
    _enable_ttl(dynamodb, name, table.ttl_attribute)
    return name


def _enable_ttl(dynamodb: DynamoDBClient, name: str, attribute: str) -> None:
    now = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    if now.get("TimeToLiveStatus") not in ("ENABLED", "ENABLING"):
        dynamodb.update_time_to_live(
            TableName=name,
            TimeToLiveSpecification={"Enabled": True, "AttributeName": attribute},
        )


def _make_bucket(s3: S3Client, name: str) -> str:
    there = (s3.exceptions.BucketAlreadyOwnedByYou, s3.exceptions.BucketAlreadyExists)
    with contextlib.suppress(*there):
        s3.create_bucket(Bucket=name)
    return name


def _make_schedule_group(scheduler: Any, name: str) -> str:
    with contextlib.suppress(scheduler.exceptions.ConflictException):
        scheduler.create_schedule_group(Name=name)
    return name


def _make_schedule(
    scheduler: Any, schedule: Schedule, group: str, target: Mapping[str, object]
) -> None:
    """Make it, or bring it to what the file says; switched off.

    The emulator fires rates and leaves the attribute in the input as it is, so its ticks would all
    be one and the same wrong one; LocalStack never fires. `infra.local.ticks` plays them instead.
    """
    wanted = {
        "GroupName": group,
        "Name": schedule.name,
        "ScheduleExpression": schedule.rate,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "State": "DISABLED",
        "Target": {
            **target,
            "Input": json.dumps(schedule.input),
            "RetryPolicy": {"MaximumEventAgeInSeconds": TICK_MAX_AGE_S},
        },
    }
    try:
        scheduler.create_schedule(**wanted)
    except scheduler.exceptions.ConflictException:
        scheduler.update_schedule(**wanted)


def main(arguments: Sequence[str]) -> None:
    """Provision the endpoints of `AWS_ENDPOINT_URL` and print the environment of a worker."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.local.provision",
        description="Make the topology on local AWS endpoints (AWS_ENDPOINT_URL, and "
        "AWS_ENDPOINT_URL_<SERVICE> for a service elsewhere), and print the worker's environment.",
    )
    parser.add_argument("--prefix", default="", help="put before every name")
    parser.add_argument("--topology", type=Path, default=TOPOLOGY_PATH, help="the file to make")
    parser.add_argument("--instance-id", default=LOCAL_INSTANCE_ID, help="of the Connect instance")
    parser.add_argument(
        "--format", choices=("json", "export"), default="json", help="one object, or shell lines"
    )
    given = parser.parse_args(arguments)
    if not os.environ.get("AWS_ENDPOINT_URL"):
        parser.error("AWS_ENDPOINT_URL is not set: this makes things on local endpoints only")
    aws = LocalAws.from_environment(os.environ)
    provisioned = provision(load_topology(given.topology), aws, prefix=given.prefix)
    environment = provisioned.worker_environment(given.instance_id)
    sys.stdout.write(_as_json(environment) if given.format == "json" else _as_exports(environment))


def _as_json(environment: Mapping[str, str]) -> str:
    return json.dumps(dict(environment), indent=2) + "\n"


def _as_exports(environment: Mapping[str, str]) -> str:
    return "".join(f"export {name}={shlex.quote(text)}\n" for name, text in environment.items())


if __name__ == "__main__":
    main(sys.argv[1:])
