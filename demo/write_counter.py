"""Counts writes where they are billed: an HTTP proxy in front of the DynamoDB endpoint.

The workers are told of it by the standard `AWS_ENDPOINT_URL_DYNAMODB`, and nothing else of them
changes. Every item written counts once, refused conditions too: DynamoDB bills those like any
other write. Reads are counted apart.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Self

from aiohttp import ClientSession, TCPConnector, web

from infra.local.endpoints import LocalAws
from infra.local.process import LOOPBACK

MAX_REQUEST_BYTES = 20 * 1024 * 1024
_ONE_WRITE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_NOT_PASSED_ON = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
)


class WriteCounter:
    """The proxy; an async context manager. `calls` counts operations by name, as they come in."""

    def __init__(self, aws: LocalAws) -> None:
        self.calls: Counter[str] = Counter()
        self.writes = 0
        self.url = ""
        self._upstream = aws.url_of("DynamoDB").rstrip("/")
        self._aws = aws
        self._open = AsyncExitStack()
        self._session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = TCPConnector(limit=0)
        session = ClientSession(connector=connector, auto_decompress=False)
        self._session = await self._open.enter_async_context(session)
        app = web.Application(client_max_size=MAX_REQUEST_BYTES)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        self._open.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://{LOOPBACK}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    @property
    def reads(self) -> int:
        """Read requests so far."""
        return sum(count for name, count in self.calls.items() if name in _READS)

    @property
    def aws(self) -> LocalAws:
        """The same endpoints, DynamoDB through the proxy."""
        return replace(self._aws, overrides={**self._aws.overrides, "DYNAMODB": self.url})

    async def _pass_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        operation = request.headers.get("X-Amz-Target", "").partition(".")[2]
        self.calls[operation] += 1
        self.writes += writes_of(operation, body)
        if self._session is None:
            raise RuntimeError("the counter is not running")
        async with self._session.request(
            request.method,
            self._upstream + request.path_qs,
            headers=_passed_on(request.headers),
            data=body,
            allow_redirects=False,
        ) as answer:
            content = await answer.read()
            return web.Response(
                status=answer.status, body=content, headers=_passed_on(answer.headers)
            )


def writes_of(operation: str, body: bytes) -> int:
    """How many items one request writes."""
    if operation in _ONE_WRITE:
        return 1
    match operation:
        case "BatchWriteItem":
            tables: dict[str, list[Any]] = json.loads(body)["RequestItems"]
            return sum(len(requests) for requests in tables.values())
        case "TransactWriteItems":
            return sum("ConditionCheck" not in item for item in json.loads(body)["TransactItems"])
        case _:
            return 0


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _NOT_PASSED_ON}
