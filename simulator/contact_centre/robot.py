"""An agent that answers by itself: one answer to each customer message, for demos and load."""

from __future__ import annotations

from simulator.contact_centre.chat import Chat, Draft
from simulator.contact_centre.content import TEXT_PLAIN, ItemType, Role
from simulator.contact_centre.delivery import Delivery
from simulator.contact_centre.items import ChatItem
from simulator.contact_centre.knobs import ContactCentreKnobs
from simulator.world import World


class Robot:
    """Answers in the order of the messages, each `agent_answers_after_ms` after it was seen."""

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery
        self._seen: dict[str, int] = {}

    def look_at(self, chat: Chat, knobs: ContactCentreKnobs) -> None:
        """Take up the customer's messages that have no answer yet, once an agent is there."""
        if knobs.agent_answers is None or not chat.present(Role.AGENT):
            return
        asked = [item for item in chat.items if is_customer_message(item)]
        seen = self._seen.get(chat.id, 0)
        self._seen[chat.id] = len(asked)
        due = self._world.clock.monotonic() + knobs.agent_answers_after_ms / 1000
        for number, item in enumerate(asked[seen:], seen + 1):
            answer = knobs.agent_answers.replace("{number}", str(number))
            answer = answer.replace("{content}", item.content or "")
            self._world.tasks.in_lane(f"answers {chat.id}", self._answer(chat, answer, due))

    async def _answer(self, chat: Chat, answer: str, due: float) -> None:
        await self._world.clock.sleep(due - self._world.clock.monotonic())
        agents = chat.present(Role.AGENT)
        if agents and not chat.is_ended:
            draft = Draft(ItemType.MESSAGE, TEXT_PLAIN, answer, agents[0].author)
            self._delivery.post(chat, draft)


def is_customer_message(item: ChatItem) -> bool:
    """Whether the customer said it."""
    by_customer = item.author is not None and item.author.role is Role.CUSTOMER
    return by_customer and item.type is ItemType.MESSAGE
