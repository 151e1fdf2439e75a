"""What a session means for one entry and one would-be holder, as far as a look tells. Pure."""

from __future__ import annotations

from workers.stores.protocols import Entry, Lane, Session, Stage, Verdict
from workers.stores.steps import LEASE_SKEW_MS, Lease


def pending_entry(session: Session, entry_id: str) -> Entry | None:
    """An entry by its id, while it is pending."""
    return next((e for e in session.entries if e.id == entry_id), None)


def newest_done_ms(session: Session, lane: Lane) -> int:
    """The newest event time done of one lane."""
    return session.newest_in_ms if lane is Lane.IN else session.newest_out_ms


def standing(session: Session, entry_id: str, lease: Lease, *, is_stale: bool) -> Verdict | None:
    """What needs no write to be known; None: the lease may be taken.

    A stale look may be older than the entry itself.
    """
    if entry_id in session.done:
        return Verdict.DONE
    entry = pending_entry(session, entry_id)
    if entry is None and not is_stale:
        return Verdict.GONE
    if entry is not None and entry.stage is Stage.DEAD:
        return Verdict.DEAD
    if session.nonce == lease.nonce:
        return Verdict.HOLDING
    if session.nonce is None or session.lease_until_ms + LEASE_SKEW_MS < lease.now_ms:
        return None
    return Verdict.TAKEN


def worked_entry(session: Session, now_ms: int) -> str | None:
    """Which entry a holder works first: the head of a lane that may go, the out lane before."""
    for lane, not_before_ms in (
        (Lane.OUT, session.not_before_out_ms),
        (Lane.IN, session.not_before_in_ms),
    ):
        waiting = [e for e in session.entries if e.lane is lane and e.stage is not Stage.DEAD]
        if waiting and not_before_ms <= now_ms:
            return waiting[0].id
    return None
