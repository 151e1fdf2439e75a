"""A simulator of this test's own, answering over HTTP, and the SDK's clients for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import ClientError

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.settings import SimulatorSettings
from simulator.world import World

CUSTOMER = "+12065550100"
OUR_NUMBER = "+12065550199"
SMS_WORLD: dict[str, Any] = {
    "phone_numbers": [
        {"number": OUR_NUMBER, "id": "phone-1"},
        {"number": "74454", "id": "phone-short", "type": "SHORT_CODE", "capabilities": ["SMS"]},
        {"number": "+12065550188", "id": "phone-pooled", "pool": "pool-1"},
        {"number": "+12065550177", "id": "phone-home", "sends_abroad": False},
        {"number": "+12065550166", "id": "phone-new", "status": "PENDING"},
    ],
    "pools": [{"id": "pool-1", "opt_out_list": "PoolList"}],
    "sender_ids": [{"sender_id": "ACME", "country": "GB"}],
    "configuration_sets": [{"name": "receipts"}],
    "protect_configurations": [{"id": "protect-1", "blocked_countries": ["FR"]}],
}


@dataclass
class Running:
    """A simulator, its control client, and SDK clients by service."""

    world: World
    control: SimulatorClient
    stack: AsyncExitStack

    async def sdk(self, service: str, app: str | None = None) -> Any:
        """An aiobotocore client of the service that makes each call once."""
        config = AioConfig(retries={"total_max_attempts": 1}, user_agent_appid=app, read_timeout=5)
        client = get_session().create_client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.world.url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=config,
        )
        return await self.stack.enter_async_context(client)


@pytest.fixture
async def simulator() -> AsyncIterator[Running]:
    async with AsyncExitStack() as stack:
        settings = SimulatorSettings(world={"sms_voice": SMS_WORLD})
        world = await stack.enter_async_context(running(settings))
        control = await stack.enter_async_context(SimulatorClient(world.url))
        yield Running(world, control, stack)


@pytest.fixture
async def sms(simulator: Running) -> Any:
    return await simulator.sdk("pinpoint-sms-voice-v2", app="worker-1")


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """The error response of a call that must be refused, as botocore parsed it."""
    with pytest.raises(ClientError) as refused:
        await call
    response: dict[str, Any] = dict(refused.value.response)
    return response


def reason(response: dict[str, Any]) -> tuple[str, str | None]:
    """Code and Reason of a refusal."""
    return response["Error"]["Code"], response.get("Reason")
