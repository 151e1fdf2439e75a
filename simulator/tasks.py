"""Background work: named, kept, cancelled at the end, in lanes where order counts."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Tasks:
    """Owns every background task. A failed one is logged by its type and counted, never silent."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._lanes: dict[str, deque[Coroutine[Any, Any, None]]] = {}
        self.failures: list[str] = []

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside everything else."""
        task = asyncio.create_task(self._guarded(name, work), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def in_lane(self, lane: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` after everything put into the same lane before it."""
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(work)
            return
        self._lanes[lane] = deque([work])
        self.start(f"lane {lane}", self._drive(lane))

    async def settle(self) -> None:
        """Wait until nothing runs. For tests; a sleeping task holds it up."""
        while self._running:
            await asyncio.wait(set(self._running))

    async def close(self) -> None:
        """Cancel what runs and wait for it."""
        for task in tuple(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for waiting in self._lanes.values():
            for work in waiting:
                work.close()
        self._lanes.clear()

    async def _drive(self, lane: str) -> None:
        waiting = self._lanes[lane]
        while waiting:
            await self._guarded(lane, waiting.popleft())
        del self._lanes[lane]

    async def _guarded(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as exc:
            # The name may hold a phone number, so only what kind of work failed is kept.
            kind = name.split(" ", 1)[0]
            self.failures.append(f"{kind}: {type(exc).__name__}")
            log.exception("background_task_failed", extra={"kind": kind})
