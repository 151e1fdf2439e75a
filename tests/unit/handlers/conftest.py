"""Every test here runs on a loop whose time jumps: hours pass in milliseconds, always the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.unit.handlers.relay import Relay
from workers.testing import VirtualLoop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"virtual": VirtualLoop}


@pytest.fixture
async def relay() -> Relay:
    """One worker, nothing held."""
    return Relay()


@pytest.fixture
async def chatting(relay: Relay) -> Relay:
    """One worker, and a chat that a first text has opened; its ledgers are the chat's alone."""
    await relay.text("first")
    return relay
