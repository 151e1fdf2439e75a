"""Customers and agents: they speak as the plan says and know nothing of workers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

from demo.judge import Line, Said, Way
from dst.cloud import Cloud
from dst.entropy import stream
from dst.plan import LONG, WORDS, Talk
from simulator.contact_centre.chat import Chat, Draft
from simulator.contact_centre.content import TEXT_PLAIN, ItemType, Role
from simulator.ledger import iso
from simulator.services.sms_voice.inbound import FromCustomer, receive

LOOK_EVERY_S = 0.25
AGENT_PATIENCE_S = 120.0
AT_LEAST_S = 0.002
"""Two things said by one person are never of the same millisecond."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """An input as the judge gets it, with what only the simulation knows."""

    said: Said
    event_id: str
    at_s: float


@dataclass(slots=True)
class Conversation:
    """What one talk has brought so far."""

    talk: Talk
    uttered: list[Utterance] = field(default_factory=list)
    opted_out_at: float | None = None
    stop_event_id: str | None = None
    is_over: bool = False

    @property
    def line(self) -> Line:
        """Both numbers."""
        return Line(self.talk.our_number, self.talk.customer_number)


class People:
    """Both sides of every talk."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self.conversations = [Conversation(talk) for talk in cloud.plan.talks]

    async def speak(self) -> None:
        """Until everybody has said everything, or has nobody to say it to."""
        async with asyncio.TaskGroup() as tasks:
            for number, conversation in enumerate(self.conversations):
                tasks.create_task(self._customer(number, conversation))
                tasks.create_task(self._agent(number, conversation))

    def end_all(self) -> int:
        """Agents close what is still open; how many chats that were."""
        still_open = [chat for chat in self._cloud.centre.chats() if not chat.is_ended]
        for chat in still_open:
            self._cloud.centre.lifecycle.end(chat, "AGENT_DISCONNECT")
        return len(still_open)

    # --- the customer -----------------------------------------------------------------------------

    async def _customer(self, number: int, conversation: Conversation) -> None:
        talk, chance = conversation.talk, stream(self._cloud.plan.seed, f"customer {number}")
        await asyncio.sleep(talk.begins_after_s)
        for place, gap_s in enumerate(talk.text_gaps_s):
            await asyncio.sleep(max(AT_LEAST_S, gap_s))
            if place == talk.stops_after:
                conversation.opted_out_at = _now()
                conversation.stop_event_id = await self._text(conversation, "STOP")
                continue
            body = _words(chance, f"t{number}-{place:02d}")
            at, at_s = iso(self._cloud.clock.now()), _now()
            event_id = await self._text(conversation, body)
            said = Said(conversation.line, Way.TO_AGENT, body, at=at)
            conversation.uttered.append(Utterance(said, event_id, at_s))

    async def _text(self, conversation: Conversation, body: str) -> str:
        talk = conversation.talk
        self._cloud.trace.note("customer", "texts", body[:40])
        received = await receive(
            self._cloud.sms, FromCustomer(talk.customer_number, talk.our_number, body)
        )
        return received.inbound_message_id or ""

    # --- the agents -------------------------------------------------------------------------------

    async def _agent(self, number: int, conversation: Conversation) -> None:
        talk, chance = conversation.talk, stream(self._cloud.plan.seed, f"agent {number}")
        for place, gap_s in enumerate(talk.agent_gaps_s):
            await asyncio.sleep(max(AT_LEAST_S, gap_s))
            chat = await self._chat_of(conversation)
            if chat is None:
                return
            if place == talk.transfers_after and chat.present(Role.AGENT):
                self._cloud.trace.note("agent", "transfers", chat.id)
                self._cloud.centre.lifecycle.transfer(chat, None)
                continue
            self._say(conversation, chat, _words(chance, f"a{number}-{place:02d}"))
        await self._end(conversation, chance)
        conversation.is_over = True

    def _say(self, conversation: Conversation, chat: Chat, body: str) -> None:
        agents = chat.present(Role.AGENT)
        draft = Draft(ItemType.MESSAGE, TEXT_PLAIN, body, agents[0].author)
        at_s = _now()
        item = self._cloud.centre.delivery.post(chat, draft)
        self._cloud.trace.note("agent", "says", body[:40])
        said = Said(conversation.line, Way.TO_CUSTOMER, body, at=iso(item.at))
        conversation.uttered.append(Utterance(said, item.id, at_s))

    async def _end(self, conversation: Conversation, chance: Random) -> None:
        talk, lifecycle = conversation.talk, self._cloud.centre.lifecycle
        if talk.ending == "stays":
            return
        await asyncio.sleep(chance.uniform(0, 8))
        chat = await self._chat_of(conversation)
        if chat is None:
            return
        self._cloud.trace.note("agent", "ends by", talk.ending)
        agents = chat.present(Role.AGENT)
        match talk.ending:
            case "agent_leaves":
                lifecycle.leave(chat, agents[0])
            case "agent_ends":
                lifecycle.end(chat, "AGENT_DISCONNECT", agents[0])
            case "flow_ends":
                lifecycle.end(chat, "CONTACT_FLOW_DISCONNECT")

    async def _chat_of(self, conversation: Conversation) -> Chat | None:
        """The customer's newest chat with an agent in it, once there is one."""
        wanted = {
            "sb_customer_number": conversation.talk.customer_number,
            "sb_our_number": conversation.talk.our_number,
        }
        waited_s = 0.0
        while waited_s < AGENT_PATIENCE_S:
            for chat in reversed(tuple(self._cloud.centre.chats())):
                is_theirs = wanted.items() <= chat.attributes.items()
                if is_theirs and not chat.is_ended and chat.present(Role.AGENT):
                    return chat
            await asyncio.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
        return None


def _words(chance: Random, name: str) -> str:
    body = f"{name} {chance.choice(WORDS)}"
    return body + LONG if chance.random() < 0.12 else body


def _now() -> float:
    return asyncio.get_running_loop().time()
