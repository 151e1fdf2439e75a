"""What a worker calls in AWS, on which resources: what its role must allow.

Actions and resource types are those of the Service Authorization Reference. UNVERIFIED: which
resources IAM asks about for Connect's contacts; both the instance and what is in it are simulated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from workers.cli.doctor.site import Site, bare
from workers.config import ObjectKind, ObjectVersion

CAPABILITIES: Final[Mapping[str, frozenset[str]]] = {
    "inbound_sms": frozenset({"relay", "calls", "profiles"}),
    "chat_stream": frozenset({"relay"}),
    "contact_events": frozenset({"relay", "calls"}),
    "delivery_receipts": frozenset({"relay", "bounces", "calls", "profiles"}),
    "chat_commands": frozenset({"relay"}),
    "engagement_events": frozenset({"bounces", "profiles"}),
    "reminders": frozenset({"calls", "profiles"}),
    "timers": frozenset({"calls", "opt_out_sync"}),
}
"""The tools that each handler is built with, as the roles of Terraform's modules/fleet have it."""
RUNTIME: Final = "runtime"
_TAKE: Final = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
)
_TABLE: Final = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
)
TABLES_OF: Final[Mapping[str, frozenset[str]]] = {
    "deliveries": frozenset({RUNTIME}),
    "fleet": frozenset({RUNTIME}),
    "sessions": frozenset({"relay", "calls"}),
    "suppressions": frozenset({"relay", "bounces", "calls", "opt_out_sync"}),
    "calls": frozenset({"calls"}),
    "profiles": frozenset({"profiles"}),
}
"""The capabilities that keep something in each table."""
_COMMAND_HANDLERS: Final = frozenset({"chat_commands", "reminders"})


@dataclass(frozen=True, slots=True)
class Need:
    """Actions on one resource, of those who have one of the capabilities."""

    of: frozenset[str]
    resource: str
    actions: tuple[str, ...]


def capabilities(site: Site) -> frozenset[str]:
    """What the queues that are taken ask for: the service's, or all."""
    handlers = (queue.handler for queue in site.topology.queues if queue.name in site.taken)
    return frozenset({RUNTIME}).union(*(CAPABILITIES[handler] for handler in handlers))


def needed(site: Site) -> Iterator[Need]:
    """All that is called for the queues that are taken, as the deployment is configured."""
    of = capabilities(site)
    every = (_queues(site), _tables(site), _storage(site), _connect(site), _texts(site))
    return (need for need in chain(*every, _others(site)) if need.of & of)


def _needs(of: str, resource: str, *actions: str) -> Need:
    return Need(frozenset(of.split()), resource, actions)


def _queues(site: Site) -> Iterator[Need]:
    for url in site.queue_urls.values():
        yield _needs(RUNTIME, _queue_arn(site, url), *_TAKE)
    for url in site.dlq_urls.values():
        yield _needs(RUNTIME, _queue_arn(site, url), "sqs:SendMessage")
    for queue in site.topology.queues:
        wired = site.settings.queue_urls.get(queue.name)
        if queue.handler in _COMMAND_HANDLERS and wired is not None:
            yield _needs("relay calls", _queue_arn(site, wired), "sqs:SendMessage")


def _queue_arn(site: Site, url: str) -> str:
    """By its URL: a role may not ask about another service's queue."""
    return site.arn("sqs", url.rpartition("/")[2])


def _tables(site: Site) -> Iterator[Need]:
    for name, deployed in tables(site).items():
        yield Need(TABLES_OF[name], site.arn("dynamodb", f"table/{deployed}"), _TABLE)


def tables(site: Site) -> dict[str, str]:
    """The deployed name of each table, by its logical one."""
    settings = site.settings
    return {
        "sessions": settings.sessions_table,
        "suppressions": settings.suppressions_table,
        "profiles": settings.profiles_table,
        "deliveries": settings.deliveries_table,
        "fleet": settings.fleet_table,
        "calls": settings.calls_table,
    }


def _storage(site: Site) -> Iterator[Need]:
    settings, s3 = site.settings, f"arn:{site.partition}:s3:::"
    yield _needs("relay", f"{s3}{settings.media_bucket}/media", "s3:PutObject", "s3:GetObject")
    if isinstance(settings.config, ObjectVersion):
        where = f"{s3}{settings.config.bucket}/{settings.config.key}"
        yield _needs(RUNTIME, where, "s3:GetObjectVersion")
    deferred = ("s3:PutObject", "s3:GetObject", "s3:DeleteObject")
    yield _needs(RUNTIME, f"{s3}{settings.deferred_bucket}/deferred", *deferred)
    schedule = f"schedule/{settings.schedule_group}/deferred"
    yield _needs(RUNTIME, site.arn("scheduler", schedule), "scheduler:CreateSchedule")
    yield _needs(RUNTIME, settings.schedule_role_arn, "iam:PassRole")
    if settings.kms_key_id is not None:
        key = key_arn(site, settings.kms_key_id)
        yield _needs(RUNTIME, key, "kms:GenerateDataKey", "kms:Decrypt")


