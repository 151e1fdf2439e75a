"""Ends a step in the journal: recorded as done, given back, or withdrawn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import TypeVar

import structlog

from schemas.own import Notice, NoticeKind
from workers.errors import TransientError
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import entry_id
from workers.stores.protocols import Entry, Finish, Grown, Lane, Session

log = structlog.get_logger(__name__)

INSIST_PAUSES_S = (0.2, 0.5, 1.0, 2.0)

T = TypeVar("T")


class Recorder:
    """The writes that every step ends with. A session without our nonce was given back."""

    def __init__(self, deps: Deps) -> None:
        self._journal = deps.journal
        self._commands = deps.commands
        self._clock = deps.clock
        self._lease_ms = deps.config.session_lease_ms

    async def finish(self, held: Session, finish: Finish) -> Session:
        """W7. Gives the lease back on the same write when nothing else is pending."""
        ends = replace(finish, release=held.pending <= 1)
        try:
            return await self._finish(held, ends)
        except Grown as grown:
            return await self._finish(grown.session, replace(finish, release=False))

    async def give_back(
        self,
        held: Session,
        lane: Lane | None = None,
        not_before_ms: int = 0,
        marks: Mapping[str, int] | None = None,
    ) -> Session:
        """W8. A lease that is not ours any more needs no giving back."""
        released = await self._journal.release(
            held, lane=lane, not_before_ms=not_before_ms, marks=marks
        )
        return released or replace(held, nonce=None)

    async def withdraw(self, held: Session, entry: Entry, after_ms: int) -> Session:
        """A send that surely did not happen: the entry is new again and its lane waits."""
        not_before_ms = self._clock.now_ms() + after_ms
        withdrawn = await self.take_back(held, entry.id, entry.lane, not_before_ms)
        return withdrawn or replace(held, nonce=None)

    async def take_back(
        self, held: Session, entry_id: str, lane: Lane, not_before_ms: int
    ) -> Session | None:
        """W6 undone. None: the lease was not ours any more."""
        return await self.insist(
            lambda: self._journal.withdraw(held, entry_id, lane=lane, not_before_ms=not_before_ms)
        )

    async def insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Ask again while the table has no time for us: nobody else knows what became of a text.

        An intent that is left there is waited on for its receipt. When that is lost, a text that
        surely was not sent is given up, and one that surely was may be sent again.
        """
        for pause_s in INSIST_PAUSES_S:
            try:
                return await write()
            except TransientError:
                await self._clock.sleep(pause_s)
        return await write()

    async def ask(self, session: Session, notice: NoticeKind, cause: str) -> None:
        """Ask ourselves for a text: a message of its own wakes it up, whatever becomes of us.

        To be called before the entry that causes it is recorded as done; asking twice for one
        `cause` is asking once.
        """
        await self._commands.send(
            Notice(
                id=entry_id(notice, cause),
                sid=session.sid,
                gen=session.gen,
                kind=notice,
                at=self._clock.now(),
            )
        )
        log.info("notice_requested", notice=notice, gen=session.gen)

    async def _finish(self, held: Session, finish: Finish) -> Session:
        now = self._clock.now_ms()
        after = await self._journal.finish(held, finish, now_ms=now, until_ms=now + self._lease_ms)
        if finish.ended_gen is not None:
            log.info("chat_ended", entry=finish.entry.id, gen=finish.ended_gen)
        return after
