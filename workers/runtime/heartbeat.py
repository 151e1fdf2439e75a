"""Keeping leases: one sweeper per queue extends what is about to run out, in batches.

It is the owner of a message's visibility from the receive until the message is released; whoever
releases waits for an extension under way, so that the extension cannot undo a later change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from workers.errors import SwitchboardError
from workers.metrics import LEASE_EXTENSIONS, LEASES_LOST
from workers.runtime.config import ConsumerConfig
from workers.runtime.delivery import Lease
from workers.runtime.shared import Shared
from workers.runtime.sqs import MAX_BATCH, SqsQueue, VisibilityChange

log = structlog.get_logger()

SWEEP_EVERY_S = 1.0
EXTEND_BEFORE_S = 5.0
"""So long before its end a lease is extended: room for a slow call and for a few tries."""


@dataclass(slots=True)
class _Kept:
    receipt_handle: str
    message_id: str
    lease: Lease
    lost_at: float | None = None


class LeaseKeeper:
    """The leases of one queue's deliveries in hand.

    `on_stuck(receipt_handle)` is called once for a delivery still in hand a whole step after its
    lease was lost: its handler did not notice.
    """

    def __init__(
        self,
        queue: SqsQueue,
        config: ConsumerConfig,
        shared: Shared,
        *,
        on_stuck: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._step_s = config.lease_step_s
        self._clock = shared.clock
        self._metrics = shared.metrics
        self._on_stuck = on_stuck
        self._kept: dict[str, _Kept] = {}
        self._extending: frozenset[str] = frozenset()
        self._landed = asyncio.Event()

    def keep(self, receipt_handle: str, message_id: str, lease: Lease) -> None:
        """From now on this lease is extended when it needs to be."""
        self._kept[receipt_handle] = _Kept(receipt_handle, message_id, lease)

    def forget(self, receipt_handle: str) -> None:
        """Extend it no more. An extension may still be under way: enough before a delete."""
        self._kept.pop(receipt_handle, None)

    async def release(self, receipt_handle: str) -> None:
        """Extend it no more; when this returns its visibility is the caller's to change."""
        self.forget(receipt_handle)
        while receipt_handle in self._extending:
            await self._landed.wait()

    async def sweep(self) -> None:
        """Look at every lease once: fence what is over, extend what is about to be."""
        now = self._clock.monotonic()
        due: list[_Kept] = []
        for kept in list(self._kept.values()):
            if kept.lost_at is not None:
                self._report_stuck(kept, now)
            elif not kept.lease.is_held:
                self._lose(kept, "maximum" if kept.lease.is_at_maximum else "expired")
            elif kept.lease.remaining_s() <= EXTEND_BEFORE_S and not kept.lease.is_at_maximum:
                due.append(kept)
        due.sort(key=lambda kept: kept.lease.remaining_s())
        for first in range(0, len(due), MAX_BATCH):
            await self._extend(due[first : first + MAX_BATCH])

    async def _extend(self, batch: list[_Kept]) -> None:
        # The first batch may have taken long: what was settled meanwhile is not ours any more.
        batch = [kept for kept in batch if kept.receipt_handle in self._kept]
        if not batch:
            return
        changes = [VisibilityChange(kept.receipt_handle, self._step_s) for kept in batch]
        # Counted from before the call: the true end is this or later.
        until = self._clock.monotonic() + self._step_s
        self._extending = frozenset(kept.receipt_handle for kept in batch)
        try:
            refused = await self._queue.change_visibility(changes)
        except SwitchboardError as error:
            # The next sweep tries again, as long as the leases last.
            log.warning("lease_extension_failed", error_type=type(error).__name__, count=len(batch))
            return
        finally:
            self._extending = frozenset()
            self._landed.set()
            self._landed = asyncio.Event()
        failed = {entry.index: entry for entry in refused}
        for index, kept in enumerate(batch):
            entry = failed.get(index)
            if entry is None:
                kept.lease.extend_to(until)
            elif entry.is_sender_fault and kept.receipt_handle in self._kept:
                self._lose(kept, "refused")
        self._metrics.add(LEASE_EXTENSIONS, len(batch) - len(refused), queue=self._queue.name)

    def _lose(self, kept: _Kept, reason: str) -> None:
        kept.lease.lose()
        kept.lost_at = self._clock.monotonic()
        self._metrics.add(LEASES_LOST, queue=self._queue.name, reason=reason)
        log.warning(
            "lease_lost",
            sqs_queue=self._queue.name,
            sqs_message_id=kept.message_id,
            reason=reason,
        )

    def _report_stuck(self, kept: _Kept, now: float) -> None:
        if kept.lost_at is not None and now - kept.lost_at >= self._step_s:
            self.forget(kept.receipt_handle)
            self._on_stuck(kept.receipt_handle)
