"""Standing tasks that must not die: restarted when they do, and counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from workers.log import frames_of
from workers.metrics import TASK_RESTARTS
from workers.runtime.shared import Shared

log = structlog.get_logger()

LONGEST_PAUSE_S = 30.0


async def tend(
    run: Callable[[], Awaitable[None]], *, queue: str, task: str, shared: Shared
) -> None:
    """Run it again and again until it returns. An error of any kind is counted and logged.

    The pause before a restart grows to half a minute: a poller that dies at once must not spin.
    """
    pause_s = 1.0
    while True:
        try:
            await run()
        except Exception as error:  # noqa: BLE001 - whatever it is, the queue must go on
            shared.metrics.add(TASK_RESTARTS, queue=queue, task=task)
            log.error(  # noqa: TRY400 - the error's text may hold user data
                "task_restarted",
                sqs_queue=queue,
                task=task,
                error_type=type(error).__name__,
                trace=frames_of(error.__traceback__),
            )
            await shared.clock.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 2)
        else:
            return
