"""The list of checks, the page made of it, and the parts that need no account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from infra.topology import load_topology
from workers.cli import main
from workers.cli.doctor.checks import CHECKS
from workers.cli.doctor.checks.topics import standing
from workers.cli.doctor.command import chosen
from workers.cli.doctor.needs import CAPABILITIES, RUNTIME, TABLES_OF
from workers.cli.doctor.policies import Sender, admits
from workers.cli.topics import topic_arns

PAGE = Path(__file__).parents[3] / "docs" / "doctor.md"
QUEUE = "arn:aws:sqs:us-east-1:111122223333:prod-inbound-sms"
TOPIC = "arn:aws:sns:us-east-1:111122223333:prod-inbound-sms"
SENDER = Sender("sns.amazonaws.com", TOPIC, "111122223333")


def test_the_page_in_docs_is_fresh() -> None:
    shown = CliRunner().invoke(main, ["doctor", "--list"])
    assert shown.exit_code == 0
    assert PAGE.read_text("utf-8") == shown.output, "run switchboard doctor --list > docs/doctor.md"


def test_a_check_builds_on_earlier_ones_only_and_says_what_to_do() -> None:
    seen: set[str] = set()
    for check in CHECKS:
        assert set(check.after) <= seen, check.name
        assert check.looks_at
        assert check.remedy
        seen.add(check.name)
    assert len(seen) == len(CHECKS)


def test_the_policy_only_looks() -> None:
    shown = CliRunner().invoke(main, ["doctor", "--policy"])
    [statement] = json.loads(shown.output)["Statement"]
    verbs = {action.partition(":")[2] for action in statement["Action"]}
    # GenerateDataKey is a dry run, SimulatePrincipalPolicy a question.
    others = {"GenerateDataKey", "SimulatePrincipalPolicy"}
    assert all(verb.startswith(("Get", "List", "Describe")) for verb in verbs - others)


def test_every_handler_and_every_table_is_known_to_what_roles_need() -> None:
    topology = load_topology()
    assert {queue.handler for queue in topology.queues} == CAPABILITIES.keys()
    assert {table.name for table in topology.tables} == TABLES_OF.keys()
    known = frozenset({RUNTIME}).union(*CAPABILITIES.values())
    assert frozenset().union(*TABLES_OF.values()) <= known


def test_a_chosen_check_brings_those_that_it_builds_on() -> None:
    assert [check.name for check in chosen(["table_ttl"])] == ["credentials", "tables", "table_ttl"]
    assert chosen([]) == list(CHECKS)


def statement(**changes: Any) -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        **changes,
    }


@pytest.mark.parametrize(
    ("statements", "is_admitted"),
    [
        pytest.param([], False, id="nobody"),
        pytest.param([statement()], True, id="no_condition"),
        pytest.param(statement(), True, id="one_statement_is_no_list"),
        pytest.param([statement(Principal="*")], True, id="everybody"),
        pytest.param([statement(Principal={"AWS": "*"})], True, id="every_principal"),
        pytest.param([statement(Principal={"AWS": "arn:aws:iam::1:root"})], False, id="an_account"),
        pytest.param([statement(Principal={"Service": "s3.amazonaws.com"})], False, id="another"),
        pytest.param([statement(Action=["sqs:*"])], True, id="wildcard_action"),
        pytest.param([statement(Action="SQS:sendmessage")], True, id="actions_have_no_case"),
        pytest.param([statement(Action="sqs:ReceiveMessage")], False, id="another_action"),
        pytest.param([statement(Resource="*")], True, id="any_resource"),
        pytest.param([statement(Resource=f"{QUEUE}-dlq")], False, id="another_resource"),
        pytest.param(
            [statement(Condition={"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:prod-*"}})],
            True,
            id="source_like",
        ),
        pytest.param(
            [statement(Condition={"ArnEquals": {"AWS:SourceArn": [f"{TOPIC}-2", TOPIC]}})],
            True,
            id="one_of_the_sources",
        ),
        pytest.param(
            [statement(Condition={"ArnEquals": {"aws:SourceArn": f"{TOPIC}-2"}})],
            False,
            id="another_source",
        ),
        pytest.param(
            [statement(Condition={"StringEquals": {"aws:SourceAccount": "444455556666"}})],
            False,
            id="another_account",
        ),
        pytest.param(
            [statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})],
            True,
            id="what_cannot_be_judged_counts_as_met",
        ),
        pytest.param([statement(), statement(Effect="Deny")], False, id="denied"),
        pytest.param(
            [statement(), statement(Effect="Deny", Condition={"Bool": {"aws:SecureTransport": 0}})],
            True,
            id="denied_under_a_condition",
        ),
        pytest.param(["nonsense"], False, id="no_statement"),
    ],
)
def test_a_policy_lets_in_whom_it_names(statements: Any, is_admitted: bool) -> None:
    assert admits({"Statement": statements}, "sqs:SendMessage", QUEUE, SENDER) is is_admitted


@pytest.mark.parametrize(
    ("arns", "says"),
    [
        pytest.param([], "not subscribed", id="none"),
        pytest.param(["PendingConfirmation"], "not confirmed", id="pending"),
        pytest.param(["Deleted"], "not confirmed", id="deleted"),
        pytest.param(["PendingConfirmation", f"{TOPIC}:1"], "", id="one_is"),
    ],
)
def test_a_subscription_that_waits_for_its_confirmation_is_none(arns: list[str], says: str) -> None:
    found = standing({"SubscriptionArn": arn} for arn in arns)
    assert says in found
    assert bool(found) is bool(says)


def test_topics_share_the_chat_streams_prefix() -> None:
    chat = "arn:aws:sns:us-east-1:111122223333:prod-chat-stream"
    found = topic_arns(chat, load_topology())
    assert found["inbound-sms"] == TOPIC
    assert found["chat-stream"] == chat
    assert topic_arns(f"{chat}-2", load_topology()) == {"chat-stream": f"{chat}-2"}
