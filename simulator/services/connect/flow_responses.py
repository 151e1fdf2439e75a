"""Contact flows: listed, described, made, and given other content."""

from __future__ import annotations

from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.flow import Flow
from simulator.contact_centre.flow_catalogue import FlowEntry, read_content
from simulator.contact_centre.instance import Instance
from simulator.services import operation
from simulator.services.connect import errors
from simulator.services.connect.models import require_instance
from simulator.services.connect.paging import page
from simulator.wire import Call

_MODEL = "botocore service model and its text"
_CONTENT_MAX = 256_000
_SAVED = ":$SAVED"


class FlowResponses:
    """What `setup` tools call for flows."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre

    @operation(
        true_to=(
            "name and type not taken, 256,000 characters, flow language 2019-10-30 with no action "
            "that leads nowhere; SAVED is not looked at; a published one takes contacts at once"
        ),
        source=_MODEL,
        not_yet="tags are shown again only; parameters of blocks are not checked as Connect does",
    )
    async def create_contact_flow(self, call: Call) -> dict[str, Any]:
        """CreateContactFlow."""
        params, instance = call.params, require_instance(self._centre, call.params)
        if instance.flows.named(params["Name"], params["Type"]) is not None:
            raise errors.duplicate("A contact flow of this name and type exists already")
        status = params.get("Status", "PUBLISHED")
        entry = FlowEntry(
            id=self._centre.world.new_id(),
            name=params["Name"],
            content=_sized(params["Content"]),
            flow=_read(params["Content"]) if status == "PUBLISHED" else None,
            type=params["Type"],
            status=status,
            description=params.get("Description"),
            tags=params.get("Tags", {}),
            modified_at=self._centre.now(),
        )
        instance.flows.put(entry)
        return {
            "ContactFlowId": entry.id,
            "ContactFlowArn": _arn(instance, entry),
            "FlowContentSha256": entry.sha256,
        }

    @operation(
        true_to="the new content is checked, published and walked by the next contact",
        source=_MODEL,
        not_yet="the alias $SAVED: content that is saved beside what is published",
    )
    async def update_contact_flow_content(self, call: Call) -> dict[str, Any]:
        """UpdateContactFlowContent."""
        _, entry = self._require(call, call.params["ContactFlowId"])
        entry.flow = _read(_sized(call.params["Content"]))
        entry.content = call.params["Content"]
        entry.status, entry.modified_at = "PUBLISHED", self._centre.now()
        return {}

    @operation(
        true_to="id or ARN; one that is only saved needs the alias $SAVED",
        source=_MODEL,
        not_yet="versions and aliases; the content comes back as it was given",
    )
    async def describe_contact_flow(self, call: Call) -> dict[str, Any]:
        """DescribeContactFlow."""
        wanted = call.params["ContactFlowId"]
        instance, entry = self._require(call, wanted.removesuffix(_SAVED))
        if entry.status != "PUBLISHED" and not wanted.endswith(_SAVED):
            raise errors.flow_not_published()
        shown = {
            "Arn": _arn(instance, entry),
            "Id": entry.id,
            "Name": entry.name,
            "Type": entry.type,
            "State": entry.state,
            "Status": entry.status,
            "Description": entry.description,
            "Content": entry.content,
            "Tags": dict(entry.tags),
            "FlowContentSha256": entry.sha256,
            "LastModifiedTime": entry.modified_at,
        }
        return {"ContactFlow": {name: value for name, value in shown.items() if value is not None}}

    @operation(true_to="types, pages", source=_MODEL)
    async def list_contact_flows(self, call: Call) -> dict[str, Any]:
        """ListContactFlows."""
        instance = require_instance(self._centre, call.params)
        types = call.params.get("ContactFlowTypes")
        shown = [
            {
                "Id": entry.id,
                "Arn": _arn(instance, entry),
                "Name": entry.name,
                "ContactFlowType": entry.type,
                "ContactFlowState": entry.state,
                "ContactFlowStatus": entry.status,
            }
            for entry in instance.flows
            if not types or entry.type in types
        ]
        return page(shown, "ContactFlowSummaryList", call.params)

    def _require(self, call: Call, id_or_arn: str) -> tuple[Instance, FlowEntry]:
        instance = require_instance(self._centre, call.params)
        entry = instance.flows.entry(id_or_arn)
        if entry is None:
            raise errors.not_found("Contact flow not found")
        return instance, entry


def _arn(instance: Instance, entry: FlowEntry) -> str:
    return f"{instance.arn}/contact-flow/{entry.id}"


def _sized(content: str) -> str:
    if not 1 <= len(content) <= _CONTENT_MAX:
        raise errors.invalid_parameter(f"Content has 1 to {_CONTENT_MAX} characters")
    return content


def _read(content: str) -> Flow:
    try:
        return read_content(content)
    except ValueError as exc:
        raise errors.invalid_flow(f"The flow content is not valid at {exc}") from exc
