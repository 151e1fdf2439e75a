"""What the server needs of a simulated service, and the parts a service is made of.

Each folder has `models.py` (state and rules), `responses.py` (a class with one async method per
operation, by botocore's snake name), `errors.py`, and `build(world)`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp.web import RouteDef
from botocore import xform_name

from simulator.rates import Rate
from simulator.validation import Problem
from simulator.wire import AwsError, Call, service_model

Handler = Callable[[Call], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How close an operation is to the service; the coverage page is made of these."""

    true_to: str
    source: str
    not_yet: str


def operation(*, true_to: str, source: str, not_yet: str = "") -> Callable[[Any], Any]:
    """Declare, beside a method, what of the real operation it keeps, by which source, what not."""

    def mark(method: Any) -> Any:
        method.fidelity = Fidelity(true_to, source, not_yet)
        return method

    return mark


@dataclass(frozen=True, slots=True)
class ErrorShapes:
    """How a service words the refusals that the frame makes for it."""

    invalid: Callable[[list[Problem]], AwsError]
    throttled: Callable[[], AwsError]
    internal: Callable[[str], AwsError]
    """Takes the request id."""
    statuses: Mapping[str, int] = field(default_factory=dict)
    """HTTP status by error code; 400 for those not listed."""

    def status_of(self, code: str) -> int:
        """The HTTP status that goes with an error code."""
        return self.statuses.get(code, 400)


class Service(Protocol):
    """One AWS API."""

    name: str
    world_key: str
    operations: Mapping[str, Handler]
    errors: ErrorShapes
    is_signed: bool

    async def dispatch(self, call: Call) -> dict[str, Any]:
        """Carry out a valid request. Raises AwsError for what the service refuses."""
        ...

    def rate(self, operation_name: str) -> Rate | None:
        """The documented quota that a request of this operation takes from."""
        ...

    def control_routes(self) -> Iterable[RouteDef]:
        """Routes under `/_simulator/<name>/`, for tests and operators."""
        ...

    def raw_routes(self) -> Iterable[RouteDef]:
        """Routes that are no AWS operation: sockets, uploads."""
        ...

    def put_world(self, section: Mapping[str, Any]) -> None:
        """Make what the world document names exist, in place of what was there."""
        ...

    async def close(self) -> None:
        """Let go of what is open. The world closes after."""
        ...


@dataclass(slots=True)
class ModelledService:
    """A service whose operations are the methods of `responses` that carry `@operation`.

    `world_key` is the service's section of the world document.
    """

    name: str
    world_key: str
    responses: object
    errors: ErrorShapes
    rates: Mapping[str, Rate]
    default_rate: Callable[[str], Rate | None] = lambda _: None
    is_signed: bool = True
    control: tuple[RouteDef, ...] = ()
    raw: tuple[RouteDef, ...] = ()
    seed: Callable[[Mapping[str, Any]], None] = lambda _: None
    on_close: Callable[[], Awaitable[None]] | None = None
    operations: Mapping[str, Handler] = field(init=False)

    def __post_init__(self) -> None:
        self.operations = implemented(self.name, self.responses)

    async def dispatch(self, call: Call) -> dict[str, Any]:
        """Hand the request to its method; 501 where there is none."""
        handler = self.operations.get(call.operation)
        if handler is None:
            message = f"{call.service} {call.operation} is not implemented in the simulator"
            raise AwsError("NotImplementedException", message, 501)
        return await handler(call)

    def rate(self, operation_name: str) -> Rate | None:
        """The quota of this operation, else the service's default for unlisted ones."""
        return self.rates.get(operation_name) or self.default_rate(operation_name)

    def control_routes(self) -> Iterable[RouteDef]:
        """Routes under `/_simulator/`."""
        return self.control

    def raw_routes(self) -> Iterable[RouteDef]:
        """Routes that are no AWS operation."""
        return self.raw

    def put_world(self, section: Mapping[str, Any]) -> None:
        """Make what the document names exist."""
        self.seed(section)

    async def close(self) -> None:
        """Let go of what is open."""
        if self.on_close is not None:
            await self.on_close()


def implemented(service_name: str, responses: object) -> dict[str, Handler]:
    """The marked methods by the operation that botocore calls so."""
    found: dict[str, Handler] = {}
    for operation_name in service_model(service_name).operation_names:
        method = getattr(responses, xform_name(operation_name), None)
        if method is not None and hasattr(method, "fidelity"):
            found[operation_name] = method
    return found
