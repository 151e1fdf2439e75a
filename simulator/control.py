"""The frame's control API under `/_simulator`: knobs, faults, gates, ledger, clock, world.

Plain JSON both ways; a document that cannot be understood is answered 400 with the places of its
faults. `docs/simulator.md` describes it for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from simulator.faults import FaultOrder
from simulator.gates import GateOrder
from simulator.services import Service
from simulator.world import World

DocumentT = TypeVar("DocumentT", bound=BaseModel)
_MAX_WAIT_S = 60.0


class ClockAdvance(BaseModel):
    """Move the simulator's clock forward."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = Field(ge=0)


class FrameControl:
    """The routes that hold for every service."""

    def __init__(self, world: World, services: Sequence[Service]) -> None:
        self._world = world
        self._services = services

    def routes(self) -> Iterable[web.RouteDef]:
        """All of them."""
        at = "/_simulator"
        return (
            web.get(f"{at}/status", self.status),
            web.get(f"{at}/knobs", self.get_knobs),
            web.put(f"{at}/knobs", self.put_knobs),
            web.delete(f"{at}/knobs", self.reset_knobs),
            web.post(f"{at}/faults", self.post_fault),
            web.delete(f"{at}/faults", self.clear_faults),
            web.post(f"{at}/gates", self.post_gate),
            web.delete(f"{at}/gates", self.clear_gates),
            web.get(f"{at}/gates/wait", self.wait_gate),
            web.post(f"{at}/gates/{{id}}/release", self.release_gate),
            web.get(f"{at}/ledger", self.get_ledger),
            web.get(f"{at}/refused", self.get_refused),
            web.post(f"{at}/clock/advance", self.advance_clock),
            web.put(f"{at}/world", self.put_world),
        )

    async def status(self, _: web.Request) -> web.Response:
        """That it answers, what it serves, and which background work failed."""
        return web.json_response(
            {
                "url": self._world.url,
                "services": [service.name for service in self._services],
                "entries": self._world.ledger.accepted_count,
                "refused": len(self._world.ledger.refused()),
                "failures": self._world.tasks.failures,
            }
        )

    async def get_knobs(self, _: web.Request) -> web.Response:
        """Every knob as it stands."""
        return web.json_response(self._world.knobs.as_json())

    async def put_knobs(self, request: web.Request) -> web.Response:
        """Replace the top-level keys given; answers all knobs."""
        try:
            self._world.knobs.put(await json_object(request))
        except KeyError as exc:
            raise bad_request(str(exc.args[0])) from exc
        except ValidationError as exc:
            raise bad_request(_places(exc)) from exc
        return await self.get_knobs(request)

    async def reset_knobs(self, request: web.Request) -> web.Response:
        """Put every knob back."""
        self._world.knobs.reset()
        return await self.get_knobs(request)

    async def post_fault(self, request: web.Request) -> web.Response:
        """Take a fault order."""
        self._world.faults.order(await read_document(request, FaultOrder))
        return web.json_response({}, status=201)

    async def clear_faults(self, _: web.Request) -> web.Response:
        """Forget the fault orders."""
        self._world.faults.clear()
        return web.json_response({})

    async def post_gate(self, request: web.Request) -> web.Response:
        """Arm a gate."""
        self._world.gates.arm(await read_document(request, GateOrder))
        return web.json_response({}, status=201)

    async def clear_gates(self, _: web.Request) -> web.Response:
        """Disarm all gates and answer what they hold."""
        self._world.gates.release_all()
        return web.json_response({})

    async def wait_gate(self, request: web.Request) -> web.Response:
        """The next held request, once each; 204 when none comes within `timeout_s`."""
        hold = await self._world.gates.wait(wait_s_of(request, "timeout_s"))
        return web.Response(status=204) if hold is None else web.json_response(hold.as_json())

    async def release_gate(self, request: web.Request) -> web.Response:
        """Answer one held request; 404 when it is not held any more."""
        if not self._world.gates.release(request.match_info["id"]):
            raise web.HTTPNotFound
        return web.json_response({})

    async def get_ledger(self, request: web.Request) -> web.Response:
        """Entries past `after`, of `operation` if given; waits up to `wait_s` for one."""
        after, name = number_of(request, "after"), request.query.get("operation")
        entries = await self._world.ledger.wait_after(
            int(after), name, wait_s_of(request, "wait_s")
        )
        return web.json_response({"entries": [entry.as_json() for entry in entries]})

    async def get_refused(self, request: web.Request) -> web.Response:
        """Refused requests, of `operation` if given."""
        entries = self._world.ledger.refused(request.query.get("operation"))
        listed = [entry.as_json() for entry in entries]
        return web.json_response({"count": len(listed), "entries": listed})

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Move time forward; answers the new time."""
        self._world.clock.advance((await read_document(request, ClockAdvance)).seconds)
        return web.json_response({"now": self._world.clock.now().isoformat()})

    async def put_world(self, request: web.Request) -> web.Response:
        """Replace what exists, for each service whose section is given."""
        document = await json_object(request)
        try:
            seed_services(self._services, document)
        except KeyError as exc:
            raise bad_request(str(exc.args[0])) from exc
        except ValidationError as exc:
            raise bad_request(_places(exc)) from exc
        return web.json_response({})


def seed_services(services: Sequence[Service], document: dict[str, Any]) -> None:
    """Give each service its section of the world document.

    Raises:
        KeyError: a section that no service has; nothing was changed.
        pydantic.ValidationError: a section is malformed; earlier ones stand.
    """
    unknown = document.keys() - {service.world_key for service in services}
    if unknown:
        raise KeyError(f"no service has a section called {', '.join(sorted(unknown))}")
    for service in services:
        if service.world_key in document:
            service.put_world(document[service.world_key])


async def json_object(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; answers 400 when it is none."""
    try:
        document = await request.json()
    except ValueError as exc:
        raise bad_request("the body is not JSON") from exc
    if not isinstance(document, dict):
        raise bad_request("the body is not a JSON object")
    return document


async def read_document(request: web.Request, kind: type[DocumentT]) -> DocumentT:
    """The request's document of that kind; answers 400 with the places of its faults."""
    try:
        return kind.model_validate(await json_object(request))
    except ValidationError as exc:
        raise bad_request(_places(exc)) from exc


def bad_request(reason: str) -> web.HTTPBadRequest:
    """A 400 that says why, as JSON."""
    body = web.json_response({"error": reason}).text
    return web.HTTPBadRequest(text=body, content_type="application/json")


def _places(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors(include_input=False, include_url=False)
    )


def number_of(request: web.Request, name: str) -> float:
    """A number of the query string; 0 when absent, 400 when it is none."""
    try:
        return float(request.query.get(name, "0"))
    except ValueError as exc:
        raise bad_request(f"{name} is not a number") from exc


def wait_s_of(request: web.Request, name: str) -> float:
    """How long to wait, from the query string; a minute at most."""
    return min(max(number_of(request, name), 0.0), _MAX_WAIT_S)
