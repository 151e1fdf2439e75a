"""No alarm, widget or policy waits for a metric that nobody writes.

Workers run as the plan has them: one process for each service, told by a namespace to write metrics
for CloudWatch, with their configuration from a version of an S3 object. What they wrote is compared
with each metric, by name and dimensions, that the plan reads.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
import pytest_asyncio

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.local.world import World, WorldPlan
from infra.topology import load_topology
from tests.e2e.account import CONFIG, TALKING_FLOW, WELCOME, contact_centre
from tests.e2e.stage import Stage, staged
from tests.infra.plans import Plan, resources

NAMESPACE = "Switchboard/test"

Named = tuple[str, str, tuple[tuple[str, str], ...]]
"""Namespace, name, and dimensions in their order."""

OF_AWS = {
    # SQS developer guide, "Available CloudWatch metrics for Amazon SQS"
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", ("QueueName",)),
    # ECS developer guide, "Amazon ECS service utilization metrics"
    ("AWS/ECS", "CPUUtilization", ("ClusterName", "ServiceName")),
    ("AWS/ECS", "MemoryUtilization", ("ClusterName", "ServiceName")),
    # End User Messaging user guide, "Monitoring ... with Amazon CloudWatch"
    ("AWS/SMSVoice", "TextMessageMonthlySpend", ()),
}
"""What AWS writes: with which dimensions, by the page that says so."""


def named(namespace: str, name: str, dimensions: Mapping[str, str]) -> Named:
    return namespace, name, tuple(sorted(dimensions.items()))


def read_by_alarms(plan: Plan) -> Iterator[Named]:
    for alarm in resources(plan, "aws_cloudwatch_metric_alarm").values():
        assert alarm.get("metric_name") is None, "only metric_query is looked at here"
        for query in alarm["metric_query"]:
            for metric in query["metric"]:
                dimensions = metric["dimensions"] or {}
                yield named(metric["namespace"], metric["metric_name"], dimensions)


def read_by_scaling(plan: Plan) -> Iterator[Named]:
    for policy in resources(plan, "aws_appautoscaling_policy").values():
        (tracking,) = policy["target_tracking_scaling_policy_configuration"]
        (specification,) = tracking["customized_metric_specification"]
        for query in specification["metrics"]:
            for stat in query["metric_stat"]:
                (metric,) = stat["metric"]
                dimensions = {one["name"]: one["value"] for one in metric["dimensions"]}
                yield named(metric["namespace"], metric["metric_name"], dimensions)


def read_by_dashboard(plan: Plan) -> Iterator[Named]:
    for dashboard in resources(plan, "aws_cloudwatch_dashboard").values():
        for widget in json.loads(dashboard["dashboard_body"])["widgets"]:
            for row in widget["properties"]["metrics"]:
                namespace, name, *rest = (part for part in row if isinstance(part, str))
                pairs = dict(zip(rest[::2], rest[1::2], strict=True))
                yield named(namespace, name, pairs)


def read_by(plan: Plan) -> set[Named]:
    return {*read_by_alarms(plan), *read_by_scaling(plan), *read_by_dashboard(plan)}


def written(lines: list[str]) -> Iterator[Named]:
    """What CloudWatch makes of a worker's log."""
    for line in lines:
        if '"_aws"' not in line:
            continue
        document: dict[str, Any] = json.loads(line)
        for directive in document["_aws"]["CloudWatchMetrics"]:
            for dimensions in directive["Dimensions"]:
                pairs = {name: document[name] for name in dimensions}
                for metric in directive["Metrics"]:
                    assert isinstance(document[metric["Name"]], int | float)
                    yield named(directive["Namespace"], metric["Name"], pairs)


