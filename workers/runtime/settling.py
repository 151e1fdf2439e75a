"""Carrying verdicts out: attempts counted, messages deleted, hidden or buried, once each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog

from workers.errors import SwitchboardError
from workers.log import frames_of
from workers.metrics import ATTEMPTS, DEAD_LETTERS, SCHEDULED
from workers.runtime.acknowledger import Acknowledgers
from workers.runtime.breaker import DeadLetterRun
from workers.runtime.config import ConsumerConfig
from workers.runtime.dead_letters import DeadLetters
from workers.runtime.failures import REMEMBERED_S
from workers.runtime.heartbeat import LeaseKeeper
from workers.runtime.inhand import Held
from workers.runtime.pausing import PauseWatch
from workers.runtime.retry import backoff_s, visibility_s
from workers.runtime.shared import Shared
from workers.runtime.sqs import VisibilityChange
from workers.runtime.verdict import (
    LEASE_LOST,
    TOO_OLD,
    Then,
    Verdict,
    give_up,
    label_of,
    wait_instead,
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Tools:
    """The parts of one queue's consumer that settling uses."""

    keeper: LeaseKeeper
    acknowledgers: Acknowledgers
    dead_letters: DeadLetters
    watch: PauseWatch


class Settler:
    """Settles the deliveries of one queue: the only one that acknowledges.

    With `is_ordered` (FIFO) it waits until SQS has confirmed: the next of a group comes after.
    """

    def __init__(
        self,
        tools: Tools,
        config: ConsumerConfig,
        shared: Shared,
        *,
        is_ordered: bool,
    ) -> None:
        self._is_ordered = is_ordered
        self._keeper = tools.keeper
        self._acknowledgers = tools.acknowledgers
        self._dead_letters = tools.dead_letters
        self._watch = tools.watch
        self._config = config
        self._shared = shared
        self._run = DeadLetterRun(config.dead_letters_in_a_row)

    async def settle(self, held: Held, verdict: Verdict) -> Verdict:
        """Do what the verdict says, or what it turns into. Returns what was done.

        `after_s` of a verdict that hides is then the visibility timeout that was asked for.
        """
        verdict = await self._weigh(held, verdict)
        match verdict.then:
            case Then.BURY:
                verdict = await self._bury(held, verdict)
            case Then.DEFER:
                verdict = await self._defer(held, verdict)
            case Then.DELETE:
                self._run.end()
            case Then.HIDE | Then.ABANDON:
                pass
        match verdict.then:
            case Then.DELETE | Then.BURY:
                return await self._delete(held, verdict)
            case Then.HIDE:
                return await self._hide(held, verdict)
            case _:
                self._keeper.forget(held.receipt_handle)
                return verdict

    def resumed(self) -> None:
        """Somebody has looked at the queue: the run of dead letters is over."""
        self._run.end()

    async def _weigh(self, held: Held, verdict: Verdict) -> Verdict:
        """Count the attempt, if it is one; give up after the last."""
        if not held.delivery.lease.is_held and verdict.then is not Then.ABANDON:
            return LEASE_LOST
        if not verdict.is_attempt:
            return verdict
        try:
            failures = await self._shared.failures.count_failure(
                held.delivery.queue, held.message_id, ttl_s=REMEMBERED_S
            )
        except SwitchboardError as error:
            log.warning("attempt_not_counted", error_type=type(error).__name__)
            return wait_instead("attempt_not_counted")
        self._shared.metrics.add(ATTEMPTS, queue=held.delivery.queue)
        if failures >= self._config.attempts:
            return give_up(verdict)
        if verdict.after_s is None:
            return replace(verdict, after_s=self._backoff_s(failures))
        return verdict

    async def _bury(self, held: Held, verdict: Verdict) -> Verdict:
        """Copy to the DLQ; on any trouble the message stays and waits."""
        if not await self._may_bury():
            return wait_instead("paused")
        if verdict is not TOO_OLD:  # A backlog that aged says nothing of a bad deploy.
            self._run.add()  # Before the copy: those in flight beside this one count it.
        event_id = held.job.event_id if held.job else ""
        try:
            await self._dead_letters.bury(held.message, verdict, event_id=event_id)
            if verdict.before_delete is not None:
                await verdict.before_delete()
        except Exception as error:  # noqa: BLE001 - before_delete is the application's: may raise all
            log.error(  # noqa: TRY400 - the error's text may hold user data
                "dead_letter_failed",
                error_type=type(error).__name__,
                trace=frames_of(error.__traceback__),
            )
            return wait_instead("dead_letter_failed")
        # To be deleted even if the lease ran out meanwhile: a second copy helps nobody.
        self._shared.metrics.add(
            DEAD_LETTERS, queue=held.delivery.queue, reason=label_of(verdict.reason)
        )
        if self._run.is_over_limit:
            await self._trip()
        return verdict

    async def _defer(self, held: Held, verdict: Verdict) -> Verdict:
        """Off the queue with a schedule, when it is for longer than it may be hidden."""
        deferrals, queue = self._shared.deferrals, held.delivery.queue
        is_short = (verdict.after_s or 0.0) <= self._longest_hide_s(held)
        if deferrals is None or verdict.until is None or is_short:
            return replace(verdict, then=Then.HIDE)
        try:
            await deferrals.schedule(held.message, queue=queue, until=verdict.until)
        except SwitchboardError as error:
            log.warning("deferral_failed", error_type=type(error).__name__)
            return wait_instead("deferral_failed")
        self._shared.metrics.add(SCHEDULED, queue=queue)
        return replace(verdict, then=Then.DELETE)

    def _longest_hide_s(self, held: Held) -> float:
        held_s = self._shared.clock.monotonic() - held.received_at
        return visibility_s(self._config.schedule_after_s, held_s=held_s)

    async def _delete(self, held: Held, verdict: Verdict) -> Verdict:
        """Acknowledge it. Nobody waits for the answer, but where something depends on it."""
        self._keeper.forget(held.receipt_handle)
        if held.parcel is None and not self._is_ordered:
            self._acknowledgers.deletes.put(held.receipt_handle)
            return verdict
        if not await self._acknowledgers.deletes.confirmed(held.receipt_handle):
            # It comes again: what is stored for it stays, and what is behind it goes back.
            return replace(verdict, then=Then.ABANDON)
        if held.parcel is not None:
            await self._forget(held.parcel)
        return verdict

    async def _forget(self, parcel: str) -> None:
        if self._shared.deferrals is None:
            return
        try:
            await self._shared.deferrals.forget(parcel)
        except SwitchboardError as error:
            # It expires by itself in the end.
            log.warning("deferred_part_left", error_type=type(error).__name__)

    async def _hide(self, held: Held, verdict: Verdict) -> Verdict:
        await self._keeper.release(held.receipt_handle)
        wanted_s = verdict.after_s
        if wanted_s is None:
            # Nobody said how long: the more often it came in vain, the longer.
            wanted_s = self._backoff_s(held.delivery.receive_count)
        held_s = self._shared.clock.monotonic() - held.received_at
        seconds = visibility_s(wanted_s, held_s=held_s)
        change = VisibilityChange(held.receipt_handle, seconds)
        if self._is_ordered:
            # Confirmed before anything behind it goes back.
            await self._acknowledgers.hides.confirmed(change)
        else:
            self._acknowledgers.hides.put(change)
        return replace(verdict, after_s=float(seconds))

    async def _may_bury(self) -> bool:
        """Nothing is buried while the queue is paused, whoever paused it, nor beyond the run."""
        if self._watch.pause is not None:
            return False
        if self._run.is_over_limit:
            await self._trip()
            return False
        return True

    async def _trip(self) -> None:
        await self._watch.trip(f"{self._config.dead_letters_in_a_row} dead letters in a row")

    def _backoff_s(self, failures: int) -> float:
        return backoff_s(
            failures,
            base_s=self._config.backoff_base_s,
            cap_s=self._config.backoff_cap_s,
            rng=self._shared.rng,
        )
