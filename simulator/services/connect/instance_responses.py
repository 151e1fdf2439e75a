"""The instance itself: its state, its routing queues, what it stores, the functions it may call."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from simulator.contact_centre.centre import ContactCentre
from simulator.services import operation
from simulator.services.connect import errors
from simulator.services.connect.models import require_instance
from simulator.services.connect.paging import page
from simulator.wire import Call

_MODEL = "botocore service model and its text"
_MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
_FUNCTIONS_MAX = 50
"""Administrator guide, quotas, "AWS Lambda functions per instance"."""
_FUNCTION = re.compile(r"arn:aws[\w-]*:lambda:([a-z0-9-]+):\d{12}:function:[A-Za-z0-9_:$-]+")


class InstanceResponses:
    """What `setup` tools and checks ask of an instance."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre

    @operation(
        true_to="id, ARN, state, whether calls come in and go out",
        source=_MODEL,
        not_yet="the time of its creation is invented; no replication",
    )
    async def describe_instance(self, call: Call) -> dict[str, Any]:
        """DescribeInstance."""
        instance = require_instance(self._centre, call.params)
        return {
            "Instance": {
                "Id": instance.id,
                "Arn": instance.arn,
                "IdentityManagementType": "CONNECT_MANAGED",
                "CreatedTime": _MADE_AT,
                "InstanceStatus": instance.status,
                "InboundCallsEnabled": True,
                "OutboundCallsEnabled": True,
            }
        }

    @operation(
        true_to="by resource type, S3 buckets of the world document",
        source=_MODEL,
        not_yet="what is stored where does not change what chats leave behind",
    )
    async def list_instance_storage_configs(self, call: Call) -> dict[str, Any]:
        """ListInstanceStorageConfigs."""
        instance, kind = require_instance(self._centre, call.params), call.params["ResourceType"]
        bucket = instance.storage.get(kind)
        shown = [
            {
                "AssociationId": f"{instance.id}-{kind}".lower()[:100],
                "StorageType": "S3",
                "S3Config": {"BucketName": bucket, "BucketPrefix": f"connect/{kind.lower()}"},
            }
        ]
        return page(shown if bucket else [], "StorageConfigs", call.params)

    @operation(true_to="standard queues, pages", source=_MODEL, not_yet="agents have no queues")
    async def list_queues(self, call: Call) -> dict[str, Any]:
        """ListQueues."""
        instance = require_instance(self._centre, call.params)
        types = call.params.get("QueueTypes")
        shown = [
            {
                "Id": queue.id,
                "Arn": instance.queue_arn(queue.id),
                "Name": queue.name,
                "QueueType": "STANDARD",
            }
            for queue in instance.queues
            if not types or "STANDARD" in types
        ]
        return page(shown, "QueueSummaryList", call.params)

    @operation(true_to="ARNs, pages", source=_MODEL)
    async def list_lambda_functions(self, call: Call) -> dict[str, Any]:
        """ListLambdaFunctions."""
        instance = require_instance(self._centre, call.params)
        return page(instance.lambda_functions, "LambdaFunctions", call.params)

    @operation(
        true_to="an ARN of the instance's Region, once, fifty at most",
        source=_MODEL + "; guide, quotas",
        not_yet=(
            "whether the function exists, and its permission for Connect. UNVERIFIED: that a "
            "second association is a ResourceConflictException"
        ),
    )
    async def associate_lambda_function(self, call: Call) -> dict[str, Any]:
        """AssociateLambdaFunction."""
        instance = require_instance(self._centre, call.params)
        arn, known = call.params["FunctionArn"], instance.lambda_functions
        named = _FUNCTION.fullmatch(arn)
        if named is None or named.group(1) != self._centre.world.settings.region:
            raise errors.invalid_request("FunctionArn is no function of this Region")
        if arn in known:
            raise errors.resource_conflict("The function is associated already")
        if len(known) >= _FUNCTIONS_MAX:
            raise errors.service_quota("The instance has as many functions as it may")
        known.append(arn)
        return {}
