"""The workers' real AWS clients, with the simulator where their sockets would be.

Clients are expensive to make and cheap to copy, so each kind is made once per process by
`workers.clients.aws` and copied for each life of each worker: own hooks, own retry quota, own way
out. What is copied is private to the SDK; the pinned version is the one this was written for.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.retries.standard import register_retry_handler
from aiohttp import ClientConnectorError
from aiohttp.client_reqrep import ConnectionKey
from botocore.exceptions import (
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from multidict import CIMultiDict
from yarl import URL

from dst.cloud import Cloud
from dst.network import Cut, Link, Unconnected
from simulator.server import Dropped, Request
from workers.clients.aws import Aws, AwsPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp.web import Response

ENDPOINT = "http://simulator.invalid"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": ENDPOINT,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


@dataclass(frozen=True, slots=True)
class Clients:
    """The three that a worker calls the contact centre with."""

    connect: Any
    participant: Any
    sms_voice: Any


def templates() -> Clients:
    """Made as a worker makes them; to be copied, never called."""
    return asyncio.run(_templates())


async def _templates() -> Clients:
    with _environment(_ENVIRONMENT):
        aws = Aws(AwsPolicy())
        return Clients(await aws.connect(), await aws.connectparticipant(), await aws.sms_voice())


@contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
    saved = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(wanted)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(saved)


class Twins:
    """The clients of one place in the fleet, used by one life after the other.

    A dead process never runs again, so its clients may serve the next one, once everything that
    they have learnt from it is taken back.
    """

    def __init__(self, made: Clients) -> None:
        self._clients = Clients(_copy(made.connect), _copy(made.participant), _copy(made.sms_voice))

    def renewed(self, link: Link, cloud: Cloud) -> Clients:
        """As new, over this link."""
        wire = Wire(link, cloud)
        for client in (self._clients.connect, self._clients.participant, self._clients.sms_voice):
            _renew(client, wire)
        return self._clients


class _Hooks:
    """A client's events, which remember what was registered since the last `forget`."""

    def __init__(self, events: Any) -> None:
        self._events = events
        self._registered: list[tuple[str, Any, str | None]] = []

    def register(self, event_name: str, handler: Any, unique_id: str | None = None) -> None:
        self._registered.append((event_name, handler, unique_id))
        self._events.register(event_name, handler, unique_id=unique_id)

    def forget(self) -> None:
        for event_name, handler, unique_id in self._registered:
            self._events.unregister(event_name, handler, unique_id=unique_id)
        self._registered.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._events, name)


def _renew(twin: Any, wire: Wire) -> None:
    twin._endpoint.http_session = _Session(wire, AwsPolicy().read_timeout_s)
    twin.meta.events.forget()
    # The retry quota is the client's memory too.
    register_retry_handler(twin, twin.meta.config.retries["total_max_attempts"])


def _copy(client: Any) -> Any:
    twin = copy.copy(client)
    twin.meta = copy.copy(client.meta)
    events = twin.meta.events = _Hooks(copy.copy(client.meta.events))
    twin._endpoint = copy.copy(client._endpoint)
    twin._endpoint._event_emitter = events
    service = client.meta.service_model.service_id.hyphenize()
    for event, unique_id in (
        ("request-created", "seed-max-attempts"),
        ("needs-retry", "retry-config"),
    ):
        events.unregister(f"{event}.{service}", unique_id=f"{unique_id}-{service}")
    return twin


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    async def read(self) -> bytes:
        return self._body


class _Session:
    """Where the SDK hands a signed request over; raises what its own session would."""

    def __init__(self, wire: Wire, read_timeout_s: float) -> None:
        self._wire = wire
        self._read_timeout_s = read_timeout_s

    async def send(self, request: Any) -> AioAWSResponse:
        url = request.url
        try:
            async with asyncio.timeout(self._read_timeout_s):
                answer = await self._wire.carry(request)
        except TimeoutError as error:
            raise ReadTimeoutError(endpoint_url=url, error=error) from error
        except Unconnected as error:
            key = ConnectionKey("simulator.invalid", 80, False, True, None, None, None)
            raise EndpointConnectionError(
                endpoint_url=url, error=ClientConnectorError(key, OSError(111, "refused"))
            ) from error
        except (Cut, Dropped) as error:
            raise ConnectionClosedError(endpoint_url=url, request=request, error=error) from error
        headers: Any = {name.lower(): value for name, value in answer.headers.items()}
        body = answer.body
        raw = _Raw(body if isinstance(body, bytes) else b"")
        return AioAWSResponse(url, answer.status, headers, raw)


class Wire:
    """From a signed request to the simulator's own handling of requests, over a link."""

    def __init__(self, link: Link, cloud: Cloud) -> None:
        self._link = link
        self._server = cloud.server
        self._ledger = cloud.world.ledger
        self._witness = cloud.witness

    async def carry(self, signed: Any) -> Response:
        """Have one request answered."""
        url = URL(signed.url, encoded=True)
        headers = CIMultiDict((name, _text(value)) for name, value in signed.headers.items())
        body = _bytes(signed.body)
        operation = _operation(headers, url)
        process = self._link.process.name
        attempt = self._witness.attempt(process, operation, body)

        async def read() -> bytes:
            return body

        async def serve() -> Response:
            request = Request(signed.method, url.raw_path, url.query, headers, read)
            accepted_before = len(self._ledger.after())
            try:
                answer = await self._server.answer(request)
            finally:
                if attempt is not None:  # Accepted or not, answered or not: the ledger tells.
                    self._witness.accepted(attempt, self._ledger.after(accepted_before))
            answered[0] = answer.status < 500
            return answer

        answered = [False]
        if attempt is not None:
            self._witness.unanswered.add(attempt)
        what = operation if attempt is None else f"{operation} {attempt.entry}.{attempt.part}"
        answer = await self._link.call(what, serve)
        if answered[0] and attempt is not None:
            self._witness.unanswered.discard(attempt)
        return answer


def _operation(headers: Mapping[str, str], url: URL) -> str:
    target = headers.get("X-Amz-Target")
    if target is not None:
        return target.partition(".")[2]
    return "SendMessage" if url.raw_path == "/participant/message" else url.raw_path


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body.encode() if isinstance(body, str) else bytes(body)
