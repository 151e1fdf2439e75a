"""Contact flows from their files, and the functions that flows may call.

A flow is known by its name. One that is there and differs is left as it is, since people edit
flows in the console, unless they say that it is to be replaced.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.shipped import flow_text
from workers.cli.one_shot import OneShotAws
from workers.cli.setup.plan import Act, Step

SERVICE: Final = "connect"
_PLACEHOLDER: Final = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class FlowFile:
    """One file: the name that its flow gets, and the placeholder that its ARN fills elsewhere."""

    file: str
    name: str
    names_the_id: str = ""
    fills: str = ""


FLOW_FILES: Final = (
    FlowFile("chat-disconnect", "SMS chat: agent left", fills="DisconnectFlowArn"),
    FlowFile("inbound-chat", "SMS chat", "`contact_flow_id` of the brand"),
    FlowFile("appointment-reminder", "Appointment reminder", "`contact_flow_id` of [brands.calls]"),
)
"""In the order in which they are made: a flow that others name comes first."""


@dataclass(frozen=True, slots=True)
class FlowWishes:
    """What the caller says about flows. `prefix` tells deployments on one instance apart."""

    instance_id: str
    routing_queue: str
    folder: Path
    prefix: str = ""
    is_replacing: bool = False


class FlowsPlanner:
    """Makes each flow that is missing."""

    def __init__(self, aws: OneShotAws, wishes: FlowWishes) -> None:
        self._aws = aws
        self._wishes = wishes
        self._fillings: dict[str, str] = {}

    def steps(self) -> Iterator[Step]:
        """One step for each file, those that others name first; blocked without a queue."""
        queue_arn = self._queue_arn()
        if queue_arn is None:
            named = ", ".join(sorted(str(one["Name"]) for one in self._queues()))
            says = f"the instance has no such queue; it has {named}"
            yield Step("routing queue", self._wishes.routing_queue, Act.BLOCKED, says)
            return
        self._fillings["QueueArn"] = queue_arn
        listed = self._aws.pages(
            SERVICE,
            "list_contact_flows",
            "ContactFlowSummaryList",
            InstanceId=self._wishes.instance_id,
            ContactFlowTypes=["CONTACT_FLOW"],
        )
        known = {str(one["Name"]): one for one in listed}
        for file in FLOW_FILES:
            yield self._flow(file, known.get(self._wishes.prefix + file.name))

    def _queues(self) -> Iterator[Any]:
        return self._aws.pages(
            SERVICE,
            "list_queues",
            "QueueSummaryList",
            InstanceId=self._wishes.instance_id,
            QueueTypes=["STANDARD"],
        )

    def _queue_arn(self) -> str | None:
        wanted = self._wishes.routing_queue
        for one in self._queues():
            if wanted in (one["Name"], one["Id"], one["Arn"]):
                return str(one["Arn"])
        return None

    def _flow(self, file: FlowFile, known: Mapping[str, Any] | None) -> Step:
        name = self._wishes.prefix + file.name
        text = flow_text(file.file, self._wishes.folder)
        if known is None:
            return Step("contact flow", name, Act.CREATE, "", self._making(file, name, text))
        if file.fills:
            self._fillings[file.fills] = str(known["Arn"])
        difference = self._difference(known, text)
        if not difference:
            return Step("contact flow", name, Act.SAME, _told_id(file, str(known["Id"])))
        if not self._wishes.is_replacing:
            says = f"{difference}; --replace-flows puts the file in its place"
            return Step("contact flow", name, Act.LEAVE, says)
        return Step("contact flow", name, Act.UPDATE, difference, self._replacing(known, text))

    def _difference(self, known: Mapping[str, Any], text: str) -> str:
        if known.get("ContactFlowStatus") != "PUBLISHED":
            return "it is only saved, not published"
        shown = self._aws.client(SERVICE).describe_contact_flow(
            InstanceId=self._wishes.instance_id, ContactFlowId=known["Id"]
        )["ContactFlow"]
        is_ours = _meaning(shown["Content"]) == _meaning(self._filled(text))
        return "" if is_ours else "its content is not the file's"

    def _making(self, file: FlowFile, name: str, text: str) -> Callable[[], str]:
        def do() -> str:
            made = self._aws.client(SERVICE).create_contact_flow(
                InstanceId=self._wishes.instance_id,
                Name=name,
                Type="CONTACT_FLOW",
                Content=self._filled(text),
            )
            if file.fills:
                self._fillings[file.fills] = made["ContactFlowArn"]
            return _told_id(file, made["ContactFlowId"])

        return do

    def _replacing(self, known: Mapping[str, Any], text: str) -> Callable[[], str]:
        def do() -> str:
            self._aws.client(SERVICE).update_contact_flow_content(
                InstanceId=self._wishes.instance_id,
                ContactFlowId=known["Id"],
                Content=self._filled(text),
            )
            return ""

        return do

    def _filled(self, text: str) -> str:
        """The file with its placeholders filled in, as far as their values are known."""

        def value(found: re.Match[str]) -> str:
            return json.dumps(self._fillings.get(found[1], found[0]))[1:-1]

        return _PLACEHOLDER.sub(value, text)


class FunctionsPlanner:
    """Lets the instance's flows call each function that is named."""

    def __init__(self, aws: OneShotAws, instance_id: str, functions: Sequence[str]) -> None:
        self._aws = aws
        self._instance_id = instance_id
        self._functions = functions

    def steps(self) -> Iterator[Step]:
        """One step for each function."""
        listed = self._aws.pages(
            SERVICE, "list_lambda_functions", "LambdaFunctions", InstanceId=self._instance_id
        )
        known = set(listed)
        for arn in self._functions:
            if arn in known:
                yield Step("function", arn, Act.SAME)
            else:
                yield Step("function", arn, Act.CREATE, "flows may call it", self._associate(arn))

    def _associate(self, arn: str) -> Callable[[], str]:
        def do() -> str:
            self._aws.client(SERVICE).associate_lambda_function(
                InstanceId=self._instance_id, FunctionArn=arn
            )
            return ""

        return do


def _meaning(content: str) -> Any:
    """What a flow does: its JSON without the places of its blocks on the canvas."""
    try:
        document = json.loads(content)
    except ValueError:
        return content
    if isinstance(document, dict):
        document.pop("Metadata", None)
    return document


def _told_id(file: FlowFile, flow_id: str) -> str:
    return f"{file.names_the_id}: {flow_id}" if file.names_the_id else f"id {flow_id}"
