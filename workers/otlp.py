"""Spans as OpenTelemetry has them, sent to a collector by OTLP over HTTP.

Imported only when tracing is on: it brings the OpenTelemetry SDK, which reads its own OTEL_*
variables (endpoint, headers, sampler, resource). Names and attributes follow the semantic
conventions for messaging (AWS SQS) and for RPC (AWS SDK). No attribute holds user data, and no
exception is recorded: its text could.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import Any, Final

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from structlog.contextvars import bind_contextvars, get_contextvars

from workers.log import mask
from workers.tracing import NO_HEADERS, TRACEPARENT, Span

log = structlog.get_logger(__name__)

SERVICE: Final = "switchboard-worker"
FLUSH_S: Final = 5.0
"""How long the last spans may take to leave at the end; the drain has its own time."""

# What the log lines of a delivery carry, its span carries too.
_FROM_LOG_CONTEXT: Final = {
    "conversation": "messaging.message.conversation_id",
    "contact_id": "switchboard.contact_id",
    "event_id": "switchboard.event_id",
    "handler": "switchboard.event_class",
    "receive_count": "switchboard.receive_count",
    "batch_items": "messaging.batch.message_count",
}
_EXPECTED: Final = frozenset({"ConditionalCheckFailedException"})
"""An answer, not a failure: conditional writes are how workers agree."""

_PROPAGATOR: Final = TraceContextTextMapPropagator()


class _OpenSpan:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def settled(self, outcome: str, reason: str) -> None:
        self._span.set_attribute("switchboard.outcome", outcome)
        if reason:
            self._span.set_attribute("switchboard.reason", reason)

    def failed(self, error_type: str) -> None:
        _fail(self._span, error_type)


class OtelTracer:
    """The workers' `Tracer` on an OpenTelemetry provider."""

    def __init__(self, provider: trace.TracerProvider) -> None:
        self._tracer = provider.get_tracer("switchboard.workers")

    @contextmanager
    def processing(self, queue: str, message_id: str = "", parent: str = "") -> Iterator[Span]:
        """A consumer span: child of what the message brought, and linked to it.

        The link is what the conventions ask for; the parent puts both sides into one trace.
        """
        came_from = _context_of(parent)
        creation = trace.get_current_span(came_from).get_span_context()
        with self._tracer.start_as_current_span(
            f"process {queue}",
            came_from,
            trace.SpanKind.CONSUMER,
            attributes={
                **_messaging(queue, "process"),
                **({"messaging.message.id": message_id} if message_id else {}),
            },
            links=[trace.Link(creation)] if creation.is_valid else None,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            bind_contextvars(trace_id=trace.format_trace_id(span.get_span_context().trace_id))
            try:
                yield _OpenSpan(span)
            finally:
                span.set_attributes(_from_log_context())

    @contextmanager
    def calling(self, service: str, operation: str, destination: str = "") -> Iterator[Span]:
        """A client span; a producer's when it sends a message of ours to `destination`."""
        kind, name = trace.SpanKind.CLIENT, f"{service}/{operation}"
        attributes = _rpc(service, operation)
        if destination:
            kind, name = trace.SpanKind.PRODUCER, f"send {destination}"
            attributes |= _messaging(destination, "send")
        with self._tracer.start_as_current_span(
            name,
            kind=kind,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield _OpenSpan(span)

    def link(self, parent: str) -> None:
        """Link the span that is open now to that of `parent`."""
        linked = trace.get_current_span(_context_of(parent)).get_span_context()
        if linked.is_valid:
            trace.get_current_span().add_link(linked)

    def headers(self) -> Mapping[str, str]:
        """The traceparent of the span that is open now."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier)
        # No tracestate: it is other systems' baggage, of any length.
        return {TRACEPARENT: carrier[TRACEPARENT]} if TRACEPARENT in carrier else NO_HEADERS

    def watch(self, client: Any) -> None:
        """Open a client span for each call of a botocore client that is made under a span."""
        service = client.meta.service_model.service_name
        events = client.meta.events
        events.register(f"before-call.{service}", self._call_began)
        events.register(f"after-call.{service}", _call_ended)
        events.register(f"after-call-error.{service}", _call_broke)

    def _call_began(self, *, model: Any, context: dict[str, Any], **_: Any) -> None:
        if not trace.get_current_span().get_span_context().is_valid:
            return  # Nobody's work: a look at a pause, a page of the operator's.
        service = model.service_model.service_name
        context["switchboard_span"] = self._tracer.start_span(
            f"{service}/{model.name}",
            kind=trace.SpanKind.CLIENT,
            attributes=_rpc(service, model.name),
        )


@asynccontextmanager
async def exporting() -> AsyncIterator[OtelTracer]:
    """A tracer whose spans go where the OTEL_* variables say, in batches, from a thread."""
    provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield OtelTracer(provider)
    finally:
        await _shut_down(provider)


def _resource() -> Resource:
    resource = Resource.create({SERVICE_VERSION: version("switchboard-contact-centre")})
    if str(resource.attributes[SERVICE_NAME]).startswith("unknown_service"):
        return resource.merge(Resource({SERVICE_NAME: SERVICE}))
    return resource


async def _shut_down(provider: TracerProvider) -> None:
    """Send what is left. A collector that is away holds nobody's exit up: the thread is a daemon's.

    `asyncio.to_thread` would not do: the interpreter waits for its threads.
    """
    loop, done = asyncio.get_running_loop(), asyncio.Event()

    def shut_down() -> None:
        provider.shutdown()
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)

    threading.Thread(target=shut_down, name="spans", daemon=True).start()
    try:
        async with asyncio.timeout(FLUSH_S):
            await done.wait()
    except TimeoutError:
        log.warning("spans_left_behind", waited_s=FLUSH_S)


def _context_of(traceparent: str) -> otel_context.Context:
    carrier = {TRACEPARENT: traceparent} if traceparent else {}
    return _PROPAGATOR.extract(carrier, otel_context.Context())


def _messaging(queue: str, operation: str) -> dict[str, str]:
    return {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": queue,
        "messaging.operation.name": operation,
        "messaging.operation.type": operation,
    }


def _rpc(service: str, operation: str) -> dict[str, str]:
    return {"rpc.system": "aws-api", "rpc.service": service, "rpc.method": operation}


def _from_log_context() -> dict[str, str | int]:
    bound = get_contextvars()
    found = {_FROM_LOG_CONTEXT[key]: bound[key] for key in _FROM_LOG_CONTEXT if bound.get(key)}
    return {
        key: value if isinstance(value, int) else mask(str(value)) for key, value in found.items()
    }


def _fail(span: trace.Span, error_type: str) -> None:
    span.set_attribute("error.type", error_type)
    if error_type not in _EXPECTED:
        span.set_status(trace.StatusCode.ERROR)


def _call_ended(*, parsed: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    span: trace.Span | None = context.pop("switchboard_span", None)
    if span is None:
        return
    code = parsed.get("Error", {}).get("Code")
    if code:
        _fail(span, str(code))
    span.end()


def _call_broke(*, exception: BaseException, context: dict[str, Any], **_: Any) -> None:
    span: trace.Span | None = context.pop("switchboard_span", None)
    if span is not None:
        _fail(span, type(exception).__name__)
        span.end()
