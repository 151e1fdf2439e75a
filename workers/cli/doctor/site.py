"""What the checks look at: the wiring, the configuration, and the account's answers, asked once."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import cached_property
from typing import Any

from schemas.topology import Topology
from workers.brands import Brand
from workers.cli.one_shot import OneShotAws
from workers.cli.topics import topic_arns
from workers.clock import Clock
from workers.config import Configuration
from workers.phone import same_number
from workers.settings import Settings

SMS = "pinpoint-sms-voice-v2"


class Site:
    """One deployment, seen from a task. Everything asked of AWS only reads.

    `taken` are the queues of the service that is looked at; all by default.
    A cached answer raises as its call did: botocore's `ClientError` and `BotoCoreError`.
    """

    def __init__(
        self,
        settings: Settings,
        configuration: Configuration,
        topology: Topology,
        aws: OneShotAws,
        taken: Collection[str] = (),
    ) -> None:
        self.settings = settings
        self.configuration = configuration
        self.topology = topology
        self.aws = aws
        wired = frozenset(settings.queue_urls)
        self.taken = wired & frozenset(taken) if taken else wired
        self._queues: dict[str, dict[str, str]] = {}
        self._rules: dict[str, list[str]] = {}

    @property
    def clock(self) -> Clock:
        """The workers' clock."""
        return self.settings.clock

    @property
    def brands(self) -> tuple[Brand, ...]:
        """The brands of switchboard.toml."""
        return tuple(self.configuration.brands)

    @property
    def queue_urls(self) -> dict[str, str]:
        """The queues that are looked at, by logical name."""
        wired = self.settings.queue_urls
        return {name: url for name, url in wired.items() if name in self.taken}

    @property
    def dlq_urls(self) -> dict[str, str]:
        """Their dead-letter queues, by the queue's logical name."""
        return {name: self.settings.dlq_urls[name] for name in self.queue_urls}

    @cached_property
    def identity(self) -> dict[str, Any]:
        """GetCallerIdentity, with the response's metadata."""
        answer: dict[str, Any] = self.aws.client("sts").get_caller_identity()
        return answer

    @property
    def account_id(self) -> str:
        """The account that the credentials are of."""
        return str(self.identity["Account"])

    @property
    def partition(self) -> str:
        """`aws`, `aws-us-gov`, `aws-cn`."""
        return str(self.identity["Arn"]).split(":")[1]

    def arn(self, service: str, resource: str) -> str:
        """An ARN in this account and Region."""
        region = self.aws.region
        return f"arn:{self.partition}:{service}:{region}:{self.account_id}:{resource}"

    def queue(self, url: str) -> dict[str, str]:
        """All attributes of a queue."""
        if url not in self._queues:
            answer = self.aws.client("sqs").get_queue_attributes(
                QueueUrl=url, AttributeNames=["All"]
            )
            self._queues[url] = answer["Attributes"]
        return self._queues[url]

    def rules_to(self, queue_arn: str) -> list[str]:
        """The names of the default bus's rules that send to a queue."""
        if queue_arn not in self._rules:
            events = self.aws.client("events")
            answer = events.list_rule_names_by_target(TargetArn=queue_arn)
            self._rules[queue_arn] = list(answer["RuleNames"])
        return self._rules[queue_arn]

    @cached_property
    def topics(self) -> Mapping[str, str]:
        """ARN by logical name, as far as the chat stream's ARN tells."""
        return topic_arns(self.settings.chat_stream_topic_arn, self.topology)

    @cached_property
    def numbers(self) -> list[dict[str, Any]]:
        """Every number of the account in this Region; a pooled one has its pool's settings."""
        return list(self.aws.pages(SMS, "describe_phone_numbers", "PhoneNumbers"))

    def number(self, wanted: str) -> dict[str, Any] | None:
        """The account's number that a brand names, if it is there."""
        return next((n for n in self.numbers if same_number(n["PhoneNumber"], wanted)), None)

    def numbers_of(self, brand: Brand) -> list[dict[str, Any]]:
        """A brand's numbers, those that the account has."""
        found = [self.number(wanted) for wanted in brand.numbers]
        return [number for number in found if number is not None]

    @cached_property
    def configuration_sets(self) -> dict[str, dict[str, Any]]:
        """End User Messaging's configuration sets by name."""
        listed = self.aws.pages(SMS, "describe_configuration_sets", "ConfigurationSets")
        return {str(one["ConfigurationSetName"]): one for one in listed}


def document(text: str | None) -> dict[str, Any]:
    """A JSON attribute, such as a policy; empty when there is none or it is no object."""
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def bare(name_or_arn: str) -> str:
    """What stands after the resource type of an ARN; a name as it is."""
    return name_or_arn.rpartition("/")[2]
