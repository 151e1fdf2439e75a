"""A task's role allows what its handlers call, and nothing else: the plan beside the code."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.topology import load_topology
from tests.infra.aws_calls import (
    bootstrap,
    doors_by_event_class,
    methods_used,
    operations_of,
    relays_tool,
)
from tests.infra.plans import Plan, by_key

# Which functions of bootstrap and tools build what each capability of iam.tf stands for.
BUILT_BY = {
    "runtime": (
        *("run", "content_of", "Fleet.of", "_consumers", "_deferrals", "_sqs_calls", "key_ring"),
        "_telling",
    ),
    "relay": ("relay_tools",),
    "bounces": ("bounce_tools",),
    "calls": ("reminder_tools", "_zones"),
    "opt_out_sync": ("sync_tools",),
    "profiles": ("profile_door",),
}
# Tools of the relay's that others are given.
LENT = {
    "bounces": ("health", "texting", "recipients"),
    "calls": ("suppressions", "health", "texting", "journal"),
}
# Of the relay's texting these use a part only; the next test holds that.
PARTS = {
    ("bounces", "texting"): {"sms-voice:PutOptedOutNumber"},
    ("calls", "texting"): {"sms-voice:SendTextMessage", "sms-voice:SendMediaMessage"},
}
LENT_TABLES = {"bounces": {"suppressions"}, "calls": {"suppressions", "sessions"}}
DOORS = {
    **dict.fromkeys(("inbound", "stream", "contacts", "receipts", "commands"), "relay"),
    "bounces": "bounces",
    "calls": "calls",
    "opt_out_sync": "opt_out_sync",
}
# What comes on the queue of each handler. Of EventBridge's receipts, which engagement hears too,
# the relay and the calls know none: they have no context (schemas/topology.py).
EVENTS = {
    "inbound_sms": ("INBOUND_SMS",),
    "chat_stream": ("CONNECT_CHAT_MESSAGE",),
    "contact_events": ("CONNECT_CONTACT_EVENT", "CONNECT_CONTACT_RECORD"),
    "delivery_receipts": ("EUM_EVENT",),
    "engagement_events": ("SES_EVENT", "PINPOINT_EVENT"),
    "reminders": ("PINPOINT_CUSTOM_CHANNEL",),
}
# Commands are told apart by their kind; each queue has its own.
COMMANDS = {"chat_commands": {"relay"}, "reminders": {"calls"}, "timers": {"opt_out_sync", "calls"}}
# ProfileDoor.wants: all that tells of a person.
WRITES_PROFILES = {"inbound_sms", "delivery_receipts", "engagement_events", "reminders"}

PREFIXES = {
    "pinpoint-sms-voice-v2": "sms-voice",
    "customer-profiles": "profile",
    "sesv2": "ses",
}
OTHER_NAMES = {
    "sqs:SendMessageBatch": "sqs:SendMessage",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
}
NOT_ASKED_FOR = {
    "cloudwatch:GetMetricStatistics",  # only for `switchboard queue status`
    "dynamodb:Scan",  # only for `switchboard suppressions list` and export
    "ses:DeleteSuppressedDestination",  # only for `switchboard suppressions remove`
    "s3:ListObjectsV2",  # only for `switchboard replay`
}
# What a call needs besides its own action.
BESIDES = {"scheduler:CreateSchedule": {"iam:PassRole"}}
VERSIONED = {"s3:GetObjectVersion"}  # GetObject with a version, for the configuration


def capabilities(handler: str) -> set[str]:
    """By the router: whose doors hear of what comes on that handler's queue."""
    heard = doors_by_event_class()
    doors = {door for event in EVENTS.get(handler, ()) for door in heard[event]}
    found = {DOORS[door] for door in doors} | COMMANDS.get(handler, set())
    return found | ({"profiles"} if handler in WRITES_PROFILES else set())


def called_by(capability: str) -> set[str]:
    """The IAM actions of what its tools call."""
    built = bootstrap()
    own = {module for name in BUILT_BY[capability] for module in built[name].modules}
    called = actions_of(own)
    for name in LENT.get(capability, ()):
        lent = actions_of({relays_tool(name)})
        called |= PARTS.get((capability, name), lent) & lent
    return called - NOT_ASKED_FOR


def actions_of(modules: set[str]) -> set[str]:
    actions: set[str] = set()
    for operation in operations_of(modules):
        service, _, name = operation.partition(":")
        if service == "connectparticipant":
            continue  # Bearer tokens, no IAM.
        action = f"{PREFIXES.get(service, service)}:{name}"
        action = OTHER_NAMES.get(action, action)
        actions |= {action} | BESIDES.get(action, set())
    return actions


