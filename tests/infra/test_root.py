"""The whole deployment, as a plan: its size, its arrows with their permissions, its outputs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.topology import load_topology
from tests.infra.plans import Plan, by_key, resources
from tests.infra.policies import allowing, is_only_of, several, statements
from workers.settings import PREFIX, Settings

pytestmark = pytest.mark.timeout(300)  # The first test waits for a plan.

TOPOLOGY = load_topology()
ACCOUNT, NAME = "111122223333", "switchboard"
MESSAGING = "module.switchboard.module.messaging"
RESOURCES_MAX = 99
TUNED = {"http_host", "http_port", "drain_s", "log_format", "log_level", "sqs_transport"}
"""What a deployment need not say: it has a default, or the fleet sets it."""


def arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:us-east-1:{ACCOUNT}:{rest}"


ARROWS = [
    *(
        ("sns.amazonaws.com", arn("sns", f"{NAME}-{one.topic}"), one.queue)
        for one in TOPOLOGY.subscriptions
    ),
    *(
        ("events.amazonaws.com", arn("events", f"rule/{NAME}-{one.name}"), one.queue)
        for one in TOPOLOGY.rules
    ),
]


def key_policy(plan: Plan) -> str:
    (key,) = resources(plan, "aws_kms_key").values()
    return str(key["policy"])


@pytest.mark.parametrize(("principal", "source", "queue"), ARROWS)
def test_an_arrow_may_reach_its_queue_and_use_its_key(
    minimal_plan: Plan, principal: str, source: str, queue: str
) -> None:
    policy = by_key(minimal_plan, f"{MESSAGING}.aws_sqs_queue.queue")[queue]["policy"]
    allowed = list(allowing(policy, principal, "sqs:SendMessage"))
    assert any(is_only_of(one, ACCOUNT, source) for one in allowed)
    assert all(is_only_of(one, ACCOUNT) for one in allowed)
    assert any(
        is_only_of(one, ACCOUNT, source)
        for one in allowing(key_policy(minimal_plan), principal, "kms:Decrypt")
    )


@pytest.mark.parametrize("topic", TOPOLOGY.topics, ids=lambda topic: str(topic.name))
def test_a_topics_publisher_may_publish_and_use_its_key(minimal_plan: Plan, topic: Any) -> None:
    policy = by_key(minimal_plan, f"{MESSAGING}.aws_sns_topic.topic")[topic.name]["policy"]
    for document, action in (
        (policy, "sns:Publish"),
        (key_policy(minimal_plan), "kms:GenerateDataKey*"),
    ):
        allowed = list(allowing(document, topic.publisher, action))
        assert allowed
        assert all(is_only_of(one, ACCOUNT) for one in allowed)


def test_nobody_but_the_arrows_puts_anything_on_a_queue(minimal_plan: Plan) -> None:
    for queue, planned in by_key(minimal_plan, f"{MESSAGING}.aws_sqs_queue.queue").items():
        sources = {
            one
            for statement in statements(planned["policy"])
            if statement["Effect"] == "Allow"
            for one in several(statement["Condition"]["ArnEquals"]["aws:SourceArn"])
        }
        assert sources == {source for _, source, to in ARROWS if to == queue}


@pytest.mark.parametrize(
    ("role", "principal", "source"),
    [
        (
            "scheduler",
            "scheduler.amazonaws.com",
            arn("scheduler", f"schedule-group/{NAME}-deferred"),
        ),
        ("pipe", "pipes.amazonaws.com", arn("pipes", f"pipe/{NAME}-pinpoint")),
    ],
)
def test_what_sends_as_a_role_becomes_it_for_its_own_sake_only(
    complete_plan: Plan, role: str, principal: str, source: str
) -> None:
    roles = {
        address: one["assume_role_policy"]
        for address, one in resources(complete_plan, "aws_iam_role").items()
        if address.startswith(f"{MESSAGING}.aws_iam_role.{role}")
    }
    (trust,) = roles.values()
    (conditions,) = allowing(trust, principal, "sts:AssumeRole")
    assert is_only_of(conditions, ACCOUNT, source)


def test_the_least_deployment_can_still_be_read(minimal_plan: Plan) -> None:
    made = [
        one
        for one in minimal_plan["resource_changes"]
        if one["mode"] == "managed" and one["change"]["actions"] == ["create"]
    ]
    assert len(made) <= RESOURCES_MAX


def test_queues_are_those_of_the_topology_and_as_it_says(minimal_plan: Plan) -> None:
    made = by_key(minimal_plan, f"{MESSAGING}.aws_sqs_queue.queue")
    dead = by_key(minimal_plan, f"{MESSAGING}.aws_sqs_queue.dead_letters")
    assert set(made) == set(dead) == {queue.name for queue in TOPOLOGY.queues}
    for queue in TOPOLOGY.queues:
        assert made[queue.name]["name"] == f"{NAME}-{queue.name}"
        assert made[queue.name]["visibility_timeout_seconds"] == queue.visibility_timeout_s
        assert dead[queue.name]["message_retention_seconds"] == queue.dlq.retention_s
        assert json.loads(dead[queue.name]["redrive_allow_policy"])["sourceQueueArns"] == [
            arn("sqs", f"{NAME}-{queue.name}")
        ]


def test_the_outputs_are_what_a_worker_reads(minimal_plan: Plan) -> None:
    change = minimal_plan["output_changes"]["worker_environment"]
    names = {*change["after"], *change["after_unknown"]}
    wired = {name.removeprefix(PREFIX).lower() for name in names if name.startswith(PREFIX)}
    needed = {name for name, field in Settings.model_fields.items() if field.is_required()}
    assert needed <= wired <= set(Settings.model_fields) - TUNED


def test_a_deployment_with_every_part_is_planned_whole(complete_plan: Plan) -> None:
    kinds = {one["type"] for one in complete_plan["resource_changes"] if one["mode"] == "managed"}
    assert {"aws_pipes_pipe", "aws_kinesis_stream", "aws_budgets_budget"} <= kinds
    assert len(resources(complete_plan, "aws_ecs_service")) == len(TOPOLOGY.services)
