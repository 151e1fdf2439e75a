"""How Amazon Connect words its refusals (rest-json)."""

from __future__ import annotations

from simulator.services import ErrorShapes
from simulator.validation import Problem, report
from simulator.wire import AwsError


def invalid(problems: list[Problem]) -> AwsError:
    """A request that breaks the model."""
    return AwsError("InvalidParameterException", report(problems))


def invalid_request(message: str) -> AwsError:
    """An InvalidRequestException: a rule that the model does not hold."""
    return AwsError("InvalidRequestException", message)


def invalid_parameter(message: str) -> AwsError:
    """An InvalidParameterException: one value that a rule forbids."""
    return AwsError("InvalidParameterException", message)


def not_found(message: str) -> AwsError:
    """A ResourceNotFoundException: wrong instance, wrong flow, a contact that is not there."""
    return AwsError("ResourceNotFoundException", message, 404)


def contact_gone() -> AwsError:
    """A ContactNotFoundException: the contact to stop has ended."""
    return AwsError("ContactNotFoundException", "The contact is not active or does not exist", 410)


def limit_exceeded(message: str) -> AwsError:
    """A LimitExceededException: a quota is used up, though it comes as a 429 like a throttle."""
    return AwsError("LimitExceededException", message, 429)


def destination_not_allowed(message: str) -> AwsError:
    """A DestinationNotAllowedException: the account may not call there."""
    return AwsError("DestinationNotAllowedException", message, 403)


def not_permitted(message: str) -> AwsError:
    """An OutboundContactNotPermittedException: the account may not make such calls."""
    return AwsError("OutboundContactNotPermittedException", message, 403)


def conflict(message: str) -> AwsError:
    """A ConflictException: the state is against it."""
    return AwsError("ConflictException", message, 409)


def duplicate(message: str) -> AwsError:
    """A DuplicateResourceException: the name is taken."""
    return AwsError("DuplicateResourceException", message, 409)


def invalid_flow(problem: str) -> AwsError:
    """An InvalidContactFlowException, which carries a list of problems and no message."""
    return AwsError("InvalidContactFlowException", "", problems=[{"message": problem}])


def flow_not_published() -> AwsError:
    """A ContactFlowNotPublishedException: only a saved version is there."""
    message = "The flow has not been published"
    return AwsError("ContactFlowNotPublishedException", message, 404)


def resource_conflict(message: str) -> AwsError:
    """A ResourceConflictException: it is there already."""
    return AwsError("ResourceConflictException", message, 409)


def service_quota(message: str) -> AwsError:
    """A ServiceQuotaExceededException: the instance has all it may have."""
    return AwsError("ServiceQuotaExceededException", message, 402)


def throttled() -> AwsError:
    """The rate is exceeded."""
    return AwsError("TooManyRequestsException", "Too Many Requests", 429)


def internal(request_id: str) -> AwsError:
    """An InternalServiceException."""
    message = f"Internal service error; request {request_id}"
    return AwsError("InternalServiceException", message, 500)


SHAPES = ErrorShapes(
    invalid=invalid,
    throttled=throttled,
    internal=internal,
    statuses={
        "AccessDeniedException": 403,
        "ConflictException": 409,
        "ContactFlowNotPublishedException": 404,
        "ContactNotFoundException": 410,
        "DestinationNotAllowedException": 403,
        "DuplicateResourceException": 409,
        "InternalServiceException": 500,
        "LimitExceededException": 429,
        "OutboundContactNotPermittedException": 403,
        "ResourceConflictException": 409,
        "ResourceNotFoundException": 404,
        "ServiceQuotaExceededException": 402,
        "ThrottlingException": 429,
        "TooManyRequestsException": 429,
    },
)
