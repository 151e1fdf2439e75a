"""The deployment, really applied: the real provider makes it on the emulator, and it works.

Two customers hold a conversation on what was made, with workers that know only what Terraform puts
out. A second plan changes nothing, and after the end nothing is left. ECS, alarms, scaling and
pipes are on no emulator: `runs_workers` is off, and their plans are looked at (test_fleet.py).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from demo.contact_centre import CLINIC, contact_centre
from infra.local.endpoints import ACCOUNT_ID, LocalAws
from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.local.terraform import Terraform
from infra.local.world import Deployed, World, WorldPlan
from infra.topology import load_topology
from tests.e2e.stage import staged
from tests.infra.conftest import terraform_or_skip

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]

NAME = "switchboard"
SERVICES = ("dynamodb", "events", "iam", "kms", "s3", "scheduler", "sns", "sqs")
DROPPED: Mapping[str, frozenset[str]] = {}
"""Attributes that the emulator does not keep, by resource type: what a second plan may change.
Empty, since MiniStack 1.5.33 keeps all that these modules set."""


def on_the_emulator(aws: LocalAws) -> str:
    """In place of the example's provider and of what is not to be made here."""
    endpoints = "\n".join(f'    {service} = "{aws.endpoint_url}"' for service in SERVICES)
    return f"""
provider "aws" {{
  region                      = "{aws.region}"
  access_key                  = "{aws.access_key_id}"
  secret_key                  = "{aws.secret_access_key}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  s3_use_path_style           = true

  endpoints {{
{endpoints}
  }}
}}

module "switchboard" {{
  connect_instance_arn = "arn:aws:connect:{aws.region}:{ACCOUNT_ID}:instance/{LOCAL_INSTANCE_ID}"
  runs_workers         = false
  deletion_protection  = false
}}
"""


@dataclass(frozen=True)
class Applied:
    """A deployment that stands."""

    terraform: Terraform
    environment: Mapping[str, str]
    topic_arns: Mapping[str, str]

    @property
    def deployed(self) -> Deployed:
        """As a world takes it."""
        queue_urls = json.loads(self.environment["SWITCHBOARD_QUEUE_URLS"])
        made = Provisioned(
            prefix=f"{NAME}-",
            queue_urls=queue_urls,
            dlq_urls=json.loads(self.environment["SWITCHBOARD_DLQ_URLS"]),
            queue_arns={},
            topic_arns=self.topic_arns,
            tables={},
            buckets={},
            schedule_group=self.environment["SWITCHBOARD_SCHEDULE_GROUP"],
            schedule_role_arn=self.environment["SWITCHBOARD_SCHEDULE_ROLE_ARN"],
            deferred_bucket=self.environment["SWITCHBOARD_DEFERRED_BUCKET"],
        )
        return Deployed(made, self.environment)


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, emulator: LocalAws) -> Applied:
    """The minimal example, applied."""
    terraform = terraform_or_skip("examples/minimal", tmp_path_factory.mktemp("applied"))
    (terraform.folder / "override.tf").write_text(on_the_emulator(emulator), "utf-8")
    terraform.init()
    outputs = terraform.apply()
    return Applied(terraform, outputs["worker_environment"], outputs["topic_arns"])


async def test_a_conversation_goes_through_what_was_made(
    applied: Applied, emulator: LocalAws, tmp_path: Path
) -> None:
    plan = WorldPlan(
        run_dir=tmp_path / "run",
        config=Path("unread"),
        contact_centre=contact_centre,
        worker_count=2,
        deployed=applied.deployed,
    )
    async with World(plan, emulator) as world, staged(world) as stage:
        first, second = stage.customer(CLINIC), stage.customer(CLINIC)
        for customer in (first, second):
            chat = await stage.begin(customer, "Hello, is this the clinic?")
            await stage.desk.say(chat.contact_id, "It is. How can we help?")
            await stage.until_on_phone(customer, "It is. How can we help?")
            await stage.text(customer, "I would like an appointment")
            said = await stage.until_in_chat(chat, "I would like an appointment")
            assert said == ["Hello, is this the clinic?", "I would like an appointment"]
            assert await stage.chats_opened(customer) == 1
        exits = await world.stop_workers()
    assert [ended.code for ended in exits] == [0, 0]


def test_a_second_plan_changes_nothing(applied: Applied) -> None:
    changed = {
        (one["type"], name)
        for one in applied.terraform.plan()["resource_changes"]
        if one["change"]["actions"] != ["no-op"] and one["mode"] == "managed"
        for name in _differing(one["change"])
    }
    allowed = {(kind, name) for kind, names in DROPPED.items() for name in names}
    assert changed == allowed, "the list of what the emulator drops is too short, or too long"


def _differing(change: Mapping[str, Any]) -> set[str]:
    before, after = change["before"] or {}, change["after"] or {}
    return {name for name in {*before, *after} if before.get(name) != after.get(name)} or {"all"}


def test_after_the_end_nothing_is_left(applied: Applied, emulator: LocalAws) -> None:
    assert len(left(emulator)) > 2 * len(load_topology().queues)
    applied.terraform.destroy()
    assert left(emulator) == []


def left(aws: LocalAws) -> list[str]:
    """Whatever there is of this deployment."""

    def ask(service: str, call: str, member: str, **params: Any) -> list[Any]:
        client: Any = boto3.client(service, **aws.client_arguments(service.upper()))  # type: ignore[call-overload]
        return list(getattr(client, call)(**params).get(member, []))

    found = [
        *ask("sqs", "list_queues", "QueueUrls", QueueNamePrefix=f"{NAME}-"),
        *(one["TopicArn"] for one in ask("sns", "list_topics", "Topics")),
        *ask("dynamodb", "list_tables", "TableNames"),
        *(one["Name"] for one in ask("s3", "list_buckets", "Buckets")),
        *(one["Name"] for one in ask("events", "list_rules", "Rules", NamePrefix=f"{NAME}-")),
        *(one["Name"] for one in ask("scheduler", "list_schedule_groups", "ScheduleGroups")),
        *(one["Name"] for one in ask("scheduler", "list_schedules", "Schedules")),
        *(one["RoleName"] for one in ask("iam", "list_roles", "Roles")),
    ]
    return [name for name in found if f"{NAME}-" in name]
