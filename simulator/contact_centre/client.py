"""The desk of a contact-centre agent, from Python: for tests, demos and a desk in a terminal."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from simulator.contact_centre.content import (
    TEXT_PLAIN,
    Visibility,
)
from simulator.contact_centre.knobs import SECTION, ContactCentreKnobs
from simulator.control_channel import ControlChannel

_POLL_S = 20.0


@dataclass(frozen=True, slots=True)
class DeskChat:
    """A chat as the desk sees it. `contact_id` is the initial one and stays."""

    contact_id: str
    current_contact_id: str
    contact_ids: tuple[str, ...]
    instance_id: str
    state: str
    display_name: str
    customer_id: str | None
    attributes: Mapping[str, str]
    started_at: str
    ended_at: str | None
    disconnect_reason: str | None
    continued_from: str | None
    streams: tuple[str, ...]
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskItem:
    """An item of a chat, whoever may see it."""

    id: str
    at: str
    type: str
    content_type: str | None
    content: str | None
    role: str | None
    participant_id: str | None
    display_name: str | None
    visibility: str
    contact_id: str
    initial_contact_id: str
    attachments: tuple[Mapping[str, Any], ...]
    receipt: Mapping[str, Any] | None

    @property
    def is_from_customer(self) -> bool:
        """Whether the customer's participant brought it."""
        return self.role == "CUSTOMER"


@dataclass(frozen=True, slots=True)
class DeskChange:
    """One line of the feed: `item` is set when something was said, else the chat's new `state`."""

    seq: int
    contact_id: str
    item: DeskItem | None
    state: str | None


class NoSuchChatError(Exception):
    """No chat of that description came in time."""


