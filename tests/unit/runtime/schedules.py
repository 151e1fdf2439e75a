"""A scheduler and a store of parcels, in memory, that behave as their protocols say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from workers.clock import Clock
from workers.errors import SwitchboardError
from workers.runtime.deferral import Schedule
from workers.runtime.memory import MemoryQueue


@dataclass
class MemorySchedules:
    """Fires into a queue, on the loop's time, `late_s` after the time that was asked for.

    `made` are the texts that wait, `asked` is every call; what `trouble` returns is raised.
    """

    queue: MemoryQueue
    clock: Clock
    late_s: float = 0.0
    trouble: Callable[[], SwitchboardError | None] = lambda: None
    after_making: Callable[[], SwitchboardError | None] = lambda: None
    made: dict[str, Schedule] = field(default_factory=dict)
    asked: list[Schedule] = field(default_factory=list)
    fired_at: list[datetime] = field(default_factory=list)

    async def create(self, schedule: Schedule) -> None:
        self.asked.append(schedule)
        if (error := self.trouble()) is not None:
            raise error
        if schedule.name not in self.made:
            self.made[schedule.name] = schedule
            wait_s = (schedule.at - self.clock.now()).total_seconds() + self.late_s
            asyncio.get_running_loop().call_later(max(0.0, wait_s), self._fire, schedule)
        if (error := self.after_making()) is not None:
            raise error

    def _fire(self, schedule: Schedule) -> None:
        del self.made[schedule.name]
        self.fired_at.append(self.clock.now())
        self.queue.put(schedule.text, group=schedule.group)


@dataclass
class MemoryParcels:
    """What is stored; what `trouble` returns for a call is raised."""

    stored: dict[str, bytes] = field(default_factory=dict)
    trouble: Callable[[str], SwitchboardError | None] = lambda _call: None

    async def put(self, key: str, content: bytes) -> None:
        self._fail("put")
        self.stored[key] = content

    async def get(self, key: str) -> bytes | None:
        self._fail("get")
        return self.stored.get(key)

    async def delete(self, key: str) -> None:
        self._fail("delete")
        self.stored.pop(key, None)

    def _fail(self, call: str) -> None:
        if (error := self.trouble(call)) is not None:
            raise error
