"""A simulator and a desk, for clients that run as programs of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.clients.installing import find_npm, installed_aws_cli, installed_chatjs
from tests.conftest import speaking
from tests.contract.simulator.chatting import Chatting, chatting


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting() as found:
        yield found
        assert found.world.tasks.failures == []


def pytest_collection_finish(session: pytest.Session) -> None:
    # Before the first test, so that no test's time limit counts a download.
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    npm = find_npm()
    with speaking(session.config):
        if "aws_cli" in wanted:
            installed_aws_cli()
        if "chatjs" in wanted and npm is not None:
            installed_chatjs(npm)


@pytest.fixture(scope="session")
def aws_cli() -> Path:
    return installed_aws_cli()


@pytest.fixture(scope="session")
def chatjs() -> Path:
    npm = find_npm()
    if npm is None:  # In CI every skip is a failure.
        pytest.skip("Node.js with npm is not installed, and the chat client library needs it")
    return installed_chatjs(npm)
