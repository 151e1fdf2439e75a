"""The desk's control API under `/_simulator/connect/`: what agents, and tests, do to chats.

Plain JSON both ways. A move that the chat's state forbids is answered 409, an unknown chat 404.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from simulator.contact_centre.attachments import Attachment
from simulator.contact_centre.centre import ContactCentre
from simulator.contact_centre.chat import Chat, ChatState, Draft, Participant
from simulator.contact_centre.content import TEXT_PLAIN, TYPING, ItemType, Role, Visibility
from simulator.contact_centre.delivery import item_facts
from simulator.contact_centre.filing import file_attachment
from simulator.contact_centre.lifecycle import NotNowError
from simulator.contact_centre.seeding import AgentSeed
from simulator.contact_centre.tokens import TokenKind
from simulator.control import bad_request, read_document
from simulator.ledger import iso

_MAX_WAIT_S = 60.0


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AgentMove(_Document):
    """A move of one agent; by id or display name, else the first that fits."""

    agent: str | None = None


class JoinMove(AgentMove):
    """Join, once the chat is queued; waits that long for it."""

    timeout_s: float = Field(default=10, ge=0, le=_MAX_WAIT_S)


class Saying(AgentMove):
    """A message of an agent."""

    content: str = Field(min_length=1, max_length=16_384)
    content_type: str = TEXT_PLAIN
    visibility: Visibility = Visibility.ALL


class FileMove(AgentMove):
    """A file of an agent."""

    name: str = Field(min_length=1, max_length=256)
    content_type: str = Field(min_length=1, max_length=255)
    content_base64: str
    visibility: Visibility = Visibility.ALL


class ReceiptMove(AgentMove):
    """An agent has got, or read, a message."""

    message_id: str
    read: bool = True


class TransferMove(_Document):
    """To one agent, or to the queue."""

    to: str | None = None


class Ending(_Document):
    """Who ends the chat."""

    by: Literal["agent", "system", "expiry"] = "agent"


class TokenExpiry(_Document):
    """Which tokens expire now."""

    kind: Literal["connection", "participant"] = "connection"


class ContactEventOrder(_Document):
    """Emit a contact event of a chat's contact, whatever its state; of the current one if None."""

    event_type: str
    contact_id: str | None = None
    updated_properties: tuple[str, ...] = ()


class ItemOrder(_Document):
    """Send an item of the chat once more."""

    item_id: str


