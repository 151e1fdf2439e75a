"""What the sources of events put on topics and queues, with addresses that no other test has."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Mapping
from itertools import count
from typing import Any

from tests.e2e.stage import Customer, Stage, utc_now

_people = count(1)


def somebody() -> str:
    """A mailbox that no other test writes to."""
    return f"person{next(_people)}-{uuid.uuid4().hex[:6]}@example.com"


def retold(document: Any, changes: Mapping[str, str]) -> Any:
    """The document with other addresses, numbers and message ids, however deep they stand."""
    text = json.dumps(document)
    for old, new in changes.items():
        text = text.replace(old, new)
    return json.loads(text)


def in_a_pipe(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record of Pinpoint's stream as EventBridge Pipes puts it on a queue."""
    return {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": "1",
        "sequenceNumber": str(uuid.uuid4().int),
        "data": base64.b64encode(json.dumps(record).encode()).decode(),
        "approximateArrivalTimestamp": 1730000001.987,
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000006:{uuid.uuid4().int}",
        "eventName": "aws:kinesis:record",
    }


def receipt(customer: Customer, status: str, **keys: Any) -> dict[str, Any]:
    """A final receipt as a configuration set publishes it."""
    return {
        "eventType": f"TEXT_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": int(utc_now().timestamp() * 1000),
        "isFinal": True,
        "originationPhoneNumber": customer.ours,
        "destinationPhoneNumber": customer.number,
        "messageId": str(uuid.uuid4()),
        "messageType": "TRANSACTIONAL",
        "messageStatus": status,
        **keys,
    }


async def publish(stage: Stage, topic: str, document: object) -> None:
    arn = stage.world.provisioned.topic_arns[topic]
    await stage.sns.publish(TopicArn=arn, Message=json.dumps(document))


async def enqueue(stage: Stage, document: object) -> None:
    await stage.enqueue("engagement-events", json.dumps(document))
