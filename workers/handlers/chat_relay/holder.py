"""Works one session's journal off, and says what becomes of the message that brought us here.

Any event of a session may find work that another left: the journal, not the message in hand, says
what is to be done. The message is deleted on one ground only: its entry's id is recorded as done.
Whoever does not get the lease leaves its message to come back, which is no attempt; in the same
process it waits in memory instead, for the holder is near its end.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import structlog

from workers.errors import (
    AccountProblem,
    Fenced,
    PermanentError,
    Throttled,
    TransientError,
)
from workers.handlers.chat_relay.decide import View, plan
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.keeping import Kept, LeaseKeeper
from workers.handlers.chat_relay.perform import Performer
from workers.handlers.chat_relay.steps import Hold, OptIn, Rest, Step
from workers.log import bind_contact, bind_conversation
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome, Wait
from workers.stores.protocols import (
    ChatState,
    Entry,
    Grown,
    Lane,
    LeaseLost,
    Look,
    Session,
    Stage,
    Verdict,
)
from workers.stores.steps import LEASE_SKEW_MS

log = structlog.get_logger(__name__)

ATTEMPTS_MAX = 5
ACCOUNT_PAUSE_S = 30.0
NEIGHBOUR_WAIT_S = 10.0
NEIGHBOURS_MAX = 8  # of one session in one process; the rest come back by the queue
WAIT_MAX_S = 30.0
PATIENCE_DOUBLINGS = 3  # a quota that is free again is noticed within some 8 s
SILENCE_LOOK_MAX_S = 5.0
HAS_CHAT = (ChatState.OPEN, ChatState.ENDED)
"""Else the contact that the session names is an earlier chat's."""

Append = Callable[[str, int, int], Awaitable[Look]]  # nonce, lease until (ms), now (ms)


