"""What tests and benchmarks share: clocks, and a loop whose time is not the machine's.

Never imported by the rest of the workers.
"""

from __future__ import annotations

import asyncio
import selectors
from datetime import UTC, datetime, timedelta
from selectors import SelectorKey

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday noon: where fake time begins unless a test says otherwise."""

TURN_S = 1e-6


class FakeClock:
    """Time that stands still until a test moves it, or until somebody sleeps.

    `sleep` returns at once, having moved the clock; `slept` remembers for how long each time.
    For code that waits in several tasks at once take `VirtualLoop` and `LoopClock`.
    """

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._passed_s = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return self._start + timedelta(seconds=self._passed_s)

    def now_ms(self) -> int:
        """The wall clock in whole milliseconds since the epoch."""
        return round(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._passed_s

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._passed_s += seconds

    async def sleep(self, seconds: float) -> None:
        """Move the clock and yield once."""
        self.slept.append(seconds)
        self.advance(max(0.0, seconds))
        await asyncio.sleep(0)


class LoopClock:
    """The clock of the running event loop; on a `VirtualLoop` it jumps instead of waiting."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start

    def now(self) -> datetime:
        """The wall clock, aware, UTC."""
        return self._start + timedelta(seconds=self.monotonic())

    def now_ms(self) -> int:
        """The wall clock in whole milliseconds since the epoch."""
        return round(self.now().timestamp() * 1000)

    def monotonic(self) -> float:
        """The loop's own time in seconds."""
        return asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait in the loop's time. Zero or less yields once."""
        await asyncio.sleep(max(0.0, seconds))


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop for code without real I/O: when all wait, time jumps to the next timer.

    An hour of backoff takes no time, and two runs are the same. Threads, sockets and
    subprocesses do not work on it. When everything waits and no timer is set it raises
    `RuntimeError` instead of hanging.
    """

    def __init__(self) -> None:
        self._jumped_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._jumped_s

    def jump(self, seconds: float) -> None:
        """Let virtual time pass."""
        self._jumped_s += seconds


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("every task waits and no timer is set: a deadlock")
        # A turn of the loop takes a moment: else who waits for less than the loop's resolution
        # would spin for ever at one instant.
        self._loop.jump(max(0.0, timeout) + TURN_S)
        return super().select(0)
