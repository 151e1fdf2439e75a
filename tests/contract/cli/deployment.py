"""A whole deployment on local endpoints, as a doctor wants it, to be broken in one place.

Every deployment has names of its own, a role of its own and a key of its own; the simulator's world
is put anew for each.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.endpoints import ACCOUNT_ID, LocalAws
from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.shipped import object_types
from infra.topology import load_topology
from tests.contract.cli.conftest import ThreadedSimulator
from workers.cli.doctor.check import Finding, Status
from workers.cli.doctor.command import chosen
from workers.cli.doctor.needs import needed
from workers.cli.doctor.run import examine
from workers.cli.doctor.site import Site
from workers.cli.one_shot import OneShotAws
from workers.config import load as load_configuration
from workers.settings import load

OUR_NUMBER = "+12065550199"
CALLS_FLOW = "99999999-2222-4333-8444-555555555555"
CHAT_FLOW = "11111111-2222-4333-8444-555555555555"
BRANDS = f"""
version = 1

[[brands]]
name = "Plumbing"
numbers = ["{OUR_NUMBER}"]
sender_ids = ["ACME"]
configuration_set = "service"
contact_flow_id = "{CHAT_FLOW}"
opt_out_list = "service"
calls = {{ contact_flow_id = "{CALLS_FLOW}", source_number = "+12065550197" }}

[bounces]
ses_suppression_list = true
email_classes = {{ newsletter = "promotional" }}

[profiles]
domain = "clinic"
"""
_ASSUMED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}


def healthy_world(made: Provisioned) -> dict[str, Any]:
    """The simulator's part, everything as it should be."""
    return {
        "sms_voice": {
            "phone_numbers": [
                {
                    "number": OUR_NUMBER,
                    "id": "phone-1",
                    "two_way_topic_arn": made.topic_arns["inbound-sms"],
                    "self_managed_opt_outs": True,
                    "opt_out_list": "service",
                    "registration": "registration-1",
                }
            ],
            "registrations": [{"id": "registration-1"}],
            "configuration_sets": [
                {
                    "name": "service",
                    "event_destinations": [{"topic_arn": made.topic_arns["delivery-receipts"]}],
                }
            ],
            "opt_out_lists": [{"name": "service"}],
            "sender_ids": [{"sender_id": "ACME", "country": "GB"}],
            "spend_limits": {"TEXT": {"enforced": 500, "most": 1000}},
        },
        "connect": {
            "instances": [
                {
                    "id": LOCAL_INSTANCE_ID,
                    "flows": [
                        {"id": CHAT_FLOW, "name": "SMS chat"},
                        {"id": CALLS_FLOW, "name": "Reminder"},
                    ],
                    "storage": {"CHAT_TRANSCRIPTS": "kept", "ATTACHMENTS": "kept"},
                }
            ]
        },
        "customer_profiles": {"domains": [{"name": "clinic", "object_types": object_types()}]},
        "ses": {
            "configuration_sets": [
                {
                    "name": "newsletter",
                    "event_destinations": [{"topic_arn": made.topic_arns["ses-events"]}],
                }
            ]
        },
        "service_quotas": {},
    }


@dataclass
class Deployment:
    """What a doctor is called to. `world` and `brands` are put when it is examined."""

    made: Provisioned
    aws: LocalAws
    account: ThreadedSimulator
    monkeypatch: pytest.MonkeyPatch
    folder: Path
    world: dict[str, Any]
    role: str
    kms_key: str
    brands: str = BRANDS

    def client(self, service: str) -> Any:
        """A client with the account's own credentials: for breaking things."""
        make: Any = boto3.client
        return make(service, **self.aws.client_arguments(service.replace("-", " ")))

    def number(self) -> dict[str, Any]:
        number: dict[str, Any] = self.world["sms_voice"]["phone_numbers"][0]
        return number

    def instance(self) -> dict[str, Any]:
        instance: dict[str, Any] = self.world["connect"]["instances"][0]
        return instance

    def setenv(self, name: str, value: str) -> None:
        self.monkeypatch.setenv(name, value)

    def settle(self) -> None:
        """Write the files and put the world as they stand."""
        (self.folder / "switchboard.toml").write_text(self.brands, "utf-8")
        self.account.put_world(self.world)

    def site(self, service: str | None = None) -> Site:
        settings, topology = load(), load_topology()
        assert isinstance(settings.config, Path)
        configuration = load_configuration(settings.config)
        taken = [q for one in topology.services if one.name == service for q in one.queues]
        return Site(settings, configuration, topology, OneShotAws(), taken)

    def findings(self, *only: str, service: str | None = None) -> list[Finding]:
        self.settle()
        return list(examine(self.site(service), chosen(only)))

    def allow(self, actions: list[str]) -> None:
        """What the task's role may do, in place of what it might before."""
        statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("iam").put_role_policy(
            RoleName=self.role, PolicyName="work", PolicyDocument=document
        )

    def needed_actions(self, service: str | None = None) -> list[str]:
        self.settle()
        return sorted({action for need in needed(self.site(service)) for action in need.actions})


def deploy(
    made: Provisioned,
    local: LocalAws,
    account: ThreadedSimulator,
    monkeypatch: pytest.MonkeyPatch,
    folder: Path,
) -> Deployment:
    """Bring up what `provision` leaves out, and give the environment to this process."""
    client = boto3.client
    role = f"{made.prefix}task"
    client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(_ASSUMED))
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    put_key_policy(client("kms"), key, ["sns.amazonaws.com", "events.amazonaws.com"])
    client("sqs").set_queue_attributes(
        QueueUrl=made.queue_urls["engagement-events"], Attributes={"KmsMasterKeyId": key}
    )
    scheduler = client("scheduler")
    for schedule in load_topology().schedules:
        found = scheduler.get_schedule(GroupName=made.schedule_group, Name=schedule.name)
        kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
        wanted = {name: found[name] for name in kept}
        scheduler.update_schedule(**wanted, State="ENABLED")
    environment = {
        **made.worker_environment(),
        "SWITCHBOARD_CONFIG": str(folder / "switchboard.toml"),
        "SWITCHBOARD_KMS_KEY_ID": key,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    deployment = Deployment(
        made, local, account, monkeypatch, folder, healthy_world(made), role, key
    )
    deployment.settle()
    deployment.allow(deployment.needed_actions())
    assumed = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{role}", RoleSessionName="task"
    )["Credentials"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", assumed["AccessKeyId"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", assumed["SecretAccessKey"])
    monkeypatch.setenv("AWS_SESSION_TOKEN", assumed["SessionToken"])
    return deployment


def put_key_policy(kms: Any, key: str, services: list[str]) -> None:
    """Let the account and these services use the key."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"Service": services},
            "Action": ["kms:GenerateDataKey*", "kms:Decrypt"],
            "Resource": "*",
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)


def unwell(findings: list[Finding]) -> Iterator[Finding]:
    """Those that turned yellow or red."""
    return (one for one in findings if one.status in {Status.WARNING, Status.FAILED})
