"""The few SQS calls the runtime makes, as a narrow protocol, and aiobotocore behind it.

Everything SDK-shaped ends here: errors become ours, entries that SQS refused in a 200 answer
become values that the caller has to look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from aiobotocore.config import AioConfig
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from workers.clock import STRAIGHT, TimeBend
from workers.errors import (
    AccountProblem,
    PermanentError,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.runtime.lean_sqs import LeanSqs

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient
    from types_aiobotocore_sqs.type_defs import MessageAttributeValueOutputTypeDef, MessageTypeDef

MAX_BATCH = 10
FIFO_SUFFIX = ".fifo"
"""A queue is a FIFO queue when its name ends so, and only then (SQS, "FIFO queue quotas")."""

MAX_BATCH_BYTES = 1_048_576
"""SQS quotas, "Message size": 1 MiB, body and attributes of all entries of a batch together."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """A message attribute. `data_type` is String, Number or Binary, maybe with ".suffix"."""

    data_type: str
    value: str | bytes


@dataclass(frozen=True, slots=True)
class Message:
    """A received message, all of it."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, Attribute]
    receive_count: int
    sent_at: datetime
    first_received_at: datetime
    group: str | None = None
    trace_header: str | None = None


@dataclass(frozen=True, slots=True)
class VisibilityChange:
    """Hide a message for so long, counted from now; 0 gives it back."""

    receipt_handle: str
    visibility_timeout_s: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to send. A FIFO queue needs both ids; a fair queue may have a group."""

    body: str
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    group: str | None = None
    deduplication_id: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry of a batch that SQS did not take. `index` is its place in the call."""

    index: int
    code: str
    is_sender_fault: bool


class SqsQueue(Protocol):
    """One queue. Batches hold 1 to 10 entries.

    A call that returns may still have failed for some entries: they are what is returned.

    Raises (every method):
        Throttled, TransientError: perhaps nothing was done, perhaps all: SQS is idempotent here,
            but for `send`, which may have sent.
        PermanentError: the queue is gone, or we may not use it.
    """

    @property
    def name(self) -> str:
        """Its name as it is configured: a metric label."""
        ...

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_timeout_s: int
    ) -> list[Message]:
        """Up to `max_messages` (1 to 10), waiting up to `wait_s` for the first."""
        ...

    async def delete(self, receipt_handles: Sequence[str]) -> list[Refused]:
        """Acknowledge."""
        ...

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[Refused]:
        """Hide messages for longer or shorter; 0 to 43200 s, and 12 h in all since the receive."""
        ...

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        """Send; body and attributes of all entries together have 1 MiB."""
        ...


def sqs_client_config(*, pollers: int, slots: int, wait_s: int) -> AioConfig:
    """Settings for the one SQS client that all consumers of a process share.

    `pollers` and `slots` are the sums over its queues: a long poll that waits for a connection of
    the pool would stall, and so would the acknowledgements behind it.
    """
    return AioConfig(
        max_pool_connections=pollers + slots,
        connect_timeout=5,
        read_timeout=wait_s + 10,
        retries={"mode": "standard", "total_max_attempts": 3},
        tcp_keepalive=True,
    )


class AioSqsQueue:
    """A queue behind a shared client: aiobotocore's, or the lean one beside it.

    SQS's times, which are the machine's, come out as the workers' clock has them.
    """

    def __init__(
        self, client: SQSClient | LeanSqs, queue_url: str, name: str, bend: TimeBend = STRAIGHT
    ) -> None:
        self._client = client
        self._bend = bend
        self._url = queue_url
        self._name = name

    @property
    def name(self) -> str:
        """Its name as it is configured."""
        return self._name

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_timeout_s: int
    ) -> list[Message]:
        """Up to `max_messages`, waiting up to `wait_s` for the first."""
        with _ErrorsMadeOurs("ReceiveMessage"):
            answer = await self._client.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=max_messages,
                WaitTimeSeconds=wait_s,
                VisibilityTimeout=visibility_timeout_s,
                MessageSystemAttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
        return [_message(raw, self._bend) for raw in answer.get("Messages") or ()]

    async def delete(self, receipt_handles: Sequence[str]) -> list[Refused]:
        """Acknowledge."""
        with _ErrorsMadeOurs("DeleteMessageBatch"):
            answer = await self._client.delete_message_batch(
                QueueUrl=self._url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": handle}
                    for index, handle in enumerate(receipt_handles)
                ],
            )
        return _refused(answer.get("Failed") or ())

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[Refused]:
        """Hide messages for longer or shorter."""
        with _ErrorsMadeOurs("ChangeMessageVisibilityBatch"):
            answer = await self._client.change_message_visibility_batch(
                QueueUrl=self._url,
                Entries=[
                    {
                        "Id": str(index),
                        "ReceiptHandle": change.receipt_handle,
                        "VisibilityTimeout": change.visibility_timeout_s,
                    }
                    for index, change in enumerate(changes)
                ],
            )
        return _refused(answer.get("Failed") or ())

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        """Send; may have sent when it raises."""
        entries: list[Any] = [_entry(index, message) for index, message in enumerate(messages)]
        with _ErrorsMadeOurs("SendMessageBatch"):
            answer = await self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        return _refused(answer.get("Failed") or ())


