"""The customer's line into a chat: a connection token that is renewed when it must be.

A refused token is an expired one or the end of the chat; Connect answers both alike. So it is
renewed with the participant token: only while the chat lives is that granted. A token kept in the
store serves every worker; one that was renewed replaces it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import structlog

from workers.errors import ContactEnded, TokenRefused
from workers.handlers.chat_relay.deps import Deps
from workers.stores.protocols import ChatTokens

log = structlog.get_logger(__name__)

T = TypeVar("T")
RENEW_BEFORE = timedelta(minutes=5)
RENEWALS_MAX = 3
"""A repeated call may find the new token refused as well: its first try took long."""


class Line:
    """Speaks as the customer's participant of one generation of chat."""

    def __init__(self, deps: Deps) -> None:
        self._journal = deps.journal
        self._chats = deps.chats
        self._clock = deps.clock
        self._meter = deps.meter

    async def use(self, sid: str, gen: int, call: Callable[[str], Awaitable[T]]) -> T:
        """Call with a connection token that should work.

        Raises:
            ContactEnded: there is no line, or no token of it is taken any more.
        """
        tokens = await self._journal.tokens(sid, gen)
        if tokens is None:
            raise ContactEnded("no_participant")
        if tokens.connection_expires_at - RENEW_BEFORE <= self._clock.now():
            tokens = await self.renew(sid, gen, tokens)
        for _ in range(RENEWALS_MAX):
            try:
                return await call(tokens.connection_token)
            except TokenRefused:
                tokens = await self.renew(sid, gen, tokens)
        return await _last_try(call, tokens)

    async def renew(self, sid: str, gen: int, tokens: ChatTokens) -> ChatTokens:
        """A new connection token, kept for everybody. Raises `ContactEnded`."""
        try:
            connection = await self._chats.connect(tokens.participant_token)
        except TokenRefused as exc:
            raise ContactEnded("participant_token_refused") from exc
        renewed = replace(
            tokens, connection_token=connection.token, connection_expires_at=connection.expires_at
        )
        await self._journal.record_tokens(sid, gen, renewed)
        return renewed

    async def say(self, sid: str, gen: int, text: str, client_token: str) -> None:
        """One message from the customer. Raises `ContactEnded`."""

        async def call(token: str) -> str:
            return await self._chats.say(token, text, client_token)

        await self.use(sid, gen, call)

    async def tell_agent(self, sid: str, gen: int, note: str, cause: str) -> None:
        """A note of ours into the chat, once per cause; it has role CUSTOMER, so is never texted.

        Nobody is there to read it once the chat is over, and that is fine.
        """
        if not note:
            return
        try:
            await self.say(sid, gen, note, f"{sid}.{gen}.{cause}")
        except ContactEnded:
            self._meter.effect("note", "chat_over")
            log.info("note_not_sent", gen=gen, reason="chat_over")
        else:
            self._meter.effect("note", "done")
            log.info("note_sent", gen=gen)

    async def hang_up(self, sid: str, gen: int) -> None:
        """End the chat from the customer's side; chat.ended then comes by the stream."""
        try:
            await self.use(sid, gen, self._chats.disconnect)
        except ContactEnded:
            self._meter.effect("disconnect", "chat_over")
        else:
            self._meter.effect("disconnect", "done")
            log.info("chat_hung_up", gen=gen)


async def _last_try(call: Callable[[str], Awaitable[T]], tokens: ChatTokens) -> T:
    try:
        return await call(tokens.connection_token)
    except TokenRefused as exc:
        raise ContactEnded("connection_token_refused") from exc
