from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests.contract.clients.wire import WireServer, wire_server
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.limits import Limits
from workers.testing import FakeClock

SERVICES = ("CONNECT", "CONNECTPARTICIPANT", "PINPOINT_SMS_VOICE_V2")


class CountingMeter:
    """An `ApiMeter` that can be asked."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()

    def called(self, api: str, result: str) -> None:
        self.calls[api, result] += 1


@pytest.fixture
def meter() -> CountingMeter:
    return CountingMeter()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def caller(meter: CountingMeter, clock: FakeClock) -> Caller:
    return Caller(meter, Limits(clock))


@pytest.fixture
async def wire() -> AsyncIterator[WireServer]:
    async with wire_server() as server:
        yield server


@pytest.fixture
def policy() -> AwsPolicy:
    """Short timeouts. The SDK may repeat what may be repeated, as in production."""
    return AwsPolicy(connect_timeout_s=0.5, read_timeout_s=0.8)


@pytest.fixture
async def sdk(
    wire: WireServer, policy: AwsPolicy, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Aws]:
    """The process's AWS clients, pointed at `wire` by the standard variables only."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", wire.url)
    async with Aws(policy) as aws:
        yield aws
