"""The wire between workers and everything they call: each service behind a proxy, one observer.

The observer sees every call before the service does and the answer before the worker does; it may
hold either, answer by itself, or spoil how an answer is delivered.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Any, Protocol, Self

from aiohttp import ClientError, web

from demo.hang_ups import HangUps
from demo.proxy import Answer, EndpointProxy
from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from simulator.wire import AwsError, Router

SERVICES: Mapping[str, str] = {
    "SQS": "SQS",
    "DynamoDB": "DynamoDB",
    "S3": "S3",
    "Connect": "Connect",
    "ConnectParticipant": "Participant",
    "Pinpoint SMS Voice V2": "EUM",
}
"""What a worker calls: botocore's service id, and what we call it here."""

RECEIVE = "ReceiveMessage"
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, 0 s: close() sends RST


class Ending(StrEnum):
    """How an answer reaches the worker."""

    WHOLE = "whole"
    RESET = "reset"  # the connection is reset instead
    CUT = "cut"  # reset in the middle of the answer
    HALF_CLOSED = "half_closed"  # no more bytes after the middle; the other direction stays open


@dataclass(frozen=True, slots=True)
class SpoiltAnswer(Answer):
    """An answer that does not arrive as it was sent."""

    ending: Ending = Ending.WHOLE


@dataclass(frozen=True, slots=True)
class WireCall:
    """One request of a worker. `resource`: the logical name of its queue or table, if any."""

    service: str
    operation: str
    resource: str
    give_back: Callable[[Answer], Awaitable[None]]

    @property
    def name(self) -> str:
        """The call in words, the same in every run."""
        return f"{self.service} {self.operation}" + (f" {self.resource}" if self.resource else "")

    @property
    def is_poll(self) -> bool:
        """Whether it may take long without meaning anything."""
        return self.operation == RECEIVE


CALL = web.RequestKey("call", WireCall)
CarryOut = Callable[[], Awaitable[Answer]]


class Observer(Protocol):
    """Sees every call. Both methods are cancelled when the worker is gone."""

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        """Answer the call; `carry_out` asks the service."""
        ...

    async def answered(self, call: WireCall) -> None:
        """The answer has been handed to the worker's connection."""
        ...


def messages_of(answer: Answer) -> list[Any]:
    """What a receive has brought."""
    if answer.status != 200:
        return []
    found: list[Any] = json.loads(answer.body).get("Messages", [])
    return found


class Wire:
    """An async context manager whose `interpose` is for a world's plan."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def interpose(self, aws: LocalAws, made: Provisioned) -> LocalAws:
        """Start a proxy before each service."""
        names = {real: name for name, real in made.tables.items()}
        for urls, suffix in ((made.queue_urls, ""), (made.dlq_urls, "-dlq")):
            names |= {url: name + suffix for name, url in urls.items()}
        overrides = dict(aws.overrides)
        for service_id in SERVICES:
            kind = _SqsTap if service_id == "SQS" else _Tap
            tap = await self._open.enter_async_context(kind(aws, service_id, self._observer, names))
            variable = service_id.upper().replace(" ", "_")
            overrides[variable] = tap.aws.overrides[variable]
        return replace(aws, overrides=overrides)


class _Tap(EndpointProxy):
    """One service's proxy."""

    def __init__(
        self, aws: LocalAws, service_id: str, observer: Observer, names: Mapping[str, str]
    ) -> None:
        super().__init__(aws, service_id)
        self._observer = observer
        self._names = names
        self._service = SERVICES[service_id]

    async def give_back(self, request: web.Request, body: bytes, answer: Answer) -> None:
        """Nothing but a receive takes anything."""

    async def serve(self, request: web.Request, operation: str, body: bytes) -> Answer:
        """Show it to the observer."""

        async def give_back(answer: Answer) -> None:
            await self.give_back(request, body, answer)

        call = WireCall(
            self._service,
            operation or _rest_operation(request),
            self._resource(operation, body),
            give_back,
        )
        request[CALL] = call
        serve = super().serve

        async def carry_out() -> Answer:
            try:
                return await serve(request, operation, body)
            except ClientError:  # The service hung up, so the worker is hung up on.
                return SpoiltAnswer(502, b"", {}, Ending.RESET)

        return await self._observer.around(call, carry_out)

    async def deliver(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Hand it over, whole or not."""
        ending = answer.ending if isinstance(answer, SpoiltAnswer) else Ending.WHOLE
        if ending is Ending.WHOLE:
            response = await super().deliver(request, answer)
            with contextlib.suppress(ConnectionResetError):  # It may be dead by now.
                await response.prepare(request)
                await response.write_eof()
        else:
            response = await _deliver_spoilt(request, answer, ending)
        await self._observer.answered(request[CALL])
        return response

    def _resource(self, operation: str, body: bytes) -> str:
        if not operation or not body:
            return ""
        params = json.loads(body)
        real = params.get("QueueUrl") or params.get("TableName") or ""
        return self._names.get(real, "")


class _SqsTap(_Tap, HangUps):
    """SQS's, which knows when who polled has hung up."""

    async def give_back(self, request: web.Request, body: bytes, answer: Answer) -> None:
        """Show the messages of a receive again."""
        await HangUps.give_back(self, request, body, answer)


async def _deliver_spoilt(
    request: web.Request, answer: Answer, ending: Ending
) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    transport = request.transport
    if transport is None:
        return response
    if ending is not Ending.RESET:
        response.content_length = max(2, len(answer.body))
        await response.prepare(request)
        await response.write(answer.body[: len(answer.body) // 2] or b" ")
    if ending is Ending.HALF_CLOSED:
        transport.write_eof()
        await asyncio.Event().wait()  # Until the worker hangs up, which cancels this.
    endpoint: socket.socket = transport.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return response


@cache
def _router() -> Router:
    return Router(("connect", "connectparticipant"))


def _rest_operation(request: web.Request) -> str:
    """The operation of a service that says it by method and path."""
    path = request.raw_path.partition("?")[0]
    try:
        return _router().find(request.method, path, request.headers).operation.name
    except AwsError:
        return {"PUT": "PutObject", "GET": "GetObject"}.get(request.method, request.method)
