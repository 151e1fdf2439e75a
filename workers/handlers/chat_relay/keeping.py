"""Keeps a session's lease for as long as its holder works, and no longer.

The lease is short, so that a killed worker's conversation is soon another's; a call to a slow
service takes longer. The steps' own writes renew it, and between them this does (W14). It guards
work, not truth: whoever loses the lease all the same is fenced by its nonce (ADR 0017).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from workers.clock import Clock
from workers.errors import SwitchboardError
from workers.stores.protocols import Journal, Session

RENEWALS_PER_LEASE = 3
"""One may fail, and the next is still in time."""


@dataclass(slots=True)
class Kept:
    """Until when a lease was renewed beside the steps' own writes."""

    until_ms: int = 0

    def left_ms(self, session: Session, now_ms: int) -> int:
        """What is left of the lease, by the later of the last step and the last renewal."""
        return max(session.lease_until_ms, self.until_ms) - now_ms


class LeaseKeeper:
    """Renews leases of `lease_ms`. Most turns are over before the first renewal: no write."""

    def __init__(self, journal: Journal, clock: Clock, lease_ms: int) -> None:
        self._journal = journal
        self._clock = clock
        self._lease_ms = lease_ms
        self.every_ms = lease_ms // RENEWALS_PER_LEASE

    @contextlib.asynccontextmanager
    async def keep(self, session: Session) -> AsyncIterator[Kept]:
        """Renew what `session` is held under until the block is left."""
        kept = Kept()
        task = asyncio.create_task(self._renew(session, kept))
        try:
            yield kept
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _renew(self, held: Session, kept: Kept) -> None:
        is_ours = True
        while is_ours:
            await self._clock.sleep(self.every_ms / 1000)
            until_ms = self._clock.now_ms() + self._lease_ms
            with contextlib.suppress(SwitchboardError):
                is_ours = await self._journal.renew(held, until_ms=until_ms)
                kept.until_ms = until_ms if is_ours else kept.until_ms
