"""A whole deployment on local endpoints, as a doctor wants it, to be broken in one place.

The simulator's world is put anew for each test. What the emulator holds is kept for the next one
until somebody has changed it: making it takes longest.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local.endpoints import ACCOUNT_ID, LocalAws
from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned, provision
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
class Ground:
    """What the emulator holds of a deployment. Those who change it spoil it for the next test."""

    made: Provisioned
    aws: LocalAws
    role: str
    kms_key: str
    environment: dict[str, str]
    one_shot: OneShotAws = field(default_factory=OneShotAws)
    is_spoilt: bool = False


@dataclass
class Deployment:
    """What a doctor is called to. `world` and `brands` are put when it is examined."""

    ground: Ground
    account: ThreadedSimulator
    monkeypatch: pytest.MonkeyPatch
    folder: Path
    world: dict[str, Any]
    brands: str = BRANDS
    is_rewired: bool = False

    @property
    def made(self) -> Provisioned:
        return self.ground.made

    def client(self, service: str) -> Any:
        """A client with the account's own credentials: for breaking things."""
        self.ground.is_spoilt = True
        make: Any = boto3.client
        return make(service, **self.ground.aws.client_arguments(service.replace("-", " ")))

    def number(self) -> dict[str, Any]:
        number: dict[str, Any] = self.world["sms_voice"]["phone_numbers"][0]
        return number

    def instance(self) -> dict[str, Any]:
        instance: dict[str, Any] = self.world["connect"]["instances"][0]
        return instance

    def setenv(self, name: str, value: str) -> None:
        self.is_rewired = True
        self.monkeypatch.setenv(name, value)

    def delenv(self, name: str) -> None:
        self.is_rewired = True
        self.monkeypatch.delenv(name)

    def settle(self) -> None:
        """Write the files and put the world as they stand."""
        (self.folder / "switchboard.toml").write_text(self.brands, "utf-8")
        self.account.put_world(self.world)

    def site(self, service: str | None = None) -> Site:
        """Seen by clients that are kept while the environment stays: making them takes long."""
        settings, topology = load(), load_topology()
        assert isinstance(settings.config, Path)
        configuration = load_configuration(settings.config)
        taken = [q for one in topology.services if one.name == service for q in one.queues]
        aws = OneShotAws() if self.is_rewired else self.ground.one_shot
        return Site(settings, configuration, topology, aws, taken)

    def findings(self, *only: str, service: str | None = None) -> list[Finding]:
        self.settle()
        return list(examine(self.site(service), chosen(only)))

    def allow(self, actions: list[str]) -> None:
        """What the task's role may do, in place of what it might before."""
        put_role_policy(self.client("iam"), self.ground.role, actions)

    def needed_actions(self, service: str | None = None) -> list[str]:
        self.settle()
        return sorted({action for need in needed(self.site(service)) for action in need.actions})


def break_ground(emulator: LocalAws, account: ThreadedSimulator) -> Ground:
    """Everything on the emulator: the topology, a role, a key, and ticks that are switched on."""
    made = provision(load_topology(), emulator, prefix=f"d{secrets.token_hex(4)}-")

    def client(service: str) -> Any:
        make: Any = boto3.client
        return make(service, **emulator.client_arguments(service))

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
    assumed = client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT_ID}:role/{role}", RoleSessionName="task"
    )["Credentials"]
    environment = {
        **emulator.with_simulator(account.url).environment(),
        **made.worker_environment(),
        "SWITCHBOARD_KMS_KEY_ID": key,
        "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
        "AWS_SESSION_TOKEN": assumed["SessionToken"],
    }
    return Ground(made, emulator, role, key, environment)


def deploy(
    ground: Ground, account: ThreadedSimulator, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> Deployment:
    """A healthy deployment on this ground, and its environment for this process."""
    environment = {**ground.environment, "SWITCHBOARD_CONFIG": str(folder / "switchboard.toml")}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    world = healthy_world(ground.made)
    deployment = Deployment(ground, account, monkeypatch, folder, world)
    actions = deployment.needed_actions()
    make: Any = boto3.client
    iam = make("iam", **ground.aws.client_arguments("IAM"))
    put_role_policy(iam, ground.role, actions)
    return deployment


def put_role_policy(iam: Any, role: str, actions: list[str]) -> None:
    """Let the role do these actions on everything, and nothing else."""
    statement = {"Effect": "Allow", "Action": actions, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=role, PolicyName="work", PolicyDocument=document)


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
