"""How the Amazon Connect Participant Service words its refusals (rest-json)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model. A missing token is no access, as it is a header."""
    if any(problem.path in ("participantToken", "connectionToken") for problem in problems):
        return access_denied()
    return AwsError("ValidationException", report(problems))


def validation(message: str) -> AwsError:
    """A ValidationException of a rule that the model does not hold."""
    return AwsError("ValidationException", message)


def access_denied() -> AwsError:
    """An AccessDeniedException: an expired token, an unknown one and an ended chat look alike."""
    return AwsError("AccessDeniedException", "Access denied", 403)


def conflict(message: str) -> AwsError:
    """A ConflictException: the state is against it."""
    return AwsError("ConflictException", message, 409)


def quota(message: str) -> AwsError:
    """A ServiceQuotaExceededException."""
    return AwsError("ServiceQuotaExceededException", message, 402)


def throttled() -> AwsError:
    """A ThrottlingException."""
    return AwsError("ThrottlingException", "Rate exceeded", 429)


def internal(request_id: str) -> AwsError:
    """An InternalServerException."""
    return AwsError("InternalServerException", f"Internal server error; request {request_id}", 500)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={
        "AccessDeniedException": 403,
        "ConflictException": 409,
        "InternalServerException": 500,
        "ResourceNotFoundException": 404,
        "ServiceQuotaExceededException": 402,
        "ThrottlingException": 429,
    },
)
