"""How much waits for us: what more workers could help, and so what a fleet is scaled on.

What waits for a downstream limit, or on a paused queue, is left out: the fleet shares its quotas,
so another worker would only take a part of the same ones.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import structlog

from workers.clock import Clock
from workers.errors import SwitchboardError
from workers.metrics import (
    BACKLOG,
    BACKLOG_AGE_SECONDS,
    HELD_SECONDS,
    PAUSED,
    QUEUE_AGE_SECONDS,
    WORKERS,
    Metrics,
)

log = structlog.get_logger()

HELD_PART: Final = 0.1
"""A queue whose slots a limit left empty for so much of the time is short of that, not of us."""

CountVisible = Callable[[str], Awaitable[int]]
"""How many messages of a queue may be received now. May raise `SwitchboardError`."""


class Backlogs:
    """Looks at the queues of a process now and then, and sets its gauges of them."""

    def __init__(
        self, queues: Sequence[str], count_visible: CountVisible, metrics: Metrics, clock: Clock
    ) -> None:
        self._queues = tuple(queues)
        self._count_visible = count_visible
        self._metrics = metrics
        self._clock = clock
        self._looked_at_s = clock.monotonic()
        self._held_s = dict.fromkeys(self._queues, 0.0)
        for queue in self._queues:
            metrics.set(WORKERS, 1, queue=queue)

    async def look(self) -> None:
        """Ask SQS. What it does not tell is not told on: better no number than an old one."""
        now_s = self._clock.monotonic()
        passed_s, self._looked_at_s = now_s - self._looked_at_s, now_s
        for queue in self._queues:
            is_ours = self._is_ours(queue, passed_s)
            age_s = self._metrics.total(QUEUE_AGE_SECONDS, queue=queue)
            self._metrics.set(BACKLOG_AGE_SECONDS, age_s if is_ours else 0.0, queue=queue)
            try:
                visible = await self._count_visible(queue)
            except SwitchboardError as error:
                log.warning("backlog_unknown", sqs_queue=queue, error_type=type(error).__name__)
                self._metrics.forget(BACKLOG, queue=queue)
            else:
                self._metrics.set(BACKLOG, visible if is_ours else 0, queue=queue)

    def _is_ours(self, queue: str, passed_s: float) -> bool:
        held_s = self._metrics.total(HELD_SECONDS, queue=queue)
        held_lately_s, self._held_s[queue] = held_s - self._held_s[queue], held_s
        is_paused = self._metrics.total(PAUSED, queue=queue) > 0
        return not is_paused and held_lately_s <= HELD_PART * passed_s
