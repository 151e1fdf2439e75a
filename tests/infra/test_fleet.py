"""How the workers run on ECS, as the plan has it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.toolroom import ROOT
from infra.topology import load_topology
from tests.infra.plans import Plan, by_key, resources, worker
from workers.runtime.config import ConsumerConfig
from workers.settings import Settings

TASKS = "module.fleet.aws_ecs_task_definition.service"


@pytest.fixture(scope="session")
def containers(fleet_plan: Plan) -> dict[str, dict[str, Any]]:
    return {name: worker(task) for name, task in by_key(fleet_plan, TASKS).items()}


def test_each_service_takes_its_queues(containers: dict[str, dict[str, Any]]) -> None:
    wanted = {s.name: ["worker", "--queues", ",".join(s.queues)] for s in load_topology().services}
    assert {name: one["command"] for name, one in containers.items()} == wanted


def test_a_container_may_do_little(containers: dict[str, dict[str, Any]]) -> None:
    for container in containers.values():
        assert container["readonlyRootFilesystem"] is True
        assert container["privileged"] is False
        assert container["linuxParameters"]["capabilities"] == {"add": [], "drop": ["ALL"]}
        uid, _, gid = container["user"].partition(":")
        assert int(uid) > 0
        assert int(gid) > 0


def test_the_health_check_is_the_images_own(containers: dict[str, dict[str, Any]]) -> None:
    """There is no shell in the image; both ask the same program."""
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for container in containers.values():
        kind, *command = container["healthCheck"]["command"]
        assert kind == "CMD"
        assert f"CMD {str(command).replace(chr(39), chr(34))}" in dockerfile
        assert f"USER {container['user']}" in dockerfile


def test_a_task_is_killed_only_after_its_drain(containers: dict[str, dict[str, Any]]) -> None:
    for container in containers.values():
        drain_s = int(environment_of(container)["SWITCHBOARD_DRAIN_S"])
        assert drain_s + ConsumerConfig().wait_s / 2 < container["stopTimeout"] <= 120
        assert drain_s >= ConsumerConfig().wait_s, "an idle worker's long poll would be cut"


def test_every_variable_is_one_that_a_worker_reads(containers: dict[str, dict[str, Any]]) -> None:
    known = {f"SWITCHBOARD_{name.upper()}" for name in Settings.model_fields}
    for container in containers.values():
        assert set(environment_of(container)) <= known
        assert "SWITCHBOARD_METRICS_NAMESPACE" in environment_of(container)


def test_a_change_of_the_configuration_is_a_change_of_the_task(
    containers: dict[str, dict[str, Any]],
) -> None:
    for container in containers.values():
        assert "?versionId=" in environment_of(container)["SWITCHBOARD_CONFIG"]


def test_a_bad_release_rolls_back_and_a_good_one_lets_the_old_tasks_drain(fleet_plan: Plan) -> None:
    services = by_key(fleet_plan, "module.fleet.aws_ecs_service.service")
    assert set(services) == {service.name for service in load_topology().services}
    for service in services.values():
        assert service["deployment_circuit_breaker"] == [{"enable": True, "rollback": True}]
        assert service["deployment_minimum_healthy_percent"] == 100
        (network,) = service["network_configuration"]
        assert len(network["subnets"]) >= 2
        assert network["assign_public_ip"] is False
        assert service["availability_zone_rebalancing"] == "ENABLED"
        assert service["desired_count"] >= 2


def test_logs_are_kept_for_a_while_and_encrypted(
    fleet_plan: Plan, containers: dict[str, dict[str, Any]]
) -> None:
    (group,) = resources(fleet_plan, "aws_cloudwatch_log_group").values()
    assert group["retention_in_days"] > 0
    assert group["kms_key_id"].startswith("arn:aws:kms:")
    for service, container in containers.items():
        options = container["logConfiguration"]["options"]
        assert options["awslogs-group"] == group["name"]
        assert options["awslogs-stream-prefix"] == service


def test_nobody_comes_in(fleet_plan: Plan) -> None:
    (group,) = resources(fleet_plan, "aws_security_group").values()
    assert not group.get("ingress")
    assert {(rule["protocol"], rule["to_port"]) for rule in group["egress"]} == {("tcp", 443)}


def test_both_modules_keep_to_their_share_of_a_readable_plan(fleet_plan: Plan) -> None:
    made = [c["type"] for c in fleet_plan["resource_changes"] if c["mode"] == "managed"]
    made.remove("aws_budgets_budget")  # Off by default, on here.
    assert len(made) <= 38


def environment_of(container: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["value"] for one in container["environment"]}
