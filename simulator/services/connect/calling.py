"""StartOutboundVoiceContact: what may be dialled, from where, and how.

Source: botocore's text of the operation; administrator guide, "Amazon Connect service quotas".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.voice.call import Order
from simulator.contact_centre.voice.knobs import VoiceKnobs
from simulator.services.connect import errors
from simulator.services.connect.models import check_attributes, require_any

_CAMPAIGN = "CAMPAIGN"


def read_order(centre: ContactCentre, instance: Instance, params: Mapping[str, Any]) -> Order:
    """The call that a request asks for, checked.

    Raises:
        AwsError: as StartOutboundVoiceContact refuses it.
    """
    flow = instance.flow(params["ContactFlowId"])
    if flow is None:
        raise errors.not_found("Contact flow not found")
    attributes = _attributes(centre, params)
    source, queue_id = _source(instance, params)
    knobs = centre.world.knobs.of(VoiceKnobs)
    _check_destination(knobs, params["DestinationPhoneNumber"])
    is_campaign = params.get("TrafficType") == _CAMPAIGN
    detection = params.get("AnswerMachineDetectionConfig", {})
    detects = bool(detection.get("EnableAnswerMachineDetection"))
    if detects and not is_campaign:
        raise errors.invalid_request("Answering machine detection needs TrafficType CAMPAIGN")
    if is_campaign:
        _check_campaign(centre, instance, knobs)
    return Order(
        destination=params["DestinationPhoneNumber"],
        source=source,
        flow=flow,
        attributes=attributes,
        queue_id=queue_id,
        ring_timeout_s=params.get("RingTimeoutInSeconds", 60),
        detects=detects,
        awaits_prompt=bool(detection.get("AwaitAnswerMachinePrompt")),
        is_campaign=is_campaign,
        name=params.get("Name"),
        description=params.get("Description"),
    )


def _attributes(centre: ContactCentre, params: Mapping[str, Any]) -> dict[str, str]:
    """The request's, over those of the related contact, which come along."""
    found: dict[str, str] = {}
    if "RelatedContactId" in params:
        related, _ = require_any(centre, params, "RelatedContactId")
        found |= related.attributes
    found |= params.get("Attributes", {})
    check_attributes(found)
    return found


def _source(instance: Instance, params: Mapping[str, Any]) -> tuple[str, str]:
    """Our number and the queue. One of both must be named."""
    source, queue_id = params.get("SourcePhoneNumber"), params.get("QueueId")
    if source is None and queue_id is None:
        raise errors.invalid_request("Either SourcePhoneNumber or QueueId is required")
    queue = instance.queues[0] if queue_id is None else instance.queue(queue_id)
    if queue is None:
        raise errors.not_found("Queue not found")
    if source is not None and source not in instance.phone_numbers:
        raise errors.not_found("SourcePhoneNumber is no number of the instance")
    return source or queue.outbound_number or instance.phone_numbers[0], queue.id


def _check_destination(knobs: VoiceKnobs, destination: str) -> None:
    if not knobs.outbound_permitted:
        raise errors.not_permitted("The instance may not make outbound calls")
    if destination.startswith(knobs.blocked_prefixes):
        raise errors.destination_not_allowed("Outbound calls to this destination are not allowed")


def _check_campaign(centre: ContactCentre, instance: Instance, knobs: VoiceKnobs) -> None:
    if knobs.concurrent_campaign_calls == 0:
        raise errors.not_permitted("Campaign calls are not allowed")
    active = centre.dialer.active_count(instance, campaign_only=True)
    if active >= knobs.concurrent_campaign_calls:
        raise errors.limit_exceeded("The quota of concurrent campaign calls is exceeded")
