"""The participants' WebSockets: the frames they speak, and who is subscribed.

Only these frames go over a socket; messages are always sent by HTTPS. A participant may have
several sockets at once, and each gets every item (clients overlap them when they renew).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import WSCloseCode

from simulator.contact_centre.items import ChatItem

SUBSCRIBE = "aws/subscribe"
HEARTBEAT = "aws/heartbeat"
PING = "aws/ping"
CHAT = "aws/chat"

Frame = dict[str, Any]


class FrameSink(Protocol):
    """What the chat needs of a socket: to send, and to close it."""

    async def send_str(self, data: str) -> None:
        """Send one text frame."""
        ...

    async def close(self, *, code: int) -> object:
        """Close it from this side."""
        ...


@dataclass(slots=True, eq=False)
class Socket:
    """One open socket of one participant."""

    id: str
    participant_id: str
    sink: FrameSink
    is_subscribed: bool = False


@dataclass(slots=True)
class Sockets:
    """All open sockets, by participant."""

    _open: dict[str, list[Socket]] = field(default_factory=dict)

    def count(self, participant_id: str) -> int:
        """How many this participant has."""
        return len(self._open.get(participant_id, ()))

    async def cut(self, participant_id: str) -> int:
        """Close a participant's sockets, as a gateway that goes away does; returns how many."""
        hit = tuple(self._open.get(participant_id, ()))
        for socket in hit:
            await socket.sink.close(code=WSCloseCode.GOING_AWAY)
        return len(hit)

    def add(self, socket: Socket) -> None:
        """Take in a socket that was opened."""
        self._open.setdefault(socket.participant_id, []).append(socket)

    def remove(self, socket: Socket) -> None:
        """Forget a socket that was closed."""
        self._open[socket.participant_id].remove(socket)
        if not self._open[socket.participant_id]:
            del self._open[socket.participant_id]

    async def send(self, participant_id: str, item: ChatItem) -> None:
        """Send an item to every subscribed socket of a participant; closed ones are passed over."""
        text = json.dumps(item_frame(item))
        for socket in tuple(self._open.get(participant_id, ())):
            if socket.is_subscribed:
                await send_quietly(socket.sink, text)


async def send_quietly(sink: FrameSink, text: str) -> None:
    """Send to a socket that its client may be closing at this moment."""
    try:
        await sink.send_str(text)
    except (ConnectionError, RuntimeError):
        return


def item_frame(item: ChatItem) -> Frame:
    """The frame that carries an item: its content is a string that holds JSON."""
    content = json.dumps(item.as_wire(), ensure_ascii=False)
    return {"topic": CHAT, "contentType": "application/json", "content": content}


def read_frame(text: str) -> Frame | None:
    """The JSON object a frame begins with; None when there is none.

    The iOS SDK's subscribe frame has a stray bracket after its JSON, so what follows the object
    is ignored.
    """
    try:
        frame, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except (ValueError, RecursionError):
        return None
    return frame if isinstance(frame, dict) else None


def answer_frame(frame: Frame | None, socket_id: str, request_id: str) -> Frame:
    """What the gateway answers to a frame; subscribing is decided by `subscribes`."""
    match frame:
        case {"topic": "aws/heartbeat"}:
            return {"topic": HEARTBEAT}
        case {"topic": "aws/ping"}:
            return {"topic": PING, "statusCode": 200, "statusContent": "OK"}
        case {"topic": "aws/subscribe", **rest}:
            topics = _topics(rest.get("content"))
            status = "success" if topics == [CHAT] else "failure"
            return {"topic": SUBSCRIBE, "content": {"status": status, "topics": topics}}
        case _:
            return {"message": "Forbidden", "connectionId": socket_id, "requestId": request_id}


def subscribes(frame: Frame | None) -> bool:
    """Whether a frame subscribes to the chat, and to nothing that does not exist."""
    if frame is None or frame.get("topic") != SUBSCRIBE:
        return False
    return _topics(frame.get("content")) == [CHAT]


def _topics(content: Any) -> list[str]:
    topics = content.get("topics") if isinstance(content, dict) else None
    return [str(topic) for topic in topics] if isinstance(topics, list) else []
