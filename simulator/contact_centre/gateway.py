"""The WebSocket endpoint: takes a client in by its URL's ticket and answers its frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable

from aiohttp import WSCloseCode, WSMsgType, web

from simulator.contact_centre.centre import WEBSOCKET_PATH, ContactCentre
from simulator.contact_centre.content import Role
from simulator.contact_centre.sockets import (
    Socket,
    answer_frame,
    read_frame,
    send_quietly,
    subscribes,
)
from simulator.contact_centre.tokens import Token, TokenKind


class WebSocketGateway:
    """All sockets of this contact centre's clients."""

    def __init__(self, centre: ContactCentre) -> None:
        self._centre = centre
        self._responses: set[web.WebSocketResponse] = set()

    def routes(self) -> Iterable[web.RouteDef]:
        """The one path."""
        return (web.get(WEBSOCKET_PATH, self.open),)

    async def open(self, request: web.Request) -> web.StreamResponse:
        """Serve one socket until it closes or its life is over.

        A ticket that is too old, or of a chat that has ended, is refused before the handshake.
        """
        centre = self._centre
        value = request.query.get("token", "")
        token = centre.tokens.find(value, TokenKind.WEBSOCKET, centre.now())
        if token is None:
            raise web.HTTPForbidden
        if centre.sockets.count(token.participant.id) >= centre.knobs.websockets_per_participant:
            raise web.HTTPTooManyRequests
        response = web.WebSocketResponse()
        await response.prepare(request)
        socket = Socket(centre.world.new_id(), token.participant.id, response)
        centre.sockets.add(socket)
        self._responses.add(response)
        life = asyncio.create_task(self._close_when_old(response))
        try:
            await self._serve(response, socket, token)
        finally:
            life.cancel()
            self._responses.discard(response)
            centre.sockets.remove(socket)
        return response

    async def close(self) -> None:
        """Close all sockets, as a gateway does that goes away."""
        for response in tuple(self._responses):
            with contextlib.suppress(ConnectionError):
                await response.close(code=WSCloseCode.GOING_AWAY)

    async def _serve(self, response: web.WebSocketResponse, socket: Socket, token: Token) -> None:
        async for message in response:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = read_frame(message.data)
            answer = answer_frame(frame, socket.id, self._centre.world.new_id())
            is_new = subscribes(frame) and not socket.is_subscribed
            # Subscribed first, so that nothing said after the answer is missed.
            socket.is_subscribed = socket.is_subscribed or is_new
            await send_quietly(response, json.dumps(answer))
            if is_new:
                self._connected(token)

    def _connected(self, token: Token) -> None:
        if token.chat.is_ended:
            return
        if token.participant.role is Role.CUSTOMER:
            self._centre.lifecycle.connect_customer(token.chat)
        elif token.participant.role is Role.CUSTOM_BOT:
            self._centre.lifecycle.join_bot(token.chat, token.participant)

    async def _close_when_old(self, response: web.WebSocketResponse) -> None:
        await self._centre.world.clock.sleep(self._centre.knobs.websocket_life_s)
        await response.close(code=WSCloseCode.GOING_AWAY)
