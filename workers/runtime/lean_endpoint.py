"""aiobotocore's endpoint with short cuts, for calls that are made all the time.

Most of what an SDK call costs is spent to build the same request again: parameters checked
against the model, the endpoint and the user agent worked out, a dozen hooks run. Here a specimen
that the SDK made once is filled in, sent on a connection of our own, and a good answer read as
JSON. The loop of retries, their conditions, delays and quota and the parsing of refusals stay the
SDK's: they are inherited. Through a proxy, aiohttp sends.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import aiohttp
from aiobotocore.awsrequest import AioAWSResponse
from aiobotocore.endpoint import AioEndpoint, convert_to_response_dict
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ProxyConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.handlers import add_retry_headers
from botocore.httpsession import mask_proxy_url
from botocore.parsers import ResponseParserError
from pydantic_core import from_json

from workers.runtime.lean_connection import HTTP_OK, Reply
from workers.runtime.lean_pool import Pool
from workers.runtime.lean_specimen import Specimen

HTTP_REDIRECT = 300

Answer = tuple[AioAWSResponse, dict[str, Any]]

# The published types leave out what is protected, and we inherit that.
_Endpoint: Any = AioEndpoint


@dataclass(frozen=True, slots=True)
class _Way:
    """How to reach a URL, found out once: the SDK takes it apart for each request, 6 % of all CPU.

    `pool` is None where aiohttp has to send: through a proxy, or on a connector made to order.
    """

    pool: Pool | None
    host: str
    path: str
    proxy_url: str | None
    proxy_headers: dict[str, str]


class LeanEndpoint(_Endpoint):  # type: ignore[misc]
    """Sends specimens: `make_request(model, {"specimen", "body", "context"})`.

    `specimen` is awaited for every attempt: a retry may need other credentials.
    """

    _ways: dict[str, _Way]

    @classmethod
    def beside(cls, endpoint: Any) -> LeanEndpoint:
        """One that shares hooks, parsers and the HTTP session with a client's own."""
        lean = cls(
            host=endpoint.host,
            endpoint_prefix=endpoint._endpoint_prefix,
            event_emitter=endpoint._event_emitter,
            response_parser_factory=endpoint._response_parser_factory,
            http_session=endpoint.http_session,
        )
        lean._ways = {}
        return lean

    async def create_request(
        self,
        params: Mapping[str, Any],
        operation_model: Any = None,  # noqa: ARG002 - the SDK's signature
    ) -> AWSPreparedRequest:
        """The request of one attempt, signed."""
        specimen: Specimen = await params["specimen"]()
        body: bytes = params["body"]
        headers = cast("Any", specimen.headers(body))
        request: Any = AWSPreparedRequest(specimen.method, specimen.url, headers, body, False)
        request.context = params["context"]
        add_retry_headers(request)
        return cast("AWSPreparedRequest", request)

    async def _get_response(
        self,
        request: AWSPreparedRequest,
        operation_model: Any,
        context: Mapping[str, Any],  # noqa: ARG002 - the SDK's signature
    ) -> tuple[Answer | None, Exception | None]:
        """The answer, or why there is none: which of the two is retried is the SDK's to say."""
        try:
            answer = await self._send(request)
            content: bytes = await cast("Any", answer.content)
            if answer.status_code == HTTP_OK:
                return (answer, _json_object(content)), None
            return (answer, await self._parsed(answer, operation_model)), None
        except Exception as error:  # noqa: BLE001 - as the SDK does
            return None, error

    async def _send(self, request: AWSPreparedRequest) -> AioAWSResponse:
        way = self._ways.get(request.url)
        if way is None:
            way = self._ways[request.url] = self._way_to(request.url)
        try:
            if way.pool is not None:
                reply = await way.pool.exchange(_on_the_wire(request, way))
            else:
                reply = await self._by_aiohttp(request, way)
        except Exception as error:
            raise _sdk_error(error, request, way.proxy_url) from error
        headers: Any = {}
        if reply.status != HTTP_OK:
            headers = {_text(name).lower(): _text(value) for name, value in reply.headers}
        return AioAWSResponse(request.url, reply.status, headers, cast("Any", reply))

    def _way_to(self, url: str) -> _Way:
        config, parts = self.http_session._proxy_config, urlsplit(url)
        proxy_url = config.proxy_url_for(url)
        is_direct = proxy_url is None and Pool.fits(self.http_session)
        return _Way(
            pool=Pool(self.http_session, url) if is_direct else None,
            host=parts.netloc,
            path=parts.path or "/",
            proxy_url=proxy_url,
            proxy_headers=config.proxy_headers_for(url),
        )

    async def _by_aiohttp(self, request: AWSPreparedRequest, way: _Way) -> Reply:
        """By aiohttp itself: the SDK's way around it costs half as much again."""
        session = await self.http_session._get_session(way.proxy_url)
        response = await session.request(
            request.method,
            url=request.url,
            headers={**request.headers, "accept-encoding": "identity"},
            data=request.body,
            proxy=way.proxy_url,
            proxy_headers=way.proxy_headers,
        )
        return Reply(response.status, list(response.raw_headers), await response.read())

    async def _parsed(self, answer: AioAWSResponse, operation_model: Any) -> dict[str, Any]:
        raw = await convert_to_response_dict(answer, operation_model)
        protocol = operation_model.service_model.resolved_protocol
        parser = self._response_parser_factory.create_parser(protocol)
        parsed: dict[str, Any] = await parser.parse(raw, operation_model.output_shape)
        await self._add_modeled_error_fields(raw, parsed, operation_model, parser)
        return parsed

    async def _needs_retry(
        self,
        attempts: int,
        operation_model: Any,
        request_dict: dict[str, Any],
        response: Answer | None = None,
        caught_exception: Exception | None = None,
    ) -> bool:
        if response is not None and response[0].status_code < HTTP_REDIRECT:
            return False
        needed: bool = await super()._needs_retry(
            attempts, operation_model, request_dict, response, caught_exception
        )
        return needed