class ContactCentreControl:
    """The routes."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre

    def routes(self) -> tuple[web.RouteDef, ...]:
        """All of them."""
        at = "/_simulator/connect"
        one = f"{at}/chats/{{id}}"
        return (
            web.get(f"{at}/chats", self.list_chats),
            web.get(f"{at}/feed", self.get_feed),
            web.post(f"{at}/tokens/expire", self.expire_all),
            web.get(one, self.get_chat),
            web.post(f"{one}/join", self.join),
            web.post(f"{one}/say", self.say),
            web.post(f"{one}/typing", self.type_on),
            web.post(f"{one}/receipt", self.receive),
            web.post(f"{one}/attach", self.attach),
            web.post(f"{one}/leave", self.leave),
            web.post(f"{one}/transfer", self.transfer),
            web.post(f"{one}/end", self.end),
            web.post(f"{one}/tokens/expire", self.expire),
            web.post(f"{one}/sockets/cut", self.cut),
            web.post(f"{one}/contact-events", self.emit),
            web.post(f"{one}/resend", self.resend),
        )

    async def list_chats(self, request: web.Request) -> web.Response:
        """Chats, oldest first. Filters: `display_name`, `state`, `attribute.<key>`.

        With `wait_s`, waits that long until at least `count` (1) fit; answers what there is then.
        """
        count = int(_number(request, "count", 1))
        wait_s = min(_number(request, "wait_s", 0), _MAX_WAIT_S)
        if wait_s > 0:
            await self._centre.feed.wait_until(lambda: len(self._fitting(request)) >= count, wait_s)
        found = [chat_view(chat) for chat in self._fitting(request)]
        return web.json_response({"chats": found})

    async def get_chat(self, request: web.Request) -> web.Response:
        """One chat with all its items."""
        chat = self._chat(request)
        items = [item_facts(item) for item in chat.items]
        return web.json_response(chat_view(chat) | {"items": items})

    async def get_feed(self, request: web.Request) -> web.Response:
        """Changes past `after`, of `contact_id`'s chat if given; waits up to `wait_s` for one."""
        feed, after = self._centre.feed, int(_number(request, "after", 0))
        contact_id = request.query.get("contact_id")
        wait_s = min(_number(request, "wait_s", 0), _MAX_WAIT_S)
        await feed.wait_until(lambda: bool(feed.after(after, contact_id)), wait_s)
        changes = [change.as_json() for change in feed.after(after, contact_id)]
        return web.json_response({"changes": changes})

    async def join(self, request: web.Request) -> web.Response:
        """An agent joins."""
        chat, move = self._chat(request), await read_document(request, JoinMove)
        agent = _seeded(chat, move.agent)
        early = (ChatState.STARTED, ChatState.FLOW)
        await self._centre.feed.wait_until(lambda: chat.state not in early, move.timeout_s)
        try:
            joined = self._centre.lifecycle.join(chat, agent)
        except NotNowError as exc:
            raise _conflict(exc) from exc
        return web.json_response({"participant_id": joined.id})

    async def say(self, request: web.Request) -> web.Response:
        """An agent says something."""
        chat, saying = self._chat(request), await read_document(request, Saying)
        draft = Draft(
            ItemType.MESSAGE,
            saying.content_type,
            saying.content,
            _present(chat, saying.agent).author,
            saying.visibility,
        )
        return web.json_response(item_facts(self._centre.delivery.post(chat, draft)))

    async def type_on(self, request: web.Request) -> web.Response:
        """An agent types."""
        chat, move = self._chat(request), await read_document(request, AgentMove)
        draft = Draft(ItemType.EVENT, TYPING, author=_present(chat, move.agent).author)
        return web.json_response(item_facts(self._centre.delivery.post(chat, draft)))

    async def receive(self, request: web.Request) -> web.Response:
        """An agent's receipt of a message."""
        chat, move = self._chat(request), await read_document(request, ReceiptMove)
        if not chat.knows_message(move.message_id):
            raise web.HTTPNotFound
        reader = _present(chat, move.agent)
        draft = chat.receive(move.message_id, reader, self._centre.now(), read=move.read)
        return web.json_response(item_facts(self._centre.delivery.post(chat, draft)))

    async def attach(self, request: web.Request) -> web.Response:
        """An agent attaches a file."""
        chat, move = self._chat(request), await read_document(request, FileMove)
        try:
            content = base64.b64decode(move.content_base64, validate=True)
        except binascii.Error as exc:
            raise bad_request("content_base64: not base64") from exc
        now = self._centre.now()
        attachment = Attachment(
            id=self._centre.world.new_id(),
            chat=chat,
            owner=_present(chat, move.agent),
            name=move.name,
            content_type=move.content_type,
            size_bytes=len(content),
            signature=secrets.token_urlsafe(32),
            upload_until=now,
            content=content,
        )
        self._centre.shelf.announce(attachment)
        item_id = file_attachment(self._centre, attachment, move.visibility)
        return web.json_response({"attachment_id": attachment.id, "id": item_id})

    async def leave(self, request: web.Request) -> web.Response:
        """An agent leaves; the last one's leave starts the disconnect flow or ends the chat."""
        chat, move = self._chat(request), await read_document(request, AgentMove)
        self._centre.lifecycle.leave(chat, _present(chat, move.agent))
        return web.json_response(chat_view(chat))

    async def transfer(self, request: web.Request) -> web.Response:
        """The agents pass the chat on."""
        chat, move = self._chat(request), await read_document(request, TransferMove)
        to = _seeded(chat, move.to) if move.to is not None else None
        try:
            self._centre.lifecycle.transfer(chat, to)
        except NotNowError as exc:
            raise _conflict(exc) from exc
        return web.json_response(chat_view(chat))

    async def end(self, request: web.Request) -> web.Response:
        """The chat ends, by its agent, by its flow or by its age."""
        chat, ending = self._chat(request), await read_document(request, Ending)
        match ending.by:
            case "agent":
                agent = _present(chat, None)
                self._centre.lifecycle.end(chat, "AGENT_DISCONNECT", agent)
            case "system":
                self._centre.lifecycle.end(chat, "CONTACT_FLOW_DISCONNECT")
            case "expiry":
                self._centre.lifecycle.end(chat, "EXPIRED")
        return web.json_response(chat_view(chat))

    async def expire(self, request: web.Request) -> web.Response:
        """Tokens of one chat expire now; answers how many."""
        chat, order = self._chat(request), await read_document(request, TokenExpiry)
        return self._expire(order, chat)

    async def expire_all(self, request: web.Request) -> web.Response:
        """Tokens of all chats expire now; answers how many."""
        return self._expire(await read_document(request, TokenExpiry), None)

    async def cut(self, request: web.Request) -> web.Response:
        """The customer's sockets break; answers how many."""
        count = await self._centre.sockets.cut(self._chat(request).customer.id)
        return web.json_response({"cut": count})

    async def emit(self, request: web.Request) -> web.Response:
        """Emit a contact event, true or not: the bus repeats, delays and forgets too."""
        chat, order = self._chat(request), await read_document(request, ContactEventOrder)
        contact = chat.find_contact(order.contact_id) if order.contact_id else chat.contact
        if contact is None:
            raise web.HTTPNotFound
        self._centre.delivery.contact_event(
            chat, contact, order.event_type, order.updated_properties
        )
        return web.json_response({})

    async def resend(self, request: web.Request) -> web.Response:
        """Send an item once more to sockets and topics."""
        chat, order = self._chat(request), await read_document(request, ItemOrder)
        item = next((item for item in chat.items if item.id == order.item_id), None)
        if item is None:
            raise web.HTTPNotFound
        self._centre.delivery.send(chat, item)
        return web.json_response({})

    def _expire(self, order: TokenExpiry, chat: Chat | None) -> web.Response:
        kind = TokenKind(order.kind)
        count = self._centre.tokens.expire(kind, self._centre.now(), chat)
        return web.json_response({"expired": count})

    def _fitting(self, request: web.Request) -> list[Chat]:
        query = request.query
        wanted = {k.removeprefix("attribute."): v for k, v in query.items() if "attribute." in k}
        return [
            chat
            for chat in self._centre.chats()
            if query.get("display_name", chat.opening.display_name) == chat.opening.display_name
            and query.get("state", chat.state.value) == chat.state.value
            and wanted.items() <= chat.attributes.items()
        ]

    def _chat(self, request: web.Request) -> Chat:
        found = self._centre.find(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound
        return found[0]


def chat_view(chat: Chat) -> dict[str, Any]:
    """A chat as the desk shows it."""
    return {
        "contact_id": chat.id,
        "current_contact_id": chat.contact.id,
        "contact_ids": [contact.id for contact in chat.contacts],
        "instance_id": chat.instance.id,
        "state": chat.state.value,
        "display_name": chat.opening.display_name,
        "customer_id": chat.opening.customer_id,
        "attributes": dict(chat.attributes),
        "started_at": iso(chat.contacts[0].initiated_at),
        "ended_at": iso(chat.ended_at) if chat.ended_at else None,
        "disconnect_reason": chat.contact.disconnect_reason,
        "continued_from": chat.opening.past.contact_id if chat.opening.past else None,
        "streams": sorted(chat.streams.values()),
        "agents": [agent.display_name for agent in chat.present(Role.AGENT)],
    }


def _seeded(chat: Chat, agent: str | None) -> AgentSeed:
    try:
        return chat.instance.agent(agent)
    except KeyError as exc:
        raise web.HTTPNotFound from exc


def _present(chat: Chat, agent: str | None) -> Participant:
    """The agent meant, if present; 409 when none is, or the chat has ended."""
    for participant in chat.present(Role.AGENT):
        if not chat.is_ended and agent in (
            None,
            participant.agent_id,
            participant.display_name,
            participant.id,
        ):
            return participant
    raise _conflict(NotNowError(chat.state))


def _conflict(error: NotNowError) -> web.HTTPConflict:
    body = web.json_response({"error": str(error)}).text
    return web.HTTPConflict(text=body, content_type="application/json")


def _number(request: web.Request, name: str, default: float) -> float:
    try:
        return float(request.query.get(name, default))
    except ValueError as exc:
        raise bad_request(f"{name} is not a number") from exc
