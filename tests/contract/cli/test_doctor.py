"""Each check of `switchboard doctor`: one thing is broken, and that alone turns red."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.local.endpoints import LocalAws
from infra.local.toolroom import ROOT
from tests.contract.cli.breakages import (
    OTHER_TOPIC,
    Break,
    queue_gone,
    stop_contact_refused,
    storage_without,
    topic_closed,
)
from tests.contract.cli.conftest import ThreadedSimulator
from tests.contract.cli.deployment import (
    CALLS_FLOW,
    CHAT_FLOW,
    OUR_NUMBER,
    Deployment,
    Ground,
    break_ground,
    deploy,
    unwell,
)
from tests.contract.cli.doctor_cases import CASES, MASKED
from workers.cli import main
from workers.cli.doctor.check import Status
from workers.cli.doctor.checks import CHECKS
from workers.cli.doctor.needs import capabilities, needed
from workers.cli.doctor.probes import probes
from workers.cli.doctor.run import examine


@pytest.fixture(scope="module")
def grounds() -> list[Ground]:
    """The ground that the last test left, if it did."""
    return []


@pytest.fixture
def deployment(
    emulator: LocalAws,
    account: ThreadedSimulator,
    grounds: list[Ground],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Deployment:
    if not grounds or grounds[0].is_spoilt:
        grounds[:] = [break_ground(emulator, account)]
    return deploy(grounds[0], account, monkeypatch, tmp_path)


def test_a_deployment_as_it_should_be_is_all_green(deployment: Deployment) -> None:
    findings = deployment.findings()
    assert [(f.check, f.status) for f in findings] == [(c.name, Status.OK) for c in CHECKS]


def test_what_it_asks_of_aws_is_what_its_checks_and_its_policy_say(deployment: Deployment) -> None:
    deployment.settle()
    deployment.is_rewired = True  # Clients that were made before hear of no handler.
    site = deployment.site()
    asked: set[str] = set()
    site.aws.session.events.register("before-call", lambda model, **_: asked.add(action_of(model)))
    assert all(one.status is Status.OK for one in examine(site, CHECKS))
    probed = {probe.action for probe in probes(site)}
    assert asked == {action for check in CHECKS for action in check.asks} | probed


def action_of(operation: Any) -> str:
    """The IAM action of a call, by the Service Authorization Reference."""
    service = operation.service_model.service_name
    prefix = {
        "pinpoint-sms-voice-v2": "sms-voice",
        "sesv2": "ses",
        "customer-profiles": "profile",
        "service-quotas": "servicequotas",
    }.get(service, service)
    name = {"HeadBucket": "ListBucket"}.get(operation.name, operation.name)
    return f"{prefix}:{name}"


@pytest.mark.parametrize(
    ("broken", "check", "status", "says", "remedy"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_what_is_broken_is_named_with_its_remedy_and_nothing_else_turns_red(
    deployment: Deployment, broken: Break, check: str, status: Status, says: str, remedy: str
) -> None:
    broken(deployment)
    findings = deployment.findings()
    bad = list(unwell(findings))
    assert {finding.check for finding in bad} == {check}, bad
    assert {finding.status for finding in bad} == {status}
    told = [f"{finding.subject}: {finding.says}" for finding in bad]
    assert any(says in one for one in told), told
    assert all(remedy in finding.remedy for finding in bad), bad[0].remedy
    assert {f.says for f in findings if f.status is Status.SKIPPED} <= {f"waits for {check}"}
    assert OUR_NUMBER not in str(findings)


def test_every_check_is_broken_by_a_test() -> None:
    assert {case[2] for case in CASES} == {check.name for check in CHECKS}


@pytest.mark.parametrize(
    ("service", "lacking"),
    [
        pytest.param("engagement", "connect:StartChatContact", id="engagement"),
        pytest.param("conversations", "sms-voice:DescribeOptedOutNumbers", id="conversations"),
        pytest.param("reminders", "connect:UpdateContactAttributes", id="reminders"),
    ],
)
def test_a_services_role_needs_what_its_queues_need_and_no_more(
    deployment: Deployment, service: str, lacking: str
) -> None:
    deployment.allow(deployment.needed_actions(service))
    assert list(unwell(deployment.findings("permissions", service=service))) == []
    refused = [finding.subject for finding in unwell(deployment.findings("permissions"))]
    assert lacking in refused


def test_what_roles_need_is_what_terraform_grants_them(deployment: Deployment) -> None:
    """Of everything configured at once, but that the configuration lies in no bucket here."""
    deployment.brands = deployment.brands.replace("sender_ids", 'media = "mms"\nsender_ids')
    deployment.brands += '[reminders]\nevent_bus = "results"\n'
    deployment.settle()
    for service in ("conversations", "engagement", "reminders"):
        site = deployment.site(service)
        wanted = {action for need in needed(site) for action in need.actions}
        granted = granted_to(capabilities(site))
        assert wanted <= granted, service
        assert granted - wanted == {"s3:GetObjectVersion"}, service


def granted_to(of: frozenset[str]) -> set[str]:
    """The actions of Terraform's task roles for these capabilities."""
    text = (ROOT / "infra/terraform/modules/fleet/iam.tf").read_text("utf-8")
    [listed] = re.findall(r"table_actions = (\[.*?\])", text)
    text = text.replace("local.table_actions", listed)
    blocks = re.findall(r"of += (\[.*?\])\s+actions += (\[.*?\])", text)
    assert len(blocks) > 20
    found = {a for whose, what in blocks if of & set(json.loads(whose)) for a in json.loads(what)}
    own = re.findall(r'sid += "\w+"\s+actions += (\[.*?\])\s+resources = \[for queue in each', text)
    assert len(own) == 2
    return found.union(*(json.loads(actions) for actions in own))


