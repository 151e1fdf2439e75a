"""What a worker asks of the account before it starts, and of a service that is away just then."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from workers.clients.preflight import PAUSES_S, check_configuration_sets
from workers.errors import SettingsError
from workers.testing import FakeClock

GOOD = {
    "ConfigurationSets": [
        {
            "ConfigurationSetName": "texts",
            "EventDestinations": [
                {"Enabled": True, "SnsDestination": {}, "MatchingEventTypes": ["TEXT_ALL"]}
            ],
        }
    ]
}


class Account:
    """End User Messaging: fails in the given ways, one after the other, then answers."""

    def __init__(self, *failures: Exception, answer: dict[str, Any] | None = None) -> None:
        self._failures = list(failures)
        self._answer = GOOD if answer is None else answer

    async def describe_configuration_sets(self, **request: Sequence[str]) -> dict[str, Any]:
        assert request == {"ConfigurationSetNames": ["texts"]}
        if self._failures:
            raise self._failures.pop(0)
        return self._answer


def answered(code: str, status: int) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code}, "ResponseMetadata": metadata}, "DescribeConfigurationSets"
    )


async def check(account: Account, clock: FakeClock) -> None:
    await check_configuration_sets(cast("Any", account), {"texts"}, clock)


@pytest.mark.parametrize(
    "failure",
    [
        answered("InternalServerException", 500),
        answered("ThrottlingException", 400),
        EndpointConnectionError(endpoint_url="http://sms"),
    ],
)
async def test_a_service_that_is_away_for_a_moment_is_asked_again(failure: Exception) -> None:
    clock = FakeClock()
    await check(Account(failure, failure), clock)
    assert clock.slept == list(PAUSES_S[:2])


async def test_a_service_that_stays_away_is_called_so_and_not_a_wrong_name() -> None:
    clock = FakeClock()
    away = [answered("InternalServerException", 500)] * 20
    with pytest.raises(SettingsError, match="cannot be asked"):
        await check(Account(*away), clock)
    assert clock.slept == list(PAUSES_S)


async def test_a_configuration_set_that_is_not_there_is_told_at_once() -> None:
    clock = FakeClock()
    with pytest.raises(SettingsError, match="create them"):
        await check(Account(answered("ResourceNotFoundException", 404)), clock)
    assert clock.slept == []


async def test_a_configuration_set_without_receipts_is_refused() -> None:
    silent = {"ConfigurationSets": [{"ConfigurationSetName": "texts", "EventDestinations": []}]}
    with pytest.raises(SettingsError, match="no enabled SNS event destination"):
        await check(Account(answer=silent), FakeClock())
