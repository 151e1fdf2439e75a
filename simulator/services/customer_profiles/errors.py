"""How Customer Profiles words its refusals (rest-json)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model."""
    return bad_request(report(problems))


def bad_request(message: str) -> AwsError:
    """A BadRequestException: a rule that the model does not hold, or a limit."""
    return AwsError("BadRequestException", message)


def not_found(message: str) -> AwsError:
    """A ResourceNotFoundException: no such thing, or no access to it."""
    return AwsError("ResourceNotFoundException", message, 404)


def throttled() -> AwsError:
    """A ThrottlingException."""
    return AwsError("ThrottlingException", "Rate exceeded", 429)


def internal(request_id: str) -> AwsError:
    """An InternalServerException."""
    message = f"An internal service error occurred; request {request_id}"
    return AwsError("InternalServerException", message, 500)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={
        "AccessDeniedException": 403,
        "InternalServerException": 500,
        "ResourceNotFoundException": 404,
        "ThrottlingException": 429,
    },
)
