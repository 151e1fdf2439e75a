"""The stage: customers with phones, an agent at a desk, and an eye on the ledger.

What is said goes in over the simulator's control API, as a phone or an agent's desk would send it.
What is heard is read from the ledger as it grows, printed, and kept for the judge.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from demo.judge import LINK, Heard, Line, Said, Way, read_ledger, words
from demo.transcript import Transcript
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk, NoSuchChatError
from simulator.ledger import Entry, iso

PATIENCE_S = 20.0


class MissedCueError(Exception):
    """Something that the script waits for did not happen in time."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody with a phone, writing to one of our numbers."""

    name: str
    number: str
    our_number: str

    @property
    def line(self) -> Line:
        """Both numbers."""
        return Line(self.our_number, self.number)


@dataclass
class Stage:
    """A play in progress. `said` and `entries` are all that the judge gets."""

    simulator: SimulatorClient
    desk: AgentDesk
    transcript: Transcript
    said: list[Said] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    _customers: dict[str, Customer] = field(default_factory=dict)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)

    # --- what people do ---------------------------------------------------------------------------

    async def text(self, customer: Customer, body: str) -> None:
        """A customer sends a text."""
        self._customers[customer.number] = customer
        self.said.append(Said(customer.line, Way.TO_AGENT, body, at=_now()))
        self.transcript.said(customer.name, body, at="phone")
        await self.simulator.text_from_customer(customer.number, customer.our_number, body)

    async def instruct(self, customer: Customer, word: str) -> None:
        """A customer sends a word that is for us and not for the agent: STOP, START."""
        self._customers[customer.number] = customer
        self.transcript.said(customer.name, word, at="phone")
        await self.simulator.text_from_customer(customer.number, customer.our_number, word)

    async def answer(self, customer: Customer, body: str) -> None:
        """The agent writes to a customer."""
        chat = await self.chat_of(customer)
        self.transcript.said("agent", f"(to {customer.name}) {body}", at="desk")
        item = await self.desk.say(chat, body)
        self.said.append(Said(customer.line, Way.TO_CUSTOMER, body, at=item.at))

    async def attach(self, customer: Customer, name: str, kind: str, content: bytes) -> None:
        """The agent sends a file, which reaches the phone as a link or as a picture."""
        chat = await self.chat_of(customer)
        self.transcript.said("agent", f"(to {customer.name}) {name}, {kind}", at="desk")
        self.said.append(Said(customer.line, Way.TO_CUSTOMER, f"{name}: {LINK}", at=_now()))
        await self.desk.attach(chat, name, content, kind)

    def expect(self, customer: Customer, body: str) -> None:
        """A text that the system owes this customer by itself."""
        self.said.append(Said(customer.line, Way.TO_CUSTOMER, body, at=_now(), ours=True))

    # --- what is seen -----------------------------------------------------------------------------

    async def chat_of(self, customer: Customer) -> str:
        """The customer's newest chat that an agent has joined, waiting for it."""
        attributes = {
            "sb_customer_number": customer.number,
            "sb_our_number": customer.our_number,
        }
        try:
            chat = await self.desk.wait_for_chat(
                attributes=attributes, state="with_agent", timeout_s=PATIENCE_S
            )
        except NoSuchChatError:
            raise MissedCueError(f"no agent joined a chat of {customer.name}") from None
        return chat.contact_id

    async def until_heard(self, customer: Customer, way: Way, count: int) -> None:
        """Until this many messages of a lane have come out, notes of ours not counted."""
        await self._until(
            lambda: len(self._heard(customer.line, way)) >= count,
            f"{customer.name}: {count} messages {way.value.replace('_', ' ')}",
        )

    async def until_all_heard(self) -> None:
        """Until every word that went in has come out, or patience ends."""
        await self._until(self._is_all_heard, "everything said so far")

    async def until_note(self, customer: Customer, phrase: str) -> None:
        """Until the agent has read a note of ours with this phrase."""
        await self._until(
            lambda: any(
                note.line == customer.line and phrase in note.body
                for note in read_ledger(e.as_json() for e in self.entries)[1]
            ),
            f"a note about {customer.name}: {phrase}",
        )

    def _heard(self, line: Line, way: Way) -> list[Heard]:
        heard, _, _ = read_ledger(e.as_json() for e in self.entries)
        return [h for h in heard if (h.line, h.way) == (line, way)]

    def _is_all_heard(self) -> bool:
        heard, _, _ = read_ledger(e.as_json() for e in self.entries)
        counts: dict[tuple[Line, Way], int] = {}
        for h in heard:
            counts[h.line, h.way] = counts.get((h.line, h.way), 0) + len(words(h.body))
        owed: dict[tuple[Line, Way], int] = {}
        for s in self.said:
            owed[s.line, s.way] = owed.get((s.line, s.way), 0) + len(words(s.body))
        return all(counts.get(lane, 0) >= n for lane, n in owed.items())

    async def _until(self, is_met: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not is_met():
                    self._grown.clear()
                    await self._grown.wait()
        except TimeoutError:
            raise MissedCueError(f"waited {PATIENCE_S:.0f} s for {what}") from None

    # --- the ledger, as it grows ------------------------------------------------------------------

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Follow the ledger while the block runs, and print what is heard."""
        task = asyncio.create_task(self._follow(), name="ledger")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _follow(self) -> None:
        while True:
            after = self.entries[-1].seq if self.entries else 0
            for entry in await self.simulator.ledger(after=after, wait_s=10):
                self.entries.append(entry)
                self._print(entry)
            self._grown.set()

    def _print(self, entry: Entry) -> None:
        params = entry.params
        if entry.name == "text_arrived":
            customer = self._customers.get(params["destination"])
            who = customer.name if customer else params["destination"]
            body = params["body"] or " ".join(params["media_urls"])
            self.transcript.heard(who, body, at="phone", hop_ms=self._hop_out(entry))
        elif entry.name == "chat_item" and params["type"] == "MESSAGE":
            if params["role"] == "CUSTOMER":
                self.transcript.heard(
                    "desk",
                    f"({params['display_name']}) {params['content']}",
                    at="desk",
                    hop_ms=self._hop_in(entry),
                )
            elif params["role"] == "SYSTEM":
                self._expect_of_flow(entry)

    def _expect_of_flow(self, entry: Entry) -> None:
        """What the contact flow says is for the customer, like an agent's words."""
        line = self._line_of(entry.params["initial_contact_id"])
        if line is not None:
            body, at = entry.params["content"], entry.params["at"]
            self.said.append(Said(line, Way.TO_CUSTOMER, body, at=at, ours=True))
            self.transcript.note(f"the flow says: {entry.params['content']}")

    def _line_of(self, contact_id: str) -> Line | None:
        for entry in self.entries:
            if entry.name == "StartChatContact" and entry.result.get("ContactId") == contact_id:
                attributes = entry.params["Attributes"]
                return Line(attributes["sb_our_number"], attributes["sb_customer_number"])
        return None

    def _hop_in(self, heard: Entry) -> float | None:
        """From the text's publication to its place in the chat."""
        wanted = words(heard.params["content"])
        for entry in reversed(self.entries):
            if entry.name == "inbound_text_published":
                sent = words(entry.params["messageBody"])
                if sent[: len(wanted)] == wanted:
                    return _ms_between(entry.at, heard.params["at"])
        return None

    def _hop_out(self, heard: Entry) -> float | None:
        """From the message in the chat to the send that the carrier took."""
        wanted = words(heard.params["body"] or "")
        for entry in reversed(self.entries):
            if entry.name == "chat_item" and entry.params["type"] == "MESSAGE":
                said = words(entry.params["content"] or "")
                if entry.params["role"] != "CUSTOMER" and said[: len(wanted)] == wanted:
                    return _ms_between(entry.params["at"], heard.at)
        return None


def _now() -> str:
    return iso(datetime.now(UTC))


def _ms_between(earlier: str, later: str) -> float:
    start, end = (datetime.fromisoformat(moment) for moment in (earlier, later))
    return (end - start).total_seconds() * 1000
