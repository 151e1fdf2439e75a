"""aiobotocore's endpoint with short cuts, for calls that are made all the time.

Most of what an SDK call costs is spent to build the same request again: parameters checked
against the model, the endpoint and the user agent worked out, a dozen hooks run. Here a specimen
that the SDK made once is filled in, sent by aiohttp, and a good answer read as JSON. The loop of
retries, their conditions, delays and quota, the connections and the parsing of refusals stay the
SDK's: they are inherited.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from typing import Any, cast

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

from workers.runtime.lean_specimen import Specimen

HTTP_OK = 200
HTTP_REDIRECT = 300

Answer = tuple[AioAWSResponse, dict[str, Any]]

# The published types leave out what is protected, and we inherit that.
_Endpoint: Any = AioEndpoint


class LeanEndpoint(_Endpoint):  # type: ignore[misc]
    """Sends specimens: `make_request(model, {"specimen", "body", "context"})`.

    `specimen` is awaited for every attempt: a retry may need other credentials.
    """

    _proxies: dict[str, tuple[str | None, dict[str, str]]]

    @classmethod
    def beside(cls, endpoint: Any) -> LeanEndpoint:
        """One that shares connections, hooks and parsers with a client's own."""
        lean = cls(
            host=endpoint.host,
            endpoint_prefix=endpoint._endpoint_prefix,
            event_emitter=endpoint._event_emitter,
            response_parser_factory=endpoint._response_parser_factory,
            http_session=endpoint.http_session,
        )
        lean._proxies = {}
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
        """By aiohttp itself: the SDK's way around it costs half as much again."""
        proxy_url, proxy_headers = self._proxy_of(request.url)
        try:
            session = await self.http_session._get_session(proxy_url)
            response = await session.request(
                request.method,
                url=request.url,
                headers={**request.headers, "accept-encoding": "identity"},
                data=request.body,
                proxy=proxy_url,
                proxy_headers=proxy_headers,
            )
            await response.read()
        except Exception as error:
            raise _sdk_error(error, request, proxy_url) from error
        headers: Any = {}
        if response.status != HTTP_OK:
            headers = {name.lower(): value for name, value in response.headers.items()}
        return AioAWSResponse(request.url, response.status, headers, response)

    def _proxy_of(self, url: str) -> tuple[str | None, dict[str, str]]:
        """Looked up once: the SDK takes both URLs apart for each request, 6 % of all CPU."""
        if url not in self._proxies:
            config = self.http_session._proxy_config
            self._proxies[url] = config.proxy_url_for(url), config.proxy_headers_for(url)
        return self._proxies[url]

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


def _json_object(content: bytes) -> dict[str, Any]:
    """The answer's JSON. botocore takes what is none for an answer with nothing in it.

    Raises:
        ResponseParserError: it is no JSON object. An error is no empty queue.
    """
    try:
        parsed = json.loads(content or b"{}")
    except ValueError as error:
        raise ResponseParserError("the answer is no JSON") from error
    if not isinstance(parsed, dict):
        raise ResponseParserError("the answer is no JSON object")
    return parsed


# What the SDK's HTTP session makes of aiohttp's errors, the first that fits.
_SDK_ERRORS: tuple[tuple[tuple[type[Exception], ...], Any], ...] = (
    ((aiohttp.ClientSSLError,), SSLError),
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
