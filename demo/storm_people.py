"""Customers and agents who write to each other while workers die.

A person says one to three things in a burst, some 50 to 250 ms apart, and then leaves a pause.
Order is promised among what arrives within the hold window, so one case is left out on purpose:
a worker that is killed with an event in its hands that it has not yet written down gives it
back only after its visibility timeout, and no design can order what comes after it behind it.
So while an aimed kill is near nobody speaks. Before the others people do speak, but one thing
only, and wait until it was heard: these events must not be lost and not be doubled either.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from demo.judge import Line, Said, Way
from demo.storm_ears import Ears
from demo.storm_kills import NearKill
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk, DeskChat, NoSuchChatError
from simulator.ledger import iso

BURST_MAX = 3
IN_A_BURST_S = (0.05, 0.25)
BETWEEN_BURSTS_S = (2.0, 5.0)
HEARD_WITHIN_S = 240.0
AGENT_LOOK_S = 50.0  # the control API waits a minute at most
AGENT_LOOKS = 4

_CHAT = (
    "about my order that came on Monday",
    "could you look at it please",
    "it is the blue one, size 42",
    "thank you, that helps",
    "one moment, I will check",
    "we have it in the shop",
    "that is fine with me",
    "I will tell you as soon as I know",
)


@dataclass
class Speaker:
    """One side of one conversation: says its messages, each begun by a word of its own."""

    name: str
    line: Line
    way: Way
    utter: Callable[[str], Awaitable[str]]
    ears: Ears
    near: NearKill
    chance: random.Random
    said: list[Said] = field(default_factory=list)
    _spoke_at_kill: int = 0

    async def speak(self, messages: int, goes_on: Callable[[], bool]) -> None:
        """Say so many messages, and more as long as the storm goes on."""
        while len(self.said) < messages or goes_on():
            left = max(1, messages - len(self.said))
            await self._burst(min(left, self.chance.randint(1, BURST_MAX)))
            await asyncio.sleep(self.chance.uniform(*BETWEEN_BURSTS_S))

    def has_been_heard(self) -> bool:
        """Whether everything said has come out."""
        return all(self.ears.has_heard(said.body.split()[0]) for said in self.said)

    async def _burst(self, count: int) -> None:
        for place in range(count):
            if place:
                await asyncio.sleep(self.chance.uniform(*IN_A_BURST_S))
            await self._wait_where_order_is_not_promised()
            await self._say()

    async def _wait_where_order_is_not_promised(self) -> None:
        if self.near.is_hushed or self._spoke_at_kill:
            await self.near.until_over()
        if not self._spoke_at_kill:
            return
        await self.ears.until(self.has_been_heard, HEARD_WITHIN_S)
        self._spoke_at_kill = 0

    async def _say(self) -> None:
        body = f"{self.name}-{len(self.said) + 1:02d} {self.chance.choice(_CHAT)}"
        number = self.near.number
        at = await self.utter(body)
        self.said.append(Said(self.line, self.way, body, at=at))
        if self.near.is_near or self.near.number != number:
            self._spoke_at_kill = self.near.number


def customer(line: Line, simulator: SimulatorClient) -> Callable[[str], Awaitable[str]]:
    """How a customer says something: as a text."""

    async def text(body: str) -> str:
        at = iso(datetime.now(UTC))
        await simulator.text_from_customer(line.customer_number, line.our_number, body)
        return at

    return text


async def agent(line: Line, desk: AgentDesk) -> Callable[[str], Awaitable[str]]:
    """How the agent of this customer's chat says something, once there is one.

    Raises:
        NoSuchChatError: no agent joined a chat of this customer.
    """
    chat = await _chat_of(line, desk)

    async def say(body: str) -> str:
        return (await desk.say(chat.contact_id, body)).at

    return say


async def _chat_of(line: Line, desk: AgentDesk) -> DeskChat:
    """The newest chat of these two numbers in which an agent is."""
    attributes = {"sb_customer_number": line.customer_number, "sb_our_number": line.our_number}
    for _ in range(AGENT_LOOKS):
        with contextlib.suppress(NoSuchChatError):
            return await desk.wait_for_chat(
                attributes=attributes, state="with_agent", timeout_s=AGENT_LOOK_S
            )
    raise NoSuchChatError
