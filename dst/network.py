"""What is between a worker and everything else: latency, loss, and the moment a worker dies.

A call is carried out on the far side, in a task of its own. So what a worker asked for happens
although it died meanwhile, and what it asked for a moment later does not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from dst.loop import Process
from dst.plan import Moment, Weather
from dst.trace import Trace

Answered = TypeVar("Answered")


class Unconnected(Exception):  # noqa: N818 - named for what it is
    """No connection: the request was surely not sent."""


class Cut(Exception):  # noqa: N818 - named for what it is
    """The connection broke. Whether the request was carried out is not known."""


@dataclass(slots=True)
class Sky:
    """The weather that holds now; a simulation changes it at its end."""

    weather: Weather


@dataclass(frozen=True, slots=True)
class Hit:
    """What happens to a process at one of its calls: killed, or stopped for `stop_s`."""

    moment: Moment
    stop_s: float | None = None


@dataclass(slots=True)
class Far:
    """The other side of the network: a context that no worker's death touches."""

    context: Context
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Link:
    """One process's way to the services.

    `hits` says what happens to the process at its n-th call that is no poll.
    """

    def __init__(self, process: Process, far: Far, sky: Sky, chance: Random, trace: Trace) -> None:
        self.process = process
        self.hits: dict[int, Hit] = {}
        self.on_hit: Callable[[Hit, str], None] = lambda _hit, _what: None
        self.on_trouble: Callable[[], None] = lambda: None
        self._far = far
        self._sky = sky
        self._chance = chance
        self._trace = trace
        self._calls = 0

    async def call(
        self, what: str, serve: Callable[[], Awaitable[Answered]], *, is_poll: bool = False
    ) -> Answered:
        """Have `serve` carried out on the far side.

        Raises:
            Unconnected, Cut: the network's doing.
            Exception: whatever `serve` raised.
        """
        hit = None if is_poll else self._next_hit()
        if hit is not None and hit.moment == "before":
            await self._strike(hit, what)
        if self._happens(self._sky.weather.refused):
            self.on_trouble()
            await asyncio.sleep(self._latency_s())
            raise Unconnected
        return await self._send(what, serve, hit)

    def tell(self, what: str, about: str) -> None:
        """Note something that happened to this process's call."""
        self._trace.note(self.process.name, what, about)

    def is_throttled_by_store(self) -> bool:
        """Whether the table refuses the next call for rate, to the SDK's last attempt."""
        is_throttled = self._happens(self._sky.weather.store_throttle)
        if is_throttled:
            self.on_trouble()
        return is_throttled

    async def _send(
        self, what: str, serve: Callable[[], Awaitable[Answered]], hit: Hit | None
    ) -> Answered:
        answer: asyncio.Future[Callable[[], Answered]] = asyncio.get_running_loop().create_future()
        weather = self._sky.weather
        is_lost = self._happens(weather.lost_there)
        comes_back = not self._happens(weather.lost_back)
        there_s, back_s = self._latency_s(), self._latency_s()
        if self._happens(weather.slow):
            extra_s = self._chance.uniform(0, weather.slow_s)
            self.on_trouble()
            there_s, back_s = self._chance.choice(
                ((there_s + extra_s, back_s), (there_s, back_s + extra_s))
            )
        self._trace.note(self.process.name, "calls", what)

        async def carry() -> None:
            await asyncio.sleep(there_s)
            if is_lost:
                self._trace.note("network", "loses", what)
                self.on_trouble()
                _settle(answer, Cut())
                return
            outcome = await _outcome(serve)
            if hit is not None and hit.moment == "after":
                self.on_hit(hit, what)
            if not comes_back:
                self._trace.note("network", "loses the answer of", what)
                self.on_trouble()
            await asyncio.sleep(back_s)
            _settle(answer, outcome if comes_back else Cut())

        task = asyncio.get_running_loop().create_task(carry(), context=self._far.context.copy())
        self._far.tasks.add(task)
        task.add_done_callback(self._far.tasks.discard)
        return (await answer)()

    def _next_hit(self) -> Hit | None:
        self._calls += 1
        return self.hits.pop(self._calls, None)

    async def _strike(self, hit: Hit, what: str) -> None:
        self.on_hit(hit, what)
        await asyncio.sleep(0)  # Nothing of a killed or stopped process gets past here.

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _latency_s(self) -> float:
        return self._chance.uniform(*self._sky.weather.latency_ms) / 1000


async def _outcome(serve: Callable[[], Awaitable[Any]]) -> Any:
    try:
        return _Value(await serve())
    except Exception as error:  # noqa: BLE001 - carried to the caller, who raises it
        return error


@dataclass(frozen=True, slots=True)
class _Value:
    value: Any


def _settle(answer: asyncio.Future[Any], outcome: Any) -> None:
    """Answer, as a thunk: an exception set on a future that nobody awaits any more is reported."""
    if answer.done():
        return

    def give() -> Any:
        if isinstance(outcome, _Value):
            return outcome.value
        raise outcome

    answer.set_result(give)
