"""Sends a text: the gate, the pace, the intent, the send, and what its answer means.

SendTextMessage has no idempotency token. What keeps it once is the intent written before it and
the deadline between the two: whoever finds an intent without its record waits for the receipt.
"""

from __future__ import annotations

from dataclasses import replace

import structlog

from workers.brands import Brand
from workers.clients.protocols import OutgoingText
from workers.errors import (
    AccountProblem,
    InDoubt,
    OptedOut,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.handlers.chat_relay import wording
from workers.handlers.chat_relay.decide import RECEIPT_LOOK_MS, ended_gen
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import Kind
from workers.handlers.chat_relay.leaving import Leaving
from workers.handlers.chat_relay.line import Line
from workers.handlers.chat_relay.recording import Recorder
from workers.handlers.chat_relay.steps import Conclude, SendText
from workers.handlers.gate import Closed, Gate
from workers.sms_text import measure
from workers.stores.protocols import (
    Entry,
    Finish,
    Grown,
    Intent,
    Lane,
    LeaseLost,
    Session,
    Stage,
)

log = structlog.get_logger(__name__)

SEND_DEADLINE_S = 5.0  # protocol rule 1: from before the intent's write to the socket
PACE_MS = 1_000  # EUM: one message a second to one recipient
NOT_SENT_MS = 2_000
SPEND_PAUSE_MS = 60_000
ACCOUNT_PAUSE_MS = 60_000

_AUTOMATIC_RESULTS = {
    "automatic_texts_capped": "capped",
    "refused": "refused",
    "sent_by_receipt": "sent",
    "uncertain": "uncertain",
}
"""What became of a text of our own, by why its entry was concluded; others had no text to send."""


class TextSender:
    """Texts to the customer, part by part."""

    def __init__(
        self, deps: Deps, recorder: Recorder, line: Line, gate: Gate, leaving: Leaving
    ) -> None:
        self._deps = deps
        self._recorder = recorder
        self._line = line
        self._gate = gate
        self._leaving = leaving

    async def send(self, step: SendText, session: Session, brand: Brand) -> Session:
        """One part, from the gate to its record."""
        entry = step.entry
        if not step.passes_gate:
            closed = await self._gate.closed_for(brand, session.customer_number)
            if closed is not None:
                return await self._refused(closed, entry, session, brand)
        cause = f"{entry.id}.note"
        await self._line.tell_agent(session.sid, entry.gen, step.tell_agent, cause)
        text = await self._text(step, session, brand)
        parts = _parts(text)
        await self._deps.texting.admit(text.origination_identity, parts)
        now = self._deps.clock.now_ms()
        # Counted from before the write, like the intent's own time: a worker that is paused while
        # its answer comes back must not find a fresh deadline when it wakes.
        not_after = self._deps.clock.monotonic() + SEND_DEADLINE_S
        try:
            held = await self._deps.journal.intend(
                session,
                Intent(entry.id, step.part, step.tries),
                now_ms=now,
                until_ms=now + self._deps.config.session_lease_ms,
                marks=step.marks,
            )
        except TransientError as failure:
            return await self._not_intended(step, session, _pause_ms(failure))
        except Grown as grown:
            if not _stands(step, now, grown.session):
                raise
            return await self._not_intended(step, grown.session, 0)
        if step.after_doubt:
            self._uncertain(entry, step.part - 1)
        try:
            message_id = await self._deps.texting.send(text, not_after=not_after)
        except SwitchboardError as refusal:
            return await self._not_sent(refusal, entry, held, brand)
        self._deps.meter.effect("sms", "done" if step.tries == 1 else "resent_in_doubt")
        self._deps.meter.sms_parts(brand.name, parts)
        log.info(
            "sms_sent",
            entry=entry.id,
            kind=wording.automatic_kind(entry) or entry.kind,
            part=step.part,
            of=step.of,
            tries=step.tries,
            sms_message_id=message_id,
        )
        await self._remember(message_id, session.customer_number)
        return await self._sent(step, held, message_id)

    async def _remember(self, message_id: str, number: str) -> None:
        """Whom it went to, for receipts that do not say. The text is out: nothing may fail here."""
        if self._deps.recipients is None:
            return
        try:
            await self._deps.recipients.record(message_id, number)
        except (TransientError, AccountProblem) as failure:
            log.warning("recipient_not_recorded", reason=failure.reason)

    async def conclude(self, step: Conclude, session: Session) -> Session:
        """Record an entry as done without a send of ours, and say so to whom it concerns."""
        entry = step.entry
        gen = entry.gen if entry.lane is Lane.OUT else session.gen
        await self._line.tell_agent(session.sid, gen, step.tell_agent, f"{entry.id}.note")
        marks = dict(step.marks)
        if step.ended_gen is not None:
            marks["ended_at"] = self._deps.clock.now_ms()
        finish = Finish(entry, ended_gen=step.ended_gen, marks=marks)
        finished = await self._recorder.finish(session, finish)
        self._concluded(step)
        return finished

    async def _refused(
        self, closed: Closed, entry: Entry, session: Session, brand: Brand
    ) -> Session:
        """The gate's no. A number that takes no texts has not left: the agent is told which."""
        if closed.is_opt_out:
            return await self._leaving.refused(entry, session, brand, closed.reason)
        self._leaving.suppressed(entry, brand, closed.reason)
        note = wording.undelivered_note(brand, closed.reason)
        return await self.conclude(Conclude(entry, "suppressed", note, ended_gen(entry)), session)

    def _concluded(self, step: Conclude) -> None:
        entry, reason = step.entry, step.reason
        self._deps.meter.effect(f"{entry.kind}_concluded", reason)
        if reason == "uncertain":
            self._uncertain(entry, entry.part)
        else:
            log.info("entry_concluded", entry=entry.id, kind=entry.kind, reason=reason)
        kind = wording.automatic_kind(entry)
        if kind is not None and reason in _AUTOMATIC_RESULTS:
            self._deps.meter.automatic_text(kind, _AUTOMATIC_RESULTS[reason])

    def _uncertain(self, entry: Entry, part: int) -> None:
        self._deps.meter.text_uncertain()
        log.warning("sms_uncertain", entry=entry.id, part=part)

    async def _sent(self, step: SendText, held: Session, message_id: str) -> Session:
        entry, now = step.entry, self._deps.clock.now_ms()
        if step.part + 1 < step.of:
            # The next part's intent records this one; until then we alone know that it is out.
            known = tuple(
                replace(e, receipt=message_id) if e.id == entry.id else e for e in held.entries
            )
            return replace(held, entries=known, next_send_ms=now + PACE_MS)
        self._deps.meter.hop(Lane.OUT, (now - entry.time_ms) / 1000)
        kind = wording.automatic_kind(entry)
        if kind is not None:
            self._deps.meter.automatic_text(kind, "sent")
        finish = Finish(
            entry,
            next_send_ms=now + PACE_MS,
            ended_gen=ended_gen(entry),
            marks={"ended_at": now} if entry.kind == Kind.END else {},
        )
        try:
            return await self._recorder.insist(lambda: self._recorder.finish(held, finish))
        except LeaseLost as lost:
            if lost.session is None or entry.id not in lost.session.done:
                # Late truth (W9): the successor need not wait for the receipt.
                await self._deps.journal.note_receipt(held.sid, entry.id, step.part, message_id)
            raise

    async def _not_intended(self, step: SendText, session: Session, after_ms: int) -> Session:
        """Take back an intent whose write got no answer: it may stand there, and nothing was sent.

        Left there it would be waited on for a receipt that never comes, and then be given up.
        """
        entry = step.entry
        intended = replace(entry, stage=Stage.SENDING, part=step.part, tries=step.tries)
        held = replace(
            session, entries=tuple(intended if e.id == entry.id else e for e in session.entries)
        )
        not_before_ms = self._deps.clock.now_ms() + after_ms
        self._deps.meter.effect("sms", "not_intended")
        withdrawn = await self._recorder.take_back(held, entry.id, Lane.OUT, not_before_ms)
        return withdrawn or await self._recorder.give_back(session, Lane.OUT, not_before_ms)

    async def _not_sent(
        self, refusal: SwitchboardError, entry: Entry, held: Session, brand: Brand
    ) -> Session:
        """What became of the intent: in doubt, refused for good, or surely not sent."""
        meter = self._deps.meter
        match refusal:
            case InDoubt():
                meter.effect("sms", "in_doubt")
                log.warning("sms_in_doubt", entry=entry.id, reason=refusal.reason)
                look_ms = self._deps.clock.now_ms() + RECEIPT_LOOK_MS
                return await self._recorder.give_back(held, Lane.OUT, look_ms)
            case OptedOut():
                await self._gate.close(brand, held.customer_number, f"refused.{entry.id}")
                return await self._leaving.refused(entry, held, brand, "refused_by_eum")
            case TransientError() | AccountProblem():
                meter.effect("sms", _why(refusal))
                log.warning("sms_held_back", entry=entry.id, reason=refusal.reason)
                return await self._recorder.withdraw(held, entry, _pause_ms(refusal))
            case PermanentError():
                meter.effect("sms", "refused")
                log.warning("sms_refused", entry=entry.id, reason=refusal.reason)
                note = wording.undelivered_note(brand, refusal.reason)
                refused = Conclude(entry, "refused", note, ended_gen(entry))
                return await self.conclude(refused, held)
            case _:
                raise refusal

    async def _text(self, step: SendText, session: Session, brand: Brand) -> OutgoingText:
        body, media_url = step.body, None
        if step.file is not None:
            body, media_url = await self._file(step, session, brand)
        entry = step.entry
        context = {
            "sb": f"{session.sid}.{entry.id}.{step.part}",
            "gen": str(entry.gen),
            "of": str(step.of),
        }
        if entry.kind == Kind.AGENT:
            context["m"] = str(entry.payload["m"])
        return OutgoingText(
            destination_number=session.customer_number,
            body=body,
            origination_identity=brand.origination_identity or session.our_number,
            configuration_set=brand.configuration_set,
            message_type=brand.message_class.value.upper(),
            ttl_s=brand.limits.text_ttl_s,
            context=context,
            media_url=media_url,
        )

    async def _file(self, step: SendText, session: Session, brand: Brand) -> tuple[str, str | None]:
        """An agent's file: into our bucket, then to the phone as MMS or as a link."""
        file, entry = step.file, step.entry
        if file is None:
            raise ValueError("not a file part")
        key = f"{session.sid}/{entry.gen}/{entry.id}/{step.part}"

        async def fetch(token: str) -> str:
            attachment = await self._deps.chats.attachment(token, file["id"], file["name"])
            return await self._deps.shelf.put(key, attachment)

        url = await self._line.use(session.sid, entry.gen, fetch)
        self._deps.meter.effect("file", "done")
        log.info("file_passed_on", entry=entry.id, part=step.part, media=brand.media)
        if brand.media == "mms" and file["content_type"].startswith("image/"):
            return "", url
        link = await self._deps.shelf.link(key, brand.media_link_ttl_s)
        return wording.media_text(brand, file["name"], link), None


def _stands(step: SendText, now_ms: int, session: Session) -> bool:
    """Whether our own intent is what the journal shows.

    Its write was carried out, its answer lost; then the journal grew, and refused the repetition.
    """
    return any(
        entry.id == step.entry.id
        and (entry.stage, entry.part, entry.tries, entry.intent_at_ms)
        == (Stage.SENDING, step.part, step.tries, now_ms)
        for entry in session.entries
    )


def _parts(text: OutgoingText) -> int:
    return measure(text.body).parts if text.body else 1


def _why(refusal: SwitchboardError) -> str:
    match refusal:
        case QuotaFull():
            return "spend_limit"
        case Throttled():
            return "throttled"
        case AccountProblem():
            return "account_problem"
        case _:
            return "not_sent"


def _pause_ms(refusal: SwitchboardError) -> int:
    """How long the lane waits. A person's work or a new month takes its time; so does age."""
    match refusal:
        case QuotaFull():
            least_ms = SPEND_PAUSE_MS
        case AccountProblem():
            least_ms = ACCOUNT_PAUSE_MS
        case Throttled():
            least_ms = PACE_MS
        case _:
            least_ms = NOT_SENT_MS
    asked_s = refusal.after_s if isinstance(refusal, TransientError) else None
    return max(least_ms, int((asked_s or 0) * 1000))
