"""A conversation through workers that somebody else runs: those of a Compose stack, or the demo's.

All that is known of them is the simulator's address.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TypeVar

from demo.contact_centre import CLINIC
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

SOON_S = 30.0

Seen = TypeVar("Seen")


async def test_a_conversation_goes_both_ways(simulator_url: str) -> None:
    number = f"+1206557{secrets.randbelow(10_000):04d}"  # The stack may have been tried before.
    async with SimulatorClient(simulator_url) as phones, AgentDesk(simulator_url) as desk:
        await phones.text_from_customer(number, CLINIC, "is it at two?")
        chat = await desk.wait_for_chat(
            attributes={"sb_customer_number": number}, state="with_agent", timeout_s=SOON_S
        )

        async def said() -> list[str]:
            items = await desk.items(chat.contact_id)
            return [item.content or "" for item in items if item.is_from_customer]

        assert "is it at two?" in await until(said, lambda seen: "is it at two?" in seen)
        await desk.say(chat.contact_id, "at three, sorry")

        async def texts() -> list[str]:
            return [text.body for text in await phones.handset(number)]

        assert await until(texts, lambda seen: "at three, sorry" in seen)
        await desk.end(chat.contact_id)


async def until(look: Callable[[], Awaitable[Seen]], is_it: Callable[[Seen], bool]) -> Seen:
    async with asyncio.timeout(SOON_S):
        while True:
            seen = await look()
            if is_it(seen):
                return seen
            await asyncio.sleep(0.2)
