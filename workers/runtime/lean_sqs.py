"""The hot SQS calls at an eighth of what the SDK charges for them (docs/performance.md).

Stands in for the SDK's client where the runtime receives and acknowledges: the same parameters,
the same answers without `ResponseMetadata`, the same errors. Parameters are not validated:
the caller is `AioSqsQueue`, and SQS itself. One answer is taken differently: a 200 that holds no
JSON is an error here, where botocore sees an empty answer.
"""

from __future__ import annotations

import asyncio
import base64
import json
import uuid
from collections.abc import Mapping
from functools import partial
from random import getrandbits
from typing import TYPE_CHECKING, Any, cast

import structlog
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.credentials import AioCredentials
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import NoCredentialsError
from pydantic_core import to_json

from workers.runtime.lean_connection import HTTP_OK
from workers.runtime.lean_endpoint import HTTP_REDIRECT, Answer, LeanEndpoint
from workers.runtime.lean_specimen import SigningError, Specimen

if TYPE_CHECKING:
    from types_aiobotocore_sqs.client import SQSClient

log = structlog.get_logger()

MAX_RETRY_COST = 10
"""botocore's retry quota: what one retry takes out of it at most. A success puts 1 back."""

_METHODS = {
    "ReceiveMessage": "receive_message",
    "DeleteMessageBatch": "delete_message_batch",
    "ChangeMessageVisibilityBatch": "change_message_visibility_batch",
    "SendMessageBatch": "send_message_batch",
}


class LeanSqs:
    """Four calls on the connections, credentials, endpoint and retry quota of an SDK client.

    `credentials` are the session's (`await session.get_credentials()`): the very object that the
    client signs with, so that a refresh is made once.
    """

    def __init__(self, client: SQSClient, credentials: AioCredentials | None) -> None:
        self._client: Any = client  # typed per literal operation only
        self._credentials = credentials
        # The only way to the client's connections, with their TLS, proxies and time limits.
        self._endpoint = LeanEndpoint.beside(cast("Any", client)._endpoint)
        service = client.meta.service_model
        self._models = {name: service.operation_model(name) for name in _METHODS}
        self._specimens: dict[str, Specimen] = {}
        self._taking = asyncio.Lock()
        self._owed_to_quota = 0

    async def receive_message(self, **request: Any) -> Any:
        """ReceiveMessage."""
        return await self._call("ReceiveMessage", request)

    async def delete_message_batch(self, **request: Any) -> Any:
        """DeleteMessageBatch."""
        return await self._call("DeleteMessageBatch", request)

    async def change_message_visibility_batch(self, **request: Any) -> Any:
        """ChangeMessageVisibilityBatch."""
        return await self._call("ChangeMessageVisibilityBatch", request)

    async def send_message_batch(self, **request: Any) -> Any:
        """SendMessageBatch."""
        return await self._call("SendMessageBatch", request)

    async def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._exchange(operation, request)
        except SigningError as error:
            log.warning("lean_sqs_not_possible", operation=operation, reason=str(error))
            return await self._by_sdk(operation, request)
        for message in answer.get("Messages") or ():
            _decode_binaries(message.get("MessageAttributes") or {})
        return answer

    async def _by_sdk(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await getattr(self._client, _METHODS[operation])(**request)
        return answer

    async def _exchange(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        context: dict[str, Any] = {
            "client_config": self._client.meta.config,
            # The SDK would ask the kernel for it, which costs more than parsing the answer.
            "retries": {"invocation-id": _invocation_id()},
        }
        model = self._models[operation]
        answer: Answer = await self._endpoint.make_request(
            model,
            {
                "specimen": partial(self._specimen, operation),
                "body": _body(operation, request),
                "context": context,
            },
        )
        http, parsed = answer
        await self._settle_quota(http, parsed, model, context)
        if http.status_code >= HTTP_REDIRECT:
            code = context.get("error_code_override") or parsed.get("Error", {}).get("Code")
            raise self._client.exceptions.from_code(code)(parsed, operation)
        return parsed

    async def _settle_quota(
        self, http: AioAWSResponse, parsed: dict[str, Any], model: Any, context: dict[str, Any]
    ) -> None:
        """Let the SDK see the end of a call, where that can change something."""
        retries = context["retries"].get("attempt", 1) - 1
        self._owed_to_quota += retries * MAX_RETRY_COST
        if not self._owed_to_quota and http.status_code < HTTP_REDIRECT:
            return  # The quota is full, and a success has no error code to translate.
        self._owed_to_quota = max(0, self._owed_to_quota - 1)
        await self._client.meta.events.emit(
            f"after-call.sqs.{model.name}",
            http_response=http,
            parsed=parsed,
            model=model,
            context=context,
        )

    async def _specimen(self, operation: str) -> Specimen:
        """The operation's, for the credentials that are good now.

        Raises:
            SigningError: the SDK signs otherwise than we do.
        """
        if self._credentials is None:
            raise NoCredentialsError
        frozen = await self._credentials.get_frozen_credentials()
        known = self._specimens.get(operation)
        if known is None or known.credentials != frozen:
            async with self._taking:
                known = self._specimens.get(operation)
                if known is None or known.credentials != frozen:
                    known = Specimen(await self._take(operation), frozen)
                    self._specimens[operation] = known
        return known

    async def _take(self, operation: str) -> AWSPreparedRequest:
        """Let the SDK make and sign a request, and keep it from going out."""
        taken: list[AWSPreparedRequest] = []
        mark = f"specimen-{uuid.uuid4()}"

        def catch(request: AWSPreparedRequest, **_event: object) -> AioAWSResponse | None:
            if mark not in str(request.body):
                return None  # Somebody else's call on this client.
            taken.append(request)
            return AioAWSResponse(request.url, HTTP_OK, cast("Any", {}), _Nothing())

        event = f"before-send.sqs.{operation}"
        self._client.meta.events.register(event, catch)
        try:
            entries: dict[str, Any] = {"Entries": []} if operation.endswith("Batch") else {}
            await getattr(self._client, _METHODS[operation])(QueueUrl=mark, **entries)
        finally:
            self._client.meta.events.unregister(event, catch)
        return taken[0]


class _Nothing:
    """The body of the answer to a specimen."""

    async def read(self) -> bytes:
        return b"{}"


def _decode_binaries(attributes: dict[str, dict[str, Any]]) -> None:
    for attribute in attributes.values():
        if "BinaryValue" in attribute:
            attribute["BinaryValue"] = base64.b64decode(attribute["BinaryValue"])


def _invocation_id() -> str:
    """For SQS to tell a call's attempts apart: unlike any other, and no secret."""
    return str(uuid.UUID(int=getrandbits(128), version=4))


def _body(operation: str, request: Mapping[str, Any]) -> bytes:
    if operation == "SendMessageBatch":  # The only one with texts and bytes of others in it.
        return json.dumps(request, default=_base64).encode()
    return to_json(request)  # A quarter of the time.


def _base64(value: object) -> str:
    """What JSON has no type for: the bytes of a binary attribute."""
    if not isinstance(value, bytes):
        raise TypeError(f"no {type(value).__name__} in a request")
    return base64.b64encode(value).decode()
