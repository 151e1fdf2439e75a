"""Batches: deliveries that are handled together and settled each on its own.

Every delivery of a batch keeps its own task, which waits here for its own outcome. So its slot, its
lease, its lane and a drain know nothing of batches, and one that is cut off leaves the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from workers.errors import Fenced
from workers.metrics import BATCH_ITEMS
from workers.runtime.config import ConsumerConfig
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Item, Job
from workers.runtime.outcome import Outcome
from workers.runtime.shared import Shared
from workers.tracing import TRACEPARENT, parent_of

log = structlog.get_logger()

Result = Outcome | BaseException
Start = Callable[[Coroutine[None, None, None]], "asyncio.Task[None]"]


class MissingOutcomeError(Exception):
    """A batch handler told no outcome of an item: return one for each."""


@dataclass(slots=True, eq=False)
class _Batch:
    job: Job
    batched: Batched[Any]
    seats: dict[Item[Any], asyncio.Future[Result]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    task: asyncio.Task[None] | None = None

    def seat(self, item: Item[Any]) -> asyncio.Future[Result]:
        outcome: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self.seats[item] = outcome
        return outcome

    def settle(self, item: Item[Any], result: Result) -> None:
        outcome = self.seats[item]
        if not outcome.done():
            outcome.set_result(result)

    def stop_if_deserted(self) -> None:
        if self.task is not None and all(seat.done() for seat in self.seats.values()):
            self.task.cancel()


class Batches:
    """The batches of one queue that are filling or being handled. `start` makes a task."""

    def __init__(self, queue: str, config: ConsumerConfig, shared: Shared, start: Start) -> None:
        self._queue = queue
        self._size = min(config.batch_size, config.slots)  # More can never be in hand.
        self._wait_s = config.batch_wait_s
        self._metrics = shared.metrics
        self._tracer = shared.tracer
        self._start = start
        self._filling: dict[tuple[object, str], _Batch] = {}
        self._is_closing = False

    async def run(self, job: Job, batched: Batched[Any], delivery: Delivery) -> Result:
        """Take a seat in its batch and wait for the outcome: what was returned, or what raised."""
        key = (batched.handle, batched.key)
        batch = self._filling.get(key)
        if batch is None:
            batch = self._filling[key] = _Batch(job, batched)
            loop = asyncio.get_running_loop()
            batch.timer = loop.call_later(self._wait_s, self._flush, key)
        outcome = batch.seat(Item(batched.event, delivery))
        if len(batch.seats) >= self._size or self._is_closing:
            self._flush(key)
        try:
            return await outcome
        except asyncio.CancelledError:
            batch.stop_if_deserted()
            raise

    def close(self) -> None:
        """Wait for no more: handle what there is, and from now on each at once."""
        self._is_closing = True
        for key in list(self._filling):
            self._flush(key)

    def _flush(self, key: tuple[object, str]) -> None:
        batch = self._filling.pop(key)
        if batch.timer is not None:
            batch.timer.cancel()
        batch.task = self._start(self._handle(batch))

    async def _handle(self, batch: _Batch) -> None:
        items = _still_ours(batch)
        if not items:
            return
        clear_contextvars()
        bind_contextvars(
            sqs_queue=self._queue, handler=batch.job.event_class, batch_items=len(items)
        )
        self._metrics.observe(BATCH_ITEMS, len(items), queue=self._queue)
        # A span of its own: this task began in the context of whichever delivery came first.
        with self._tracer.processing(self._queue):
            for item in items:
                self._tracer.link(parent_of(item.delivery.attributes.get(TRACEPARENT), None))
            told = await _told(batch, items)
        strangers = len(told.keys() - batch.seats.keys())
        if strangers:
            log.error("batch_told_of_strangers", count=strangers)
        for item in items:
            batch.settle(item, told.get(item) or MissingOutcomeError())


async def _told(batch: _Batch, items: list[Item[Any]]) -> dict[Item[Any], Result]:
    """What the handler said of each; what it raised, of all."""
    try:
        return _checked(await batch.batched.handle(items))
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        return dict.fromkeys(items, error)  # From something that the handler awaited.
    except Exception as error:  # noqa: BLE001 - the outcome table says what each means
        return dict.fromkeys(items, error)


def _still_ours(batch: _Batch) -> list[Item[Any]]:
    """The items to handle: not those that were cut off, nor those whose lease ran out meanwhile."""
    items: list[Item[Any]] = []
    for item, seat in batch.seats.items():
        if not item.delivery.lease.is_held:
            batch.settle(item, Fenced("its lease ran out before its batch was handled"))
        elif not seat.done():
            items.append(item)
    return items


def _checked(told: object) -> dict[Item[Any], Result]:
    if not isinstance(told, Mapping):
        raise TypeError("a batch handler returns a mapping of its items to their outcomes")
    return {
        item: result if isinstance(result, Outcome | BaseException) else TypeError("not an outcome")
        for item, result in told.items()
    }