@dataclass(frozen=True)
class Fleet:
    """What was seen of a fleet of three services that held one conversation."""

    written: frozenset[Named]
    config_hashes: frozenset[str]
    logged_hashes: frozenset[str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fleet(
    emulator: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Fleet]:
    services = load_topology().services
    settings = {
        "SWITCHBOARD_METRICS_NAMESPACE": NAMESPACE,
        "SWITCHBOARD_METRICS_EVERY_S": "1",
    }

    async def store_config(aws: LocalAws, made: Provisioned) -> LocalAws:
        settings["SWITCHBOARD_CONFIG"] = await asyncio.to_thread(stored, aws, made.prefix)
        return aws

    plan = WorldPlan(
        run_dir=tmp_path_factory.mktemp("services"),
        config=Path("/nowhere"),
        contact_centre=contact_centre,
        worker_count=len(services),
        worker_settings=settings,
        worker_queues=[service.queues for service in services],
        interpose=store_config,
    )
    async with World(plan, emulator) as world, staged(world) as stage:
        await converse(stage)
        hashes = [await config_hash(stage, worker) for worker in range(len(services))]
        await asyncio.sleep(2.5)  # Two more intervals, with all that was counted.
        logs = [log.read_text("utf-8").splitlines() for log in world.worker_logs()]
    lines = [line for log in logs for line in log]
    yield Fleet(
        frozenset(written(lines)),
        frozenset(hashes),
        frozenset(json.loads(line)["config_sha256"] for line in lines if '"configured"' in line),
    )


def stored(aws: LocalAws, prefix: str) -> str:
    """Puts the configuration into a versioned bucket; returns where, as workers are told it."""
    s3: Any = boto3.client("s3", **aws.client_arguments("S3"))
    bucket = f"{prefix}config"
    s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    answer = s3.put_object(Bucket=bucket, Key="switchboard.toml", Body=CONFIG.read_bytes())
    s3.close()
    return f"s3://{bucket}/switchboard.toml?versionId={answer['VersionId']}"


async def converse(stage: Stage) -> None:
    customer = stage.customer(TALKING_FLOW)
    chat = await stage.begin(customer, "Hi, is my bike ready?")
    await stage.until_on_phone(customer, WELCOME)
    await stage.desk.say(chat.contact_id, "It will be at noon.")
    await stage.until_on_phone(customer, "It will be at noon.")


async def config_hash(stage: Stage, worker: int) -> str:
    async with stage.http.get(f"{stage.world.worker_url(worker)}/healthz") as answer:
        body = await answer.json()
    return str(body["config_sha256"])


@pytest.mark.asyncio(loop_scope="module")
async def test_what_the_plan_reads_is_what_running_workers_wrote(
    fleet_plan: Plan, fleet: Fleet
) -> None:
    read = read_by(fleet_plan)
    ours = {one for one in read if one[0] == NAMESPACE}
    assert len(ours) > 40
    assert ours - fleet.written == set(), "read by the plan, and no worker writes it"
    of_aws = {(space, name, tuple(k for k, _ in pairs)) for space, name, pairs in read - ours}
    assert of_aws == OF_AWS, "AWS writes no such metric, or nobody reads it any more"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        pytest.param('"throttles"', '"throttled"', id="an_alarm_of_another_name"),
        pytest.param('"breaker"', '"braker"', id="an_alarm_of_another_reason"),
        pytest.param('"backlog"', '"backlogs"', id="a_policy_of_another_name"),
        pytest.param("texts_uncertain", "texts_in_doubt", id="a_widget_of_another_name"),
        pytest.param(NAMESPACE, "Switchboard/prod", id="another_namespace"),
    ],
)
async def test_a_metric_that_nobody_writes_is_found(
    fleet_plan: Plan, fleet: Fleet, right: str, wrong: str
) -> None:
    changed = json.loads(json.dumps(fleet_plan).replace(right, wrong))
    assert changed != fleet_plan
    unwritten = {one for one in read_by(changed) if one[0].startswith("Switchboard")}
    assert unwritten - fleet.written


@pytest.mark.asyncio(loop_scope="module")
async def test_every_worker_says_which_configuration_it_runs_with(fleet: Fleet) -> None:
    wanted = hashlib.sha256(CONFIG.read_bytes()).hexdigest()
    assert fleet.config_hashes == fleet.logged_hashes == {wanted}
