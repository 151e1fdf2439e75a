"""Opting out and coming back, and what a conversation does about it."""

from __future__ import annotations

import structlog

from workers.brands import Brand
from workers.errors import PermanentError
from workers.handlers.chat_relay import wording
from workers.handlers.chat_relay.decide import ended_gen
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import Kind
from workers.handlers.chat_relay.line import Line
from workers.handlers.chat_relay.recording import Recorder
from workers.handlers.gate import Gate
from workers.stores.protocols import ChatState, Entry, Finish, Session

log = structlog.get_logger(__name__)


class Leaving:
    """Records who may be texted, and tells the agent once."""

    def __init__(self, deps: Deps, recorder: Recorder, line: Line, gate: Gate) -> None:
        self._deps = deps
        self._recorder = recorder
        self._line = line
        self._gate = gate

    async def opt_out(self, entry: Entry, session: Session, brand: Brand) -> Session:
        """The customer's own word for it."""
        is_cause = await self._gate.close(brand, session.customer_number, f"text.{entry.id}")
        if brand.opt_out_mode == "managed":
            # A word that EUM does not know; it confirms nothing, and would refuse our text.
            await self._deps.texting.opt_out(brand.opt_out_list, session.customer_number)
        elif is_cause:
            await self._recorder.ask(session, "opt_out_confirmed", f"{session.sid}.{entry.id}")
        if session.state is ChatState.OPEN:
            await self._close_line(session, session.gen, brand)
        self._deps.meter.effect("opt_out", "done" if is_cause else "again")
        log.info("opted_out", entry=entry.id, was_opted_out=not is_cause)
        return await self._recorder.finish(
            session, Finish(entry, marks={"optout_gen": session.gen})
        )

    async def opt_in(self, entry: Entry, session: Session, brand: Brand) -> Session:
        """Back among those who may be texted. The holder has seen that they were not.

        Marked first: a worker that repeats this after a crash finds nobody opted out any more,
        and must still confirm.
        """
        await self._deps.journal.mark(session.sid, {"returning": 1})
        await self._gate.open(brand, session.customer_number)
        try:
            await self._deps.texting.opt_in(brand.opt_out_list, session.customer_number)
        except PermanentError as exc:
            self._deps.meter.effect("opt_in", "refused")
            log.warning("opt_in_refused", entry=entry.id, reason=exc.reason)
            note = wording.undelivered_note(brand, exc.reason)
            await self._line.tell_agent(session.sid, session.gen, note, f"{entry.id}.note")
        else:
            self._deps.meter.effect("opt_in", "done")
            log.info("opted_in", entry=entry.id)
            await self._recorder.ask(session, "return_confirmed", f"{session.sid}.{entry.id}")
        return await self._recorder.finish(
            session, Finish(entry, marks={"returning": 0, "optout_gen": 0, "quick_n": 0})
        )

    async def refused(self, entry: Entry, session: Session, brand: Brand, reason: str) -> Session:
        """The gate or EUM refused a text: the agent is told once, the conversation's texts stop."""
        marks: dict[str, int] = {}
        if entry.kind == Kind.AGENT:
            await self._close_line(session, entry.gen, brand)
            marks["optout_gen"] = entry.gen
        if entry.kind == Kind.END:
            marks["ended_at"] = self._deps.clock.now_ms()
        finish = Finish(entry, ended_gen=ended_gen(entry), marks=marks)
        finished = await self._recorder.finish(session, finish)
        self.suppressed(entry, brand, reason)
        return finished

    def suppressed(self, entry: Entry, brand: Brand, reason: str) -> None:
        """Count a text that is not sent, by why."""
        meter, kind = self._deps.meter, wording.automatic_kind(entry)
        meter.effect("sms", "suppressed")
        meter.suppressed(brand.message_class, reason)
        if kind is not None:
            meter.automatic_text(kind, "suppressed")
        log.info("sms_suppressed", entry=entry.id, kind=kind or entry.kind, reason=reason)

    async def _close_line(self, session: Session, gen: int, brand: Brand) -> None:
        if session.marks.get("optout_gen") == gen:
            return
        await self._line.tell_agent(session.sid, gen, brand.texts.note_opted_out, "optout")
        if brand.end_chat_on_opt_out:
            await self._line.hang_up(session.sid, gen)
