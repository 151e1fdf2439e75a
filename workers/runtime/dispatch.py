"""What the application gives the runtime: for each delivery, what to run and what orders it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Outcome

Handler = Callable[[Delivery], Awaitable[Outcome]]

EventT = TypeVar("EventT")


@dataclass(frozen=True, slots=True, eq=False)
class Item(Generic[EventT]):
    """One event of a batch, with the delivery that brought it. Equal to itself alone."""

    event: EventT
    delivery: Delivery


BatchHandler = Callable[
    [Sequence[Item[EventT]]], Awaitable[Mapping[Item[EventT], Outcome | BaseException]]
]
"""Takes one item or many, and tells the outcome of each: what its own handler would return or
raise. What it raises itself is every item's outcome. An item that it says nothing of is a bug, of
that item only."""


@dataclass(frozen=True, slots=True)
class Batched(Generic[EventT]):
    """In place of a handler: handle this event together with others.

    Those of the same `handle` (the same function, not one that is made anew for each) and the same
    `key` share a batch. It is handled when it holds `batch_size`, `batch_wait_s` after its first,
    or on a drain. Each item keeps its own slot, lease, lane and outcome.
    """

    handle: BatchHandler[EventT]
    event: EventT
    key: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """A decoded delivery and the handler that takes it, already holding the typed event.

    Attributes:
        key: jobs with equal keys run one at a time, in order of arrival, in this process. None
            when the handler orders itself. On a FIFO queue the message group stands in its place.
        event_class: a stable word: a metric label.
        event_type: the source's own word for the event.
        event_id: the event's own id, the same in every copy and delivery of it.
        run: the handler, or the batch that it belongs to.
    """

    key: str | None
    event_class: str
    event_type: str
    event_id: str
    run: Handler | Batched[Any]


class Dispatcher(Protocol):
    """Decodes and routes."""

    def plan(self, delivery: Delivery) -> Job | Discard | DeadLetter:
        """What is to be done with it. Pure, quick, and never raises: a raise is a bug's outcome."""
        ...
