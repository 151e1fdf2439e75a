"""Bearer tokens: long-lived ones of participants, one-day ones of connections, socket tickets.

A token that has expired, one that was refused on purpose and one of an ended chat look the same
from outside: access denied.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from simulator.contact_centre.chat import Chat, Participant


class TokenKind(StrEnum):
    """What a token opens."""

    PARTICIPANT = "participant"
    CONNECTION = "connection"
    WEBSOCKET = "websocket"


@dataclass(slots=True)
class Token:
    """One token. None in `expires_at` is a whole participant's lifetime."""

    value: str
    kind: TokenKind
    chat: Chat
    participant: Participant
    expires_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        """Whether it still opens anything."""
        if self.chat.is_ended or self.participant.has_left:
            return False
        return self.expires_at is None or now < self.expires_at


class Tokens:
    """All tokens ever given out."""

    def __init__(self) -> None:
        self._tokens: dict[str, Token] = {}

    def issue(
        self,
        kind: TokenKind,
        chat: Chat,
        participant: Participant,
        expires_at: datetime | None = None,
    ) -> Token:
        """Make one. Real participant tokens are some hundred characters; so are these."""
        token = Token(secrets.token_urlsafe(192), kind, chat, participant, expires_at)
        self._tokens[token.value] = token
        return token

    def find(self, value: str, kind: TokenKind, now: datetime) -> Token | None:
        """The token of that kind, if it is good."""
        token = self._tokens.get(value)
        return token if token and token.kind is kind and token.is_good(now) else None

    def expire(self, kind: TokenKind, now: datetime, chat: Chat | None = None) -> int:
        """Expire all tokens of a kind now, of one chat if given; returns how many were good."""
        hit = [
            token
            for token in self._tokens.values()
            if token.kind is kind and chat in (None, token.chat) and token.is_good(now)
        ]
        for token in hit:
            token.expires_at = now
        return len(hit)
