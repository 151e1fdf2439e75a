"""How SES words its refusals (rest-json)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model."""
    return bad_request(report(problems))


def bad_request(message: str) -> AwsError:
    """A BadRequestException: a rule that the model does not hold."""
    return AwsError("BadRequestException", message)


def not_found(message: str) -> AwsError:
    """A NotFoundException: no such configuration set, template, suppressed address."""
    return AwsError("NotFoundException", message, 404)


def already_exists(message: str) -> AwsError:
    """An AlreadyExistsException."""
    return AwsError("AlreadyExistsException", message)


def rejected(message: str) -> AwsError:
    """A MessageRejected: sender or recipient is not verified."""
    return AwsError("MessageRejected", message)


def throttled() -> AwsError:
    """A TooManyRequestsException."""
    return AwsError("TooManyRequestsException", "Too many requests", 429)


def internal(request_id: str) -> AwsError:
    """An InternalServiceErrorException."""
    message = f"Internal failure; request {request_id}"
    return AwsError("InternalServiceErrorException", message, 500)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={
        "ConcurrentModificationException": 500,
        "ConflictException": 409,
        "InternalServiceErrorException": 500,
        "NotFoundException": 404,
        "TooManyRequestsException": 429,
    },
)
