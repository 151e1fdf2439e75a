"""The end of a consumer: what is waited for and until when, and the receipt."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from workers.clock import Clock
from workers.runtime.acknowledger import Acknowledgers
from workers.runtime.verdict import Fate

FLUSH_SHARE = 0.1
"""This part of the time to drain is kept for the acknowledgements."""


@dataclass(frozen=True, slots=True)
class QueueReceipt:
    """What became of the deliveries in hand when the drain began, and of what came in during it.

    Attributes:
        done: settled, whatever their outcome.
        returned: given back before they started; visible again at once.
        abandoned: cut off, or fenced; they come again when their visibility timeout is over.
        polls_cut: polls given up at the deadline: what they bring comes again likewise.
        unacknowledged: settled deletes and visibility changes that SQS did not confirm in time.
    """

    queue: str
    done: int
    returned: int
    abandoned: int
    polls_cut: int
    unacknowledged: int


class Draining:
    """A drain under way."""

    def __init__(self, queue: str, clock: Clock, drain_s: float) -> None:
        self._queue = queue
        self._clock = clock
        self._ends_at = clock.monotonic() + drain_s
        self._handlers_end_at = self._ends_at - drain_s * FLUSH_SHARE
        self._done = 0
        self._returned = 0
        self._abandoned = 0
        self._unacknowledged = 0
        self.polls_cut = 0

    def count(self, fate: Fate) -> None:
        """One delivery left."""
        if fate is Fate.RETURNED:
            self._returned += 1
        elif fate is Fate.ABANDONED:
            self._abandoned += 1
        else:
            self._done += 1

    async def wait_for(self, tasks: Sequence[asyncio.Task[None]]) -> None:
        """Until all have ended or the handlers' time is over. Cancels nothing."""
        if tasks:
            await asyncio.wait(tasks, timeout=self._left_s(self._handlers_end_at))

    async def wait_until(self, event: asyncio.Event) -> None:
        """Until it is set or the handlers' time is over."""
        try:
            async with asyncio.timeout(self._left_s(self._handlers_end_at)):
                await event.wait()
        except TimeoutError:
            pass  # The caller abandons what is left.

    async def wait_until_flushed(self, acknowledgers: Acknowledgers) -> None:
        """Until SQS answered for all, or the time is over."""
        try:
            async with asyncio.timeout(self._left_s(self._ends_at)):
                await acknowledgers.flushed()
        except TimeoutError:
            self._unacknowledged = acknowledgers.pending

    def receipt(self) -> QueueReceipt:
        """What came of it."""
        return QueueReceipt(
            queue=self._queue,
            done=self._done,
            returned=self._returned,
            abandoned=self._abandoned,
            polls_cut=self.polls_cut,
            unacknowledged=self._unacknowledged,
        )

    def _left_s(self, until: float) -> float:
        return max(0.0, until - self._clock.monotonic())
