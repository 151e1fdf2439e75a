"""The polls of one queue: how many at once, how much each asks for, and when none is made.

A poll asks for free slots only, and what it asked for is reserved until it is back. It is never
cancelled: what SQS hands to it is ours from that moment on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import structlog

from workers.errors import SwitchboardError
from workers.metrics import HELD_SECONDS, PAUSED, POLLS, UNPOLLED_SECONDS
from workers.runtime.breaker import Pause
from workers.runtime.config import ConsumerConfig
from workers.runtime.gate import ALWAYS_OPEN, Gate
from workers.runtime.health import BACKPRESSURE, PauseReason, Pulse, State
from workers.runtime.pausing import PauseWatch
from workers.runtime.retry import backoff_s
from workers.runtime.shared import Shared
from workers.runtime.sqs import MAX_BATCH, Message, SqsQueue

log = structlog.get_logger()

GATHER_S = 0.02
"""With fewer than ten slots free, a moment for more to come free: fewer, fuller polls."""

GATE_LOOK_S = 0.1
"""While backpressure leaves no room: a gate opens with time, and nobody calls."""

ERROR_BASE_S = 0.5
ERROR_CAP_S = 30.0


@dataclass(frozen=True, slots=True)
class Intake:
    """Where polled messages go. `room` is how many slots are free; all three are quick."""

    room: Callable[[], int]
    accept: Callable[[Sequence[Message]], None]
    gate: Gate = ALWAYS_OPEN


class Poller:
    """All polls of one queue. `run` is called once for each index below `pollers_max`.

    One poll is outstanding when the queue is idle; every full answer adds one, an empty answer
    leaves the first alone.
    """

    def __init__(
        self,
        queue: SqsQueue,
        config: ConsumerConfig,
        intake: Intake,
        pulse: Pulse,
        watch: PauseWatch,
        shared: Shared,
    ) -> None:
        self._queue = queue
        self._config = config
        self._intake = intake
        self._pulse = pulse
        self._metrics = shared.metrics
        self._watch = watch
        self._rng = shared.rng
        self._clock = shared.clock
        self._wanted = 1
        self._reserved = 0
        self._errors = 0
        self._has_answered = False
        self._stopped = asyncio.Event()
        self._waiters: list[asyncio.Future[None]] = []
        self._held_until_s = 0.0
        self._metrics.read_from(UNPOLLED_SECONDS, lambda: pulse.unpolled_s, queue=queue.name)
        for reason in PauseReason:
            self._metrics.read_from(
                PAUSED, partial(pulse.is_paused_by, reason), queue=queue.name, reason=reason
            )

    async def run(self, index: int) -> None:
        """Poll until `stop`. Returns when this index has no poll outstanding any more."""
        while asked := await self._turn(index):
            await self._poll(index, asked)

    def stop(self) -> None:
        """Begin no further poll. Those outstanding land by themselves, within `wait_s`."""
        self._stopped.set()
        self._pulse.enter(State.DRAINING)
        self.wake()

    def wake(self) -> None:
        """A slot came free, or something else changed that a poller may wait for."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _turn(self, index: int) -> int:
        """Wait until this index may poll. Returns for how many messages; 0 is the end."""
        while not self._is_stopping:
            if index >= self._wanted or not self._watch.may_poll:
                await self._change()
            else:
                await self._gather()
                if asked := self._reserve():
                    if index == 0:
                        self._pulse.enter(State.POLLING)
                    return asked
        return 0

    async def _gather(self) -> None:
        """Wait until there is room; then, when there is little, for a moment more."""
        while self._may_go_on and self._room() <= 0:
            if self._slots_free() > 0:
                self._enter(State.PAUSED, self._backpressure())
                await self._stay_held()
            else:
                self._enter(State.FULL)
                await self._change()
        if self._may_go_on and self._room() < min(MAX_BATCH, self._config.slots):
            await self._nap(GATHER_S)

    async def _stay_held(self) -> None:
        """Wait for the gate. Pollers that wait side by side count the time once."""
        since_s = max(self._clock.monotonic(), self._held_until_s)
        await self._change(within_s=GATE_LOOK_S)
        until_s = self._clock.monotonic()
        held_s = until_s - max(since_s, self._held_until_s)
        self._held_until_s = until_s
        self._metrics.add(HELD_SECONDS, max(0.0, held_s), queue=self._queue.name)

    def _enter(self, state: State, pause: Pause | None = None) -> None:
        if not self._reserved:
            self._pulse.enter(state, pause)

    def _backpressure(self) -> Pause:
        return Pause(self._clock.now(), f"no room at {self._intake.gate.reason}", BACKPRESSURE)

    def _slots_free(self) -> int:
        return self._intake.room() - self._reserved

    def _room(self) -> int:
        """Free slots, fewer where the gate wants fewer in hand than there are slots."""
        spared = max(0, self._config.slots - self._intake.gate.capacity())
        return self._slots_free() - spared

    def _reserve(self) -> int:
        if not self._may_go_on:
            return 0
        asked = max(0, min(MAX_BATCH, self._room()))
        self._reserved += asked
        return asked

    async def _poll(self, index: int, asked: int) -> None:
        # The first poll of a process does not wait: that SQS answers shows readiness at once.
        wait_s = self._config.wait_s if self._has_answered else 0
        try:
            messages = await self._queue.receive(
                asked, wait_s=wait_s, visibility_timeout_s=self._config.lease_s
            )
        except SwitchboardError as error:
            await self._back_off(error)
            return
        finally:
            self._reserved -= asked
        self._errors = 0
        self._has_answered = True
        self._pulse.poll_ended(has_answered=True)
        self._intake.accept(messages)
        self._adapt(index, asked, len(messages))

    def _adapt(self, index: int, asked: int, got: int) -> None:
        if got == asked:
            result = "full"
            # Only the newest may call for another: else four full answers at once add four.
            if index == self._wanted - 1:
                self._wanted = min(self._config.pollers_max, self._wanted + 1)
        elif got:
            result = "part"
        else:
            result = "empty"
            self._wanted = 1
        self._metrics.add(POLLS, queue=self._queue.name, result=result)
        self.wake()

    async def _back_off(self, error: SwitchboardError) -> None:
        """An error is not an empty queue: it is counted, and the next poll waits longer."""
        self._errors += 1
        self._pulse.poll_ended(has_answered=False)
        self._metrics.add(POLLS, queue=self._queue.name, result="error")
        pause_s = backoff_s(self._errors, base_s=ERROR_BASE_S, cap_s=ERROR_CAP_S, rng=self._rng)
        log.warning(
            "poll_failed",
            sqs_queue=self._queue.name,
            error_type=type(error).__name__,
            reason=getattr(error, "reason", ""),
            pause_s=round(pause_s, 1),
        )
        await self._nap(pause_s)

    @property
    def _may_go_on(self) -> bool:
        return not self._is_stopping and self._watch.may_poll

    @property
    def _is_stopping(self) -> bool:
        return self._stopped.is_set()

    async def _nap(self, seconds: float) -> None:
        """Sleep, unless it is time to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            pass  # Slept enough.

    async def _change(self, within_s: float | None = None) -> None:
        """Wait for the next `wake`, or for so long."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(within_s):
                await waiter
        except TimeoutError:
            # A `wake` in the same turn of the loop has taken it off already.
            with suppress(ValueError):
                self._waiters.remove(waiter)
