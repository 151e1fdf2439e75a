"""What a worker calls in AWS, on which resources: what its role must allow.

Actions and resource types are those of the Service Authorization Reference. UNVERIFIED: which
resources IAM asks about for Connect's contacts; both the instance and what is in it are simulated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workers.cli.doctor.site import Site
from workers.config import ObjectKind, ObjectVersion

_QUEUE: Final = (
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:SendMessage",
)
_TABLE: Final = (
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "dynamodb:Query",
)


@dataclass(frozen=True, slots=True)
class Need:
    """Actions on one resource."""

    resource: str
    actions: tuple[str, ...]


def needed(site: Site) -> Iterator[Need]:
    """All that the configured capabilities call."""
    settings = site.settings
    for url in settings.queue_urls.values():
        yield Need(site.queue(url)["QueueArn"], _QUEUE)
    for url in settings.dlq_urls.values():
        yield Need(site.queue(url)["QueueArn"], ("sqs:SendMessage",))
    for table in tables(site).values():
        yield Need(site.arn("dynamodb", f"table/{table}"), _TABLE)
    yield from _storage(site)
    yield from _connect(site)
    yield from _texts(site)
    yield from _others(site)


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
    yield Need(f"{s3}{settings.media_bucket}/media", ("s3:PutObject", "s3:GetObject"))
    if isinstance(settings.config, ObjectVersion):
        where = f"{s3}{settings.config.bucket}/{settings.config.key}"
        yield Need(where, ("s3:GetObjectVersion",))
    deferred = ("s3:PutObject", "s3:GetObject", "s3:DeleteObject")
    yield Need(f"{s3}{settings.deferred_bucket}/deferred", deferred)
    schedule = f"schedule/{settings.schedule_group}/deferred"
    yield Need(site.arn("scheduler", schedule), ("scheduler:CreateSchedule",))
    yield Need(settings.schedule_role_arn, ("iam:PassRole",))
    if settings.kms_key_id is not None:
        actions = ("kms:GenerateDataKey", "kms:Decrypt")
        yield Need(key_arn(site, settings.kms_key_id), actions)


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
        yield Need(flow, ("connect:StartChatContact",))
    contact = (
        "connect:StartContactStreaming",
        "connect:StopContact",
        "connect:UpdateContactAttributes",
        "connect:DescribeContact",
    )
    yield Need(f"{instance}/contact/any", contact)
    if site.configuration.makes_calls:
        yield Need(f"{instance}/contact/any", ("connect:StartOutboundVoiceContact",))


def _texts(site: Site) -> Iterator[Need]:
    yield Need(
        site.arn("sms-voice", "configuration-set/any"), ("sms-voice:DescribeConfigurationSets",)
    )
    for brand in site.brands:
        actions = ["sms-voice:SendTextMessage"]
        if brand.media == "mms":
            actions.append("sms-voice:SendMediaMessage")
        for number in site.numbers_of(brand):
            yield Need(str(number["PhoneNumberArn"]), tuple(actions))
    lists = ("PutOptedOutNumber", "DeleteOptedOutNumber", "DescribeOptedOutNumbers")
    for name in sorted({brand.opt_out_list for brand in site.brands}):
        arn = name if name.startswith("arn:") else site.arn("sms-voice", f"opt-out-list/{name}")
        yield Need(arn, tuple(f"sms-voice:{one}" for one in lists))


def _others(site: Site) -> Iterator[Need]:
    if site.configuration.bounces.ses_suppression_list:
        actions = ("ses:PutSuppressedDestination", "ses:DeleteSuppressedDestination")
        yield Need("*", actions)
    bus = site.configuration.reminders.event_bus
    if bus:
        arn = bus if bus.startswith("arn:") else site.arn("events", f"event-bus/{bus}")
        yield Need(arn, ("events:PutEvents",))
    rules = site.configuration.profiles
    if not rules.is_on:
        return
    domain = site.arn("profile", f"domains/{rules.domain}")
    yield Need(domain, ("profile:SearchProfiles", "profile:CreateProfile"))
    for kind in ObjectKind:
        mapping = rules.objects.named(kind)
        if mapping is not None:
            yield Need(f"{domain}/object-types/{mapping.type}", ("profile:PutProfileObject",))


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