@dataclass(slots=True)
class _Shift:
    """A session that a slot of this process holds, for the other slots to wait for."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    session: Session | None = None
    waiting: int = 0


class Holder:
    """One per process: shares what its slots know of each other's sessions."""

    def __init__(self, deps: Deps, performer: Performer) -> None:
        self._deps = deps
        self._performer = performer
        self._lease_ms = deps.config.session_lease_ms
        self._keeper = LeaseKeeper(deps.journal, deps.clock, self._lease_ms)
        self._shifts: dict[str, _Shift] = {}

    async def work(self, append: Append, sid: str, entry_id: str, delivery: Delivery) -> Outcome:
        """Journal the event, work the session off if it is ours, settle the message."""
        nonce = self._deps.new_nonce()
        now = self._deps.clock.now_ms()
        bind_conversation(sid)
        try:
            settled = await self._look_first(sid, entry_id, delivery, now)
            if settled is not None:
                return settled
            look = await append(nonce, now + self._lease_ms, now)
            log.info("event_journalled", entry=entry_id, verdict=look.verdict)
            if look.late:
                self._deps.meter.late(_lane_of(look.session, entry_id))
            if look.verdict is Verdict.TAKEN:
                look = await self._after_neighbour(look, entry_id, nonce)
            return await self._settle(look, entry_id, delivery, nonce)
        except LeaseLost as lost:
            return _after_loss(lost, entry_id)
        except Throttled as exc:
            return Wait("throttled", exc.after_s or self._jitter(2.0))
        except TransientError as exc:
            # A store or a service that is away is no fault of the message: it waits, by its age.
            return Wait(exc.reason, exc.after_s or self._jitter(4.0))

    async def _look_first(
        self, sid: str, entry_id: str, delivery: Delivery, now_ms: int
    ) -> Outcome | None:
        """A message that comes again is most often done or waits for a holder: a read tells.

        It saves the write that would be refused. What it sees may be old, so it decides nothing
        but what the write would find as well: done, or not our turn yet.
        """
        if delivery.receive_count == 1 or sid in self._shifts:
            return None
        session = await self._deps.journal.read(sid, consistent=False)
        if session is None:
            return None
        if entry_id in session.done:
            return Done()
        entry = _find(session, entry_id)
        is_held = session.nonce is not None and session.lease_until_ms > now_ms
        if entry is None or entry.stage is Stage.DEAD:
            return None
        if is_held:
            return Wait("session_taken", self._until_free(session, delivery))
        wait_s = self._until_turn(session, entry, delivery)
        return Wait("not_its_turn", wait_s) if self._is_at_rest(session) else None

    def _is_at_rest(self, session: Session) -> bool:
        """Whether a holder would do nothing now: its lanes wait, and no STOP is among them."""
        if self._deps.config.brand_of(session.our_number) is None:
            return False
        return isinstance(plan(self._view(session, frozenset(), 0)), Rest)

    async def _after_neighbour(self, look: Look, entry_id: str, nonce: str) -> Look:
        """Another slot of this process has the session: wait for it, then look again."""
        shift = self._shifts.get(look.session.sid)
        if shift is None or shift.waiting >= NEIGHBOURS_MAX:
            return look
        shift.waiting += 1
        try:
            async with asyncio.timeout(NEIGHBOUR_WAIT_S):
                await shift.over.wait()
        except TimeoutError:
            return look
        finally:
            shift.waiting -= 1
        session = shift.session or look.session
        if entry_id in session.done:
            return Look(Verdict.DONE, session)
        now = self._deps.clock.now_ms()
        return await self._deps.journal.acquire(
            session, entry_id, nonce=nonce, until_ms=now + self._lease_ms, now_ms=now
        )

    async def _settle(self, look: Look, entry_id: str, delivery: Delivery, nonce: str) -> Outcome:
        match look.verdict:
            case Verdict.DONE:
                return Done()
            case Verdict.GONE:
                return Discard("unknown_session")
            case Verdict.FULL:
                return Wait("journal_full", self._jitter(5.0))
            case Verdict.TAKEN:
                return Wait("session_taken", self._until_free(look.session, delivery))
            case Verdict.DEAD:
                return self._bury(look.session, entry_id)
            case Verdict.HOLDING:
                session = await self._hold(look.session, delivery, nonce)
                return self._outcome(session, entry_id, delivery)

    def _outcome(self, session: Session, entry_id: str, delivery: Delivery) -> Outcome:
        """What the journal says of our own entry, after our turn."""
        if entry_id in session.done:
            return Done()
        entry = _find(session, entry_id)
        if entry is not None and entry.stage is Stage.DEAD:
            return self._bury(session, entry_id)
        return Wait("not_its_turn", self._until_turn(session, entry, delivery))

    def _bury(self, session: Session, entry_id: str) -> Outcome:
        entry = _find(session, entry_id)
        time_ms = entry.time_ms if entry else 0
        reason = (entry.reason if entry else None) or "given_up"

        async def bury() -> None:
            await self._deps.journal.bury(session.sid, entry_id, time_ms)

        return DeadLetter(reason, event_id=entry_id, before_delete=bury)

    def _until_free(self, session: Session, delivery: Delivery) -> float:
        """When to ask again for a lease that another has: more and more seldom.

        The words are in the journal, and the message is only a reminder; but what is new on the
        queue must not wait behind thousands of them. Each write of a holder renews its lease, so
        one that is silent for long is most likely dead, and when its lease ends is known.
        """
        left_s = (session.lease_until_ms + LEASE_SKEW_MS - self._deps.clock.now_ms()) / 1000
        silent_s = (self._lease_ms + LEASE_SKEW_MS) / 1000 - left_s
        doublings = min(delivery.receive_count - 1, PATIENCE_DOUBLINGS)
        patience_s = max(2.0**doublings, min(silent_s / 3, SILENCE_LOOK_MAX_S))
        return min(self._jitter(patience_s), max(0.0, left_s) + self._jitter(0.2))

    def _until_turn(self, session: Session, entry: Entry | None, delivery: Delivery) -> float:
        """Until its lane opens; behind a quota that stays dry it asks more and more seldom.

        Its words are in the journal and whoever comes next may say them: the message is only a
        reminder, and thousands of them must not burn receives (ADR 0012).
        """
        not_before = session.not_before_in_ms
        if entry is not None and entry.lane is Lane.OUT:
            not_before = session.not_before_out_ms
        wait_s = (not_before - self._deps.clock.now_ms()) / 1000
        doublings = delivery.receive_count - 1 if wait_s > 0 else 0
        patience_s = self._jitter(2.0 ** min(doublings, PATIENCE_DOUBLINGS))
        return min(WAIT_MAX_S, max(patience_s, wait_s))

    # --- our turn ---------------------------------------------------------------------------------

    async def _hold(self, session: Session, delivery: Delivery, nonce: str) -> Session:
        """Work the journal off while the lease is ours; returns how we left it."""
        shift = self._shifts[session.sid] = _Shift()
        if session.state in HAS_CHAT:
            bind_contact(session.contact_id)
        try:
            async with self._keeper.keep(session) as kept:
                session = await self._turn(session, delivery, nonce, kept)
            shift.session = session
            return session
        finally:
            if self._shifts.get(session.sid) is shift:
                del self._shifts[session.sid]
            shift.over.set()

    async def _turn(self, session: Session, delivery: Delivery, nonce: str, kept: Kept) -> Session:
        plain: frozenset[str] = frozenset()
        read_ms = 0
        while session.nonce == nonce:
            delivery.lease.require()
            view = self._view(session, plain, read_ms)
            step = plan(view)
            if isinstance(step, OptIn) and await self._is_plain(view):
                plain |= {step.entry.id}
                continue
            if isinstance(step, Hold):
                session, looked_ms = await self._wait(session, step, nonce)
                read_ms = max(read_ms, looked_ms)
                continue
            if kept.left_ms(session, view.now_ms) < self._keeper.every_ms:
                step = Rest()  # It cannot be renewed: whoever can shall have it.
            try:
                after = await self._performer.perform(step, view)
            except Grown as grown:
                after = grown.session
            except Fenced:
                raise
            except Exception as exc:  # noqa: BLE001 - a failing step is recorded in the journal
                after = await self._failed(session, step, exc)
            session = _carry(session, after)
        return session

    def _view(self, session: Session, plain: frozenset[str], read_ms: int) -> View:
        config = self._deps.config
        brand = config.brand_of(session.our_number)
        if brand is None:
            raise PermanentError("unknown_number")
        return View(
            session,
            brand,
            self._deps.clock.now_ms(),
            config.hold_ms_in,
            config.hold_ms_out,
            plain,
            # Each write that keeps the lease renews it, counted from before that write.
            seen_ms=max(read_ms, session.lease_until_ms - self._lease_ms),
        )

    async def _is_plain(self, view: View) -> bool:
        """A word of return from somebody who never left is an answer like any other."""
        if view.session.marks.get("returning"):
            return False
        number = view.session.customer_number
        closed = await self._performer.gate.closed_for(view.brand, number)
        return closed is None or not closed.is_opt_out

    async def _wait(self, session: Session, hold: Hold, nonce: str) -> tuple[Session, int]:
        """Keep the lease while an earlier event may still come; then look again. Says when it did.

        The out lane needs no read: its intent is refused when the journal has grown.
        """
        await self._deps.clock.sleep((hold.until_ms - self._deps.clock.now_ms()) / 1000)
        now = self._deps.clock.now_ms()
        if hold.lane is Lane.OUT:
            return session, 0
        fresh = await self._deps.journal.read(session.sid, consistent=True)
        if fresh is None or fresh.nonce != nonce:
            raise LeaseLost(fresh)
        return _carry(session, fresh), now

    async def _failed(self, session: Session, step: Step, exc: Exception) -> Session:
        """A step raised. What time heals gives the lane back; the rest counts against its entry."""
        entry: Entry | None = getattr(step, "entry", None)
        if entry is None:
            raise exc
        now = self._deps.clock.now_ms()
        if isinstance(exc, TransientError | AccountProblem):
            # What time or a person heals is no fault of the entry; its age bounds the waiting.
            self._deps.meter.effect(type(step).__name__.lower(), exc.reason)
            after_s = exc.after_s if isinstance(exc, TransientError) else ACCOUNT_PAUSE_S
            wait_ms = int((after_s or self._jitter(3.0)) * 1000)
            released = await self._deps.journal.release(
                session, lane=entry.lane, not_before_ms=now + wait_ms
            )
            return released or replace(session, nonce=None)
        reason = _reason(exc)
        log.error(
            "step_failed",
            step=type(step).__name__,
            entry=entry.id,
            reason=reason,
            place=_place(exc),
        )
        failures = entry.failures + 1
        is_final = isinstance(exc, PermanentError)
        backoff_ms = 1000 * 2 ** min(failures, 4)
        return await self._deps.journal.record_failure(
            session,
            entry,
            not_before_ms=now + backoff_ms,
            dead_reason=reason if is_final or failures >= ATTEMPTS_MAX else None,
        )

    def _jitter(self, mean_s: float) -> float:
        return mean_s * (0.5 + self._deps.random.random())


