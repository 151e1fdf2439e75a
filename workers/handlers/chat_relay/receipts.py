"""The carrier's door: what became of a text, told to the agent by what Connect has.

Delivered is a receipt in the chat; not delivered is one short note from the customer's
participant and a contact attribute. Any receipt at all proves that a send went out, which is what
a worker that takes over a doubtful one waits for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog

from workers.errors import ContactEnded, PermanentError, Throttled
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.perform import Performer
from workers.handlers.chat_relay.wording import undelivered_note
from workers.log import bind_conversation
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.protocols import Session
from workers.tracing import TRACEPARENT, parent_of

log = structlog.get_logger(__name__)

FATE_ATTRIBUTE = "sb_last_text"
PATIENCE_DOUBLINGS = 6
PATIENCE_MAX_S = 120.0
ARRIVED = frozenset({"DELIVERED", "SUCCESSFUL", "READ"})


class Receipt(Protocol):
    """The part of a delivery event that this door reads."""

    @property
    def message_id(self) -> str:
        """EUM's id of the text."""
        ...

    @property
    def status(self) -> str:
        """The upper-case word for its state."""
        ...

    @property
    def is_final(self) -> bool:
        """Whether nothing more is to come (but a late DELIVERED)."""
        ...

    @property
    def context(self) -> Mapping[str, str]:
        """What we gave with the send."""
        ...


@dataclass(frozen=True, slots=True)
class Origin:
    """Which part of which message a text was: what its context says."""

    sid: str
    entry_id: str
    part: int
    of: int
    gen: int
    chat_message_id: str | None


def read_origin(context: Mapping[str, str]) -> Origin | None:
    """Read our own context back; None for texts that are not ours."""
    try:
        sid, entry_id, part = context["sb"].split(".")
        return Origin(
            sid,
            entry_id,
            int(part),
            int(context.get("of", "1")),
            int(context.get("gen", "0")),
            context.get("m"),
        )
    except (KeyError, ValueError):
        return None


class ReceiptDoor:
    """Delivery receipts of texts, in any order, twice, or days late."""

    def __init__(self, deps: Deps, performer: Performer) -> None:
        self._deps = deps
        self._performer = performer

    async def handle(self, receipt: Receipt, delivery: Delivery) -> Outcome:
        """Record that it went out, then tell the agent its fate when that is known."""
        origin = read_origin(receipt.context)
        if origin is None:
            return Discard("receipt_not_ours")
        bind_conversation(origin.sid)
        self._deps.tracer.link(parent_of(receipt.context.get(TRACEPARENT), None))
        await self._deps.journal.note_receipt(
            origin.sid, origin.entry_id, origin.part, receipt.message_id
        )
        log.info(
            "receipt_recorded",
            entry=origin.entry_id,
            part=origin.part,
            sms_message_id=receipt.message_id,
            status=receipt.status,
        )
        if origin.chat_message_id is None:
            return Done()
        delivery.lease.require()
        try:
            return await self._tell(receipt, origin, origin.chat_message_id)
        except ContactEnded:
            return Discard("chat_over")
        except Throttled as exc:
            # Messages go before receipts in the bucket, so under load this may take long.
            doublings = min(delivery.receive_count - 1, PATIENCE_DOUBLINGS)
            return Wait("throttled", min(PATIENCE_MAX_S, (exc.after_s or 5.0) * 2**doublings))

    async def _tell(self, receipt: Receipt, origin: Origin, chat_message_id: str) -> Outcome:
        if receipt.status in ARRIVED:
            if receipt.status == "SUCCESSFUL" and not receipt.is_final:
                return Done()
            if origin.part + 1 == origin.of:
                await self._delivered(origin, chat_message_id)
            return Done()
        if not receipt.is_final:
            return Done()
        session = await self._deps.journal.read(origin.sid, consistent=False)
        if session is None:
            return Discard("unknown_session")
        await self._not_delivered(receipt.status.lower(), origin, session)
        return Done()

    async def _delivered(self, origin: Origin, chat_message_id: str) -> None:
        async def call(token: str) -> None:
            await self._deps.chats.delivered(
                token, chat_message_id, f"{origin.sid}.{origin.gen}.{origin.entry_id}.delivered"
            )

        await self._performer.line.use(origin.sid, origin.gen, call)
        self._deps.meter.effect("receipt", "delivered")
        log.info("delivery_shown", entry=origin.entry_id, gen=origin.gen)

    async def _not_delivered(self, status: str, origin: Origin, session: Session) -> None:
        brand = self._deps.config.brand_of(session.our_number)
        if brand is None or session.contact_id is None:
            return
        note = undelivered_note(brand, status)
        await self._performer.line.tell_agent(
            origin.sid, origin.gen, note, f"{origin.entry_id}.fate"
        )
        self._deps.meter.effect("receipt", "not_delivered")
        log.info("non_delivery_shown", entry=origin.entry_id, gen=origin.gen, status=status)
        if session.gen != origin.gen:
            return
        try:
            await self._deps.chats.set_attributes(session.contact_id, {FATE_ATTRIBUTE: status})
        except PermanentError:
            self._deps.meter.effect("attributes", "refused")
