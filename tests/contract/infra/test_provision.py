"""The topology as it stands on the embedded emulator after provisioning."""

from __future__ import annotations

import json
import subprocess
import sys

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned, provision
from infra.local.toolroom import ROOT
from infra.topology import load_topology

pytestmark = pytest.mark.emulator


def test_text_published_to_a_topic_arrives_in_its_envelope(
    aws: LocalAws, topology: Provisioned
) -> None:
    sns = boto3.client("sns", **aws.client_arguments("SNS"))
    sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
    sns.publish(TopicArn=topology.topic_arns["inbound-sms"], Message='{"messageBody": "hi"}')
    got = sqs.receive_message(QueueUrl=topology.queue_urls["inbound-sms"], WaitTimeSeconds=5)
    envelope = json.loads(got["Messages"][0]["Body"])
    assert envelope["Message"] == '{"messageBody": "hi"}'
    assert envelope["Timestamp"]


def test_every_queue_has_its_own_dead_letter_queue(aws: LocalAws, topology: Provisioned) -> None:
    sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
    targets = set()
    for queue in load_topology().queues:
        url = topology.queue_urls[queue.name]
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(got["RedrivePolicy"])
        assert int(redrive["maxReceiveCount"]) == queue.max_receive_count
        assert got["VisibilityTimeout"] == str(queue.visibility_timeout_s)
        assert redrive["deadLetterTargetArn"].endswith(f":{topology.prefix}{queue.name}-dlq")
        targets.add(redrive["deadLetterTargetArn"])
    assert len(targets) == len(load_topology().queues)


def test_only_the_topic_and_rule_of_a_queue_may_send_to_it(
    aws: LocalAws, topology: Provisioned
) -> None:
    sqs = boto3.client("sqs", **aws.client_arguments("SQS"))

    def senders(queue: str) -> list[str]:
        url = topology.queue_urls[queue]
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]
        statement = json.loads(got["Policy"])["Statement"][0]
        assert statement["Resource"] == topology.queue_arns[queue]
        return list(statement["Condition"]["ArnEquals"]["aws:SourceArn"])

    assert senders("chat-stream") == [topology.topic_arns["chat-stream"]]
    assert sorted(arn.rpartition("/")[2] for arn in senders("contact-events")) == [
        f"{topology.prefix}connect-call-events",
        f"{topology.prefix}connect-contact-events",
    ]


def test_tables_expire_their_items(aws: LocalAws, topology: Provisioned) -> None:
    dynamodb = boto3.client("dynamodb", **aws.client_arguments("DynamoDB"))
    for table in load_topology().tables:
        name = topology.tables[table.name]
        got = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        assert got.get("TimeToLiveStatus") == "ENABLED"
        assert got.get("AttributeName") == table.ttl_attribute


def test_rule_is_there_with_its_queue_as_target(aws: LocalAws, topology: Provisioned) -> None:
    events = boto3.client("events", **aws.client_arguments("EventBridge"))
    for rule in load_topology().rules:
        name = topology.prefix + rule.name
        assert json.loads(events.describe_rule(Name=name)["EventPattern"]) == rule.pattern
        targets = events.list_targets_by_rule(Rule=name)["Targets"]
        assert [target["Arn"] for target in targets] == [topology.queue_arns[rule.queue]]


def test_schedules_send_their_input_to_their_queue_and_wait_to_be_played(
    aws: LocalAws, topology: Provisioned
) -> None:
    scheduler = boto3.client("scheduler", **aws.client_arguments("Scheduler"))
    for schedule in load_topology().schedules:
        made = scheduler.get_schedule(GroupName=topology.schedule_group, Name=schedule.name)
        assert made["ScheduleExpression"] == schedule.rate
        assert made["State"] == "DISABLED", "the emulator writes no time into its ticks"
        target = made["Target"]
        assert json.loads(target["Input"]) == schedule.input
        assert target["Arn"] == topology.queue_arns[schedule.queue]
        assert target["DeadLetterConfig"]["Arn"].endswith(f":{topology.prefix}{schedule.queue}-dlq")
        assert target["RoleArn"] == topology.schedule_role_arn


def test_a_schedule_is_brought_to_what_the_file_says(aws: LocalAws, topology: Provisioned) -> None:
    scheduler = boto3.client("scheduler", **aws.client_arguments("Scheduler"))
    shipped = load_topology()
    slower = shipped.schedules[0].model_copy(update={"rate": "rate(2 days)"})
    changed = shipped.model_copy(update={"schedules": (slower,)})
    where = {"GroupName": topology.schedule_group, "Name": slower.name}
    try:
        provision(changed, aws, prefix=topology.prefix)
        assert scheduler.get_schedule(**where)["ScheduleExpression"] == "rate(2 days)"
    finally:
        provision(shipped, aws, prefix=topology.prefix)
    assert scheduler.get_schedule(**where)["ScheduleExpression"] == shipped.schedules[0].rate


def test_provisioning_twice_changes_nothing(aws: LocalAws, topology: Provisioned) -> None:
    assert provision(load_topology(), aws, prefix=topology.prefix) == topology


def test_worker_environment_names_everything_a_worker_needs(topology: Provisioned) -> None:
    environment = topology.worker_environment()
    assert set(json.loads(environment["SWITCHBOARD_QUEUE_URLS"])) == {
        queue.name for queue in load_topology().queues
    }
    assert set(environment) == {
        "SWITCHBOARD_QUEUE_URLS",
        "SWITCHBOARD_DLQ_URLS",
        "SWITCHBOARD_SESSIONS_TABLE",
        "SWITCHBOARD_SUPPRESSIONS_TABLE",
        "SWITCHBOARD_PROFILES_TABLE",
        "SWITCHBOARD_DELIVERIES_TABLE",
        "SWITCHBOARD_CALLS_TABLE",
        "SWITCHBOARD_FLEET_TABLE",
        "SWITCHBOARD_MEDIA_BUCKET",
        "SWITCHBOARD_DEFERRED_BUCKET",
        "SWITCHBOARD_SCHEDULE_GROUP",
        "SWITCHBOARD_SCHEDULE_ROLE_ARN",
        "SWITCHBOARD_CHAT_STREAM_TOPIC_ARN",
        "SWITCHBOARD_CONNECT_INSTANCE_ID",
    }


def test_exports_of_the_command_set_that_environment_in_a_shell(
    aws: LocalAws, topology: Provisioned
) -> None:
    command = [sys.executable, "-m", "infra.local.provision", "--prefix", topology.prefix]
    exports = subprocess.run(
        [*command, "--format", "export"],
        env=aws.environment(),
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    # The shell's own words must come out as they went in, JSON quotes and all.
    shown = subprocess.run(
        ["/bin/sh", "-c", f"{exports}\n/usr/bin/env -0"],
        env={},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    environment = dict(line.split("=", 1) for line in shown.split("\0") if line)
    assert topology.worker_environment().items() <= environment.items()