def test_a_service_is_not_asked_about_the_queues_of_others(deployment: Deployment) -> None:
    queue_gone(deployment)
    assert list(unwell(deployment.findings("queues", service="engagement"))) == []
    [finding] = unwell(deployment.findings("queues", service="reminders"))
    assert finding.subject == "reminders"


def test_a_service_makes_no_calls_that_its_role_need_not_allow(deployment: Deployment) -> None:
    stop_contact_refused(deployment)
    for service in ("engagement", "reminders"):
        assert list(unwell(deployment.findings("calls_without_effect", service=service))) == []
    [finding] = unwell(deployment.findings("calls_without_effect", service="conversations"))
    assert finding.subject == "connect:StopContact"


def test_a_topic_may_be_closed_where_numbers_publish_by_a_role(deployment: Deployment) -> None:
    topic_closed("inbound-sms")(deployment)
    deployment.number()["two_way_role_arn"] = "arn:aws:iam::000000000000:role/inbound"
    assert list(unwell(deployment.findings("topics"))) == []


def test_what_the_role_may_not_look_at_is_a_warning_that_names_the_policy(
    deployment: Deployment,
) -> None:
    deployment.account.refuse("connect", "ListInstanceStorageConfigs", "AccessDeniedException")
    [finding] = unwell(deployment.findings())
    assert (finding.check, finding.status) == ("transcript_storage", Status.WARNING)
    assert "ListInstanceStorageConfigs is not allowed here" in finding.says
    assert "--policy" in finding.remedy


def test_a_service_that_cannot_be_reached_fails_its_checks_alone(deployment: Deployment) -> None:
    deployment.setenv("AWS_ENDPOINT_URL_SERVICE_QUOTAS", "http://127.0.0.1:9")
    [finding] = unwell(deployment.findings())
    assert (finding.check, finding.status) == ("connect_quotas", Status.FAILED)
    assert "EndpointConnectionError" in finding.says
    assert "route to AWS" in finding.remedy


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments], catch_exceptions=False)


def test_the_command_prints_a_table_and_exits_by_what_it_found(deployment: Deployment) -> None:
    well = run()
    assert well.exit_code == 0, well.output
    assert well.output.endswith(f"{len(CHECKS)} ok.\n")
    deployment.number()["two_way_topic_arn"] = OTHER_TOPIC
    deployment.settle()
    ill = run("--only", "two_way")
    assert ill.exit_code == 1
    assert f"failed   two_way                {MASKED}: texts go to {OTHER_TOPIC}" in ill.output
    assert "-> run `switchboard setup numbers`" in ill.output
    assert "buckets" not in ill.output


def test_json_says_the_same_and_warnings_count_when_strict(deployment: Deployment) -> None:
    storage_without("ATTACHMENTS")(deployment)
    deployment.settle()
    told = run("--json")
    document = json.loads(told.stdout)
    assert (told.exit_code, document["ok"], document["warning"]) == (0, True, 1)
    [finding] = [one for one in document["findings"] if one["status"] == "warning"]
    assert finding["check"] == "transcript_storage"
    assert finding["remedy"]
    assert run("--json", "--strict").exit_code == 1


def test_without_a_usable_environment_it_does_not_run(deployment: Deployment) -> None:
    deployment.delenv("SWITCHBOARD_FLEET_TABLE")
    told = run()
    assert told.exit_code == 2
    assert "SWITCHBOARD_FLEET_TABLE" in told.output
    deployment.setenv("SWITCHBOARD_FLEET_TABLE", deployment.made.tables["fleet"])
    deployment.brands = deployment.brands.replace("configuration_set", "configuration_sett")
    deployment.settle()
    assert run().exit_code == 2
    unknown = run("--service", "nobodys")
    assert unknown.exit_code == 2
    assert "there are conversations, engagement, reminders" in unknown.output


def test_nothing_is_changed_by_looking(deployment: Deployment) -> None:
    deployment.settle()
    tables = deployment.client("dynamodb")
    before = len(deployment.account.ledger())
    assert run().exit_code == 0
    reads = ("Describe", "List", "Get")
    done = [one for one in deployment.account.ledger()[before:] if not one.name.startswith(reads)]
    assert [(one.name, one.params["DryRun"]) for one in done] == [("SendTextMessage", True)]
    for name in deployment.made.tables.values():
        assert tables.scan(TableName=name)["Items"] == []


def test_what_setup_makes_is_all_that_doctor_looks_for(deployment: Deployment) -> None:
    sms = deployment.world["sms_voice"]
    sms["phone_numbers"] = [
        {"number": OUR_NUMBER, "id": "phone-1", "registration": "registration-1"}
    ]
    del sms["configuration_sets"], sms["opt_out_lists"]
    deployment.instance()["flows"] = [{"id": "somebody-elses"}]
    deployment.world["customer_profiles"]["domains"][0]["object_types"] = {}
    assert {finding.check for finding in unwell(deployment.findings())} == {
        "contact_flows",
        "two_way",
        "opt_out_mode",
        "opt_out_lists",
        "configuration_sets",
        "object_types",
    }

    arguments = ["setup", "--routing-queue", "BasicQueue", "--yes", "--json"]
    made = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert made.exit_code == 0, made.output
    told = {one["subject"]: one["says"] for one in json.loads(made.stdout)["steps"]}
    text = deployment.brands.replace(CHAT_FLOW, told["SMS chat"].rpartition(" ")[2])
    text = text.replace(CALLS_FLOW, told["Appointment reminder"].rpartition(" ")[2])
    (deployment.folder / "switchboard.toml").write_text(text, "utf-8")
    assert list(unwell(list(examine(deployment.site(), CHECKS)))) == []
