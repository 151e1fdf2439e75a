"""A service under a load, minute by minute, as its policies scale it.

What is AWS's is modelled by its documentation (Application Auto Scaling user guide, "How target
tracking scaling works"): a policy adds tasks when its metric was above the target for three
minutes, takes some away when it was below nine tenths of it for fifteen, and a service shrinks only
when all of its policies agree. What a policy asks for is the number of tasks by which the metric
would be at its target. UNVERIFIED: AWS promises neither those numbers of minutes nor how it rounds;
the alarms that it makes show the minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Final

from bench.scaling.policy import Scaling, TargetTracking

STEP_S: Final = 10
MINUTE_S: Final = 60
METRIC_DELAY_MINUTES: Final = 1
"""From a log line to a value that an alarm reads."""
START_S: Final = 90
"""From asking for a task to its first message: place it, pull its image, start."""
OUT_MINUTES: Final = 3
IN_MINUTES: Final = 15
IN_PART: Final = 0.9
HELD_PART: Final = 0.1
"""As workers/runtime/backlog.py has it: then what waits does not wait for us."""


@dataclass(frozen=True)
class Load:
    """What comes, and what hinders. Times are in seconds from the beginning."""

    name: str
    arrivals_per_s: Callable[[float], float]
    lasts_s: int
    task_per_s: float
    standing: float = 0.0
    limit_per_s: float = float("inf")
    begins_s: int = 0
    """When more begins to come than the least number of tasks can take."""
    changes: int = 0
    """How often the number of tasks may turn from growing to shrinking or back."""


@dataclass(frozen=True)
class Minute:
    """What was there at the end of a minute."""

    at_s: int
    backlog: float
    age_s: float
    asked_for: int
    running: int


@dataclass
class _Seen:
    """What CloudWatch has of a minute."""

    backlog: float
    age_s: float
    workers: int
    cpu: float


@dataclass
class _Tracker:
    """One policy's memory: what it saw of late."""

    policy: TargetTracking
    values: deque[float] = field(default_factory=lambda: deque(maxlen=IN_MINUTES))

    def see(self, value: float) -> None:
        self.values.append(value)

    @property
    def is_high(self) -> bool:
        late = list(self.values)[-OUT_MINUTES:]
        return len(late) == OUT_MINUTES and min(late) > self.policy.target

    @property
    def is_low(self) -> bool:
        return len(self.values) == IN_MINUTES and max(self.values) < IN_PART * self.policy.target

    def wants(self, tasks: int) -> int:
        return ceil(tasks * self.values[-1] / self.policy.target - 1e-9)


