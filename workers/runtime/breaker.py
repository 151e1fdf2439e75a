"""Pausing a queue: a bad deploy must stop the line, not empty the queue into its DLQ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Pause:
    """Why a queue is not polled, since when, and who said so."""

    since: datetime
    reason: str
    by: str


class Breaker(Protocol):
    """Where pauses are kept. Asked before every poll, so an implementation caches what it stores.

    May raise `TransientError`; then the queue is polled as before.
    """

    async def find_pause(self, queue: str) -> Pause | None:
        """The queue's pause, if it has one."""
        ...

    async def pause(self, queue: str, pause: Pause) -> None:
        """Pause it. One that stands already is kept, with its own time and reason."""
        ...

    async def resume(self, queue: str) -> None:
        """End its pause, if it has one."""
        ...


class InProcessBreaker:
    """Pauses of this process only: a restart re-arms the queue."""

    def __init__(self) -> None:
        self._pauses: dict[str, Pause] = {}

    async def find_pause(self, queue: str) -> Pause | None:
        """The queue's pause, if it has one."""
        return self._pauses.get(queue)

    async def pause(self, queue: str, pause: Pause) -> None:
        """Pause it, unless it is paused already."""
        self._pauses.setdefault(queue, pause)

    async def resume(self, queue: str) -> None:
        """End its pause, if it has one."""
        self._pauses.pop(queue, None)


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
