"""Each check of `switchboard doctor`: one thing is broken, and that alone turns red."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from infra.local.endpoints import ACCOUNT_ID, LocalAws
from infra.local.toolroom import ROOT
from tests.contract.cli.conftest import ThreadedSimulator
from tests.contract.cli.deployment import (
    CALLS_FLOW,
    CHAT_FLOW,
    OUR_NUMBER,
    Deployment,
    Ground,
    break_ground,
    deploy,
    put_key_policy,
    unwell,
)
from workers.cli import main
from workers.cli.doctor.check import Status
from workers.cli.doctor.checks import CHECKS
from workers.cli.doctor.needs import capabilities, needed
from workers.cli.doctor.probes import probes
from workers.cli.doctor.run import examine

OTHER_TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT_ID}:somebody-elses"
Break = Callable[[Deployment], None]


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


# --- what is broken, where ----------------------------------------------------------------------


def forged_credentials(d: Deployment) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        d.delenv(name)


def clock_ahead(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_TIME_ORIGIN", "2026-01-01T00:00:00Z")
    d.setenv("SWITCHBOARD_TIME_OFFSET_S", "400")


def clock_slow(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_TIME_ORIGIN", "2026-01-01T00:00:00Z")
    d.setenv("SWITCHBOARD_TIME_OFFSET_S", "-120")


def without_permission(d: Deployment) -> None:
    d.allow([one for one in d.needed_actions() if one != "sms-voice:SendTextMessage"])


def stop_contact_refused(d: Deployment) -> None:
    d.account.refuse("connect", "StopContact", "AccessDeniedException")


def queue_gone(d: Deployment) -> None:
    d.client("sqs").delete_queue(QueueUrl=d.made.queue_urls["reminders"])


def queue_attribute(
    name: str, value: str, queue: str = "inbound-sms", *, dlq: bool = False
) -> Break:
    def change(d: Deployment) -> None:
        urls = d.made.dlq_urls if dlq else d.made.queue_urls
        d.client("sqs").set_queue_attributes(QueueUrl=urls[queue], Attributes={name: value})

    return change


def dead_letters_elsewhere(d: Deployment) -> None:
    arn = d.made.queue_arns["chat-stream"]
    redrive = json.dumps({"deadLetterTargetArn": f"{arn}-dlq", "maxReceiveCount": 1000})
    queue_attribute("RedrivePolicy", redrive)(d)


def few_receives(d: Deployment) -> None:
    arn = d.made.queue_arns["inbound-sms"]
    redrive = json.dumps({"deadLetterTargetArn": f"{arn}-dlq", "maxReceiveCount": 5})
    queue_attribute("RedrivePolicy", redrive)(d)


def queue_policy_of_another_topic(d: Deployment) -> None:
    arn = d.made.queue_arns["inbound-sms"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": OTHER_TOPIC}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queue_attribute("Policy", policy)(d)


def queue_policy_without_rules(d: Deployment) -> None:
    queue_attribute("Policy", "", "contact-events")(d)


def rule_disabled(d: Deployment) -> None:
    d.client("events").disable_rule(Name=f"{d.made.prefix}connect-contact-events")


def rule_of_another_pattern(d: Deployment) -> None:
    pattern = json.dumps({"source": ["aws.connect"], "detail-type": ["Something else"]})
    d.client("events").put_rule(
        Name=f"{d.made.prefix}connect-call-events", EventPattern=pattern, State="ENABLED"
    )


def tick_disabled(d: Deployment) -> None:
    client = d.client("scheduler")
    found = client.get_schedule(GroupName=d.made.schedule_group, Name="call-sweep")
    kept = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    client.update_schedule(**{name: found[name] for name in kept}, State="DISABLED")


def group_of_another_name(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_SCHEDULE_GROUP", "nobodys")


def topic_of_another_region(d: Deployment) -> None:
    arn = d.made.topic_arns["chat-stream"].replace("us-east-1", "eu-west-1")
    d.setenv("SWITCHBOARD_CHAT_STREAM_TOPIC_ARN", arn)


def topic_closed(topic: str) -> Break:
    def change(d: Deployment) -> None:
        arn = d.made.topic_arns[topic]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": arn,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        d.client("sns").set_topic_attributes(
            TopicArn=arn, AttributeName="Policy", AttributeValue=policy
        )

    return change


def subscription_of(d: Deployment, topic: str) -> str:
    listed = d.client("sns").list_subscriptions_by_topic(TopicArn=d.made.topic_arns[topic])
    return str(listed["Subscriptions"][0]["SubscriptionArn"])


def unsubscribed(d: Deployment) -> None:
    d.client("sns").unsubscribe(SubscriptionArn=subscription_of(d, "chat-stream"))


def raw_delivery(d: Deployment) -> None:
    d.client("sns").set_subscription_attributes(
        SubscriptionArn=subscription_of(d, "inbound-sms"),
        AttributeName="RawMessageDelivery",
        AttributeValue="true",
    )


def table_gone(d: Deployment) -> None:
    d.client("dynamodb").delete_table(TableName=d.made.tables["profiles"])


def table_of_other_keys(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_SESSIONS_TABLE", d.made.tables["profiles"])


def ttl_off(d: Deployment) -> None:
    d.client("dynamodb").update_time_to_live(
        TableName=d.made.tables["calls"],
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "exp"},
    )


def bucket_gone(d: Deployment) -> None:
    d.setenv("SWITCHBOARD_MEDIA_BUCKET", "nobodys-bucket")


def key_disabled(d: Deployment) -> None:
    d.client("kms").disable_key(KeyId=d.ground.kms_key)


def another_instance(d: Deployment) -> None:
    d.instance()["id"] = "10ca1000-0000-4000-8000-00000000dead"


def instance_failed(d: Deployment) -> None:
    d.instance()["status"] = "CREATION_FAILED"


def flow(number: int, **changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.instance()["flows"][number] |= changes

    return change


def storage_without(kind: str) -> Break:
    return lambda d: d.instance()["storage"].pop(kind)


def number(**changes: Any) -> Break:
    return lambda d: d.number().update(changes)


def registration_in_review(d: Deployment) -> None:
    d.world["sms_voice"]["registrations"][0]["status"] = "REVIEWING"


def both_managed(d: Deployment) -> None:
    d.number()["self_managed_opt_outs"] = False
    d.brands = d.brands.replace(
        'opt_out_list = "service"', 'opt_out_list = "service"\nopt_out_mode = "managed"'
    )


def brand_managed(d: Deployment) -> None:
    both_managed(d)
    d.number()["self_managed_opt_outs"] = True


def destination(**changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.world["sms_voice"]["configuration_sets"][0]["event_destinations"][0] |= changes

    return change


def set_of_another_name(d: Deployment) -> None:
    d.world["sms_voice"]["configuration_sets"][0]["name"] = "nobodys"


def knobs(section: str, **values: Any) -> Break:
    return lambda d: d.account.set_knobs(**{section: values})


def first_spend_limit(d: Deployment) -> None:
    del d.world["sms_voice"]["spend_limits"]


def no_suppressions(d: Deployment) -> None:
    d.world["ses"]["suppressed_reasons"] = ["COMPLAINT"]


def domain_gone(d: Deployment) -> None:
    d.world["customer_profiles"]["domains"][0]["name"] = "nobodys"


def object_type_gone(d: Deployment) -> None:
    del d.world["customer_profiles"]["domains"][0]["object_types"]["switchboard-paths"]


def key_closed_to_rules(d: Deployment) -> None:
    put_key_policy(d.client("kms"), d.ground.kms_key, ["sns.amazonaws.com"])


def no_sender_id(d: Deployment) -> None:
    del d.world["sms_voice"]["sender_ids"]


def unknown_pool(d: Deployment) -> None:
    d.brands = d.brands.replace('sender_ids = ["ACME"]', 'pools = ["pool-9"]')


def unknown_identity(d: Deployment) -> None:
    identity = 'sender_ids = ["ACME"]\norigination_identity = "pool-9"\npools = ["pool-9"]'
    d.brands = d.brands.replace('sender_ids = ["ACME"]', identity)


def mail_destination(**changes: Any) -> Break:
    def change(d: Deployment) -> None:
        d.world["ses"]["configuration_sets"][0]["event_destinations"][0] |= changes

    return change


def mail_set_gone(d: Deployment) -> None:
    d.world["ses"]["configuration_sets"][0]["name"] = "nobodys"


def quota(name: str, value: float) -> Break:
    def change(d: Deployment) -> None:
        d.world["service_quotas"] = {"connect": {name: value}}

    return change


MASKED = "+1206•••0199"
FAILED, WARNING = Status.FAILED, Status.WARNING
CASES: list[tuple[str, Break, str, Status, str, str]] = [
    # id, what is broken, the check, how bad, what it says, what to do
    ("no_credentials", forged_credentials, "credentials", FAILED, "none to be had", "taskRoleArn"),
    ("clock_ahead", clock_ahead, "clock", FAILED, "ahead of AWS's", "time server"),
    ("clock_slow", clock_slow, "clock", WARNING, "behind AWS's", "time server"),
    ("permission", without_permission, "permissions", FAILED, "sms-voice:SendTextMessage", "role"),
    (
        "refused",
        stop_contact_refused,
        "calls_without_effect",
        FAILED,
        "connect:StopContact",
        "role",
    ),
    ("queue_gone", queue_gone, "queues", FAILED, "reminders: there is no", "terraform apply"),
    ("dlq", dead_letters_elsewhere, "dead_letter_queues", FAILED, "inbound-sms", "redrive"),
    ("receives", few_receives, "dead_letter_queues", FAILED, "maxReceiveCount is 5", "redrive"),
    (
        "dlq_closed",
        queue_attribute("RedriveAllowPolicy", '{"redrivePermission": "denyAll"}', dlq=True),
        "dead_letter_keeping",
        FAILED,
        "inbound-sms-dlq: it does not take",
        "RedriveAllowPolicy",
    ),
    (
        "dlq_forgets",
        queue_attribute("MessageRetentionPeriod", "345600", dlq=True),
        "dead_letter_keeping",
        FAILED,
        "no longer than its queue",
        "14 days",
    ),
    (
        "aws_key",
        queue_attribute("KmsMasterKeyId", "alias/aws/sqs"),
        "queue_encryption",
        FAILED,
        "inbound-sms: it is encrypted with alias/aws/sqs",
        "key of your own",
    ),
    (
        "closed_to_topic",
        queue_policy_of_another_topic,
        "queue_policies",
        FAILED,
        "inbound-sms: its policy does not let sns.amazonaws.com in",
        "aws:SourceArn",
    ),
    (
        "closed_to_rules",
        queue_policy_without_rules,
        "queue_policies",
        FAILED,
        "contact-events: its policy does not let events.amazonaws.com in",
        "aws:SourceArn",
    ),
    ("rule_disabled", rule_disabled, "event_rules", FAILED, "is disabled", "enable the rule"),
    ("pattern", rule_of_another_pattern, "event_rules", FAILED, "connect-call-events", "terraform"),
    ("tick", tick_disabled, "schedules", FAILED, "call-sweep: the schedule is disabled", "enable"),
    ("group", group_of_another_name, "schedules", FAILED, "no such schedule group", "terraform"),
    ("region", topic_of_another_region, "chat_stream_region", FAILED, "eu-west-1", "Region"),
    ("chat_closed", topic_closed("chat-stream"), "topics", FAILED, "connect.amazonaws", "Publish"),
    ("sms_closed", topic_closed("inbound-sms"), "topics", FAILED, "sms-voice.amazonaws", "Publish"),
    ("unsubscribed", unsubscribed, "subscriptions", FAILED, "chat-stream: it is not", "terraform"),
    ("raw", raw_delivery, "subscriptions", FAILED, "raw delivery is on", "must be off"),
    ("table_gone", table_gone, "tables", FAILED, "profiles: there is no table", "terraform apply"),
    ("table_keys", table_of_other_keys, "tables", FAILED, "sessions: its keys are pk", "terraform"),
    ("ttl", ttl_off, "table_ttl", FAILED, "calls: TTL is not on for exp", "enable TTL"),
    ("bucket", bucket_gone, "buckets", FAILED, "media: there is no bucket", "terraform apply"),
    ("key", key_disabled, "encryption_key", FAILED, "DisabledException", "enable the key"),
    ("instance", another_instance, "connect_instance", FAILED, "no such instance", "by its id"),
    ("instance_failed", instance_failed, "connect_instance", FAILED, "CREATION_FAILED", "instance"),
    (
        "flow_saved",
        flow(0, status="SAVED"),
        "contact_flows",
        FAILED,
        "Plumbing: contact_flow_id: the flow",
        "setup flows",
    ),
    ("flow_archived", flow(0, state="ARCHIVED"), "contact_flows", FAILED, "archived", "publish"),
    (
        "flow_type",
        flow(1, type="CUSTOMER_QUEUE"),
        "contact_flows",
        FAILED,
        "calls.contact_flow_id: the flow Reminder is a CUSTOMER_QUEUE",
        "setup flows",
    ),
    ("flow_gone", flow(1, id="gone"), "contact_flows", FAILED, f"no flow {CALLS_FLOW}", "setup"),
    (
        "transcripts",
        storage_without("CHAT_TRANSCRIPTS"),
        "transcript_storage",
        FAILED,
        "CHAT_TRANSCRIPTS",
        "Data storage",
    ),
    (
        "attachments",
        storage_without("ATTACHMENTS"),
        "transcript_storage",
        WARNING,
        "ATTACHMENTS",
        "Data storage",
    ),
    ("number_gone", number(number="+12065550111"), "numbers", FAILED, MASKED, "request the number"),
    ("pending", number(status="PENDING"), "numbers", FAILED, "it is PENDING", "registration"),
    ("voice_only", number(capabilities=["VOICE"]), "numbers", FAILED, "no SMS", "request"),
    ("review", registration_in_review, "registrations", FAILED, "REVIEWING", "registration"),
    (
        "promotional",
        number(message_type="PROMOTIONAL"),
        "message_types",
        FAILED,
        f"{MASKED}: it is for PROMOTIONAL",
        "message_class",
    ),
    (
        "one_way",
        number(two_way_topic_arn=None, self_managed_opt_outs=True),
        "two_way",
        FAILED,
        "two-way messaging is off",
        "setup numbers",
    ),
    (
        "two_way_elsewhere",
        number(two_way_topic_arn=OTHER_TOPIC),
        "two_way",
        FAILED,
        f"texts go to {OTHER_TOPIC}",
        "setup numbers",
    ),
    (
        "managed_by_aws",
        number(self_managed_opt_outs=False),
        "opt_out_mode",
        FAILED,
        "hides it from us",
        "setup numbers",
    ),
    ("nobody_answers", brand_managed, "opt_out_mode", FAILED, "nobody would", "setup numbers"),
    ("managed", both_managed, "opt_out_mode", WARNING, "hides it from us", "self_managed"),
    ("opt_out_list", number(opt_out_list="club"), "opt_out_lists", FAILED, "club", "setup numbers"),
    ("no_set", set_of_another_name, "configuration_sets", FAILED, "no such", "setup receipts"),
    (
        "set_disabled",
        destination(enabled=False),
        "configuration_sets",
        FAILED,
        "service: no enabled",
        "setup receipts",
    ),
    (
        "set_elsewhere",
        destination(topic_arn=OTHER_TOPIC),
        "configuration_sets",
        FAILED,
        "service: no enabled",
        "setup receipts",
    ),
    (
        "set_other_events",
        destination(event_types=["TEXT_BLOCKED"]),
        "configuration_sets",
        FAILED,
        "service: no enabled",
        "setup receipts",
    ),
    ("sandbox", knobs("sms_voice", sandbox=True), "text_sandbox", FAILED, "sandbox", "production"),
    ("spend", first_spend_limit, "spend_limits", FAILED, "1 USD a month", "higher limit"),
    ("ses_sandbox", knobs("ses", sandbox=True), "mail_account", WARNING, "sandbox", "production"),
    ("ses_paused", knobs("ses", sending_paused=True), "mail_account", WARNING, "paused", "SES"),
    ("ses_list", no_suppressions, "mail_suppressions", WARNING, "for BOUNCE", "enable it"),
    (
        "key_closed",
        key_closed_to_rules,
        "queue_keys",
        FAILED,
        "engagement-events: its key does not allow kms:Decrypt to events.amazonaws.com",
        "key's policy",
    ),
    (
        "sender",
        no_sender_id,
        "origination_identities",
        FAILED,
        "ACME: the account has no",
        "make it",
    ),
    ("pool", unknown_pool, "origination_identities", FAILED, "pool-9: the account", "`pools`"),
    (
        "identity",
        unknown_identity,
        "origination_identities",
        FAILED,
        "no such identity (Plumbing)",
        "origination_identity",
    ),
    ("mail_set", mail_set_gone, "mail_events", FAILED, "newsletter: there is no", "destination"),
    (
        "mail_bounces",
        mail_destination(event_types=["BOUNCE", "OPEN"]),
        "mail_events",
        FAILED,
        "newsletter: no enabled destination brings us COMPLAINT",
        "event destination",
    ),
    (
        "mail_elsewhere",
        mail_destination(topic_arn=OTHER_TOPIC),
        "mail_events",
        FAILED,
        "BOUNCE and COMPLAINT",
        "event destination",
    ),
    ("domain", domain_gone, "profiles_domain", FAILED, "clinic", "make the domain"),
    ("type", object_type_gone, "object_types", FAILED, "switchboard-paths", "setup profiles"),
    (
        "chat_quota",
        quota("Rate of StartChatContact API requests", 2),
        "connect_quotas",
        WARNING,
        "connect.start_chat: workers reckon with 5 a second, the account has 2",
        "Service Quotas",
    ),
    (
        "calls_quota",
        quota("Concurrent active calls per instance", 3),
        "connect_quotas",
        WARNING,
        "reminders.in_air_max: 5 calls at a time, the account has 3",
        "Service Quotas",
    ),
    ("text_rate", number(mps=1), "text_rates", WARNING, "the number has 1", "[quotas]"),
]


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
