"""One delivery of a message, as a handler sees it, and the lease under which it is handled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from workers.clock import Clock
from workers.errors import Fenced


class Lease:
    """How long a message is ours: its visibility timeout, as far as we know.

    Counted from the receive, not from the handler's start. It ends when it is not extended in
    time, when SQS refuses an extension, or at its hard maximum, and never comes back. It is a
    courtesy, not a lock: a paused process may believe in a lease that ran out, so whoever writes
    still needs conditions of its own.
    """

    __slots__ = ("_clock", "_ends_at", "_is_lost", "_until")

    def __init__(self, clock: Clock, *, lasts_s: float, at_most_s: float) -> None:
        now = clock.monotonic()
        self._clock = clock
        self._until = now + lasts_s
        self._ends_at = now + at_most_s
        self._is_lost = False

    @property
    def is_held(self) -> bool:
        """False once it is lost or over."""
        return self.remaining_s() > 0

    def remaining_s(self) -> float:
        """Seconds until it ends unless it is extended; 0 when it is lost."""
        if self._is_lost:
            return 0.0
        return max(0.0, min(self._until, self._ends_at) - self._clock.monotonic())

    def require(self) -> None:
        """Call before an effect.

        Raises:
            Fenced: the lease is gone. Let it pass through: nothing is acknowledged.
        """
        if not self.is_held:
            raise Fenced("the delivery's lease is gone")

    # What follows is the keeper's.

    @property
    def is_at_maximum(self) -> bool:
        """Whether extending it further would change nothing."""
        return self._until >= self._ends_at

    def extend_to(self, until: float) -> None:
        """SQS keeps the message hidden until then (monotonic). A lost lease stays lost."""
        self._until = max(self._until, until)

    def lose(self) -> None:
        """From now on the message may be anybody's."""
        self._is_lost = True


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it was received this time.

    Attributes:
        queue: the queue's name as it is configured, without account or prefix.
        attributes: the message attributes that are text or numbers.
        receive_count: how often SQS handed it out, this time included. Waiting and being given
            back count too, so this is no number of attempts.
        sent_at: when it entered this queue.
        group: its message group, on FIFO and on fair queues.
        lease: ask it before an effect.
    """

    queue: str
    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    receive_count: int
    sent_at: datetime
    first_received_at: datetime
    group: str | None
    lease: Lease
