"""One queue's pause as its consumer sees it: looked for every second, kept until it can be stored.

What is asked here needs no I/O, so the poller asks before each poll and the settler before each
burial. An outstanding long poll delays neither the news nor its report.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from workers.errors import SwitchboardError
from workers.runtime.breaker import READ_EVERY_S, Pause
from workers.runtime.health import BREAKER, Pulse, State
from workers.runtime.shared import Shared

log = structlog.get_logger()


class PauseWatch:
    """Knows whether a queue is paused. `on_change` is called after each pause and resumption."""

    def __init__(
        self, queue: str, pulse: Pulse, shared: Shared, on_change: Callable[[], None]
    ) -> None:
        self.pause: Pause | None = None
        self.has_looked = False
        self._queue = queue
        self._pulse = pulse
        self._breaker = shared.breaker
        self._clock = shared.clock
        self._on_change = on_change
        self._unsaved: Pause | None = None

    @property
    def may_poll(self) -> bool:
        """False while paused, and before the first look: a restart must not re-arm the queue."""
        return self.has_looked and self.pause is None

    async def run(self) -> None:
        """Look every second, for ever."""
        while True:
            await self.look()
            await self._clock.sleep(READ_EVERY_S)

    async def look(self) -> None:
        """Ask once, and store what could not be stored before."""
        try:
            if self._unsaved is not None:
                standing = await self._breaker.pause(self._queue, self._unsaved)
                self._unsaved = None
                self._now(standing)
                return
            found = await self._breaker.find_pause(self._queue)
            if self._unsaved is None:  # Else it tripped while we asked.
                self._now(found)
        except SwitchboardError as error:
            log.warning("pause_unknown", sqs_queue=self._queue, error_type=type(error).__name__)
            self._now(self.pause)

    async def trip(self, reason: str) -> None:
        """Pause the queue for the fleet; for this process at once, whatever the store says."""
        if self.pause is not None:
            return
        self._unsaved = Pause(self._clock.now(), reason, BREAKER)
        log.error("queue_tripped", sqs_queue=self._queue, reason=reason)
        self._now(self._unsaved)
        await self.look()

    def _now(self, pause: Pause | None) -> None:
        was, self.pause = self.pause, pause
        is_first, self.has_looked = not self.has_looked, True
        if pause == was and not is_first:
            return
        if pause is not None:
            self._pulse.enter(State.PAUSED, pause)
            log.warning(
                "queue_paused", sqs_queue=self._queue, reason=pause.reason, paused_by=pause.by
            )
        elif was is not None:
            self._pulse.enter(State.POLLING)
            log.warning("queue_resumed", sqs_queue=self._queue)
        self._on_change()
