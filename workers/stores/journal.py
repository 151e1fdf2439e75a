"""The session journal: what each step of the protocol does with its answer.

The steps themselves are values in `workers.stores.steps`; here they are written to a table, and a
refusal is read: it brings the item as it stood, so it says why without another read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from workers.clock import Clock, SystemClock
from workers.errors import TransientError
from workers.stores import steps
from workers.stores.contacts import Contacts, StartCounter, TokenShelf
from workers.stores.crypto import KeyRing
from workers.stores.expressions import Item, Update
from workers.stores.items import SessionCodec, payload_bytes, session_id
from workers.stores.pages import Pages
from workers.stores.protocols import (
    ChatTokens,
    ContactRef,
    Entry,
    Finish,
    Grown,
    Intent,
    Journal,
    Lane,
    LeaseLost,
    Look,
    NewEntry,
    Session,
    SessionKey,
    Stage,
    Verdict,
)
from workers.stores.standing import newest_done_ms, pending_entry, standing, worked_entry
from workers.stores.steps import Lease, SealedEntry
from workers.stores.tables import DynamoTable, Key, Refused, Table

if TYPE_CHECKING:
    from types_aiobotocore_dynamodb import DynamoDBClient

LOOKS_MAX = 4
"""How often one call looks again when the item changes between two of its writes."""

KNOWN_SENT = "known"
"""In place of a receipt's message id: the part went out, as its holder knew."""


