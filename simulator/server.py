"""One HTTP server for all services: each request read, checked, carried out, recorded, answered.

The order is the promise: a request is in the ledger before its client can know that it was
accepted, and after it has been carried out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from aiohttp import web
from botocore.model import OperationModel
from multidict import MultiMapping

from simulator.control import FrameControl
from simulator.faults import Plan, refusal_parts
from simulator.gates import Hold
from simulator.ledger import Outcome
from simulator.rates import RateLimiter
from simulator.request_reader import read_params
from simulator.response_writer import CORS, write_answer, write_error
from simulator.services import Service
from simulator.validation import find_problems
from simulator.wire import AwsError, Call, Router, Target, app_name, credential_scope
from simulator.world import World

log = logging.getLogger(__name__)

_MAX_BODY_BYTES = 8 * 1024 * 1024


class Dropped(Exception):  # noqa: N818 - a decision, not an error
    """The connection is to be cut without an answer."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, whatever brought it: a socket, or a caller in this process.

    `path` is as it was sent, still escaped and without the query.
    """

    method: str
    path: str
    query: MultiMapping[str]
    headers: Mapping[str, str]
    read: Callable[[], Awaitable[bytes]]


class Server:
    """The services behind one address."""

    def __init__(self, world: World, services: Sequence[Service]) -> None:
        self._world = world
        self._services = {service.name: service for service in services}
        self._router = Router(tuple(self._services))
        self._rates = RateLimiter(world.clock)

    def application(self) -> web.Application:
        """Control routes and raw routes first; every other path is an AWS operation."""
        app = web.Application(client_max_size=_MAX_BODY_BYTES)
        services = tuple(self._services.values())
        app.add_routes(FrameControl(self._world, services).routes())
        for service in services:
            app.add_routes(service.control_routes())
            app.add_routes(service.raw_routes())
        app.router.add_route("OPTIONS", "/{path:.*}", _preflight)
        app.router.add_route("*", "/{path:.*}", self.handle)
        return app

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one AWS request that came over a socket."""
        path = request.raw_path.split("?")[0]
        try:
            return await self.answer(
                Request(request.method, path, request.query, request.headers, request.read)
            )
        except Dropped:
            return _cut(request)

    async def answer(self, request: Request) -> web.Response:
        """Answer one AWS request.

        Raises:
            Dropped: the client is to get no answer.
        """
        request_id = self._world.new_id()
        received_at = self._world.clock.now()
        operation: OperationModel | None = None
        try:
            target = self._router.find(request.method, request.path, request.headers)
            operation = target.operation
            call = await self._read(request, target, request_id, received_at)
            return write_answer(operation, await self._serve(call, operation), request_id)
        except AwsError as error:
            return write_error(operation, error, request_id)
        except Dropped:
            raise
        except Exception as exc:
            log.exception("request_failed", extra={"error": type(exc).__name__})
            failure = AwsError("InternalFailure", "The simulator failed; see its log", 500)
            return write_error(operation, failure, request_id)

    async def _read(
        self, request: Request, target: Target, request_id: str, received_at: datetime
    ) -> Call:
        headers = request.headers
        service = self._services[target.service]
        if service.is_signed and "Authorization" not in headers:
            message = "Missing Authentication Token"
            raise AwsError("MissingAuthenticationTokenException", message, 403)
        unread = Call(
            service=target.service,
            operation=target.operation.name,
            params={},
            headers=headers,
            app=app_name(headers),
            region=credential_scope(headers)[0] or self._world.settings.region,
            request_id=request_id,
            received_at=received_at,
        )
        try:
            params = read_params(target, request.query, headers, await request.read())
        except AwsError as error:
            self._world.ledger.refuse(unread, error)
            raise
        return replace(unread, params=params)

    async def _serve(self, call: Call, operation: OperationModel) -> dict[str, object]:
        plan = self._world.faults.plan(call)
        try:
            await self._before(plan, call)
            self._check(call, operation)
            result = await self._services[call.service].dispatch(call)
        except AwsError as error:
            self._world.ledger.refuse(call, error)
            raise
        await self._after(plan, call, result)
        return result

    async def _before(self, plan: Plan, call: Call) -> None:
        if plan.delay_before_ms:
            await asyncio.sleep(plan.delay_before_ms / 1000)
        if plan.before == "hang":
            await asyncio.Event().wait()
        if plan.before is not None:
            raise self._ordered_error(plan.before, call)

    def _ordered_error(self, action: str, call: Call) -> AwsError:
        errors = self._services[call.service].errors
        refusal = refusal_parts(action)
        if refusal is not None:
            code, reason = refusal
            fields = {"Reason": reason} if reason else {}
            return AwsError(code, "Refused by order", errors.status_of(code), **fields)
        match action:
            case "throttle":
                return errors.throttled()
            case "error_503":
                return AwsError("ServiceUnavailable", "Service Unavailable", 503)
            case _:
                return errors.internal(call.request_id)

    def _check(self, call: Call, operation: OperationModel) -> None:
        service = self._services[call.service]
        rate = service.rate(call.operation) if self._world.knobs.frame.rates else None
        if rate is not None and not self._rates.take(rate):
            raise service.errors.throttled()
        problems = find_problems(operation, call.params)
        if problems:
            raise service.errors.invalid(problems)

    async def _after(self, plan: Plan, call: Call, result: dict[str, object]) -> None:
        hold = self._world.gates.catch(call)
        seq = self._world.ledger.accept(call, result, _outcome(plan, hold))
        if hold is not None:
            await self._world.gates.hold(hold, seq)
        if plan.delay_after_ms:
            await asyncio.sleep(plan.delay_after_ms / 1000)
        if plan.after == "drop_after_doing":
            raise Dropped
        if plan.after is not None:
            raise self._services[call.service].errors.internal(call.request_id)


def _outcome(plan: Plan, hold: Hold | None) -> Outcome:
    if hold is not None:
        return "held"
    match plan.after:
        case "drop_after_doing":
            return "dropped"
        case None:
            return "answered"
        case _:
            return "failed_after"


def _cut(request: web.Request) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(
        headers={
            **CORS,
            "Access-Control-Allow-Methods": "GET, POST, PUT, DELETE, OPTIONS",
            "Access-Control-Allow-Headers": (
                "content-type,authorization,x-amz-bearer,x-amz-user-agent,x-amz-date,"
                "x-amz-content-sha256,x-amz-target,x-amz-security-token,amz-sdk-invocation-id,"
                "amz-sdk-request"
            ),
            "Access-Control-Max-Age": "600",
        }
    )
