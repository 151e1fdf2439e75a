"""A bench on which tests play several workers on one conversation."""

from __future__ import annotations

from itertools import count

from workers.stores.journal import TableJournal
from workers.stores.protocols import Entry, Finish, Lane, Look, NewEntry, Session, SessionKey
from workers.testing import FakeClock

LEASE_MS = 30_000
_customers = count(1)


class Bench:
    """One conversation with a customer that no other test has."""

    def __init__(self, journal: TableJournal, clock: FakeClock) -> None:
        self.journal = journal
        self.clock = clock
        self.key = SessionKey("+18885550100", f"+1212555{next(_customers):04d}")
        self.sid = journal.session_id(self.key)

    def new(
        self,
        entry_id: str,
        *,
        lane: Lane = Lane.IN,
        ago_ms: int = 0,
        gen: int = 0,
        body: str = "hi",
    ) -> NewEntry:
        return NewEntry(
            id=entry_id,
            lane=lane,
            kind="text" if lane is Lane.IN else "agent",
            time_ms=self.clock.now_ms() - ago_ms,
            gen=gen,
            payload={"body": body},
        )

    async def append(self, entry: NewEntry | str, nonce: str) -> Look:
        now = self.clock.now_ms()
        new = self.new(entry) if isinstance(entry, str) else entry
        return await self.journal.append(
            self.key, new, nonce=nonce, until_ms=now + LEASE_MS, now_ms=now
        )

    async def hold(self, entry: NewEntry | str, nonce: str) -> Session:
        return (await self.append(entry, nonce)).session

    async def acquire(self, seen: Session, entry_id: str, nonce: str) -> Look:
        now = self.clock.now_ms()
        return await self.journal.acquire(
            seen, entry_id, nonce=nonce, until_ms=now + LEASE_MS, now_ms=now
        )

    async def finish(self, held: Session, finish: Finish) -> Session:
        now = self.clock.now_ms()
        return await self.journal.finish(held, finish, now_ms=now, until_ms=now + LEASE_MS)

    async def done(self, entry_id: str, nonce: str) -> Session:
        """Append and finish, undisturbed."""
        held = await self.hold(entry_id, nonce)
        return await self.finish(held, Finish(entry_of(held, entry_id)))

    async def read(self) -> Session:
        session = await self.journal.read(self.sid, consistent=True)
        assert session is not None
        return session

    async def claim(self, held: Session, *, source: str | None = None) -> Session:
        now = self.clock.now_ms()
        return await self.journal.claim_chat(
            held, now_ms=now, until_ms=now + LEASE_MS, source_contact_id=source
        )

    async def open(self, entry_id: str, nonce: str) -> Session:
        """From nothing to an open chat, held."""
        claimed = await self.claim(await self.hold(entry_id, nonce))
        until_ms = self.clock.now_ms() + LEASE_MS
        return await self.journal.open_chat(claimed, contact_id="c-1", until_ms=until_ms)

    def let_leases_run_out(self) -> None:
        self.clock.advance(LEASE_MS / 1000 + 3)


def entry_of(session: Session, entry_id: str) -> Entry:
    return next(entry for entry in session.entries if entry.id == entry_id)
