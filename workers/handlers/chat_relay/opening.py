"""Opens a chat: one for each generation, whichever text asked for it and whoever repeats it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from schemas.own import ChatWatch
from workers.brands import Brand
from workers.clients.protocols import ChatStart, SourceRefused, StartedChat
from workers.errors import ContactEnded, QuotaFull
from workers.handlers.chat_relay import wording
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.line import Line
from workers.handlers.chat_relay.recording import Recorder
from workers.handlers.chat_relay.steps import ClaimChat, OpenChat
from workers.handlers.gate import Gate
from workers.log import bind_contact
from workers.stores.protocols import ChatTokens, ContactRef, Entry, Finish, Lane, Session

log = structlog.get_logger(__name__)

ROOM_LOOK_MS = 30_000  # how long a full Connect is left alone
TRANSCRIPT_READY_MS = 60_000  # a past chat can be attached this long after its end
QUICK_END_MS = 60_000  # a chat over so soon was closed by its flow
WATCH_DELAY_S = 60
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class ChatOpener:
    """From a claimed generation to a chat that streams to us and has us connected."""

    def __init__(self, deps: Deps, recorder: Recorder, line: Line, gate: Gate) -> None:
        self._deps = deps
        self._journal = deps.journal
        self._chats = deps.chats
        self._clock = deps.clock
        self._lease_ms = deps.config.session_lease_ms
        self._recorder = recorder
        self._line = line
        self._gate = gate

    async def claim(self, step: ClaimChat, session: Session, brand: Brand) -> Session:
        """W3, unless the customer opted out or the brand opens chats too fast."""
        now = self._clock.now_ms()
        closed = await self._gate.closed_for(brand, session.customer_number)
        # A dead number's owner has just written: only who left is not to be answered.
        if closed is not None and closed.is_opt_out:
            self._deps.meter.effect("chat_started", "opted_out")
            log.info("chat_not_started", entry=step.entry.id, reason="opted_out")
            return await self._recorder.finish(session, Finish(step.entry))
        limit = brand.limits.chat_starts_per_minute
        if not await self._journal.count_start(brand.name, now_ms=now, limit=limit):
            return await self._no_room(session, step.entry, brand)
        is_ready = now - session.marks.get("ended_at", 0) >= TRANSCRIPT_READY_MS
        return await self._journal.claim_chat(
            session,
            now_ms=now,
            until_ms=now + self._lease_ms,
            source_contact_id=session.contact_id if is_ready else None,
            marks={**step.marks, "claimed_at": now, "la": now},
        )

    async def open(self, step: OpenChat, session: Session, brand: Brand) -> Session:
        """StartChatContact, W4, StartContactStreaming, the connection, W5."""
        try:
            started = await self._start(session, brand)
        except SourceRefused:
            return await self._journal.drop_source(session)
        except QuotaFull:
            return await self._no_room(session, step.entry, brand)
        bind_contact(started.contact_id)
        tokens = await self._tokens(session, started)
        if tokens is None:
            # Our own doing: it says nothing of a flow that closes its chats at once.
            await self._stop_orphan(session, started.contact_id)
            return await self._record_over(session, session.marks.get("quick_end_n", 0))
        # Before streaming starts: a message of the chat must find out whose it is.
        await asyncio.gather(
            self._journal.record_contact(started.contact_id, ContactRef(session.sid, session.gen)),
            self._journal.record_tokens(session.sid, session.gen, tokens),
        )
        try:
            await self._chats.stream(started.contact_id, f"{session.sid}.{session.gen}.stream")
            await self._line.renew(session.sid, session.gen, tokens)
        except ContactEnded:
            await self._stop_orphan(session, started.contact_id)
            return await self.over(session)
        return await self._record_open(session, started.contact_id, brand)

    async def over(self, session: Session) -> Session:
        """W10: Connect takes no token of this generation any more."""
        age_ms = self._clock.now_ms() - session.marks.get("claimed_at", 0)
        quick_ends = session.marks.get("quick_end_n", 0) + 1 if age_ms < QUICK_END_MS else 0
        return await self._record_over(session, quick_ends)

    async def _record_over(self, session: Session, quick_ends: int) -> Session:
        ended = await self._journal.chat_over(session, gen=session.gen)
        marks = {"ended_at": self._clock.now_ms(), "quick_end_n": quick_ends}
        await self._journal.mark(session.sid, marks)
        log.info("chat_found_over", gen=session.gen)
        return replace(ended, marks={**ended.marks, **marks})

    async def _start(self, session: Session, brand: Brand) -> StartedChat:
        # A start with an earlier chat attached is another request: it has a token of its own.
        suffix = ".p" if session.source_contact_id else ""
        return await self._chats.start(
            ChatStart(
                client_token=f"{session.sid}.{session.gen}{suffix}",
                contact_flow_id=brand.contact_flow_id,
                display_name=wording.display_name(brand, session),
                attributes=wording.chat_attributes(brand, session),
                duration_min=brand.limits.chat_duration_min,
                customer_id=session.sid,
                source_contact_id=session.source_contact_id,
            )
        )

    async def _tokens(self, session: Session, started: StartedChat) -> ChatTokens | None:
        """A repeated start may bring no participant token; then the first one's was kept."""
        if started.participant_token is not None:
            return ChatTokens(started.participant_token, "", NEVER, started.participant_id)
        return await self._journal.tokens(session.sid, session.gen)

    async def _record_open(self, session: Session, contact_id: str, brand: Brand) -> Session:
        if brand.limits.idle_warn_s or brand.limits.idle_close_s:
            watch = ChatWatch(sid=session.sid, gen=session.gen)
            first_look_s = min(s for s in _idle_limits(brand) if s)
            await self._deps.commands.send(watch, delay_s=min(WATCH_DELAY_S, first_look_s))
        opened = await self._journal.open_chat(
            session, contact_id=contact_id, until_ms=self._clock.now_ms() + self._lease_ms
        )
        self._deps.meter.effect("chat_started", "done")
        log.info("chat_started", gen=session.gen)
        return opened

    async def _stop_orphan(self, session: Session, contact_id: str) -> None:
        """A chat that cannot be joined is stopped; the next generation starts afresh."""
        await self._chats.stop(contact_id)
        self._deps.meter.effect("chat_started", "orphan_stopped")
        log.warning("orphan_chat_stopped", gen=session.gen)

    async def _no_room(self, session: Session, entry: Entry, brand: Brand) -> Session:
        """Connect is full: the text waits, and its sender is told so once."""
        now = self._clock.now_ms()
        told_at = entry.time_ms + brand.limits.busy_after_s * 1000
        not_before = now + ROOM_LOOK_MS
        marks: dict[str, int] = {}
        # Told since this text came is told for this start, whether before its claim or after.
        if session.marks.get("busy_at", 0) < entry.time_ms:
            if now >= told_at:
                await self._recorder.ask(session, "busy", f"{session.sid}.{entry.id}.busy")
                marks["busy_at"] = now
            else:
                not_before = min(not_before, max(told_at, now + 1_000))
        self._deps.meter.effect("chat_started", "no_room")
        log.warning("chat_not_started", entry=entry.id, reason="no_room")
        return await self._recorder.give_back(session, Lane.IN, not_before, marks)


def _idle_limits(brand: Brand) -> tuple[int, int]:
    return brand.limits.idle_warn_s, brand.limits.idle_close_s
