"""What of our own the relay leans on: the media bucket, the command queue, the meter."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.own import ChatWatch, Command, Notice
from tests.fakes.wire import Wire
from workers.addresses import Channel
from workers.clients.protocols import Attachment, MediaShelf
from workers.stores.address_records import Kind


@dataclass(slots=True)
class Shelf:
    """A bucket."""

    stored: dict[str, Attachment] = field(default_factory=dict)


class FakeShelf(MediaShelf):
    """`MediaShelf` of one worker."""

    def __init__(self, shelf: Shelf, wire: Wire) -> None:
        self._shelf = shelf
        self._wire = wire

    async def put(self, key: str, attachment: Attachment) -> str:
        """Store it."""

        async def accept() -> str:
            self._shelf.stored[key] = attachment
            return f"s3://media/{key}"

        return await self._wire.carry("shelf.put", accept)

    async def link(self, key: str, ttl_s: int) -> str:
        """A link that names what it is for, and for how long."""
        return f"https://media.example/{key}?ttl={ttl_s}"


@dataclass(slots=True)
class Commands:
    """What we asked of ourselves, with the delay; `deliver` gets each."""

    asked: list[tuple[Command, int]] = field(default_factory=list)
    deliver: Callable[[Command, int], None] | None = None

    @property
    def notices(self) -> list[Notice]:
        """The notices among them."""
        return [command for command, _ in self.asked if isinstance(command, Notice)]

    @property
    def kinds(self) -> list[str]:
        """What kind of notice each is, a repetition of one id counted once."""
        return [notice.kind for notice in {notice.id: notice for notice in self.notices}.values()]

    @property
    def watches(self) -> list[tuple[ChatWatch, int]]:
        """The watches among them, with their delay."""
        return [(c, delay_s) for c, delay_s in self.asked if isinstance(c, ChatWatch)]


class FakeCommandQueue:
    """`CommandQueue` of one worker."""

    def __init__(self, commands: Commands, wire: Wire) -> None:
        self._commands = commands
        self._wire = wire

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        """Put it on the queue."""

        async def accept() -> None:
            self._commands.asked.append((command, delay_s))
            if self._commands.deliver is not None:
                self._commands.deliver(command, delay_s)

        await self._wire.carry("commands.send", accept)


class CountingMeter:
    """A `Meter` that can be asked."""

    def __init__(self) -> None:
        self.effects: Counter[tuple[str, str]] = Counter()
        self.hops: list[tuple[str, float]] = []
        self.lates: Counter[str] = Counter()
        self.parts: Counter[str] = Counter()
        self.automatic: Counter[tuple[str, str]] = Counter()
        self.unwanted: Counter[tuple[str, str]] = Counter()
        self.uncertain = 0
        self.address_facts: Counter[tuple[Channel, Kind, str]] = Counter()
        self.addresses_suppressed: Counter[tuple[Channel, Kind]] = Counter()

    def effect(self, kind: str, result: str) -> None:
        """Count it."""
        self.effects[kind, result] += 1

    def hop(self, lane: str, seconds: float) -> None:
        """Keep it."""
        self.hops.append((lane, seconds))

    def late(self, lane: str) -> None:
        """Count it."""
        self.lates[lane] += 1

    def sms_parts(self, brand: str, count: int) -> None:
        """Count them."""
        self.parts[brand] += count

    def automatic_text(self, kind: str, result: str) -> None:
        """Count it."""
        self.automatic[kind, result] += 1

    def suppressed(self, message_class: str, reason: str) -> None:
        """Count it."""
        self.unwanted[message_class, reason] += 1

    def text_uncertain(self) -> None:
        """Count it."""
        self.uncertain += 1

    def address_fact(self, channel: Channel, kind: Kind, result: str) -> None:
        """Count it."""
        self.address_facts[channel, kind, result] += 1

    def address_suppressed(self, channel: Channel, cause: Kind) -> None:
        """Count it."""
        self.addresses_suppressed[channel, cause] += 1
