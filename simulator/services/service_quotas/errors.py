"""How Service Quotas words its refusals (json 1.1: all HTTP 400 but for its own failures)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model."""
    return AwsError("IllegalArgumentException", report(problems))


def no_such_service(code: str) -> AwsError:
    """A NoSuchResourceException: no service has that code."""
    return AwsError("NoSuchResourceException", f"The service code {code} does not exist")


def bad_token() -> AwsError:
    """An InvalidPaginationTokenException."""
    return AwsError("InvalidPaginationTokenException", "Invalid pagination token")


def throttled() -> AwsError:
    """A TooManyRequestsException."""
    return AwsError("TooManyRequestsException", "Too many requests")


def internal(request_id: str) -> AwsError:
    """A ServiceException."""
    return AwsError("ServiceException", f"Internal failure; request {request_id}", 500)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={"ServiceException": 500},
)
