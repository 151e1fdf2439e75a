"""Workers that do anything at any time to one session, on views as old as you like.

A `Move` is plain data, so that a script of them can be played on one table and on another.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from hypothesis import strategies as st

from workers.stores.journal import TableJournal
from workers.stores.protocols import (
    Entry,
    Finish,
    Grown,
    Intent,
    Lane,
    LeaseLost,
    Look,
    NewEntry,
    Session,
    SessionKey,
)
from workers.testing import FakeClock

LEASE_MS = 30_000
WORKERS = 3
EVENTS = 9
VIEWS_KEPT = 5
OUR_NUMBER = "+18885550100"

Outcome: TypeAlias = (
    "Look | Session | bool | tuple[str, Session | None] | tuple[Outcome, ...] | None"
)
"""What a call gave, or the name of what it raised and the session that it carried."""


@dataclass(frozen=True)
class Move:
    """One call of one worker. What `n` and `flag` mean depends on the kind."""

    kind: str
    who: int = 0
    event: int = 0
    age: int = 0
    n: int = 0
    flag: bool = False


def moves(*kinds: str) -> st.SearchStrategy[Move]:
    """Any move of these kinds."""
    return st.builds(
        Move,
        kind=st.sampled_from(kinds),
        who=st.integers(0, WORKERS - 1),
        event=st.integers(0, EVENTS - 1),
        age=st.sampled_from([0, 0, 0, 1, 2, 4]),
        n=st.integers(0, 3),
        flag=st.booleans(),
    )


ARRIVING = ("append", "append", "append_known", "acquire", "look")
CHATTING = ("claim", "open", "chat_over", "drop_source")
SENDING = ("intend", "withdraw", "receipt")
ENDING = ("finish", "finish", "release", "fail", "bury")
FENCED = frozenset({*CHATTING, "intend", "withdraw", "finish", "release", "fail"})
BESIDE = ("mark", "pass_time", "rush")
ANY = moves(*ARRIVING, *CHATTING, *SENDING, *ENDING, *BESIDE)


@dataclass
class Worker:
    """Whom it believes to be, and what it has seen, newest last."""

    nonce: str = "never"
    views: list[Session] = field(default_factory=list)

    def view(self, age: int) -> Session | None:
        """A view as old as asked for, under the nonce that this worker last held."""
        if not self.views:
            return None
        seen = self.views[max(0, len(self.views) - 1 - age)]
        return replace(seen, nonce=self.nonce)

    def saw(self, session: Session | None) -> None:
        """Remember a look, if there was anything."""
        if session is not None:
            self.views = [*self.views, session][-VIEWS_KEPT:]


class Players:
    """Three workers and one session in one journal."""

    def __init__(self, journal: TableJournal, clock: FakeClock, customer: str) -> None:
        self.journal = journal
        self.clock = clock
        self.key = SessionKey(OUR_NUMBER, customer)
        self.sid = journal.session_id(self.key)
        self.workers = [Worker() for _ in range(WORKERS)]
        self._begun_ms = clock.now_ms()
        self._nonces = 0
        self._rushes = 0

    async def play(self, move: Move) -> Outcome:
        """Make the move; a worker without what it needs does nothing."""
        worker = self.workers[move.who]
        call: Callable[[Worker, Move], Awaitable[Outcome]] = getattr(self, f"_{move.kind}")
        try:
            outcome = await call(worker, move)
        except (Grown, LeaseLost) as raised:
            worker.saw(raised.session)
            return type(raised).__name__, raised.session
        if isinstance(outcome, Session):
            worker.saw(outcome)
        return outcome

    def event(self, number: int) -> NewEntry:
        """Event `number`: its time and body are the same in every delivery."""
        lane = Lane.OUT if number % 2 else Lane.IN
        time_ms = self._begun_ms + (number * 7 % EVENTS) * 100
        return NewEntry(f"e{number}", lane, "k", time_ms, number, {"body": "x" * number})

    # --- arriving ---------------------------------------------------------------------------------

    def _times(self) -> tuple[int, int]:
        now_ms = self.clock.now_ms()
        return now_ms, now_ms + LEASE_MS

    def _fresh_nonce(self) -> str:
        self._nonces += 1
        return f"n{self._nonces}"

    def _looked(self, worker: Worker, look: Look, nonce: str) -> Look:
        worker.saw(look.session if look.session.customer_number else None)
        if look.verdict == "holding":
            worker.nonce = nonce
        return look

    async def _append(self, worker: Worker, move: Move) -> Look:
        nonce, (now, until) = self._fresh_nonce(), self._times()
        look = await self.journal.append(
            self.key, self.event(move.event), nonce=nonce, until_ms=until, now_ms=now
        )
        return self._looked(worker, look, nonce)

    async def _append_known(self, worker: Worker, move: Move) -> Look:
        nonce, (now, until) = self._fresh_nonce(), self._times()
        look = await self.journal.append_known(
            self.sid, self.event(move.event), nonce=nonce, until_ms=until, now_ms=now
        )
        return self._looked(worker, look, nonce)

    async def _acquire(self, worker: Worker, move: Move) -> Outcome:
        if not worker.views:
            return None
        seen = worker.views[max(0, len(worker.views) - 1 - move.age)]
        nonce, (now, until) = self._fresh_nonce(), self._times()
        look = await self.journal.acquire(
            seen, f"e{move.event}", nonce=nonce, until_ms=until, now_ms=now
        )
        return self._looked(worker, look, nonce)

    async def _look(self, _worker: Worker, _move: Move) -> Session | None:
        return await self.journal.read(self.sid, consistent=True)

    # --- the chat ---------------------------------------------------------------------------------

    async def _claim(self, worker: Worker, move: Move) -> Session | None:
        held, (now, until) = worker.view(move.age), self._times()
        if held is None:
            return None
        source = f"c-{move.n}" if move.flag else None
        return await self.journal.claim_chat(
            held, now_ms=now, until_ms=until, source_contact_id=source, marks={"claimed": move.n}
        )

    async def _open(self, worker: Worker, move: Move) -> Session | None:
        held, (_, until) = worker.view(move.age), self._times()
        if held is None:
            return None
        return await self.journal.open_chat(held, contact_id=f"c-{held.gen}", until_ms=until)

    async def _chat_over(self, worker: Worker, move: Move) -> Session | None:
        held = worker.view(move.age)
        return None if held is None else await self.journal.chat_over(held, gen=held.gen)

    async def _drop_source(self, worker: Worker, move: Move) -> Session | None:
        held = worker.view(move.age)
        return None if held is None else await self.journal.drop_source(held)

    # --- a text out -------------------------------------------------------------------------------

    async def _intend(self, worker: Worker, move: Move) -> Session | None:
        held, entry = self._held_entry(worker, move)
        if held is None or entry is None:
            return None
        intent = Intent(entry.id, part=move.n % 2, tries=1 + move.n // 2)
        now, until = self._times()
        return await self.journal.intend(held, intent, now_ms=now, until_ms=until)

    async def _withdraw(self, worker: Worker, move: Move) -> Session | None:
        held, entry = self._held_entry(worker, move)
        if held is None or entry is None:
            return None
        later = self.clock.now_ms() + move.n
        return await self.journal.withdraw(held, entry.id, lane=entry.lane, not_before_ms=later)

    async def _receipt(self, _worker: Worker, move: Move) -> bool:
        return await self.journal.note_receipt(self.sid, f"e{move.event}", move.n % 2, "m")

    # --- ending -----------------------------------------------------------------------------------

    def _held_entry(self, worker: Worker, move: Move) -> tuple[Session | None, Entry | None]:
        held = worker.view(move.age)
        if held is None or not held.entries:
            return held, None
        return held, held.entries[move.event % len(held.entries)]

    async def _finish(self, worker: Worker, move: Move) -> Session | None:
        held, entry = self._held_entry(worker, move)
        if held is None or entry is None:
            return None
        others = [each for each in held.entries if each.id != entry.id]
        finish = Finish(
            entry=replace(entry, gen=held.gen),
            next_send_ms=move.n or None,
            ended_gen=held.gen if move.n == 3 else None,
            marks={"done": move.n},
            then=Intent(others[0].id) if others and move.n == 1 else None,
            release=move.flag,
        )
        now, until = self._times()
        return await self.journal.finish(held, finish, now_ms=now, until_ms=until)

    async def _release(self, worker: Worker, move: Move) -> Session | None:
        held = worker.view(move.age)
        if held is None:
            return None
        lane = (None, Lane.IN, Lane.OUT, None)[move.n]
        later = self.clock.now_ms() + 1_000 * move.n
        return await self.journal.release(held, lane=lane, not_before_ms=later)

    async def _fail(self, worker: Worker, move: Move) -> Session | None:
        held, entry = self._held_entry(worker, move)
        if held is None or entry is None:
            return None
        reason = "poison" if move.flag else None
        return await self.journal.record_failure(
            held, entry, not_before_ms=self.clock.now_ms() * (move.n % 2), dead_reason=reason
        )

    async def _bury(self, _worker: Worker, move: Move) -> None:
        event = self.event(move.event)
        await self.journal.bury(self.sid, event.id, event.time_ms)

    # --- beside -----------------------------------------------------------------------------------

    async def _mark(self, _worker: Worker, move: Move) -> None:
        await self.journal.mark(self.sid, {"seen": move.n})

    async def _pass_time(self, _worker: Worker, move: Move) -> None:
        self.clock.advance((0.2, 5, 31, 40)[move.n])

    async def _rush(self, worker: Worker, _move: Move) -> Outcome:
        """Many events, one after the other, so that the ring fills and is paged."""
        self.clock.advance(LEASE_MS / 1000 + 3)
        return tuple([await self._hurry(worker) for _ in range(8)])

    async def _hurry(self, worker: Worker) -> Outcome:
        self._rushes += 1
        nonce, (now, until) = self._fresh_nonce(), self._times()
        entry = NewEntry(f"r{self._rushes}", Lane.IN, "k", now, payload={"body": "rush"})
        look = await self.journal.append(self.key, entry, nonce=nonce, until_ms=until, now_ms=now)
        self._looked(worker, look, nonce)
        mine = [each for each in look.session.entries if each.id == entry.id]
        if look.verdict != "holding" or not mine:
            return look
        self.clock.advance(0.01)
        return await self.journal.finish(look.session, Finish(mine[0]), now_ms=now, until_ms=until)
