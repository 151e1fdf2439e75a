"""What all consumers of a process have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from workers.clock import STRAIGHT, Clock, TimeBend
from workers.metrics import Metrics
from workers.runtime.breaker import Breaker, InProcessBreaker
from workers.runtime.deferral import Deferrals
from workers.runtime.failures import Failures
from workers.tracing import NO_TRACER, Tracer


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts that are made once and given to every consumer.

    Attributes:
        failures: the fleet's memory of failed attempts.
        deferrals: what takes messages off their queue that are deferred past a visibility timeout.
            Without it they are hidden again and again.
        breaker: where pauses are kept; of this process only unless another is given.
        rng: for jitter; no secret depends on it.
        tracer: opens a span for each delivery in hand; none unless another is given.
        bend: how the clock's wall time is bent: what handlers wait for is of that time.
    """

    clock: Clock
    metrics: Metrics
    failures: Failures
    deferrals: Deferrals | None = None
    breaker: Breaker = field(default_factory=InProcessBreaker)
    rng: Random = field(default_factory=Random)
    tracer: Tracer = NO_TRACER
    bend: TimeBend = STRAIGHT
