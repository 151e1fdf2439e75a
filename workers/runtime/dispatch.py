"""What the application gives the runtime: for each delivery, what to run and what orders it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Outcome

Handler = Callable[[Delivery], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class Job:
    """A decoded delivery and the handler that takes it, already holding the typed event.

    Attributes:
        key: jobs with equal keys run one at a time, in order of arrival, in this process. None
            when the handler orders itself.
        event_class: a stable word: a metric label.
        event_type: the source's own word for the event.
        event_id: the event's own id, the same in every copy and delivery of it.
    """

    key: str | None
    event_class: str
    event_type: str
    event_id: str
    run: Handler


class Dispatcher(Protocol):
    """Decodes and routes."""

    def plan(self, delivery: Delivery) -> Job | Discard | DeadLetter:
        """What is to be done with it. Pure, quick, and never raises: a raise is a bug's outcome."""
        ...
