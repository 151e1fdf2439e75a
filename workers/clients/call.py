"""One AWS call as all our clients make it: rate, deadline, count, and our errors.

Knows no service. What a failure means is in `workers.clients.errors`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from workers.clients.errors import SPEND_LIMIT, is_throttle, translate
from workers.errors import QuotaFull, SwitchboardError, Throttled
from workers.limits import Bucket, Limits, Priority
from workers.tracing import NO_TRACER, Span, Tracer

Answered = TypeVar("Answered")


FORESEEN_S: Final = 10.0
"""How long what a bucket foresees is believed. It reckons with the worker's share, which heartbeats
change every few seconds, and of which a worker that has just begun has next to none."""

_drawn_on: ContextVar[Bucket | None] = ContextVar("drawn_on", default=None)


class _HasEvents(Protocol):
    """An SDK client, as far as its hooks go."""

    @property
    def meta(self) -> Any:
        """Holds `events`."""
        ...


def _learn(response: Any = None, **_: Any) -> None:
    """Called by the SDK after each attempt. Returns nothing: whether to repeat is not our say."""
    bucket = _drawn_on.get()
    if bucket is not None and response is not None and is_throttle(response[1]):
        bucket.refused()


class ApiMeter(Protocol):
    """Where calls are counted."""

    def called(self, api: str, result: str) -> None:
        """Count one call of `api`; `result` is "ok" or the name of the error in words."""
        ...


@dataclass(frozen=True, slots=True)
class Api:
    """One operation of one service.

    `bucket` names the quota it draws on; empty where none is known or `Caller.admit` was called
    beforehand. `is_repeatable` is False for a send without an idempotency token. `timeout_s`
    bounds the whole call with the SDK's own retries, and so what a session's lease must outlive.
    `destination` names the queue that a message of ours is sent to.
    """

    service: str
    operation: str
    bucket: str = ""
    is_repeatable: bool = True
    timeout_s: float = 15.0
    priority: Priority = Priority.NORMAL
    destination: str = ""


class Caller:
    """Makes calls. One for the process, shared by all clients.

    `max_wait_s` is how long a call may wait for our own rate limit before it is `Throttled`.
    """

    def __init__(
        self,
        meter: ApiMeter,
        limits: Limits,
        *,
        max_wait_s: float = 3.0,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        self.limits = limits
        self.tracer = tracer
        self._meter = meter
        self._max_wait_s = max_wait_s

    async def admit(self, api: Api, bucket: Bucket, n: float = 1) -> None:
        """Wait for `n` tokens of `bucket`. Raises `Throttled`, which AWS never saw."""
        if not await bucket.take(n, api.priority, max_wait_s=self._max_wait_s):
            self.count(api, "held_back")
            foreseen_s = bucket.wait_s(n, api.priority)
            raise Throttled("own_rate_limit", after_s=min(foreseen_s, FORESEEN_S))

    async def call(
        self,
        api: Api,
        request: Callable[[], Awaitable[Answered]],
        admitted_by: Bucket | None = None,
    ) -> Answered:
        """Make one call, at its rate, and count it.

        `admitted_by` is the bucket that `admit` was called with before; it learns from a refusal.

        Raises:
            Throttled: by AWS, or by our own rate limit before it.
            SwitchboardError: what the failure means. It is raised outside the handler of AWS's
                own exception, whose text may quote a number or a body: no traceback shows that.
        """
        if api.bucket:
            admitted_by = self.limits.bucket(api.bucket)
            await self.admit(api, admitted_by)
        drawn = _drawn_on.set(admitted_by)
        try:
            with self.tracer.calling(api.service, api.operation, api.destination) as span:
                return await self._made(api, request, admitted_by, span)
        finally:
            _drawn_on.reset(drawn)

    async def _made(
        self,
        api: Api,
        request: Callable[[], Awaitable[Answered]],
        admitted_by: Bucket | None,
        span: Span,
    ) -> Answered:
        try:
            async with asyncio.timeout(api.timeout_s):
                answer = await request()
        except Exception as failure:
            error = translate(api.service, api.operation, failure, is_repeatable=api.is_repeatable)
            if error is None:
                span.failed(type(failure).__name__)
                raise
            self.count(api, _result(error), getattr(failure, "response", None))
            span.failed(_result(error))
            if isinstance(error, Throttled) and admitted_by is not None:
                admitted_by.refused()
        else:
            self.count(api, "ok", answer)
            return answer
        raise error

    def watch(self, client: _HasEvents, service: str) -> None:
        """See the refusals too that the SDK repeats by itself and never tells about."""
        client.meta.events.register(f"needs-retry.{service}", _learn)

    def count(self, api: Api, result: str, answer: Any = None) -> None:
        """Count one call, and what the SDK repeated by itself before it."""
        # The SDK repeats idempotent calls by itself and tells how often only here.
        metadata = answer.get("ResponseMetadata", {}) if isinstance(answer, dict) else {}
        for _ in range(int(metadata.get("RetryAttempts", 0))):
            self._meter.called(api.operation, "repeated")
        self._meter.called(api.operation, result)


_RESULTS = {
    "Throttled": "throttled",
    "QuotaFull": "quota_full",
    "TransientError": "transient",
    "InDoubt": "in_doubt",
    "OptedOut": "opted_out",
    "ContactEnded": "contact_ended",
    "TokenRefused": "token_refused",
    "AccountProblem": "account_problem",
    "PermanentError": "refused",
}


def _result(error: SwitchboardError) -> str:
    if isinstance(error, QuotaFull) and error.reason == SPEND_LIMIT:
        return "spend_limit"
    return _RESULTS[type(error).__name__]
