"""Whether the process is alive and ready, by what its pollers have done lately.

Alive means that every queue that should be polled is polled. One that is full, paused on purpose
or draining says so, and since when; it is alive.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from workers.clock import Clock
from workers.runtime.breaker import Pause


class State(StrEnum):
    """What a queue's poller is doing."""

    POLLING = "polling"
    FULL = "full"  # every slot is taken: it polls when one is free
    PAUSED = "paused"
    DRAINING = "draining"


BREAKER: Final = "breaker"
BACKPRESSURE: Final = "backpressure"


class PauseReason(StrEnum):
    """Who paused a queue, in a word for metrics: operators have names."""

    BREAKER = BREAKER
    BACKPRESSURE = BACKPRESSURE
    OPERATOR = "operator"

    @classmethod
    def of(cls, pause: Pause) -> PauseReason:
        """The kind of whoever did it."""
        own = (BREAKER, BACKPRESSURE)
        return cls(pause.by) if pause.by in own else cls.OPERATOR


class Pulse:
    """A queue's sign of life, written by its poller."""

    def __init__(self, queue: str, clock: Clock, *, stale_after_s: float) -> None:
        self.queue = queue
        self.state = State.POLLING
        self._clock = clock
        self._stale_after_s = stale_after_s
        self._since = clock.now()
        self._silent_from = clock.monotonic()
        self._polled_at: float | None = None
        self._has_answered = False
        self._pause: Pause | None = None

    def enter(self, state: State, pause: Pause | None = None) -> None:
        """The poller does something else now. Its silence is measured anew. A drain is final."""
        if self.state is State.DRAINING:
            return
        self._pause = pause
        if pause is not None:
            self._since = pause.since
        if state is self.state:
            return
        self.state = state
        if pause is None:
            self._since = self._clock.now()
        self._silent_from = self._clock.monotonic()

    def poll_ended(self, *, has_answered: bool) -> None:
        """A poll came back, with an answer (an empty one is one) or with an error."""
        self._silent_from = self._polled_at = self._clock.monotonic()
        self._has_answered = has_answered

    @property
    def is_alive(self) -> bool:
        """False when it should be polling and no poll has ended for too long."""
        return self.state is not State.POLLING or self._silent_s() <= self._stale_after_s

    @property
    def unpolled_s(self) -> float:
        """How long no poll has ended although it should be polling."""
        return self._silent_s() if self.state is State.POLLING else 0.0

    def is_paused_by(self, reason: PauseReason) -> bool:
        """Whether it is paused now, and for this reason."""
        if self.state is not State.PAUSED or self._pause is None:
            return False
        return PauseReason.of(self._pause) is reason

    @property
    def is_ready(self) -> bool:
        """Whether the last poll had an answer and more are wanted.

        One that is paused from its start on asks SQS nothing: it is as ready as it is meant to
        be, else no deploy would succeed while a queue is paused.
        """
        answers = self._has_answered or self.state is State.PAUSED
        return self.is_alive and answers and self.state is not State.DRAINING

    def describe(self) -> dict[str, Any]:
        """For people and for JSON."""
        described: dict[str, Any] = {
            "state": self.state.value,
            "since": self._since.isoformat(timespec="seconds"),
            "alive": self.is_alive,
            "ready": self.is_ready,
            "last_poll_age_s": self._poll_age_s(),
        }
        if self._pause:
            described |= {"reason": self._pause.reason, "by": self._pause.by}
        if trouble := self._trouble():
            described["trouble"] = trouble
        return described

    def _poll_age_s(self) -> float | None:
        if self._polled_at is None:
            return None
        return round(self._clock.monotonic() - self._polled_at, 1)

    def _silent_s(self) -> float:
        return self._clock.monotonic() - self._silent_from

    def _trouble(self) -> str:
        """Why it is not ready, in words; empty when it is."""
        if not self.is_alive:
            silent_s, allowed_s = self._silent_s(), self._stale_after_s
            return f"no poll has ended for {silent_s:.0f} s, {allowed_s:.0f} s are allowed"
        if self.state is State.DRAINING:
            return "it stops: no more polls"
        if self.is_ready:
            return ""
        return "SQS has not answered yet" if self._polled_at is None else "the last poll failed"


@dataclass(frozen=True, slots=True)
class Report:
    """An answer to a health check."""

    is_ok: bool
    body: dict[str, Any]


class Health:
    """The pulses of all queues of this process, and what it knows of its fleet.

    `fleet` and `facts` are for people: they are shown, and fail no check.
    """

    def __init__(
        self,
        pulses: Sequence[Pulse],
        fleet: Callable[[], dict[str, Any]] | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        self._pulses = tuple(pulses)
        self._fleet = fleet
        self._facts = dict(facts or {})

    def liveness(self) -> Report:
        """Restart the process when this fails."""
        return self._report("alive", all(pulse.is_alive for pulse in self._pulses))

    def readiness(self) -> Report:
        """Fails before the first answer from every queue, while SQS refuses, and on drain."""
        return self._report("ready", all(pulse.is_ready for pulse in self._pulses))

    def _report(self, word: str, is_ok: bool) -> Report:
        queues = {pulse.queue: pulse.describe() for pulse in self._pulses}
        fleet = {"fleet": self._fleet()} if self._fleet else {}
        return Report(is_ok, {word: is_ok, **self._facts, "queues": queues, **fleet})
