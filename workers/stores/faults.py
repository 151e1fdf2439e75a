"""What a failed call to DynamoDB or KMS means to us.

The message of the SDK's own exception may quote an item, so ours is raised outside its handler and
carries a stable word only.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from workers.clients.errors import translate
from workers.errors import AccountProblem, SwitchboardError, Throttled, TransientError

Answered = TypeVar("Answered")

_THROTTLES = frozenset(
    {
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "LimitExceededException",
    }
)
_FOR_A_PERSON = frozenset(
    {
        "AccessDeniedException",
        "ResourceNotFoundException",
        "NotFoundException",  # KMS: no such key
        "DisabledException",
        "KMSInvalidStateException",
        "InvalidKeyUsageException",
        "IncorrectKeyException",
        "InvalidCiphertextException",  # KMS: the stored key was changed, or moved to another name
    }
)
_HUMPS = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HEALS = frozenset(
    {
        "TransactionConflictException",
        "DependencyTimeoutException",
        "KMSInternalException",
        "KeyUnavailableException",
        "InternalServerError",
    }
)


async def ask(service: str, operation: str, request: Callable[[], Awaitable[Answered]]) -> Answered:
    """Make one call whose repetition does no harm.

    Raises:
        Throttled, TransientError: later it may work.
        AccountProblem: a permission, the table or the key is missing: a person must act.
        PermanentError: the request itself was refused.
    """
    try:
        return await request()
    except Exception as failure:
        error = _meaning(service, operation, failure)
        if error is None:
            raise
    raise error


def error_code(failure: Exception) -> str:
    """AWS's error code, or nothing."""
    return str(failure.response["Error"].get("Code")) if isinstance(failure, ClientError) else ""


def _meaning(service: str, operation: str, failure: Exception) -> SwitchboardError | None:
    code = error_code(failure)
    if code in _THROTTLES:
        return Throttled(f"{service}_throttled")
    if code in _FOR_A_PERSON:
        word = _HUMPS.sub("_", code.removesuffix("Exception")).lower()
        return AccountProblem(f"{service}_refused_{word}", operation=operation)
    if code in _HEALS:
        return TransientError(f"{service}_failed")
    return translate(service, operation, failure, is_repeatable=True)
