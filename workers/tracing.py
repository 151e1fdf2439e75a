"""What the workers know of tracing: a narrow protocol, and nothing behind it unless it is on.

The runtime opens a span for each delivery that it handles, the clients one for each AWS call. Who
turns them into OpenTelemetry is `workers.otlp`, which is imported only when it is asked for.

Context travels as W3C Trace Context: a `traceparent`, `00-<trace id>-<parent span id>-<flags>`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Protocol

TRACEPARENT: Final = "traceparent"
NO_HEADERS: Final[Mapping[str, str]] = {}

# W3C Trace Context, "traceparent Header"; all zeros and version ff are invalid.
_TRACEPARENT = re.compile(r"(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}")
# X-Ray Developer Guide, "Tracing header". AWS services put it into AWSTraceHeader.
_XRAY_ROOT = re.compile(r"Root=1-([\da-f]{8})-([\da-f]{24})(?:;|$)")
_XRAY_PARENT = re.compile(r"Parent=([\da-f]{16})(?:;|$)")


class Span(Protocol):
    """One stretch of work, open while its `with` block runs."""

    def settled(self, outcome: str, reason: str) -> None:
        """How it went, in the words of the metrics. Never user data."""
        ...

    def failed(self, error_type: str) -> None:
        """It failed, with a stable word: an error's code or type. Never an error's text."""
        ...


class Tracer(Protocol):
    """Opens spans. They nest as the code does, in each task."""

    def processing(
        self, queue: str, message_id: str = "", parent: str = ""
    ) -> AbstractContextManager[Span]:
        """A delivery in hand, or without an id a batch of them.

        `parent` is the traceparent that it brought, or empty. The span ends with what the log
        context of its task then says of the delivery.
        """
        ...

    def calling(
        self, service: str, operation: str, destination: str = ""
    ) -> AbstractContextManager[Span]:
        """One AWS API call. `destination` names the queue when it sends a message of ours."""
        ...

    def link(self, parent: str) -> None:
        """Link the span that is open now to another one, given by its traceparent or empty."""
        ...

    def headers(self) -> Mapping[str, str]:
        """What a message carries on from the span that is open now; nothing without one."""
        ...

    def watch(self, client: Any) -> None:
        """Open a span for each call of a botocore client that is made under one of ours.

        For clients whose calls do not pass `calling`: the tables'.
        """
        ...


class _NoSpan:
    def settled(self, outcome: str, reason: str) -> None:
        pass

    def failed(self, error_type: str) -> None:
        pass

    def __enter__(self) -> Span:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


_NO_SPAN: Final = _NoSpan()


class NoTracer:
    """Opens nothing: what there is when tracing is off."""

    def processing(
        self,
        queue: str,  # noqa: ARG002 - the protocol's
        message_id: str = "",  # noqa: ARG002
        parent: str = "",  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Nothing."""
        return _NO_SPAN

    def calling(
        self,
        service: str,  # noqa: ARG002 - the protocol's
        operation: str,  # noqa: ARG002
        destination: str = "",  # noqa: ARG002
    ) -> AbstractContextManager[Span]:
        """Nothing."""
        return _NO_SPAN

    def link(self, parent: str) -> None:
        """Nothing."""

    def headers(self) -> Mapping[str, str]:
        """Nothing."""
        return NO_HEADERS

    def watch(self, client: Any) -> None:
        """Nothing."""


NO_TRACER: Final = NoTracer()


def parent_of(traceparent: object, xray_header: str | None) -> str:
    """The traceparent that a message brought: its attribute, which wins, or AWS's own header.

    Empty when there is none, or none that is valid: then the message begins a trace.
    """
    if isinstance(traceparent, str) and _TRACEPARENT.fullmatch(traceparent):
        return traceparent
    return _from_xray(xray_header) if xray_header else ""


def _from_xray(header: str) -> str:
    root, parent = _XRAY_ROOT.search(header), _XRAY_PARENT.search(header)
    if root is None or parent is None:
        return ""
    flags = "00" if "Sampled=0" in header else "01"
    return f"00-{root[1]}{root[2]}-{parent[1]}-{flags}"