def of_service(queues: tuple[str, ...]) -> set[str]:
    topology = load_topology()
    found = {c for queue in queues for c in capabilities(topology.queue(queue).handler)}
    return found | {"runtime"}


def statements(plan: Plan, service: str) -> list[dict[str, Any]]:
    policies = by_key(plan, "module.fleet.aws_iam_role_policy.task")
    found: list[dict[str, Any]] = json.loads(policies[service]["policy"])["Statement"]
    return found


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


SERVICES = [
    pytest.param(service.name, service.queues, id=service.name)
    for service in load_topology().services
]


def test_of_lent_tools_only_the_known_parts_are_used() -> None:
    assert methods_used("reminders", "texting") == {"admit", "send"}
    assert methods_used("bounce_tracking", "lists") == {"opt_out"}
    assert methods_used("bounce_tracking", "mail_list") <= {"suppress"}


@pytest.mark.parametrize(("service", "queues"), SERVICES)
def test_a_role_allows_each_call_of_its_handlers_and_no_other(
    fleet_plan: Plan, service: str, queues: tuple[str, ...]
) -> None:
    allowed = {a for s in statements(fleet_plan, service) for a in listed(s["Action"])}
    called = {action for capability in of_service(queues) for action in called_by(capability)}
    assert called - allowed == set(), "called in the code and granted nowhere in iam.tf"
    assert allowed - called - VERSIONED == set(), "granted, and no code calls it"
    assert allowed >= VERSIONED


@pytest.mark.parametrize(("service", "queues"), SERVICES)
def test_a_role_reaches_the_tables_of_its_handlers_only(
    fleet_plan: Plan, service: str, queues: tuple[str, ...]
) -> None:
    built = bootstrap()
    wanted = {"sessions"}  # The data keys lie there.
    for capability in of_service(queues):
        names = {s for name in BUILT_BY[capability] for s in built[name].settings}
        wanted |= {name.removesuffix("_table") for name in names if name.endswith("_table")}
        wanted |= LENT_TABLES.get(capability, set())
    reached = {
        arn.rpartition("switchboard-test-")[2]
        for statement in statements(fleet_plan, service)
        for arn in listed(statement["Resource"])
        if ":dynamodb:" in arn
    }
    assert reached == wanted


@pytest.mark.parametrize(("service", "queues"), SERVICES)
def test_a_role_takes_and_buries_in_its_own_queues_only(
    fleet_plan: Plan, service: str, queues: tuple[str, ...]
) -> None:
    by_action: dict[str, set[str]] = {}
    for statement in statements(fleet_plan, service):
        for action in listed(statement["Action"]):
            names = {
                arn.rpartition("switchboard-test-")[2] for arn in listed(statement["Resource"])
            }
            by_action.setdefault(action, set()).update(names)
    for action in ("ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"):
        assert by_action[f"sqs:{action}"] == set(queues)
    dead = {f"{queue}-dlq" for queue in queues}
    commands = (
        {"chat-commands", "reminders"} if {"inbound-sms", "reminders"} & set(queues) else set()
    )
    assert by_action["sqs:SendMessage"] == dead | commands


def test_resources_are_named_and_conditions_hold_what_they_can(fleet_plan: Plan) -> None:
    for service in load_topology().services:
        for statement in statements(fleet_plan, service.name):
            assert statement["Effect"] == "Allow"
            assert not [a for a in listed(statement["Action"]) if "*" in a]
            if listed(statement["Resource"]) == ["*"]:
                assert statement["Sid"] == "SuppressMail", "SES alone knows no resource"
        by_sid = {s["Sid"]: s for s in statements(fleet_plan, service.name)}
        lent = by_sid["LendRoleToScheduler"]["Condition"]
        assert lent == {"StringEquals": {"iam:PassedToService": "scheduler.amazonaws.com"}}
        for sid in ("OpenDataKeys", "UseKeyThroughServices", "KeepDataKey"):
            assert by_sid[sid]["Condition"]


def test_only_ecs_for_this_account_becomes_these_roles(fleet_plan: Plan) -> None:
    roles = by_key(fleet_plan, "module.fleet.aws_iam_role.task")
    assert set(roles) == {service.name for service in load_topology().services}
    for role in roles.values():
        (statement,) = json.loads(role["assume_role_policy"])["Statement"]
        assert statement["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": "111122223333"}
