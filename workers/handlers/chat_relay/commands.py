"""Our own door: a text that we owe somebody, and the live timer of a chat.

A notice is a message of its own, so it is sent although the worker that decided on it died. A
watch is a message that stays on its queue for as long as its chat lives: its visibility is the
timer, so nothing has to search for idle chats and no timer is lost with a worker.
"""

from __future__ import annotations

import structlog

from schemas.own import ChatWatch, Notice
from workers.brands import Brand
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import end_entry, entry_id, notice_entry
from workers.handlers.chat_relay.holder import Holder
from workers.handlers.chat_relay.perform import Performer
from workers.log import bind_conversation
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Done, Outcome, Wait
from workers.stores.protocols import ChatState, ContactRef, Look, NewEntry, Session

log = structlog.get_logger(__name__)

LOOK_MAX_S = 39_600.0  # SQS holds a message back for 12 h at most; eleven are safe
CLOSING_LOOK_S = 15.0
CLOSING_MAX_MS = 120_000  # how long chat.ended may take before we say it ourselves


class CommandDoor:
    """Carries out what workers ask of each other."""

    def __init__(self, deps: Deps, holder: Holder, performer: Performer) -> None:
        self._deps = deps
        self._holder = holder
        self._performer = performer

    async def notice(self, notice: Notice, delivery: Delivery) -> Outcome:
        """An automatic text: an entry of its session like any other."""
        entry = notice_entry(notice, self._deps.clock.now_ms())
        return await self._enter(notice.sid, entry, delivery)

    async def watch(self, watch: ChatWatch, delivery: Delivery) -> Outcome:
        """Look after one chat: warn when it is idle, close it when it stays so, then be gone."""
        bind_conversation(watch.sid)
        session = await self._deps.journal.read(watch.sid, consistent=False)
        if session is None or session.gen != watch.gen or session.state is ChatState.ENDED:
            return Done()
        brand = self._deps.config.brand_of(session.our_number)
        if brand is None:
            return DeadLetter("unknown_our_number")
        if session.marks.get("closing_gen") == watch.gen:
            return await self._closing(session, delivery)
        return await self._idle(session, brand)

    async def _idle(self, session: Session, brand: Brand) -> Outcome:
        limits, now = brand.limits, self._deps.clock.now_ms()
        quiet_since = session.marks.get("la", 0) or now
        idle_s = (now - quiet_since) / 1000
        if limits.idle_close_s and idle_s >= limits.idle_close_s:
            await self._deps.journal.mark(
                session.sid, {"closing_gen": session.gen, "closing_at": now}
            )
            # Marked first, so that the end which comes back says why.
            log.info("idle_chat_closed", gen=session.gen, idle_s=round(idle_s))
            await self._performer.line.hang_up(session.sid, session.gen)
            return Wait("chat_closing", CLOSING_LOOK_S)
        is_warned = session.marks.get("warned_la") == quiet_since
        if limits.idle_warn_s and idle_s >= limits.idle_warn_s and not is_warned:
            await self._warn(session, quiet_since)
        due = [s for s in (limits.idle_warn_s, limits.idle_close_s) if s > idle_s]
        return Wait("chat_open", min(LOOK_MAX_S, max(1.0, min(due, default=3_600) - idle_s)))

    async def _warn(self, session: Session, quiet_since_ms: int) -> None:
        cause = f"{session.sid}.{session.gen}.{quiet_since_ms}"
        await self._deps.commands.send(
            Notice(
                id=entry_id("idle_warning", cause),
                sid=session.sid,
                gen=session.gen,
                kind="idle_warning",
                at=self._deps.clock.now(),
            )
        )
        await self._deps.journal.mark(session.sid, {"warned_la": quiet_since_ms})
        log.info("idle_warning_requested", gen=session.gen)

    async def _closing(self, session: Session, delivery: Delivery) -> Outcome:
        """We hang up. When Connect's word of it is lost, the end is entered by ourselves."""
        now = self._deps.clock.now_ms()
        await self._performer.line.hang_up(session.sid, session.gen)
        if now - session.marks.get("closing_at", now) < CLOSING_MAX_MS:
            return Wait("chat_closing", CLOSING_LOOK_S)
        entry = end_entry(ContactRef(session.sid, session.gen), now, now)
        return await self._enter(session.sid, entry, delivery)

    async def _enter(self, sid: str, entry: NewEntry, delivery: Delivery) -> Outcome:
        async def append(nonce: str, until_ms: int, now_ms: int) -> Look:
            return await self._deps.journal.append_known(
                sid, entry, nonce=nonce, until_ms=until_ms, now_ms=now_ms
            )

        return await self._holder.work(append, sid, entry.id, delivery)