def _on_the_wire(request: AWSPreparedRequest, way: _Way) -> bytes:
    """The whole request.

    Raises:
        ValueError: a header has an end of line in it, which would begin another header.
    """
    body = cast("bytes", request.body)
    lines = [
        f"{request.method} {way.path} HTTP/1.1",
        f"host: {way.host}",
        *(f"{name}: {value}" for name, value in request.headers.items()),
        "accept: */*",
        "accept-encoding: identity",
        f"content-length: {len(body)}",
    ]
    head = "\r\n".join(lines)
    if head.count("\n") != len(lines) - 1 or head.count("\r") != len(lines) - 1:
        raise ValueError("an end of line in a header")
    return b"%b\r\n\r\n%b" % (head.encode(), body)


def _text(raw: bytes) -> str:
    return raw.decode(errors="surrogateescape")


def _json_object(content: bytes) -> dict[str, Any]:
    """The answer's JSON. botocore takes what is none for an answer with nothing in it.

    Raises:
        ResponseParserError: it is no JSON object. An error is no empty queue.
    """
    try:
        parsed = from_json(content or b"{}")
    except ValueError:
        # A third of the time of the standard library's, which takes a little more than it does.
        try:
            parsed = json.loads(content)
        except ValueError as error:
            raise ResponseParserError("the answer is no JSON") from error
    if not isinstance(parsed, dict):
        raise ResponseParserError("the answer is no JSON object")
    return parsed


# What the SDK's HTTP session makes of aiohttp's errors, the first that fits.
_SDK_ERRORS: tuple[tuple[tuple[type[Exception], ...], Any], ...] = (
    ((aiohttp.ClientSSLError, ssl.SSLError), SSLError),
    ((aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError), ProxyConnectionError),
    (
        (
            aiohttp.ServerDisconnectedError,
            aiohttp.ClientPayloadError,
            aiohttp.http_exceptions.BadStatusLine,
        ),
        ConnectionClosedError,
    ),
    ((aiohttp.ConnectionTimeoutError,), ConnectTimeoutError),
    ((aiohttp.ServerTimeoutError,), ReadTimeoutError),
    ((aiohttp.ClientConnectionError, socket.gaierror), EndpointConnectionError),
    ((asyncio.TimeoutError,), ReadTimeoutError),
    ((Exception,), HTTPClientError),
)


def _sdk_error(
    error: Exception, request: AWSPreparedRequest, proxy_url: str | None
) -> HTTPClientError:
    kind: Any = next(kind for kinds, kind in _SDK_ERRORS if isinstance(error, kinds))
    return cast(
        "HTTPClientError",
        kind(
            error=error,
            request=request,
            endpoint_url=request.url,
            proxy_url=mask_proxy_url(proxy_url) if proxy_url else None,
        ),
    )
