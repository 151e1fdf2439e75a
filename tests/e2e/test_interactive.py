"""The interactive demo, played by a person at two terminals."""

from __future__ import annotations

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from demo.contact_centre import CONFIG, contact_centre
from infra.local.toolroom import ROOT
from tests.e2e.conftest import OpenWorld

pytestmark = [pytest.mark.e2e]

PATIENCE_S = 60.0


class Terminal:
    """A program on a terminal of its own: what it shows, and somebody who types."""

    def __init__(self, controller: int) -> None:
        self._controller = controller
        self._shown = ""
        self._grown = asyncio.Event()
        asyncio.get_running_loop().add_reader(controller, self._read)

    def type(self, line: str) -> None:
        os.write(self._controller, f"{line}\n".encode())

    async def until_shown(self, text: str) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while text not in self._shown:
                self._grown.clear()
                await self._grown.wait()

    def _read(self) -> None:
        try:
            self._shown += os.read(self._controller, 4096).decode(errors="replace")
        except OSError:  # the program has ended
            asyncio.get_running_loop().remove_reader(self._controller)
        self._grown.set()


@asynccontextmanager
async def terminal(*arguments: str) -> AsyncIterator[Terminal]:
    controller, screen = pty.openpty()
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo.interactive", *arguments,
        cwd=ROOT, stdin=screen, stdout=screen, stderr=screen,
    )  # fmt: skip
    os.close(screen)
    try:
        yield Terminal(controller)
    finally:
        asyncio.get_running_loop().remove_reader(controller)
        program.kill()
        await program.wait()
        os.close(controller)


async def test_a_person_is_the_customer_in_one_terminal_and_the_agent_in_another(
    open_world: OpenWorld,
) -> None:
    async with open_world(config=CONFIG, contact_centre=contact_centre) as world:
        url = world.simulator_url
        async with terminal("phone", url) as phone, terminal("desk", url) as desk:
            await phone.until_shown("You are +12065550111")
            phone.type("Is anybody there?")
            await desk.until_shown("Is anybody there?")
            await desk.until_shown("with agent")
            desk.type("Yes, how can I help?")
            await phone.until_shown("< Yes, how can I help?")
            desk.type("/chats")
            await desk.until_shown("* 1")