def _find(session: Session, entry_id: str) -> Entry | None:
    return next((e for e in session.entries if e.id == entry_id), None)


def _carry(before: Session, after: Session) -> Session:
    """What only this turn knows: that a part went out which no write has recorded yet.

    The next part's intent records it; until then a look at the journal shows it in doubt.
    """
    known = {(e.id, e.part): e.receipt for e in before.entries if e.receipt}
    entries = tuple(
        replace(e, receipt=known[e.id, e.part])
        if e.receipt is None and e.stage is Stage.SENDING and (e.id, e.part) in known
        else e
        for e in after.entries
    )
    next_send_ms = max(before.next_send_ms, after.next_send_ms)
    return replace(after, entries=entries, next_send_ms=next_send_ms)


def _lane_of(session: Session, entry_id: str) -> str:
    entry = _find(session, entry_id)
    return entry.lane if entry else "unknown"


def _after_loss(lost: LeaseLost, entry_id: str) -> Outcome:
    """Somebody else has the session; if our entry is done there, the message may go."""
    if lost.session is not None and entry_id in lost.session.done:
        return Done()
    return Wait("lease_lost", 1.0)


def _place(exc: Exception) -> str:
    """Where it was raised; the text of an exception may quote a person, its place does not."""
    frames = traceback.extract_tb(exc.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else ""


def _reason(exc: Exception) -> str:
    """A stable word for the dead letter; never the exception's text, which may quote a person."""
    return exc.reason if isinstance(exc, PermanentError) else f"bug_{type(exc).__name__}"
