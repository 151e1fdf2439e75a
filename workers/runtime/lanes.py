"""Lanes: deliveries with equal keys run one at a time, in order of arrival. No I/O, no tasks.

The head of every lane runs at once, so no key waits for another. Slots are shared: a lane may take
up to `depth` of them and never more than its equal part, with one part left over for a key that
is not here yet. So however many busy keys there are, another one finds room. When a head stays on
its queue (a retry, a wait) its lane is held: what comes behind it goes back too, to return after
it.

Order is kept within this process and among what it receives. SQS itself may deliver in another
order, and to another process: who needs more orders by himself, or takes a FIFO queue.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from workers.clock import Clock


class Queued(Protocol):
    """What lanes need to know of an item."""

    @property
    def message_id(self) -> str:
        """The same in each delivery of a message."""
        ...


ItemT = TypeVar("ItemT", bound=Queued)

STRAGGLER_S = 1
"""What is behind a held head comes back this much later than the head, and so long is waited for
a head that is late."""


@dataclass(frozen=True, slots=True)
class Go:
    """Its lane is free: run it now, then ask `finished`."""


@dataclass(frozen=True, slots=True)
class Stay:
    """Another of its key is running; `finished` will hand it out."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """It may not stay here: let it come back after so many seconds, or (None) after a backoff."""

    reason: str
    after_s: float | None


@dataclass(slots=True)
class _Hold:
    message_id: str
    until: float


class Lanes(Generic[ItemT]):
    """The lanes of one consumer."""

    def __init__(self, clock: Clock, *, depth: int, slots: int) -> None:
        self._clock = clock
        self._depth = depth
        self._slots = slots
        self._busy: dict[str, deque[ItemT]] = {}
        self._holds: dict[str, _Hold] = {}

    def arrive(self, key: str, item: ItemT) -> Go | Stay | GiveBack:
        """Say where a new delivery goes."""
        waiting = self._busy.get(key)
        if waiting is not None:
            if len(waiting) + 1 >= self.share:
                return GiveBack("lane_full", None)
            waiting.append(item)
            return Stay()
        hold = self._holds.get(key)
        if hold is not None:
            remaining_s = hold.until - self._clock.monotonic()
            if hold.message_id != item.message_id and remaining_s > 0:
                return GiveBack("lane_held", remaining_s)
            del self._holds[key]
        self._busy[key] = deque()
        return Go()

    @property
    def share(self) -> int:
        """How many deliveries one key may have here now, the running one included."""
        return min(self._depth, max(1, self._slots // (len(self._busy) + 1)))

    def finished(self, key: str) -> ItemT | None:
        """The running one has ended: the next of its lane, or None and the lane is free."""
        waiting = self._busy[key]
        if waiting:
            return waiting.popleft()
        del self._busy[key]
        return None

    def hold(self, key: str, message_id: str, for_s: float) -> list[ItemT]:
        """The running one will be back in `for_s`: keep its place. Ask `finished` afterwards.

        Returns what waited behind it, oldest first: it is no longer here.
        """
        until = self._clock.monotonic() + for_s + STRAGGLER_S
        self._holds[key] = _Hold(message_id, until)
        return self.take_behind(key)

    def take_behind(self, key: str) -> list[ItemT]:
        """What waits behind the running one, oldest first: it is no longer here."""
        waiting = self._busy[key]
        behind = list(waiting)
        waiting.clear()
        return behind

    def take_waiting(self) -> list[ItemT]:
        """Everything that has not started, newest arrival of each lane first: no longer here."""
        taken = [item for waiting in self._busy.values() for item in reversed(waiting)]
        for waiting in self._busy.values():
            waiting.clear()
        return taken

    def forget_expired(self) -> None:
        """Drop holds whose message went elsewhere. Call now and then: memory stays bounded."""
        now = self._clock.monotonic()
        for key in [key for key, hold in self._holds.items() if hold.until < now]:
            del self._holds[key]
