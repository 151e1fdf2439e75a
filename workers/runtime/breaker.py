"""Pausing a queue: a bad deploy must stop the line, not empty the queue into its DLQ."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from workers.clock import Clock
from workers.errors import SwitchboardError

log = structlog.get_logger()

READ_EVERY_S = 1.0
READ_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a queue is not polled, since when, and who said so."""

    since: datetime
    reason: str
    by: str


class Breaker(Protocol):
    """Where pauses are asked for, about once a second for each queue; an answer may be that old.

    May raise `SwitchboardError`; then the queue is polled, or not, as before.
    """

    async def find_pause(self, queue: str) -> Pause | None:
        """The queue's pause, if it has one."""
        ...

    async def pause(self, queue: str, pause: Pause) -> Pause:
        """Pause it; returns the pause that stands. An earlier one keeps its time and reason."""
        ...

    async def resume(self, queue: str) -> Pause | None:
        """End its pause; returns what was ended."""
        ...


class Pauses(Protocol):
    """The fleet's memory of pauses. A pause that was stored stays until it is resumed."""

    async def find_all(self) -> Mapping[str, Pause]:
        """Every paused queue. One that was paused or resumed before the call is seen so."""
        ...

    async def pause(self, queue: str, pause: Pause) -> Pause:
        """Store it unless one stands; returns the one that stands."""
        ...

    async def resume(self, queue: str) -> Pause | None:
        """Take it away; returns what was taken."""
        ...


class InProcessBreaker:
    """Pauses of this process only: a restart re-arms the queue."""

    def __init__(self) -> None:
        self._pauses: dict[str, Pause] = {}

    async def find_pause(self, queue: str) -> Pause | None:
        """The queue's pause, if it has one."""
        return self._pauses.get(queue)

    async def pause(self, queue: str, pause: Pause) -> Pause:
        """Pause it, unless it is paused already."""
        return self._pauses.setdefault(queue, pause)

    async def resume(self, queue: str) -> Pause | None:
        """End its pause, if it has one."""
        return self._pauses.pop(queue, None)


class StoredBreaker:
    """The fleet's pauses, read at most once a second for all queues of the process.

    When the store does not answer, the last answer stands: what was polled is polled, what was
    paused stays paused. `unknown_since` tells, and so does the log.
    """

    def __init__(self, pauses: Pauses, clock: Clock) -> None:
        self.unknown_since: datetime | None = None
        self._pauses = pauses
        self._clock = clock
        self._known: Mapping[str, Pause] = {}
        self._read_at_s: float | None = None
        self._changes = 0
        self._reading = asyncio.Lock()

    async def find_pause(self, queue: str) -> Pause | None:
        """The queue's pause, if it has one, as it was known within the last second."""
        async with self._reading:
            if self._read_at_s is None or self._age_s(self._read_at_s) >= READ_EVERY_S:
                await self._read()
        return self._known.get(queue)

    async def pause(self, queue: str, pause: Pause) -> Pause:
        """Pause it for the fleet; known here at once. Raises what the store raises."""
        standing = await self._pauses.pause(queue, pause)
        self._changed({**self._known, queue: standing})
        return standing

    async def resume(self, queue: str) -> Pause | None:
        """End its pause for the fleet; known here at once. Raises what the store raises."""
        ended = await self._pauses.resume(queue)
        self._changed({name: pause for name, pause in self._known.items() if name != queue})
        return ended

    def describe(self) -> dict[str, str | None]:
        """For people: since when the store has not answered, None when it does."""
        since = self.unknown_since
        return {"pauses_unknown_since": since.isoformat(timespec="seconds") if since else None}

    async def _read(self) -> None:
        changes_before = self._changes
        self._read_at_s = self._clock.monotonic()
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                known = await self._pauses.find_all()
        except (SwitchboardError, TimeoutError) as error:
            self._lose_sight(error)
            return
        if self.unknown_since is not None:
            log.info("pauses_known_again", unknown_since=self.unknown_since.isoformat())
            self.unknown_since = None
        # What was read before our own change must not undo it.
        if self._changes == changes_before:
            self._known = known

    def _lose_sight(self, error: Exception) -> None:
        if self.unknown_since is None:
            self.unknown_since = self._clock.now()
            log.error(
                "pauses_unknown", error_type=type(error).__name__, standing=sorted(self._known)
            )

    def _changed(self, known: Mapping[str, Pause]) -> None:
        self._changes += 1
        self._known = known

    def _age_s(self, read_at_s: float) -> float:
        return self._clock.monotonic() - read_at_s


class DeadLetterRun:
    """Counts dead letters that follow each other with no success between them.

    A retry or a wait neither ends a run nor adds to it: they say nothing about the deploy.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._length = 0

    @property
    def is_over_limit(self) -> bool:
        """Whether no further message may be dead-lettered until somebody has looked."""
        return self._length >= self._limit

    def add(self) -> None:
        """A message was dead-lettered."""
        self._length += 1

    def end(self) -> None:
        """A message succeeded, or the queue was resumed."""
        self._length = 0