def key_arn(site: Site, key_id: str) -> str:
    """The ARN of a key that is named by ARN, id or alias."""
    if ":key/" in key_id:
        return key_id
    found: dict[str, Any] = site.aws.client("kms").describe_key(KeyId=key_id)
    return str(found["KeyMetadata"]["Arn"])


def _connect(site: Site) -> Iterator[Need]:
    instance = site.arn("connect", f"instance/{site.settings.connect_instance_id}")
    for flow_id in sorted({brand.contact_flow_id for brand in site.brands}):
        flow = f"{instance}/contact-flow/{flow_id.rpartition('/')[2]}"
        yield _needs("relay", flow, "connect:StartChatContact")
    contact = f"{instance}/contact/any"
    held = ("StartContactStreaming", "StopContact", "UpdateContactAttributes", "DescribeContact")
    yield _needs("relay", contact, *(f"connect:{call}" for call in held))
    if site.configuration.makes_calls:
        dialled = ("connect:StartOutboundVoiceContact", "connect:DescribeContact")
        yield _needs("calls", contact, *dialled)


def _texts(site: Site) -> Iterator[Need]:
    for name in sorted({brand.configuration_set for brand in site.brands}):
        arn = site.arn("sms-voice", f"configuration-set/{bare(name)}")
        yield _needs(RUNTIME, arn, "sms-voice:DescribeConfigurationSets")
    for brand in site.brands:
        actions = ["sms-voice:SendTextMessage"]
        if brand.media == "mms":
            actions.append("sms-voice:SendMediaMessage")
        for number in site.numbers_of(brand):
            yield _needs("relay calls", str(number["PhoneNumberArn"]), *actions)
    for name in sorted({brand.opt_out_list for brand in site.brands}):
        arn = name if name.startswith("arn:") else site.arn("sms-voice", f"opt-out-list/{name}")
        yield _needs("relay bounces", arn, "sms-voice:PutOptedOutNumber")
        yield _needs("relay", arn, "sms-voice:DeleteOptedOutNumber")
        yield _needs("opt_out_sync", arn, "sms-voice:DescribeOptedOutNumbers")


def _others(site: Site) -> Iterator[Need]:
    if site.configuration.bounces.ses_suppression_list:
        yield _needs("bounces", "*", "ses:PutSuppressedDestination")
    bus = site.configuration.reminders.event_bus
    if bus:
        arn = bus if bus.startswith("arn:") else site.arn("events", f"event-bus/{bus}")
        yield _needs("calls", arn, "events:PutEvents")
    rules = site.configuration.profiles
    if not rules.is_on:
        return
    domain = site.arn("profile", f"domains/{rules.domain}")
    yield _needs("profiles calls", domain, "profile:SearchProfiles")
    yield _needs("profiles", domain, "profile:CreateProfile")
    for kind in ObjectKind:
        mapping = rules.objects.named(kind)
        if mapping is not None:
            where = f"{domain}/object-types/{mapping.type}"
            yield _needs("profiles", where, "profile:PutProfileObject")


class Simulation:
    """IAM's answers about one role."""

    def __init__(self, site: Site, role_arn: str) -> None:
        self._iam = site.aws.client("iam")
        self._role_arn = role_arn

    @classmethod
    def of_caller(cls, site: Site) -> Simulation | None:
        """For the role that we are; None when the credentials are of a user, or the account's own.

        A session's ARN has the role's name without its path, so the role is asked for.
        """
        parts = str(site.identity["Arn"]).split(":")[-1].split("/")
        if parts[0] != "assumed-role":
            return None
        role = site.aws.client("iam").get_role(RoleName=parts[1])["Role"]
        return cls(site, str(role["Arn"]))

    def refused(self, need: Need) -> list[str]:
        """The actions that the role's policies do not allow on the resource.

        One whose policy asks for something that only a real call has counts as allowed.
        """
        answer = self._iam.simulate_principal_policy(
            PolicySourceArn=self._role_arn,
            ActionNames=list(need.actions),
            ResourceArns=[need.resource],
        )
        return [
            str(result["EvalActionName"])
            for result in answer["EvaluationResults"]
            if result["EvalDecision"] != "allowed" and not result.get("MissingContextValues")
        ]
