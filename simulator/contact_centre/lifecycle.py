"""Moves a chat from its start to its end: connecting, queueing, agents, transfers, timers.

Each move is one synchronous step, so no two of them interleave. What takes time is started in the
background and looks again at the chat when it wakes.
"""

from __future__ import annotations

from simulator.contact_centre.chat import Chat, ChatState, Draft, Participant
from simulator.contact_centre.contacts import Contact, ContactAgent
from simulator.contact_centre.content import (
    CHAT_REHYDRATED,
    PARTICIPANT_JOINED,
    PARTICIPANT_LEFT,
    TRANSFER_SUCCEEDED,
    ItemType,
    Role,
)
from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.flow_runner import FlowRunner
from simulator.contact_centre.instance import Instance
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.contact_centre.robot import Robot
from simulator.contact_centre.seeding import AgentSeed
from simulator.world import World


class NotNowError(Exception):
    """The chat is not in the state that the move needs; carries the state it is in."""

    def __init__(self, state: ChatState) -> None:
        super().__init__(f"the chat is {state.value}")
        self.state = state


class Lifecycle:
    """The moves of all chats."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery
        self._robot = Robot(world, delivery)
        self._flows = FlowRunner(world, delivery, self)
        self._live: set[Chat] = set()

    @property
    def _knobs(self) -> ContactCentreKnobs:
        return self._world.knobs.of(ContactCentreKnobs)

    def open(self, chat: Chat) -> None:
        """Begin a chat whose customer has not connected yet."""
        self._live.add(chat)
        self._delivery.changed(chat)
        self._delivery.contact_event(chat, chat.contact, "INITIATED")
        tasks = self._world.tasks
        tasks.start("connect_deadline", self._expire_unconnected(chat))
        tasks.start("chat_duration", self._expire_old(chat))

    def active_count(self, instance: Instance) -> int:
        """How many chats of an instance have not ended, silent ones too."""
        return sum(1 for chat in self._live if chat.instance is instance)

    def waiting_with(self, chat: Chat) -> int:
        """How many wait in the routing queue that `chat` would go to."""
        return sum(
            1
            for other in self._live
            if other.state is ChatState.QUEUED
            and other.instance is chat.instance
            and other.contact.queue_id == chat.queue_id
        )

    def connect_customer(self, chat: Chat) -> None:
        """Mark the customer as connected: only now does the flow begin. Again is nothing."""
        if chat.customer.has_joined:
            return
        chat.customer.has_joined = True
        chat.contact.connected_at = self._world.clock.now()
        chat.state = ChatState.FLOW
        self._delivery.changed(chat)
        self._delivery.contact_event(chat, chat.contact, "CONNECTED_TO_SYSTEM")
        self._post_event(chat, PARTICIPANT_JOINED, chat.customer)
        if chat.opening.past is not None:
            self._delivery.post(chat, Draft(ItemType.EVENT, CHAT_REHYDRATED))
        self._flows.start(chat, chat.opening.flow)

    def customer_spoke(self, chat: Chat) -> None:
        """Let a waiting flow and the robot know of what the customer has sent."""
        self._flows.customer_spoke(chat)
        self._robot.look_at(chat, self._knobs)

    def join_bot(self, chat: Chat, bot: Participant) -> None:
        """Mark a custom bot as connected."""
        if not bot.has_joined:
            bot.has_joined = True
            self._post_event(chat, PARTICIPANT_JOINED, bot)

    def invite_bot(self, chat: Chat, bot: Participant) -> None:
        """Take a custom bot in; it must connect soon (CreateParticipant)."""
        chat.participants[bot.id] = bot
        self._world.tasks.start("bot_deadline", self._expire_bot(bot))

    def enqueue(self, chat: Chat, agent: AgentSeed | None = None) -> None:
        """Put the current contact into its routing queue, for one agent if given."""
        chat.contact.queue_id = chat.queue_id
        chat.contact.enqueued_at = self._world.clock.now()
        chat.state = ChatState.QUEUED
        self._delivery.changed(chat)
        self._delivery.contact_event(chat, chat.contact, "QUEUED")
        knobs = self._knobs
        if agent is not None or (knobs.agent_joins == "automatic" and knobs.is_staffed):
            chosen = agent or chat.instance.agent(None)
            self._world.tasks.start("agent_joins", self._join_later(chat, chat.contact, chosen))
        hook = chat.instance.flow(chat.hooks.get("CustomerQueue", ""))
        if hook is not None:
            self._flows.start(chat, hook, ends_contact=False)

    def join(self, chat: Chat, agent: AgentSeed) -> Participant:
        """An agent takes the chat, or comes to it as one more.

        Raises:
            NotNowError: nobody can join before it is queued or after it has ended.
        """
        if chat.state not in (ChatState.QUEUED, ChatState.WITH_AGENT):
            raise NotNowError(chat.state)
        for bot in chat.present(Role.CUSTOM_BOT):
            self.remove(chat, bot)
        joined = Participant(
            self._world.new_id(), Role.AGENT, agent.display_name, agent.id, has_joined=True
        )
        chat.participants[joined.id] = joined
        is_first = chat.contact.agent is None
        if is_first:
            chat.contact.agent = ContactAgent(agent.id, self._world.clock.now())
        chat.state = ChatState.WITH_AGENT
        self._delivery.changed(chat)
        if is_first:
            self._delivery.contact_event(chat, chat.contact, "CONNECTED_TO_AGENT")
        self._post_event(chat, PARTICIPANT_JOINED, joined)
        self._robot.look_at(chat, self._knobs)
        return joined

    def remove(self, chat: Chat, participant: Participant) -> None:
        """Someone is no longer in the chat."""
        participant.has_left = True
        self._post_event(chat, PARTICIPANT_LEFT, participant)

    def leave(self, chat: Chat, agent: Participant) -> None:
        """An agent leaves. After the last one the disconnect flow runs, or the chat ends."""
        self.remove(chat, agent)
        if chat.present(Role.AGENT):
            return
        hook = chat.instance.flow(chat.hooks.get("CustomerRemaining", ""))
        if hook is None:
            self.end(chat, "AGENT_DISCONNECT")
            return
        self._go_on(chat, "DISCONNECT", "AGENT_DISCONNECT")
        chat.state = ChatState.FLOW
        self._delivery.changed(chat)
        self._flows.start(chat, hook)

    def transfer(self, chat: Chat, to: AgentSeed | None) -> None:
        """The agent passes the chat on, to the queue or to one agent, under a new contact id.

        Raises:
            NotNowError: no agent has it.
        """
        agents = chat.present(Role.AGENT)
        if not agents:
            raise NotNowError(chat.state)
        self._post_event(chat, TRANSFER_SUCCEEDED, agents[0])
        for agent in agents:
            self.remove(chat, agent)
        self._go_on(chat, "TRANSFER", "AGENT_DISCONNECT")
        self.enqueue(chat, to)

    def end(self, chat: Chat, reason: str, by: Participant | None = None) -> None:
        """End the chat for everyone. Ending it again is nothing."""
        if chat.is_ended:
            return
        if by is not None:
            self.remove(chat, by)
        self._live.discard(chat)
        contact, had_agent = chat.contact, chat.contact.agent is not None
        draft = chat.close(self._world.clock.now(), reason)
        self._delivery.post(chat, draft)
        self._delivery.changed(chat)
        self._disconnected(chat, contact, had_agent=had_agent)

    def _go_on(self, chat: Chat, initiation_method: str, reason: str) -> None:
        """End the current contact and begin the next of the chain."""
        now = self._world.clock.now()
        previous = chat.contact
        had_agent = previous.agent is not None
        previous.disconnect(now, reason)
        following = Contact(
            id=self._world.new_id(),
            initial_id=chat.id,
            initiation_method=initiation_method,
            initiated_at=now,
            previous_id=previous.id,
            related_id=previous.related_id,
            connected_at=now,
        )
        previous.next_ids.append(following.id)
        chat.contacts.append(following)
        self._disconnected(chat, previous, had_agent=had_agent)
        self._delivery.contact_event(chat, following, "INITIATED")
        self._delivery.contact_event(chat, following, "CONNECTED_TO_SYSTEM")

    def _disconnected(self, chat: Chat, contact: Contact, *, had_agent: bool) -> None:
        self._delivery.contact_event(chat, contact, "DISCONNECTED")
        if had_agent and self._knobs.after_contact_work_ms:
            self._world.tasks.start("after_contact_work", self._complete(chat, contact))
        else:
            self._delivery.contact_event(chat, contact, "COMPLETED")

    def _post_event(self, chat: Chat, content_type: str, who: Participant) -> None:
        self._delivery.post(chat, Draft(ItemType.EVENT, content_type, author=who.author))

    async def _complete(self, chat: Chat, contact: Contact) -> None:
        await self._world.clock.sleep(self._knobs.after_contact_work_ms / 1000)
        self._delivery.contact_event(chat, contact, "COMPLETED")

    async def _join_later(self, chat: Chat, contact: Contact, agent: AgentSeed) -> None:
        await self._world.clock.sleep(self._knobs.agent_joins_after_ms / 1000)
        if chat.contact is contact and chat.state is ChatState.QUEUED:
            self.join(chat, agent)

    async def _expire_unconnected(self, chat: Chat) -> None:
        await self._world.clock.sleep(self._knobs.connect_within_s)
        if not chat.customer.has_joined:
            self.end(chat, "CUSTOMER_CONNECTION_NOT_ESTABLISHED")

    async def _expire_old(self, chat: Chat) -> None:
        await self._world.clock.sleep(chat.opening.duration_min * 60)
        self.end(chat, "EXPIRED")

    async def _expire_bot(self, bot: Participant) -> None:
        await self._world.clock.sleep(self._knobs.bot_connect_within_s)
        if not bot.has_joined:
            bot.has_left = True
