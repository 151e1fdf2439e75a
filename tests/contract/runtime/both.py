"""The SDK's transport and the lean one, asked the same: what each said, and what each was told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError

from tests.contract.runtime.scripted import (
    Seen,
    Step,
    scripted,
)
from workers.clients.aws import _UnredirectedSession
from workers.runtime.lean_sqs import LeanSqs

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
QUEUE_URL = "https://sqs.us-west-2.amazonaws.com/111122223333/inbound-sms"
FULL_ATTRIBUTES = {"AWSTraceHeader": "Root=1-5759e988", "ApproximateReceiveCount": "3"}

Call = tuple[str, dict[str, Any]]

RECEIVE: Call = (
    "receive_message",
    {
        "QueueUrl": QUEUE_URL,
        "MaxNumberOfMessages": 10,
        "WaitTimeSeconds": 0,
        "VisibilityTimeout": 30,
        "MessageSystemAttributeNames": ["All"],
        "MessageAttributeNames": ["All"],
    },
)
DELETE: Call = (
    "delete_message_batch",
    {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "0", "ReceiptHandle": "AQEB/+=="}]},
)
HIDE: Call = (
    "change_message_visibility_batch",
    {
        "QueueUrl": QUEUE_URL,
        "Entries": [{"Id": "0", "ReceiptHandle": "AQEB", "VisibilityTimeout": 0}],
    },
)
SEND: Call = (
    "send_message_batch",
    {
        "QueueUrl": QUEUE_URL,
        "Entries": [
            {
                "Id": "0",
                "MessageBody": '{"text": "h\u00e9llo \U0001f389 \u2028"}',
                "MessageAttributes": {
                    "raw": {"DataType": "Binary", "BinaryValue": b"\x00\xff\x10"},
                    "word": {"DataType": "String", "StringValue": "\u00fc"},
                },
            },
            {"Id": "1", "MessageBody": "plain"},
        ],
    },
)
MESSAGE = {
    "MessageId": "c80e8021-a70a-42c7-a470-796e1186f753",
    "ReceiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
    "MD5OfBody": "fafb00f5732ab283681e124bf8747ed1",
    "Body": '{"text": "h\u00e9llo \U0001f389"}',
    "Attributes": FULL_ATTRIBUTES,
    "MessageAttributes": {
        "raw": {"DataType": "Binary", "BinaryValue": "AP8Q"},
        "word": {"DataType": "String", "StringValue": "\u00fc"},
    },
}


@dataclass
class Told:
    """What came of some calls on one transport."""

    outcomes: list[Any]
    seen: list[Seen]

    @property
    def wire(self) -> list[dict[str, Any]]:
        return [request.comparable() for request in self.seen]


def described(error: BaseException) -> dict[str, Any]:
    told: dict[str, Any] = {"raised": f"{type(error).__module__}.{type(error).__name__}"}
    if isinstance(error, ClientError):
        metadata: Any = error.response["ResponseMetadata"]
        told |= {
            "error": error.response["Error"],
            "operation": error.operation_name,
            "status": metadata.get("HTTPStatusCode"),
            "retries": metadata.get("RetryAttempts"),
            "at_limit": metadata.get("MaxAttemptsReached"),
            "request": metadata.get("RequestId"),
        }
    return told


def without_metadata(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


LOADER = AioSession().get_component("data_loader")


def a_session() -> AioSession:
    """One that knows no credentials yet, and the service models already."""
    session = AioSession()
    session.register_component("data_loader", LOADER)
    return session


async def outcomes_of(client: Any, calls: Sequence[Call]) -> list[Any]:
    outcomes: list[Any] = []
    for name, arguments in calls:
        try:
            outcomes.append(without_metadata(await getattr(client, name)(**arguments)))
        except Exception as error:  # noqa: BLE001 - what is raised is what is compared
            outcomes.append(described(error))
    return outcomes


async def told_by(
    transport: str, calls: Sequence[Call], endpoint_url: str | None, *, read_s: float = 5
) -> list[Any]:
    config = AioConfig(
        connect_timeout=2,
        read_timeout=read_s,
        retries={"mode": "standard", "total_max_attempts": 3},
        http_session_cls=_UnredirectedSession,
    )
    session = a_session()
    async with session.create_client("sqs", config=config, endpoint_url=endpoint_url) as client:
        if transport == "sdk":
            return await outcomes_of(client, calls)
        return await outcomes_of(LeanSqs(client, await session.get_credentials()), calls)


async def both(
    steps: Sequence[Step], calls: Sequence[Call] = (RECEIVE,), *, read_s: float = 5
) -> tuple[Told, Told]:
    """The SDK and the lean transport, each at an endpoint with this script."""
    told: list[Told] = []
    for transport in ("sdk", "lean"):
        async with scripted(steps) as endpoint:
            outcomes = await told_by(transport, calls, endpoint.url, read_s=read_s)
        told.append(Told(outcomes, endpoint.seen))
    return told[0], told[1]