class Service:
    """One service while it is simulated."""

    def __init__(self, scaling: Scaling, load: Load) -> None:
        self._scaling = scaling
        self._load = load
        self._backlog = _Backlog(load.standing)
        self._trackers = [_Tracker(policy) for policy in scaling.policies]
        self._asked_for = scaling.least
        self._ready_at_s = [0.0] * scaling.least
        self._grew_at_s = self._changed_at_s = -1e9
        self._seen: list[_Seen] = []

    def run(self) -> list[Minute]:
        """From the beginning to the end."""
        minutes = []
        for minute in range(self._load.lasts_s // MINUTE_S):
            self._seen.append(self._minute(minute * MINUTE_S))
            at_s = (minute + 1) * MINUTE_S
            self._scale(at_s)
            seen = self._seen[-1]
            minutes.append(
                Minute(at_s, self._backlog.waiting, seen.age_s, self._asked_for, seen.workers)
            )
        return minutes

    def _minute(self, from_s: int) -> _Seen:
        done = held_s = room = age_s = backlog = 0.0
        for at_s in range(from_s, from_s + MINUTE_S, STEP_S):
            able = self._running(at_s) * self._load.task_per_s * STEP_S
            allowed = self._load.limit_per_s * STEP_S
            self._backlog.add(at_s, self._load.arrivals_per_s(at_s) * STEP_S)
            taken = self._backlog.take(min(able, allowed))
            is_held = allowed < able and self._backlog.waiting > 0
            held_s += STEP_S if is_held else 0
            done, room = done + taken, room + able
            age_s = max(age_s, self._backlog.age_s(at_s))
            if at_s - from_s == MINUTE_S // 2:
                backlog = self._backlog.waiting
        is_ours = held_s <= HELD_PART * MINUTE_S
        cpu = 100 * done / room if room else 0.0
        workers = self._running(from_s + MINUTE_S // 2)
        return _Seen(backlog if is_ours else 0.0, age_s if is_ours else 0.0, workers, cpu)

    def _running(self, at_s: float) -> int:
        return sum(ready_s <= at_s for ready_s in self._ready_at_s)

    def _scale(self, at_s: int) -> None:
        if len(self._seen) <= METRIC_DELAY_MINUTES:
            return
        seen = self._seen[-1 - METRIC_DELAY_MINUTES]
        for tracker in self._trackers:
            tracker.see(tracker.policy.value(self._reader(seen)))
        high = [t for t in self._trackers if t.is_high]
        if high:
            cooldown_s = max(t.policy.scale_out_cooldown_s for t in high)
            if at_s - self._grew_at_s >= cooldown_s:
                self._ask(at_s, max(t.wants(self._asked_for) for t in high))
        elif self._trackers and all(t.is_low for t in self._trackers):
            cooldown_s = max(t.policy.scale_in_cooldown_s for t in self._trackers)
            if at_s - self._changed_at_s >= cooldown_s:
                self._ask(at_s, max(t.wants(self._asked_for) for t in self._trackers))

    def _ask(self, at_s: int, tasks: int) -> None:
        wanted = max(self._scaling.least, min(self._scaling.most, tasks))
        if wanted == self._asked_for:
            return
        if wanted > self._asked_for:
            self._grew_at_s = at_s
            self._ready_at_s += [at_s + START_S] * (wanted - self._asked_for)
        else:
            self._ready_at_s = sorted(self._ready_at_s)[:wanted]
        self._asked_for, self._changed_at_s = wanted, at_s

    def _reader(self, seen: _Seen) -> Callable[[str, Mapping[str, str], str], float]:
        """One queue has it all: the first of the service's."""
        first = self._scaling.queues[0]

        def read(name: str, dimensions: Mapping[str, str], _stat: str) -> float:
            match name:
                case "CPUUtilization":
                    return seen.cpu
                case "workers":
                    return seen.workers
                case "backlog":
                    return seen.backlog if dimensions["queue"] == first else 0.0
                case "backlog_age_seconds":
                    return seen.age_s if dimensions["queue"] == first else 0.0
                case _:
                    raise ValueError(f"a policy reads {name}, which the simulation does not know")

        return read


class _Backlog:
    """What waits, in the order in which it came."""

    def __init__(self, standing: float) -> None:
        self._heaps: deque[list[float]] = deque([[0.0, standing]] if standing else [])

    @property
    def waiting(self) -> float:
        return sum(count for _, count in self._heaps)

    def add(self, at_s: float, count: float) -> None:
        self._heaps.append([at_s, count])

    def take(self, most: float) -> float:
        left = most
        while self._heaps and left > 0:
            taken = min(left, self._heaps[0][1])
            self._heaps[0][1] -= taken
            left -= taken
            if self._heaps[0][1] <= 1e-9:
                self._heaps.popleft()
        return most - left

    def age_s(self, at_s: float) -> float:
        return at_s - self._heaps[0][0] if self._heaps else 0.0


def turns(minutes: list[Minute]) -> int:
    """How often the number of tasks turned from growing to shrinking or back."""
    counts = [minute.asked_for for minute in minutes]
    signs = [b > a for a, b in pairwise(counts) if a != b]
    return sum(a != b for a, b in pairwise(signs))
