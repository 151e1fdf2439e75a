"""An OpenTelemetry collector, as far as a test needs one: it takes OTLP over HTTP and keeps it."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span

KINDS = {Span.SPAN_KIND_CONSUMER: "consumer", Span.SPAN_KIND_PRODUCER: "producer"}


@dataclass(frozen=True)
class Seen:
    """A span as it came over the wire. Ids are lower-case hex; `parent_id` is empty for a root."""

    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    links: tuple[str, ...]
    attributes: Mapping[str, str | int]
    resource: Mapping[str, str | int]


@dataclass
class Collector:
    """What has arrived at `endpoint`, and `raw` as it came, for a search through all of it."""

    endpoint: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)

    def of_conversation(self, sid: str) -> list[Seen]:
        """The consumer spans of one conversation."""
        key = "messaging.message.conversation_id"
        return [span for span in self.spans if span.attributes.get(key) == sid]

    def below(self, span: Seen) -> list[Seen]:
        """The children of a span."""
        return [other for other in self.spans if other.parent_id == span.span_id]

    async def take(self, request: web.Request) -> web.Response:
        """POST /v1/traces."""
        body = await request.read()
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.raw.append(body)
        for batch in ExportTraceServiceRequest.FromString(body).resource_spans:
            resource = _plain(batch.resource.attributes)
            for scope in batch.scope_spans:
                self.spans += [_seen(span, resource) for span in scope.spans]
        answer = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=answer, content_type="application/x-protobuf")


@asynccontextmanager
async def collecting() -> AsyncIterator[Collector]:
    """A collector on a free port of the loopback."""
    collector = Collector()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/traces", collector.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.endpoint = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield collector
    finally:
        await runner.cleanup()


def _seen(span: Span, resource: Mapping[str, str | int]) -> Seen:
    return Seen(
        name=span.name,
        kind=KINDS.get(span.kind, "client"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        links=tuple(link.span_id.hex() for link in span.links),
        attributes=_plain(span.attributes),
        resource=resource,
    )


def _plain(pairs: list[KeyValue]) -> dict[str, str | int]:
    return {pair.key: pair.value.string_value or pair.value.int_value for pair in pairs}
