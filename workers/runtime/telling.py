"""Writes the lines that CloudWatch makes metrics of, once in each interval."""

from __future__ import annotations

from collections.abc import Callable

from workers.clock import Clock
from workers.embedded import EmbeddedMetrics
from workers.runtime.backlog import Backlogs


class Telling:
    """A companion of the consumers. `clock` is the machine's: alarms know no other time.

    Written in the middle of each interval of the wall clock: then each minute of CloudWatch holds
    exactly one value of each worker, and a sum over workers is right.
    """

    def __init__(
        self,
        embedded: EmbeddedMetrics,
        backlogs: Backlogs,
        clock: Clock,
        every_s: int,
        write: Callable[[str], None],
    ) -> None:
        self._embedded = embedded
        self._backlogs = backlogs
        self._clock = clock
        self._every_s = every_s
        self._write = write

    async def run(self) -> None:
        """For ever. Cancelled, it tells what was counted since; gauges of a worker that ends no."""
        try:
            while True:
                await self._clock.sleep(self._until_next_s())
                await self._backlogs.look()
                self._tell(with_gauges=True)
        finally:
            self._tell(with_gauges=False)

    def _tell(self, *, with_gauges: bool) -> None:
        for line in self._embedded.lines(self._clock.now_ms(), with_gauges=with_gauges):
            self._write(line)

    def _until_next_s(self) -> float:
        into_s = (self._clock.now_ms() / 1000 - self._every_s / 2) % self._every_s
        return self._every_s - into_s
