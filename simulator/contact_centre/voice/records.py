"""Contact records: what a Kinesis stream of an instance gets once a contact is over.

Source: administrator guide, "Contact records data model". Unlike contact events they have the
number and the attributes.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from simulator.contact_centre.voice.call import VoiceCall
from simulator.contact_centre.voice.knobs import VoiceKnobs
from simulator.ledger import iso
from simulator.world import World

KIND = "contact_record"


class ContactRecords:
    """All records, oldest first, and their way out through the pipe."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.all: list[dict[str, Any]] = []

    def write(self, call: VoiceCall) -> None:
        """Write the record of a call as it stands; once more after a later change."""
        record = contact_record(call, self._world.settings.account_id)
        self.all.append(record)
        queue = self._world.knobs.of(VoiceKnobs).contact_records
        if queue is not None:
            body = json.dumps(self._as_piped(record, len(self.all)), ensure_ascii=False)
            work = self._world.publisher.to_queue(queue, body, KIND)
            self._world.tasks.in_lane(f"records {call.id}", work)

    def _as_piped(self, record: dict[str, Any], number: int) -> dict[str, Any]:
        """One SQS message's body: the Kinesis record, flat, as a pipe without a template has it."""
        sequence = f"{number:056d}"
        return {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record["ContactId"],
            "sequenceNumber": sequence,
            "data": base64.b64encode(json.dumps(record).encode()).decode("ascii"),
            "approximateArrivalTimestamp": round(self._world.clock.now().timestamp(), 3),
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"shardId-000000000000:{sequence}",
            "eventName": "aws:kinesis:record",
            "invokeIdentityArn": f"arn:aws:iam::{self._world.settings.account_id}:role/pipe",
            "awsRegion": self._world.settings.region,
            "eventSourceARN": self._world.arn("kinesis", "stream/contact-records"),
        }


def contact_record(call: VoiceCall, account_id: str) -> dict[str, Any]:
    """The record; what does not apply is null, as in the service's."""
    contact = call.contact
    return {
        "AWSAccountId": account_id,
        "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "ContactId": contact.id,
        "InitialContactId": None,
        "PreviousContactId": None,
        "NextContactId": None,
        "RelatedContactId": contact.related_id,
        "InstanceARN": call.instance.arn,
        "Channel": contact.channel,
        "InitiationMethod": contact.initiation_method,
        "InitiationTimestamp": _seconds(iso(contact.initiated_at)),
        "ConnectedToSystemTimestamp": _or_none(contact.connected_at),
        "DisconnectTimestamp": _or_none(contact.disconnected_at),
        "LastUpdateTimestamp": _or_none(contact.updated_at),
        "DisconnectReason": contact.disconnect_reason,
        "AnsweringMachineDetectionStatus": contact.amd_status,
        "Campaign": {"CampaignId": contact.campaign_id},
        "CustomerEndpoint": {"Address": call.order.destination, "Type": "TELEPHONE_NUMBER"},
        "SystemEndpoint": {"Address": call.order.source, "Type": "TELEPHONE_NUMBER"},
        "Attributes": dict(call.attributes),
        "SegmentAttributes": {"connect:Subtype": {"ValueString": contact.subtype}},
        "Agent": _agent(call),
        "Queue": _queue(call),
        "Recordings": None,
        "References": [],
        "Tags": {"aws:connect:instanceId": call.instance.id},
    }


def _agent(call: VoiceCall) -> dict[str, Any] | None:
    if call.agent is None or call.contact.agent is None:
        return None
    return {
        "ARN": f"{call.instance.arn}/agent/{call.agent.id}",
        "Username": call.agent.display_name,
        "ConnectedToAgentTimestamp": _or_none(call.contact.agent.joined_at),
    }


def _queue(call: VoiceCall) -> dict[str, Any] | None:
    contact = call.contact
    if contact.queue_id is None:
        return None
    return {
        "ARN": call.instance.queue_arn(contact.queue_id),
        "EnqueueTimestamp": _or_none(contact.enqueued_at),
    }


def _or_none(moment: Any) -> str | None:
    return None if moment is None else _seconds(iso(moment))


def _seconds(text: str) -> str:
    """Contact records have whole seconds."""
    return text[:19] + "Z"
