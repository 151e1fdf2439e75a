"""What both transports are asked with: credentials that anybody may know, and no time lost."""

from __future__ import annotations

import pytest
from aiobotocore.endpoint import AioEndpoint

from tests.contract.runtime.both import SECRET


@pytest.fixture
def static_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials and a Region from the environment, and from nowhere else."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays before retries, which nobody waits for."""
    taken: list[float] = []

    async def sleep(_self: object, seconds: float) -> None:
        taken.append(seconds)

    monkeypatch.setattr(AioEndpoint, "_sleep", sleep)
    return taken
