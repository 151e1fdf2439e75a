"""Who else is at work: a worker's share of what the fleet shares follows the live fleet.

Each worker writes a heartbeat of its own and reads everybody's. Whether another lives is judged by
our own clock alone: its beat has changed within the last seconds. So clocks need not agree, and a
killed worker's share is taken over once its beat has stood still for so long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

import structlog

from workers.clock import Clock
from workers.errors import SwitchboardError
from workers.metrics import FLEET_SHARE, FLEET_WORKERS, Metrics

log = structlog.get_logger()

BEAT_EVERY_S: Final = 2.0
DEAD_AFTER_S: Final = 8.0
"""Three beats may get lost before a worker counts as gone."""
STORE_TIMEOUT_S: Final = 3.0
NEWCOMERS_PART: Final = 0.1
"""Of its share, until the others have had the time to see it and to make room."""


class Roster(Protocol):
    """Where heartbeats are kept. Every method may raise `SwitchboardError`."""

    async def beat(self, worker: str, number: int) -> None:
        """Say that we live; `number` is another one each time."""
        ...

    async def find_all(self) -> Mapping[str, int]:
        """Everybody's newest number, of late: who is long gone may be left out."""
        ...

    async def leave(self, worker: str) -> None:
        """Say that we are gone. Not surely called: who is killed just stops beating."""
        ...


class LiveShare:
    """Keeps `retune` told of our share: one divided by the number of live workers.

    When the store does not answer, the last share stands. It is never above 1.
    """

    def __init__(
        self,
        roster: Roster,
        worker: str,
        retune: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.live = 1
        self.share = 1.0
        self.unknown_since: datetime | None = None
        self._roster = roster
        self._worker = worker
        self._retune = retune
        self._clock = clock
        self._beats = 0
        self._changed_at_s: dict[str, tuple[int | None, float]] = {}
        metrics.read_from(FLEET_WORKERS, lambda: self.live)
        metrics.read_from(FLEET_SHARE, lambda: self.share)

    async def join(self) -> None:
        """Beat once and take the first share, before anything is consumed."""
        await self._round()
        if self.live > 1:
            self._take(NEWCOMERS_PART / self.live)

    async def run(self) -> None:
        """Beat and count, for ever."""
        while True:
            await self._clock.sleep(BEAT_EVERY_S)
            # The others read as often as we beat: by the second time all of them have seen us.
            if await self._round() and self._beats > 2:
                self._take(1 / self.live)

    async def leave(self) -> None:
        """Give our share to the others now, not when they have missed us."""
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                await self._roster.leave(self._worker)
        except (SwitchboardError, TimeoutError) as error:
            log.warning("roster_not_left", error_type=type(error).__name__)

    def describe(self) -> dict[str, Any]:
        """For people."""
        since = self.unknown_since
        return {
            "worker": self._worker,
            "live_workers": self.live,
            "share": round(self.share, 3),
            "roster_unknown_since": since.isoformat(timespec="seconds") if since else None,
        }

    async def _round(self) -> bool:
        """Beat, read, count; False when the store did not answer."""
        self._beats += 1
        try:
            async with asyncio.timeout(STORE_TIMEOUT_S):
                await self._roster.beat(self._worker, self._beats)
                beats = await self._roster.find_all()
        except (SwitchboardError, TimeoutError) as error:
            self._lose_sight(error)
            return False
        if self.unknown_since is not None:
            # Nobody's beat was seen meanwhile: they have as long as ever to show themselves.
            self._changed_at_s = {}
            self.unknown_since = None
            log.info("roster_known_again")
        self._count(beats)
        return True

    def _count(self, beats: Mapping[str, int]) -> None:
        now_s = self._clock.monotonic()
        seen: dict[str, tuple[int | None, float]] = {}
        for worker, number in beats.items():
            before = self._changed_at_s.get(worker, (None, now_s))
            seen[worker] = (number, now_s if before[0] != number else before[1])
        self._changed_at_s = seen
        others = [w for w, (_, at_s) in seen.items() if now_s - at_s < DEAD_AFTER_S]
        live = len({*others, self._worker})
        if live != self.live:
            log.info("fleet_changed", live_workers=live, before=self.live)
        self.live = live

    def _take(self, share: float) -> None:
        self.share = share
        self._retune(share)

    def _lose_sight(self, error: Exception) -> None:
        if self.unknown_since is None:
            self.unknown_since = self._clock.now()
            log.warning("roster_unknown", error_type=type(error).__name__, share=self.share)
