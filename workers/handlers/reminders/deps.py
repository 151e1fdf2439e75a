"""What reminder dialing works with, put together in `workers.tools`."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from schemas.own import Command
from workers.clients.protocols import Dialing, Texting
from workers.clock import Clock
from workers.config import Configuration
from workers.handlers.gate import Gate
from workers.stores.call_records import Calls, Result
from workers.stores.ticks import Ticks


class CommandQueue(Protocol):
    """The queue `reminders`. At least once, unordered."""

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        """Put it on the queue. Raises `TransientError` when it is not surely there."""
        ...


class ResultBus(Protocol):
    """Whoever wants to know the results. At least once."""

    async def publish(self, events: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Pairs of detail-type and detail. Raises `TransientError`, `PermanentError`."""
        ...


@dataclass(frozen=True, slots=True)
class ReminderResult:
    """What a customer's profile should say of a reminder. A later one replaces an earlier."""

    reminder_id: str
    number: str
    customer_id: str | None
    brand: str
    result: Result
    detail: str
    at: datetime
    appointment_at: datetime | None
    calls: int


class ProfileResults(Protocol):
    """Whoever keeps customers' profiles. A result may be told more than once, in any order."""

    async def reminder_ended(self, result: ReminderResult) -> None:
        """Write it down. Raises `TransientError` to be told again."""
        ...


class ProfileZones(Protocol):
    """Whoever knows from a customer's profile where they live."""

    async def zone_of(self, number: str, customer_id: str | None) -> str | None:
        """The IANA zone, None where it is not known. Raises `TransientError` to be asked again."""
        ...


class Meter(Protocol):
    """What reminder dialing counts; `workers.meter` maps it onto the metrics list."""

    def effect(self, kind: str, result: str) -> None:
        """One call or text, and how it went."""
        ...

    def call_ended(self, brand: str, result: str) -> None:
        """One call, once it is known how it went."""
        ...

    def reminder_ended(self, brand: str, result: str) -> None:
        """One reminder, each time that it is closed."""
        ...

    def call_held_back(self, reason: str) -> None:
        """A call that policy or the number of calls in the air put off."""
        ...

    def sms_parts(self, brand: str, count: int) -> None:
        """Carrier parts of one text."""
        ...


OpenChat = Callable[[str, str], Awaitable[bool]]
"""Whether a chat with this customer number is open on this number of ours."""


@dataclass(frozen=True, slots=True)
class Deps:
    """Reminder dialing's tools. Who is None is neither told nor asked.

    `new_owner` names one try to work off a tick.
    """

    config: Configuration
    calls: Calls
    ticks: Ticks
    new_owner: Callable[[], str]
    gate: Gate
    dialing: Dialing
    texting: Texting
    commands: CommandQueue
    has_open_chat: OpenChat
    clock: Clock
    meter: Meter
    random: random.Random
    bus: ResultBus | None = None
    profiles: ProfileResults | None = None
    zones: ProfileZones | None = None
