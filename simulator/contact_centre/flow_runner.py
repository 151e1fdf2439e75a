"""Carries out the steps of contact flows in their chats."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, assert_never

from simulator.contact_centre.chat import Chat, ChatState, Draft, Participant
from simulator.contact_centre.contacts import Contact
from simulator.contact_centre.content import PARTICIPANT_JOINED, TEXT_PLAIN, ItemType, Role
from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.flow import Flow, walk
from simulator.contact_centre.flow_blocks import (
    Ask,
    CallStatus,
    Check,
    Disconnect,
    EnterQueue,
    Say,
    SayInTurn,
    SetAttributes,
    SetHook,
    SetQueue,
    Step,
    Wait,
    Went,
)
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.contact_centre.seeding import AgentSeed
from simulator.world import World


class Moves(Protocol):
    """What a flow may do to a chat's life."""

    def enqueue(self, chat: Chat, agent: AgentSeed | None = None) -> None:
        """Put it into its routing queue."""
        ...

    def end(self, chat: Chat, reason: str, by: Participant | None = None) -> None:
        """End it."""
        ...

    def waiting_with(self, chat: Chat) -> int:
        """How many wait in the routing queue that it would go to."""
        ...


class FlowRunner:
    """Runs flows in the background, each for one contact: a contact that is over stops its flow."""

    def __init__(self, world: World, delivery: Delivery, moves: Moves) -> None:
        self._world = world
        self._delivery = delivery
        self._moves = moves
        self._spoke: dict[str, asyncio.Event] = {}
        self._systems: dict[str, Participant] = {}

    def start(self, chat: Chat, flow: Flow, *, ends_contact: bool = True) -> None:
        """Begin a flow; `ends_contact` says whether its end without a queue ends the contact."""
        self._world.tasks.start("flow", self._run(chat, flow, ends_contact))

    def customer_spoke(self, chat: Chat) -> None:
        """Wake a flow that waits for the customer's return."""
        event = self._spoke.pop(chat.id, None)
        if event is not None:
            event.set()

    async def _run(self, chat: Chat, flow: Flow, ends_contact: bool) -> None:
        contact = chat.contact
        walker = walk(flow, chat.attributes)
        step = next(walker, None)
        while step is not None:
            went = await self._perform(chat, contact, step)
            if chat.is_ended or chat.contact is not contact:
                return
            try:
                step = walker.send(went)
            except StopIteration:
                step = None
        # A flow that ends without a queue ends the contact (EndFlowExecution).
        if ends_contact and chat.state is ChatState.FLOW:
            self._moves.end(chat, "CONTACT_FLOW_DISCONNECT")

    async def _perform(self, chat: Chat, contact: Contact, step: Step) -> Went:
        match step:
            case Say(text, is_speech):
                self._say(chat, "" if is_speech else text)
            case SayInTurn():
                await self._say_in_turn(chat, contact, step)
            case SetAttributes(attributes):
                chat.attributes.update(attributes)
                self._delivery.contact_event(
                    chat, contact, "CONTACT_DATA_UPDATED", ("UserDefinedAttributes",)
                )
            case SetQueue(queue):
                chat.queue_id = chat.instance.queue_id(queue)
            case SetHook(hook, flow):
                chat.hooks[hook] = flow
            case Disconnect():
                self._moves.end(chat, "CONTACT_FLOW_DISCONNECT")
            case Check() | Wait() | EnterQueue() | Ask() | CallStatus():
                return await self._ask(chat, step)
            case _:
                assert_never(step)
        return Went()

    async def _ask(self, chat: Chat, step: Check | Wait | EnterQueue | Ask | CallStatus) -> Went:
        knobs = self._world.knobs.of(ContactCentreKnobs)
        match step:
            case Check("hours"):
                return Went(met=str(knobs.is_open))
            case Check():
                return Went(met="1" if knobs.is_staffed else "0")
            case Wait():
                return await self._wait(chat, step)
            case EnterQueue():
                return self._enter_queue(chat, knobs.queue_capacity)
            case Ask() | CallStatus():
                # Keys and call states are a call's: in a chat both blocks take their error branch.
                return Went(error="NoMatchingError")

    def _enter_queue(self, chat: Chat, capacity: int | None) -> Went:
        if capacity is not None and self._moves.waiting_with(chat) >= capacity:
            return Went(error="QueueAtCapacity")
        self._moves.enqueue(chat)
        return Went()

    async def _wait(self, chat: Chat, step: Wait) -> Went:
        spoke = self._spoke.setdefault(chat.id, asyncio.Event())
        returned = await _first(self._world.clock.sleep(step.seconds), spoke.wait())
        if returned and "CustomerReturned" in step.events:
            return Went(met="CustomerReturned")
        return Went(met="WaitCompleted")

    async def _say_in_turn(self, chat: Chat, contact: Contact, step: SayInTurn) -> None:
        while step.texts:
            for text in step.texts:
                if chat.contact is not contact or chat.state is not ChatState.QUEUED:
                    return
                self._say(chat, text)
                await self._world.clock.sleep(step.every_s)

    def _say(self, chat: Chat, text: str) -> None:
        if not text:
            return
        system = self._system(chat)
        draft = Draft(ItemType.MESSAGE, TEXT_PLAIN, content=text, author=system.author)
        self._delivery.post(chat, draft)

    def _system(self, chat: Chat) -> Participant:
        """The chat's SYSTEM participant; it joins before its first word."""
        system = self._systems.get(chat.id)
        if system is None:
            name = chat.instance.system_display_name
            system = Participant(self._world.new_id(), Role.SYSTEM, name, has_joined=True)
            self._systems[chat.id] = system
            draft = Draft(ItemType.EVENT, PARTICIPANT_JOINED, author=system.author)
            self._delivery.post(chat, draft)
        return system


async def _first(slow: Coroutine[Any, Any, Any], quick: Coroutine[Any, Any, Any]) -> bool:
    """Run both until one is done; True when `quick` was."""
    tasks = [asyncio.ensure_future(slow), asyncio.ensure_future(quick)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[1].done()
    finally:
        for task in tasks:
            task.cancel()
