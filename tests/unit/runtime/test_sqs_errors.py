"""What each of SQS's errors means to the runtime."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from workers.errors import (
    AccountProblem,
    PermanentError,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.runtime.sqs import AioSqsQueue


class Failing:
    """An SQS client of which every receive fails."""

    def __init__(self, failure: Exception) -> None:
        self._failure = failure

    async def receive_message(self, **_request: Any) -> Any:
        raise self._failure


def answered(code: str, status: int = 400) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "ReceiveMessage")


@pytest.mark.parametrize(
    ("failure", "meaning"),
    [
        (answered("InternalError", 500), TransientError),
        (answered("ServiceUnavailable", 503), TransientError),
        (answered("ExpiredToken", 403), TransientError),
        (answered("ExpiredTokenException", 400), TransientError),
        (answered("com.amazonaws.sqs.ExpiredTokenException", 400), TransientError),
        (answered("RequestExpired", 400), TransientError),
        (EndpointConnectionError(endpoint_url="http://sqs"), TransientError),
        (answered("OverLimit", 403), Throttled),
        (answered("ThrottlingException", 400), Throttled),
        (answered("AWS.SimpleQueueService.NonExistentQueue"), AccountProblem),
        (answered("AccessDenied", 403), AccountProblem),
        (answered("InvalidParameterValue"), PermanentError),
    ],
)
async def test_an_error_means(failure: Exception, meaning: type[SwitchboardError]) -> None:
    queue = AioSqsQueue(cast("Any", Failing(failure)), "http://sqs/q", "q")
    with pytest.raises(SwitchboardError) as raised:
        await queue.receive(10, wait_s=0, visibility_timeout_s=30)
    assert type(raised.value) is meaning
