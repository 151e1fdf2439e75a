"""Amazon Connect: the instance, its flows, and what it stores."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, Problem
from workers.cli.doctor.site import Site
from workers.cli.one_shot import code_of, is_not_found

CATALOGUE: Final = Catalogue()
_NOT_PUBLISHED: Final = "ContactFlowNotPublishedException"


@CATALOGUE.add(
    looks_at="the instance of SWITCHBOARD_CONNECT_INSTANCE_ID: reachable and active",
    remedy="name an instance of this account and Region, by its id (not its alias)",
    asks=("connect:DescribeInstance",),
    after=("credentials",),
)
def connect_instance(site: Site) -> Iterator[Problem]:
    """Its id is no secret."""
    instance_id = site.settings.connect_instance_id
    try:
        answer = site.aws.client("connect").describe_instance(InstanceId=instance_id)
    except ClientError as refusal:
        if not is_not_found(refusal):
            raise
        yield Problem(instance_id, "there is no such instance in this account and Region")
        return
    status = answer["Instance"]["InstanceStatus"]
    if status != "ACTIVE":
        yield Problem(instance_id, f"the instance is {status}")


@CATALOGUE.add(
    looks_at="each brand's contact flows: there, published, active, of the right type",
    remedy="import them with `switchboard setup flows` and put the ids that it prints into"
    " switchboard.toml; publish a flow that is only saved",
    asks=("connect:DescribeContactFlow",),
    after=("connect_instance",),
)
def contact_flows(site: Site) -> Iterator[Problem]:
    """Those that take chats, and those that speak reminders."""
    for brand in site.brands:
        wanted = {"contact_flow_id": brand.contact_flow_id}
        if brand.calls is not None:
            wanted["calls.contact_flow_id"] = brand.calls.contact_flow_id
        for key, flow_id in wanted.items():
            says = _flow_problem(site, flow_id)
            if says:
                yield Problem(f"{brand.name}: {key}", says)


def _flow_problem(site: Site, flow_id: str) -> str:
    try:
        flow: dict[str, Any] = site.aws.client("connect").describe_contact_flow(
            InstanceId=site.settings.connect_instance_id,
            ContactFlowId=flow_id.rpartition("/")[2],
        )["ContactFlow"]
    except ClientError as refusal:
        if code_of(refusal) == _NOT_PUBLISHED:
            return f"the flow {flow_id} is saved and not published"
        if is_not_found(refusal):
            return f"there is no flow {flow_id} in the instance"
        raise
    if flow["Type"] != "CONTACT_FLOW":
        return f"the flow {flow['Name']} is a {flow['Type']}: contacts start in a CONTACT_FLOW"
    if flow.get("State", "ACTIVE") != "ACTIVE":
        return f"the flow {flow['Name']} is archived"
    return ""


@CATALOGUE.add(
    looks_at="where the instance stores chat transcripts and attachments: without the first a"
    " conversation cannot be carried on, without the second agents cannot send files",
    remedy="Connect console, instance, Data storage: choose a bucket for it",
    asks=("connect:ListInstanceStorageConfigs",),
    after=("connect_instance",),
)
def transcript_storage(site: Site) -> Iterator[Problem]:
    """Attachments are only a warning: texts go without them."""
    for kind, is_warning in (("CHAT_TRANSCRIPTS", False), ("ATTACHMENTS", True)):
        found = site.aws.client("connect").list_instance_storage_configs(
            InstanceId=site.settings.connect_instance_id, ResourceType=kind
        )
        if not found["StorageConfigs"]:
            yield Problem(kind, "the instance stores none", is_warning=is_warning)
