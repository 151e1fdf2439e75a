"""One run of a script: what people do, and what is seen of it in the ledger."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from demo.judge import (
    LINK,
    Heard,
    Judgement,
    Line,
    Said,
    Way,
    count_receipts,
    judge,
    read_ledger,
    words,
)
from demo.queues import Queues
from demo.script import PICTURE
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk, DeskChat
from simulator.ledger import iso

LOOK_S = 0.1
KEPT_WAITING_S = 150.0
"""The message's visibility, the conversation's lease, and the wait for a receipt, with room."""


class NeverHappenedError(Exception):
    """What a script waits for did not come in time."""


@dataclass
class Play:
    """A conversation on a line of its own. `said`, `replies` and `entries` are what is judged."""

    line: Line
    simulator: SimulatorClient
    desk: AgentDesk
    after: int
    queues: Queues
    said: list[Said] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    chats_expected: int = 1

    # --- what people do ---------------------------------------------------------------------------

    async def text(self, body: str) -> None:
        """The customer writes."""
        self.said.append(Said(self.line, Way.TO_AGENT, body, at=_now()))
        await self.command(body)

    async def command(self, word: str) -> None:
        """The customer sends a word that no agent sees."""
        ours, customer = self.line.our_number, self.line.customer_number
        await self.simulator.text_from_customer(customer, ours, word)

    async def reply(self, body: str) -> None:
        """The agent writes."""
        item = await self.desk.say((await self.chat()).contact_id, body)
        self.said.append(Said(self.line, Way.TO_CUSTOMER, body, at=item.at))
        self.replies.append(item.id)

    async def attach(self, name: str) -> None:
        """The agent sends a picture, which goes out as a link."""
        chat = await self.chat()
        self.said.append(Said(self.line, Way.TO_CUSTOMER, f"{name}: {LINK}", at=_now()))
        await self.desk.attach(chat.contact_id, name, PICTURE, "image/png")

    async def leave(self) -> None:
        """The agent leaves, which ends the chat."""
        await self.desk.leave((await self.chat()).contact_id)

    async def expire(self, *kinds: Literal["connection", "participant"]) -> None:
        """The customer's tokens are refused from now on."""
        chat = await self.chat()
        for kind in kinds:
            await self.desk.expire_tokens(chat.contact_id, kind)

    async def enqueue(self, body: str) -> None:
        """Somebody puts on the queue of inbound texts what is none."""
        await asyncio.to_thread(self.queues.send, "inbound-sms", body)

    def expect(self, body: str) -> None:
        """A text that the system owes the customer by itself."""
        self.said.append(Said(self.line, Way.TO_CUSTOMER, body, at=_now(), ours=True))

    # --- what is seen -----------------------------------------------------------------------------

    async def chat(self) -> DeskChat:
        """The customer's newest chat, once an agent is in it."""
        attributes = {
            "sb_customer_number": self.line.customer_number,
            "sb_our_number": self.line.our_number,
        }
        found: list[DeskChat] = []

        async def look() -> bool:
            found[:] = await self.desk.chats(attributes=attributes)
            return bool(found) and found[-1].state == "with_agent"

        await self._until(look, "an agent in the newest chat")
        return found[-1]

    async def until_all_heard(self) -> None:
        """Until each word has come out, and each reply's receipt too."""

        async def look() -> bool:
            await self.listen(wait_s=1)
            return self._is_all_heard() and not self._unreceipted()

        await self._until(look, "everything said so far")

    async def until_note(self, phrase: str) -> None:
        """Until the agent has read a note of ours with this phrase."""

        async def look() -> bool:
            await self.listen(wait_s=1)
            return any(phrase in note.body for note in self._heard()[1])

        await self._until(look, f"a note with: {phrase}")

    async def until_dead_letter(self, body: str) -> None:
        """Until a body that nobody can read is in its dead-letter queue."""

        async def look() -> bool:
            return await asyncio.to_thread(self.queues.has_buried, body)

        await self._until(look, "the dead letter")

    @property
    def heard_up_to(self) -> int:
        """The number of the last entry of the ledger that was taken in."""
        return int(self.entries[-1]["seq"]) if self.entries else self.after

    async def listen(self, wait_s: float = 0) -> None:
        """Take in what the ledger has of late."""
        found = await self.simulator.ledger(after=self.heard_up_to, wait_s=wait_s)
        self.entries += [entry.as_json() for entry in found]

    def judge(self) -> Judgement:
        """What the judge says of this line, receipts included."""
        heard, notes = self._heard()
        judgement = judge(self.said, heard, notes)
        chats = self._chats_opened()
        if chats != self.chats_expected:
            judgement.unexpected += 1
            judgement.faults.append(f"{chats} chats instead of {self.chats_expected}")
        receipts = count_receipts(self.entries)
        for note, count in Counter(note.body for note in notes).items():
            if count > 1:
                judgement.twice += 1
                judgement.faults.append(f"{count} times the note {note}")
        for reply in self.replies:
            judgement.twice += receipts[reply] > 1
            judgement.lost += receipts[reply] == 0
            if receipts[reply] != 1:
                judgement.faults.append(f"{receipts[reply]} receipts for one reply")
        return judgement

    def _heard(self) -> tuple[list[Heard], list[Heard]]:
        heard, notes, _ = read_ledger(self.entries)
        return [h for h in heard if h.line == self.line], [n for n in notes if n.line == self.line]

    def _chats_opened(self) -> int:
        """Different chats with this customer."""
        return len(
            {
                entry["result"]["ContactId"]
                for entry in self.entries
                if entry["name"] == "StartChatContact"
                and entry["params"]["Attributes"]["sb_customer_number"] == self.line.customer_number
            }
        )

    def _is_all_heard(self) -> bool:
        heard, _ = self._heard()
        for way in Way:
            count = sum(len(words(h.body)) for h in heard if h.way is way)
            owed = sum(len(words(s.body)) for s in self.said if s.way is way)
            if count < owed:
                return False
        return True

    def _unreceipted(self) -> bool:
        receipts = count_receipts(self.entries)
        return any(not receipts[reply] for reply in self.replies)

    async def _until(self, look: Callable[[], Awaitable[bool]], what: str) -> None:
        try:
            async with asyncio.timeout(KEPT_WAITING_S):
                while not await look():  # noqa: ASYNC110 - a ledger over HTTP has no event
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            raise NeverHappenedError(what) from None


def _now() -> str:
    return iso(datetime.now(UTC))


CONFIG = Path(__file__).with_name("brands.toml")
