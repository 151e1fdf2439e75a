"""HTTP proxies before an emulator's endpoint, told to the workers by the standard variables."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Self

from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

from infra.local.endpoints import LocalAws
from infra.local.process import LOOPBACK

MAX_REQUEST_BYTES = 20 * 1024 * 1024
_NOT_PASSED_ON = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said."""

    status: int
    body: bytes
    headers: Mapping[str, str]


class EndpointProxy:
    """Passes every request of one service on; an async context manager.

    `service_id` is botocore's ("SQS"). What a subclass sees or does is in `serve`.
    """

    def __init__(self, aws: LocalAws, service_id: str) -> None:
        self.url = ""
        self._aws = aws
        self._service_id = service_id
        self._upstream = aws.url_of(service_id).rstrip("/")
        self._open = AsyncExitStack()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        session = ClientSession(
            connector=TCPConnector(limit=0), auto_decompress=False, timeout=ClientTimeout(total=60)
        )
        self._session = await self._open.enter_async_context(session)
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._respond)
        # A client that hangs up cancels its handler: that is how the proxy notices.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, LOOPBACK, 0).start()
        self.url = f"http://{LOOPBACK}:{runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @property
    def aws(self) -> LocalAws:
        """The same endpoints, this service through the proxy."""
        name = self._service_id.upper().replace(" ", "_")
        return replace(self._aws, overrides={**self._aws.overrides, name: self.url})

    async def serve(self, request: web.Request, operation: str, body: bytes) -> Answer:
        """Answer one request. `operation` is the word after the dot in X-Amz-Target."""
        del operation
        return await self.pass_on(request.method, request.path_qs, request.headers, body)

    async def pass_on(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Ask the endpoint."""
        if self._session is None:
            raise RuntimeError("the proxy is not running")
        async with self._session.request(
            method,
            self._upstream + path,
            headers=_passed_on(headers),
            data=body,
            allow_redirects=False,
        ) as answer:
            return Answer(answer.status, await answer.read(), _passed_on(answer.headers))

    async def deliver(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """Bring the answer to the client."""
        del request
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").partition(".")[2]
        answer = await self.serve(request, operation, body)
        return await self.deliver(request, answer)


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
