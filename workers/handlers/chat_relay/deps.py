"""What the relay works with, put together in `workers.tools`."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from schemas.own import Command
from workers.clients.protocols import Chats, MediaShelf, Texting
from workers.clock import Clock
from workers.config import Configuration
from workers.stores.address_records import AddressHealth
from workers.stores.protocols import Journal, Suppressions
from workers.stores.recipients import Recipients
from workers.tracing import NO_TRACER, Tracer


class CommandQueue(Protocol):
    """Messages to ourselves: a notice to send, a chat to watch. At least once, unordered."""

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        """Put it on the queue. Raises `TransientError` when it is not surely there."""
        ...


class Meter(Protocol):
    """What the relay counts; `workers.meter` maps it onto the metrics list."""

    def effect(self, kind: str, result: str) -> None:
        """One effect (chat_started, chat_message, sms, note, ...) and how it went."""
        ...

    def hop(self, lane: str, seconds: float) -> None:
        """From the event's own time to its effect."""
        ...

    def late(self, lane: str) -> None:
        """An event that came after a later one of its lane had been relayed."""
        ...

    def sms_parts(self, brand: str, count: int) -> None:
        """Carrier parts of one text."""
        ...

    def automatic_text(self, kind: str, result: str) -> None:
        """What became of a text that no person wrote."""
        ...

    def suppressed(self, message_class: str, reason: str) -> None:
        """A text that was not sent because its recipient wants none; `reason`: who said so."""
        ...

    def text_uncertain(self) -> None:
        """A text whose fate stays in doubt: the conversation went on without knowing it."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """One relay's tools. `random` jitters waits; `new_nonce` names one acquisition of a lease.

    `recipients`: None where nobody asks whom a message went to.
    """

    config: Configuration
    journal: Journal
    suppressions: Suppressions
    health: AddressHealth
    chats: Chats
    texting: Texting
    shelf: MediaShelf
    commands: CommandQueue
    clock: Clock
    meter: Meter
    random: random.Random
    new_nonce: Callable[[], str]
    tracer: Tracer = NO_TRACER
    recipients: Recipients | None = None
