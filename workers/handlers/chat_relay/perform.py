"""Carries one step out: calls the other side, then records it.

Returns the session as the journal has it afterwards; one without our nonce was given back.
`LeaseLost` and `Grown` come from the journal and are the holder's business, and so are the errors
of the clients, except where the protocol says what a refusal means.
"""

from __future__ import annotations

from typing import assert_never

import structlog

from workers.errors import ContactEnded
from workers.handlers.chat_relay.decide import View
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.leaving import Leaving
from workers.handlers.chat_relay.line import Line
from workers.handlers.chat_relay.opening import ChatOpener
from workers.handlers.chat_relay.recording import Recorder
from workers.handlers.chat_relay.sending import TextSender
from workers.handlers.chat_relay.steps import (
    Answer,
    AwaitReceipt,
    ClaimChat,
    Conclude,
    GiveUp,
    Hold,
    OpenChat,
    OptIn,
    OptOut,
    Rest,
    Say,
    SendText,
    Step,
)
from workers.handlers.gate import Gate
from workers.stores.protocols import Finish, Lane, Session

log = structlog.get_logger(__name__)


class Performer:
    """One per process; keeps no state of a conversation."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self.line = Line(deps)
        self.gate = Gate(deps.suppressions, deps.health, deps.config.bounces, deps.clock)
        self._recorder = Recorder(deps)
        self._opener = ChatOpener(deps, self._recorder, self.line, self.gate)
        self._leaving = Leaving(deps, self._recorder, self.line, self.gate)
        self._sender = TextSender(deps, self._recorder, self.line, self.gate, self._leaving)

    async def perform(self, step: Step, view: View) -> Session:  # noqa: C901, PLR0911 - it is the table
        """Carry out a step; waiting (`Hold`) is the holder's."""
        session, brand = view.session, view.brand
        match step:
            case ClaimChat():
                return await self._opener.claim(step, session, brand)
            case OpenChat():
                return await self._opener.open(step, session, brand)
            case Say():
                return await self._say(step, session)
            case SendText():
                return await self._sender.send(step, session, brand)
            case AwaitReceipt(entry, until_ms):
                return await self._recorder.give_back(session, entry.lane, until_ms)
            case Conclude():
                return await self._sender.conclude(step, session)
            case OptOut(entry):
                return await self._leaving.opt_out(entry, session, brand)
            case OptIn(entry):
                return await self._leaving.opt_in(entry, session, brand)
            case Answer(entry, notice, marks):
                await self._recorder.ask(session, notice, f"{session.sid}.{entry.id}")
                return await self._recorder.finish(session, Finish(entry, marks=marks))
            case GiveUp(entry, reason):
                log.error("entry_given_up", entry=entry.id, reason=reason)
                return await self._deps.journal.record_failure(
                    session, entry, not_before_ms=0, dead_reason=reason
                )
            case Rest() | Hold():
                return await self._recorder.give_back(session)
            case _:
                assert_never(step)

    async def _say(self, step: Say, session: Session) -> Session:
        """A customer's text into the chat; the token of each message is that of its cause."""
        entry, sid, gen = step.entry, session.sid, session.gen
        if step.notice is not None:
            await self._recorder.ask(session, step.notice, f"{sid}.{entry.id}")
        try:
            for index, text in enumerate(step.messages):
                await self.line.say(sid, gen, text, f"{sid}.{gen}.{entry.id}.{index}")
        except ContactEnded:
            return await self._opener.over(session)
        self._deps.meter.effect("chat_message", "done")
        log.info("chat_message_sent", entry=entry.id, gen=gen, messages=len(step.messages))
        self._deps.meter.hop(Lane.IN, (self._deps.clock.now_ms() - entry.time_ms) / 1000)
        return await self._recorder.finish(session, Finish(entry, marks=step.marks))
