"""How AWS End User Messaging SMS words its refusals (json 1.0: client errors are all HTTP 400)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model: one Fields entry for each member."""
    missing = all(problem.kind == "missing" for problem in problems)
    return AwsError(
        "ValidationException",
        report(problems),
        Reason="MISSING_PARAMETER" if missing else "FIELD_VALIDATION_FAILED",
        Fields=[{"Name": p.path, "Message": p.constraint} for p in problems],
    )


def validation(reason: str, message: str, *fields: str) -> AwsError:
    """A ValidationException of a rule that the model does not hold."""
    listed = [{"Name": name, "Message": message} for name in fields]
    return AwsError("ValidationException", message, Reason=reason, Fields=listed)


def conflict(reason: str, message: str, resource_type: str, resource_id: str) -> AwsError:
    """A ConflictException: the request is fine, the state is against it."""
    return AwsError(
        "ConflictException",
        message,
        Reason=reason,
        ResourceType=resource_type,
        ResourceId=resource_id,
    )


def not_found(resource_type: str, resource_id: str) -> AwsError:
    """A ResourceNotFoundException."""
    return AwsError(
        "ResourceNotFoundException",
        "The requested resource doesn't exist",
        ResourceType=resource_type,
        ResourceId=resource_id,
    )


def quota(reason: str, message: str) -> AwsError:
    """A ServiceQuotaExceededException: spend or capacity, not rate."""
    return AwsError("ServiceQuotaExceededException", message, Reason=reason)


def throttled() -> AwsError:
    """A ThrottlingException; it carries nothing but the message."""
    return AwsError("ThrottlingException", "Rate exceeded")


def internal(request_id: str) -> AwsError:
    """An InternalServerException."""
    return AwsError("InternalServerException", "Internal error", 500, RequestId=request_id)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={"InternalServerException": 500},
)
