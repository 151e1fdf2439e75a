"""The provider's own lists against the simulated services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.settings import SimulatorSettings
from tests.contract.clients.wire import closed_port
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.mail_suppressions import SesSuppressionList
from workers.clients.opt_out_lists import EumOptOutPages
from workers.errors import AccountProblem, PermanentError, Throttled
from workers.testing import FakeClock

NUMBERS = [f"+1206555{n:04d}" for n in range(250)]
WORLD: dict[str, Any] = {
    "sms_voice": {"opt_out_lists": [{"name": "Brand", "numbers": dict.fromkeys(NUMBERS, True)}]}
}


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorClient]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    async with (
        running(SimulatorSettings(world=WORLD)) as world,
        SimulatorClient(world.url) as client,
    ):
        for service in ("SESV2", "PINPOINT_SMS_VOICE_V2"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", world.url)
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield client


@pytest.fixture
async def aws(simulator: SimulatorClient) -> AsyncIterator[Aws]:
    async with Aws(AwsPolicy(read_timeout_s=2)) as aws:
        yield aws


async def test_an_address_is_suppressed_as_often_as_one_likes_and_released(
    aws: Aws, caller: Caller, simulator: SimulatorClient
) -> None:
    ses = SesSuppressionList(await aws.sesv2(), caller)
    for _ in range(2):
        await ses.suppress("pat@example.com", "BOUNCE")
    assert await ses.release("pat@example.com")
    assert not await ses.release("pat@example.com")
    puts = await simulator.ledger(operation="PutSuppressedDestination")
    assert [entry.params for entry in puts] == [
        {"EmailAddress": "pat@example.com", "Reason": "BOUNCE"}
    ] * 2


async def test_what_ses_does_not_take_for_an_address_is_refused_for_good(
    aws: Aws, caller: Caller
) -> None:
    ses = SesSuppressionList(await aws.sesv2(), caller)
    with pytest.raises(PermanentError, match="bad_request"):
        await ses.suppress("nobody", "COMPLAINT")


async def test_a_list_is_read_to_its_end_in_pages(
    aws: Aws, caller: Caller, clock: FakeClock
) -> None:
    pages = EumOptOutPages(await aws.sms_voice(), caller)
    found, token, sizes = [], None, []
    while True:
        page = await pages.page("Brand", token)
        sizes.append(len(page.numbers))
        found += [one.number for one in page.numbers]
        token = page.next_token
        clock.advance(1)
        if token is None:
            break
    assert sizes == [100, 100, 50]
    assert found == NUMBERS
    assert all(one.since.tzinfo is not None for one in page.numbers)


async def test_a_list_that_is_not_there_is_a_persons_business(aws: Aws, caller: Caller) -> None:
    pages = EumOptOutPages(await aws.sms_voice(), caller)
    with pytest.raises(AccountProblem):
        await pages.page("nobody", None)


async def test_pages_keep_to_the_services_quota(aws: Aws, caller: Caller) -> None:
    pages = EumOptOutPages(await aws.sms_voice(), caller)
    caller._max_wait_s = 0.0
    await pages.page("Brand", None)
    with pytest.raises(Throttled):
        await pages.page("Brand", None)