class TableJournal(Journal):
    """The journal over any `Table`. One for the process; keeps nothing but caches."""

    def __init__(self, table: Table, keys: KeyRing, clock: Clock) -> None:
        self._table = table
        self._keys = keys
        self._clock = clock
        self._codec = SessionCodec(keys)
        self._pages = Pages(table)
        self._contacts = Contacts(table)
        self._tokens = TokenShelf(table, keys)
        self._starts = StartCounter(table)

    def session_id(self, key: SessionKey) -> str:
        """The keyed hash of both numbers."""
        return session_id(self._keys, key)

    # --- in: W1, W2 -------------------------------------------------------------------------------

    async def append(
        self, key: SessionKey, entry: NewEntry, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W1: put the entry in and take the lease if it is free, in one write."""
        sid = self.session_id(key)
        numbers = await self._codec.seal_numbers(sid, key)
        return await self._append(sid, entry, numbers, Lease(nonce, until_ms, now_ms))

    async def append_known(
        self, sid: str, entry: NewEntry, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W1 for an event that names an existing session by its id, else GONE."""
        return await self._append(sid, entry, None, Lease(nonce, until_ms, now_ms))

    async def _append(self, sid: str, entry: NewEntry, numbers: Item | None, lease: Lease) -> Look:
        sealed = await self._codec.seal_entry(sid, entry)
        seen_low: int | None = None
        for _ in range(LOOKS_MAX):
            try:
                session = await self._write(sid, steps.append(sealed, numbers, lease, seen_low))
            except _RefusedSession as refused:
                verdict = await self._why_not_appended(refused.session, sealed, lease, seen_low)
                if isinstance(verdict, Look):
                    return verdict if refused.session else _gone(sid)
                seen_low = verdict
            else:
                late = entry.time_ms < newest_done_ms(session, entry.lane)
                look = await self._look(session, entry.id, lease)
                return replace(look, late=late)
        raise TransientError("session_too_busy")

    async def _why_not_appended(
        self, session: Session | None, entry: SealedEntry, lease: Lease, seen_low: int | None
    ) -> Look | int:
        """A verdict; or `low`, when the pages do not know the id and it may go in as late."""
        if session is None:
            return Look(Verdict.GONE, Session("", "", ""))
        if entry.id in session.done or pending_entry(session, entry.id) is not None:
            return await self._look(session, entry.id, lease)
        low = session.paged_until_ms
        if low >= entry.time_ms and low != seen_low:
            if await self._pages.has(session.sid, entry.id):
                return Look(Verdict.DONE, session)
            return low
        return Look(Verdict.FULL, session)

    async def acquire(
        self, seen: Session, entry_id: str, *, nonce: str, until_ms: int, now_ms: int
    ) -> Look:
        """W2: take a free or expired lease for an entry that is pending."""
        lease = Lease(nonce, until_ms, now_ms)
        look = await self._look(seen, entry_id, lease, is_stale=True)
        if look.verdict is Verdict.GONE and await self._pages.has(seen.sid, entry_id):
            return replace(look, verdict=Verdict.DONE)
        return look

    async def _look(
        self, session: Session, entry_id: str, lease: Lease, *, is_stale: bool = False
    ) -> Look:
        """What the session means for an entry; takes the lease (W2) where that may be."""
        for _ in range(LOOKS_MAX):
            verdict = standing(session, entry_id, lease, is_stale=is_stale)
            if verdict is not None:
                return Look(verdict, session)
            taken = session.nonce is not None
            worked = worked_entry(session, lease.now_ms) if taken else None
            take = steps.acquire(entry_id, session.nonce, worked, lease)
            try:
                return Look(Verdict.HOLDING, await self._write(session.sid, take))
            except _RefusedSession as refused:
                if refused.session is None:
                    return _gone(session.sid)
                session, is_stale = refused.session, False
        return Look(Verdict.TAKEN, session)

    async def read(self, sid: str, *, consistent: bool) -> Session | None:
        """The session as it stands."""
        item = await self._table.get(_where(sid), consistent=consistent)
        return None if item is None else await self._codec.session(sid, item)

    # --- the chat: W3, W4, W5, W10 ----------------------------------------------------------------

    async def claim_chat(
        self,
        held: Session,
        *,
        now_ms: int,
        until_ms: int,
        source_contact_id: str | None = None,
        marks: Mapping[str, int] | None = None,
    ) -> Session:
        """W3: pin the next generation, from none or ended. Raises `LeaseLost`."""
        claim = steps.claim_chat(_nonce(held), now_ms, until_ms, source_contact_id, marks or {})
        return await self._fenced(held, claim)

    async def drop_source(self, held: Session) -> Session:
        """Forget the chat to attach. Raises `LeaseLost`."""
        return await self._fenced(held, steps.drop_source(_nonce(held)))

    async def record_contact(self, contact_id: str, ref: ContactRef) -> None:
        """W4: who is behind a contact."""
        await self._contacts.record(contact_id, ref, now_ms=self._clock.now_ms())

    async def record_tokens(self, sid: str, gen: int, tokens: ChatTokens) -> None:
        """W4: the tokens of a generation, encrypted."""
        await self._tokens.record(sid, gen, tokens, now_ms=self._clock.now_ms())

    async def open_chat(self, held: Session, *, contact_id: str, until_ms: int) -> Session:
        """W5: starting -> open. Raises `LeaseLost`."""
        return await self._fenced(
            held, steps.open_chat(_nonce(held), held.gen, contact_id, until_ms)
        )

    async def chat_over(self, held: Session, *, gen: int) -> Session:
        """W10: Connect says that the chat is over; never closes a newer one. Raises `LeaseLost`."""
        return await self._fenced(held, steps.chat_over(_nonce(held), gen))

    # --- a text out: W6, W9 -----------------------------------------------------------------------

    async def intend(
        self,
        held: Session,
        intent: Intent,
        *,
        now_ms: int,
        until_ms: int,
        marks: Mapping[str, int] | None = None,
    ) -> Session:
        """W6: write the intent before the send. Raises `Grown` or `LeaseLost`."""
        times = (now_ms, until_ms)
        step = steps.intend(_nonce(held), held.appends, intent, times, marks or {})
        try:
            return await self._write(held.sid, step)
        except _RefusedSession as refused:
            raise _grown_or_lost(refused.session, held) from None

    async def withdraw(
        self, held: Session, entry_id: str, *, lane: Lane, not_before_ms: int
    ) -> Session | None:
        """W6 undone, and the lease given back. None: the lease was not ours any more."""
        entry = pending_entry(held, entry_id)
        if entry is None:
            return None
        intent = Intent(entry_id, entry.part, entry.tries)
        step = steps.withdraw(_nonce(held), intent, lane, not_before_ms, KNOWN_SENT)
        try:
            return await self._write(held.sid, step)
        except _RefusedSession:
            return None

    async def note_receipt(self, sid: str, entry_id: str, part: int, message_id: str) -> bool:
        """W9: a doubtful part went out. Reads first: a done id costs no write."""
        session = await self.read(sid, consistent=False)
        if session is None or entry_id in session.done:
            return False
        entry = pending_entry(session, entry_id)
        if entry is not None and (entry.receipt is not None or entry.part > part):
            return False
        try:
            await self._write(sid, steps.note_receipt(entry_id, part, message_id))
        except _RefusedSession:
            return False
        return True

    # --- the end of a step: W7, W8, W11, W13, W14 -------------------------------------------------

    async def finish(self, held: Session, finish: Finish, *, now_ms: int, until_ms: int) -> Session:
        """W7, W7 + W6, with W13 before it when the ring is long. Raises `Grown`, `LeaseLost`."""
        if len(held.done) >= steps.RING_MAX:
            await self._page(held, now_ms=now_ms)
        closes = finish.ended_gen is not None and finish.ended_gen == held.gen
        newest_ms = newest_done_ms(held, finish.entry.lane)
        while True:
            step = steps.finish(
                _nonce(held),
                held.appends,
                finish,
                bytes_done=len(payload_bytes(finish.entry.payload)),
                raises_newest=finish.entry.time_ms > newest_ms,
                closes=closes,
                times=(now_ms, until_ms),
            )
            try:
                return await self._write(held.sid, step)
            except _RefusedSession as refused:
                session = refused.session
            if session is not None and _is_ours_or_free(session, held):
                if finish.entry.id in session.done:
                    return session  # The SDK repeated our own write.
                if newest_ms < finish.entry.time_ms <= newest_done_ms(session, finish.entry.lane):
                    newest_ms = finish.entry.time_ms  # A newer one was buried meanwhile.
                    continue
            raise _grown_or_lost(session, held)

    async def _page(self, held: Session, *, now_ms: int) -> None:
        ids = held.done[: steps.PAGE_SIZE]
        await self._pages.put(held.sid, ids, now_ms=now_ms)
        await self._fenced(held, steps.page(_nonce(held), ids, held.newest_done_ms))

    async def release(
        self,
        held: Session,
        *,
        lane: Lane | None = None,
        not_before_ms: int = 0,
        marks: Mapping[str, int] | None = None,
    ) -> Session | None:
        """W8: give the lease back, and hold a lane until a time. None: it was not ours."""
        step = steps.release(_nonce(held), lane, not_before_ms, marks or {})
        try:
            return await self._write(held.sid, step)
        except _RefusedSession:
            return None

    async def renew(self, held: Session, *, until_ms: int) -> bool:
        """W14: keep the lease for longer. False: it is not ours any more."""
        try:
            await self._write(held.sid, steps.renew(_nonce(held), until_ms))
        except _RefusedSession:
            return False
        return True

    async def record_failure(
        self, held: Session, entry: Entry, *, not_before_ms: int, dead_reason: str | None = None
    ) -> Session:
        """W11: an attempt failed; with `dead_reason` the entry is given up. Raises `LeaseLost`."""
        dead = None
        if dead_reason is not None:
            dead = dead_reason, len(payload_bytes(entry.payload))
        step = steps.record_failure(_nonce(held), entry.id, entry.lane, not_before_ms, dead)
        return await self._fenced(held, step)

    async def bury(self, sid: str, entry_id: str, time_ms: int) -> None:
        """W12: after the DLQ has its copy, a dead entry becomes a done id. No lease needed."""
        for _ in range(LOOKS_MAX):
            session = await self.read(sid, consistent=True)
            entry = pending_entry(session, entry_id) if session else None
            if session is None or entry is None or entry.stage is not Stage.DEAD:
                return
            at_ms = max(time_ms, entry.time_ms)
            newest = (entry.lane, at_ms) if at_ms > newest_done_ms(session, entry.lane) else None
            step = steps.bury(entry_id, newest, len(payload_bytes(entry.payload)))
            try:
                await self._write(sid, step)
            except _RefusedSession:
                continue
            return
        raise TransientError("session_too_busy")

    async def mark(self, sid: str, marks: Mapping[str, int]) -> None:
        """Write marks outside any step, unfenced. A session that is gone has none."""
        if not marks:
            return
        try:
            await self._write(sid, steps.mark(marks))
        except _RefusedSession:
            return

    # --- beside the session -----------------------------------------------------------------------

    async def contact(self, contact_id: str) -> ContactRef | None:
        """Who is behind a contact."""
        return await self._contacts.find(contact_id)

    async def tokens(self, sid: str, gen: int) -> ChatTokens | None:
        """The tokens of a generation; cached until replaced."""
        return await self._tokens.find(sid, gen)

    async def count_start(self, scope: str, *, now_ms: int, limit: int) -> bool:
        """Count one chat start of a scope in this minute; False when it is one too many."""
        return await self._starts.count(scope, now_ms=now_ms, limit=limit)

    # --- writing ----------------------------------------------------------------------------------

    async def _write(self, sid: str, step: Update) -> Session:
        try:
            item = await self._table.update(_where(sid), step)
        except Refused as refused:
            item_before = refused.item
        else:
            return await self._codec.session(sid, item)
        if item_before is None:
            raise _RefusedSession(None)
        raise _RefusedSession(await self._codec.session(sid, item_before))

    async def _fenced(self, held: Session, step: Update) -> Session:
        """A step that is refused for nothing but the nonce, or because it was done already."""
        try:
            return await self._write(held.sid, step)
        except _RefusedSession as refused:
            session = refused.session
        if session is None or session.nonce != held.nonce:
            raise LeaseLost(session)
        return session  # The SDK repeated our own write, or there is nothing left to do.


class DynamoJournal(TableJournal):
    """The journal in DynamoDB."""

    def __init__(
        self,
        client: DynamoDBClient,
        table_name: str,
        keys: KeyRing,
        clock: Clock | None = None,
    ) -> None:
        super().__init__(DynamoTable(client, table_name), keys, clock or SystemClock())


class _RefusedSession(Exception):
    """A step's condition did not hold; `session` is what stood there."""

    def __init__(self, session: Session | None) -> None:
        super().__init__("refused")
        self.session = session


def _where(sid: str) -> Key:
    return Key(f"S#{sid}", "A")


def _gone(sid: str) -> Look:
    return Look(Verdict.GONE, Session(sid, "", ""))


def _nonce(held: Session) -> str:
    """The nonce we hold under; a session without one was given back and matches nothing."""
    return held.nonce or "-"


def _is_ours_or_free(session: Session, held: Session) -> bool:
    return session.nonce in (held.nonce, None)


def _grown_or_lost(session: Session | None, held: Session) -> Grown | LeaseLost:
    if session is not None and session.nonce is not None and session.nonce == held.nonce:
        return Grown(session)
    return LeaseLost(session)