class _ErrorsMadeOurs:
    """A context manager: the SDK's errors leave it as ours."""

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        return None

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ClientError):
            raise _from_answer(self._operation, error) from error
        if isinstance(error, HTTPClientError | TimeoutError | OSError):
            raise TransientError("sqs_unreachable") from error
        if isinstance(error, ResponseParserError):
            raise TransientError("sqs_unreadable") from error
        if isinstance(error, BotoCoreError):
            # Credentials that cannot be had just now, an endpoint that does not resolve.
            raise TransientError("sqs_client_failed") from error


_THROTTLES = frozenset(
    {"OverLimit", "RequestThrottled", "Throttling", "ThrottlingException", "KmsThrottled"}
)
_ACCOUNT_PROBLEMS = ("AccessDenied", "QueueDoesNotExist", "NonExistentQueue", "InvalidSecurity")
_EXPIRED = frozenset({"ExpiredToken", "RequestExpired"})
"""With "Exception" behind it in the JSON protocol. The SDK fetches new credentials meanwhile."""
_HTTP_SERVER_ERROR = 500


def _from_answer(operation: str, error: ClientError) -> SwitchboardError:
    code = error.response.get("Error", {}).get("Code", "").rpartition(".")[2]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLES:
        return Throttled("sqs_throttled")
    if status >= _HTTP_SERVER_ERROR or code.removesuffix("Exception") in _EXPIRED:
        return TransientError("sqs_failed")
    if any(mark in code for mark in _ACCOUNT_PROBLEMS) or code.startswith("Kms"):
        return AccountProblem(code, operation=operation)
    return PermanentError(code or "sqs_refused", operation=operation)


def _message(raw: MessageTypeDef, bend: TimeBend) -> Message:
    system = raw["Attributes"]  # "All" were asked for.
    return Message(
        message_id=raw["MessageId"],
        receipt_handle=raw["ReceiptHandle"],
        body=raw["Body"],
        attributes={
            name: _attribute(value) for name, value in (raw.get("MessageAttributes") or {}).items()
        },
        receive_count=int(system["ApproximateReceiveCount"]),
        sent_at=bend.bent(_moment(system["SentTimestamp"])),
        first_received_at=bend.bent(_moment(system["ApproximateFirstReceiveTimestamp"])),
        group=system.get("MessageGroupId"),
        trace_header=system.get("AWSTraceHeader"),
    )


def _moment(epoch_ms: str) -> datetime:
    return datetime.fromtimestamp(int(epoch_ms) / 1000, UTC)


def _attribute(value: MessageAttributeValueOutputTypeDef) -> Attribute:
    data_type = value.get("DataType", "String")
    if data_type.startswith("Binary"):
        return Attribute(data_type, bytes(value.get("BinaryValue", b"")))
    return Attribute(data_type, value.get("StringValue", ""))


def _entry(index: int, message: Outgoing) -> dict[str, Any]:
    entry: dict[str, Any] = {"Id": str(index), "MessageBody": message.body}
    if message.attributes:
        entry["MessageAttributes"] = {
            name: {
                "DataType": attribute.data_type,
                (
                    "BinaryValue" if isinstance(attribute.value, bytes) else "StringValue"
                ): attribute.value,
            }
            for name, attribute in message.attributes.items()
        }
    if message.group is not None:
        entry["MessageGroupId"] = message.group
    if message.deduplication_id is not None:
        entry["MessageDeduplicationId"] = message.deduplication_id
    return entry


def _refused(failed: Sequence[Any]) -> list[Refused]:
    return [
        Refused(int(entry["Id"]), entry.get("Code", ""), bool(entry.get("SenderFault", False)))
        for entry in failed
    ]