class AgentDesk:
    """Typed methods over `/_simulator/connect`. One HTTP session: `async with AgentDesk(url)`.

    Chats are named by any of their contact ids. `agent` is an id or display name that the world
    document gives; by default the first agent, or the first one present.

    Every method raises ControlError: 404 for an unknown chat or agent, 409 for a move that the
    chat's state forbids.
    """

    def __init__(self, url: str) -> None:
        self._channel = ControlChannel(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._channel.close()

    async def chats(
        self, *, display_name: str | None = None, attributes: Mapping[str, str] | None = None
    ) -> list[DeskChat]:
        """Chats that fit, oldest first, ended ones too."""
        return await self._list(0, 1, _filters(display_name, attributes))

    async def wait_for_chat(
        self,
        *,
        display_name: str | None = None,
        attributes: Mapping[str, str] | None = None,
        state: str | None = None,
        timeout_s: float = 10,
    ) -> DeskChat:
        """The newest chat that fits, as soon as there is one.

        Raises:
            NoSuchChatError: none came within `timeout_s`.
        """
        filters = _filters(display_name, attributes) | ({"state": state} if state else {})
        found = await self._list(timeout_s, 1, filters)
        if not found:
            raise NoSuchChatError
        return found[-1]

    async def chat(self, contact_id: str) -> DeskChat:
        """One chat."""
        return _chat(await self._channel.call("GET", f"connect/chats/{contact_id}"))

    async def items(self, contact_id: str) -> list[DeskItem]:
        """Everything in a chat so far, oldest first."""
        found = await self._channel.call("GET", f"connect/chats/{contact_id}")
        return [_item(item) for item in found["items"]]

    async def changes(
        self, *, after: int = 0, contact_id: str | None = None, wait_s: float = 0
    ) -> list[DeskChange]:
        """Changes past `after`, of one chat if given; with `wait_s` waits for the first."""
        found = await self._channel.call(
            "GET", "connect/feed", after=after, contact_id=contact_id, wait_s=wait_s
        )
        return [_change(change) for change in found["changes"]]

    async def watch(
        self, *, after: int = 0, contact_id: str | None = None
    ) -> AsyncIterator[DeskChange]:
        """Every change as it happens, without end: what an interactive desk shows."""
        while True:
            for change in await self.changes(after=after, contact_id=contact_id, wait_s=_POLL_S):
                after = change.seq
                yield change

    async def wait_for_message(
        self, contact_id: str, content: str, *, timeout_s: float = 10
    ) -> DeskItem:
        """The first item of a chat with exactly that content.

        Raises:
            NoSuchChatError: nobody said so within `timeout_s` of quiet.
        """
        after = 0
        while True:
            changes = await self.changes(after=after, contact_id=contact_id, wait_s=timeout_s)
            if not changes:
                raise NoSuchChatError
            after = changes[-1].seq
            for change in changes:
                if change.item is not None and change.item.content == content:
                    return change.item

    async def join(
        self, contact_id: str, agent: str | None = None, *, timeout_s: float = 10
    ) -> str:
        """An agent joins, as soon as the chat is queued; returns the participant id."""
        move = {"agent": agent, "timeout_s": timeout_s}
        return str((await self._post(contact_id, "join", move))["participant_id"])

    async def say(
        self,
        contact_id: str,
        content: str,
        *,
        content_type: str = TEXT_PLAIN,
        visibility: Visibility = Visibility.ALL,
        agent: str | None = None,
    ) -> DeskItem:
        """An agent who is in the chat says something."""
        saying = {
            "agent": agent,
            "content": content,
            "content_type": content_type,
            "visibility": visibility.value,
        }
        return _item(await self._post(contact_id, "say", saying))

    async def type_on(self, contact_id: str, agent: str | None = None) -> None:
        """An agent types."""
        await self._post(contact_id, "typing", {"agent": agent})

    async def receive(self, contact_id: str, message_id: str, *, read: bool = True) -> None:
        """An agent has read a message, or only got it."""
        await self._post(contact_id, "receipt", {"message_id": message_id, "read": read})

    async def attach(
        self,
        contact_id: str,
        name: str,
        content: bytes,
        content_type: str,
        *,
        visibility: Visibility = Visibility.ALL,
    ) -> str:
        """An agent attaches a file; returns the attachment id."""
        move = {
            "name": name,
            "content_type": content_type,
            "content_base64": base64.b64encode(content).decode("ascii"),
            "visibility": visibility.value,
        }
        return str((await self._post(contact_id, "attach", move))["attachment_id"])

    async def leave(self, contact_id: str, agent: str | None = None) -> DeskChat:
        """An agent leaves. After the last one the disconnect flow runs, or the chat ends."""
        return _chat(await self._post(contact_id, "leave", {"agent": agent}))

    async def transfer(self, contact_id: str, to: str | None = None) -> DeskChat:
        """The agents pass the chat on, to one agent or to the queue: a new contact id."""
        return _chat(await self._post(contact_id, "transfer", {"to": to}))

    async def end(
        self, contact_id: str, by: Literal["agent", "system", "expiry"] = "agent"
    ) -> DeskChat:
        """The chat ends."""
        return _chat(await self._post(contact_id, "end", {"by": by}))

    async def expire_tokens(
        self,
        contact_id: str | None = None,
        kind: Literal["connection", "participant"] = "connection",
    ) -> int:
        """Tokens expire now, of one chat or of all; returns how many."""
        path = f"connect/chats/{contact_id}" if contact_id else "connect"
        found = await self._channel.call("POST", f"{path}/tokens/expire", {"kind": kind})
        return int(found["expired"])

    async def cut_sockets(self, contact_id: str) -> int:
        """Break the customer's sockets; returns how many there were."""
        return int((await self._post(contact_id, "sockets/cut", {}))["cut"])

    async def emit_contact_event(
        self, contact_id: str, event_type: str, *, of_contact: str | None = None
    ) -> None:
        """Put a contact event on the bus, true or not, of the current contact or another."""
        order = {"event_type": event_type, "contact_id": of_contact}
        await self._post(contact_id, "contact-events", order)

    async def resend(self, contact_id: str, item_id: str) -> None:
        """Send an item once more to sockets and topics, as best-effort streams do."""
        await self._post(contact_id, "resend", {"item_id": item_id})

    async def turn(self, **knobs: Any) -> None:
        """Turn knobs of the contact centre; those not named keep their value."""
        now = (await self._channel.call("GET", "knobs"))[SECTION]
        checked = ContactCentreKnobs.model_validate(now | knobs)
        await self._channel.call("PUT", "knobs", {SECTION: checked.model_dump(mode="json")})

    async def answer_by_itself(self, template: str | None, *, after_ms: int = 50) -> None:
        """Let an agent join every chat and answer each customer message; None stops that.

        `{content}` and `{number}` in the template are the message and its place in the chat.
        """
        joins = {} if template is None else {"agent_joins": "automatic"}
        await self.turn(agent_answers=template, agent_answers_after_ms=after_ms, **joins)

    async def _list(self, wait_s: float, count: int, filters: Mapping[str, str]) -> list[DeskChat]:
        found = await self._channel.call(
            "GET", "connect/chats", None, wait_s=wait_s, count=count, **filters
        )
        return [_chat(chat) for chat in found["chats"]]

    async def _post(
        self, contact_id: str, move: str, document: Mapping[str, Any]
    ) -> dict[str, Any]:
        return await self._channel.call("POST", f"connect/chats/{contact_id}/{move}", document)


def _filters(display_name: str | None, attributes: Mapping[str, str] | None) -> dict[str, str]:
    named = {} if display_name is None else {"display_name": display_name}
    return named | {f"attribute.{key}": value for key, value in (attributes or {}).items()}


def _chat(found: Mapping[str, Any]) -> DeskChat:
    return DeskChat(**_taken(found, DeskChat.__slots__))


def _item(found: Mapping[str, Any]) -> DeskItem:
    return DeskItem(**_taken(found, DeskItem.__slots__))


def _taken(found: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    picked = {name: found[name] for name in names}
    return {k: tuple(v) if isinstance(v, list) else v for k, v in picked.items()}


def _change(found: Mapping[str, Any]) -> DeskChange:
    is_item = found["kind"] == "item"
    body = found["body"]
    return DeskChange(
        seq=found["seq"],
        contact_id=found["contact_id"],
        item=_item(body) if is_item else None,
        state=None if is_item else body["state"],
    )
