"""One short conversation: bursts both ways, receipts, and the agent's leave at its end."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from demo.judge import Line, Said, Way
from demo.soak.hearing import Heard
from demo.soak.weather import Weather
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk
from simulator.ledger import iso

IN_A_BURST_S = (0.03, 0.2)
BETWEEN_S = (0.2, 1.5)
PATIENCE_S = 300.0
TAKEN_OVER_WITHIN_S = 32.0  # the session lease, the clocks' skew, and the message's way back
_CHAT = (
    "about my order that came on Monday",
    "could you look at it please",
    "it is the blue one, size 42",
    "one moment, I will check",
    "we have it in the shop",
)


@dataclass
class Lane:
    """One side of a conversation. `is_unsure`: it spoke in a rough spell and was not heard yet."""

    way: Way
    mark: str
    burst_max: int
    names: list[str] = field(default_factory=list)
    is_unsure: bool = False


@dataclass
class Conversation:
    """`said` and `replies` (the agent's message ids) are what the judge gets."""

    number: int
    line: Line
    heard: Heard
    weather: Weather
    simulator: SimulatorClient
    desk: AgentDesk
    chance: random.Random
    said: list[Said] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    was_cut_short: bool = False
    _began_in: int = 0

    async def hold(self, rounds: int) -> None:
        """From the first text to the text that says that it is over."""
        # One that is rough already may kill whoever takes the first word.
        self._began_in = -1 if self.weather.is_rough else self.weather.number
        texting = Lane(Way.TO_AGENT, "t", burst_max=3)
        answering = Lane(Way.TO_CUSTOMER, "a", burst_max=2)
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._say(texting)
                await self._until(lambda: self.heard.has_agent)
                await asyncio.gather(self._speak(texting, rounds), self._speak(answering, rounds))
                await self._until(lambda: self._is_heard(texting) and self._is_heard(answering))
                await self._until(lambda: self.heard.receipts.issuperset(self.replies))
                await self._let_it_be_recorded()
                await self._leave()
        except TimeoutError:
            self.was_cut_short = True

    async def _let_it_be_recorded(self) -> None:
        """A text that a chat took, and whose worker died before it said so, is said again.

        Any spell since the first word may have killed that worker. In the same chat that changes
        nothing. Were it over, the text would be in the next one too
        (docs/design/conversation-protocol.md, "What is not promised").
        """
        if self.weather.is_rough or self.weather.number != self._began_in:
            await asyncio.sleep(TAKEN_OVER_WITHIN_S)

    async def _leave(self) -> None:
        body = self.heard.ended_text
        self.said.append(Said(self.line, Way.TO_CUSTOMER, body, at=_now(), ours=True))
        await self.desk.leave(self.heard.contact_id)
        await self._until(lambda: self.heard.has_ended)

    async def _speak(self, lane: Lane, rounds: int) -> None:
        for _ in range(rounds):
            for place in range(self.chance.randint(1, lane.burst_max)):
                if place:
                    await asyncio.sleep(self.chance.uniform(*IN_A_BURST_S))
                await self._wait_where_order_is_not_promised(lane)
                await self._say(lane)
            await asyncio.sleep(self.chance.uniform(*BETWEEN_S))

    async def _wait_where_order_is_not_promised(self, lane: Lane) -> None:
        while not self._is_heard(lane) and (lane.is_unsure or self.weather.is_rough):
            await self._until(lambda: self._is_heard(lane))
        lane.is_unsure = False

    async def _say(self, lane: Lane) -> None:
        spell, was_rough = self.weather.number, self.weather.is_rough
        name = f"{lane.mark}{self.number}-{len(lane.names) + 1}"
        lane.names.append(name)
        body = f"{name} {self.chance.choice(_CHAT)}"
        if lane.way is Way.TO_AGENT:
            ours, customer = self.line.our_number, self.line.customer_number
            self.said.append(Said(self.line, lane.way, body, at=_now()))
            await self.simulator.text_from_customer(customer, ours, body)
        else:
            item = await self.desk.say(self.heard.contact_id, body)
            self.said.append(Said(self.line, lane.way, body, at=item.at))
            self.replies.append(item.id)
        if was_rough or self.weather.number != spell:
            lane.is_unsure = True

    def _is_heard(self, lane: Lane) -> bool:
        return self.heard.names.issuperset(lane.names)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self.heard.changed.wait()
            self.heard.changed.clear()


def _now() -> str:
    return iso(datetime.now(UTC))
