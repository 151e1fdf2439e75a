"""The customer's door: a text that reached one of our numbers."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas.sms_voice import InboundSms
from workers.config import Configuration
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import text_entry
from workers.handlers.chat_relay.holder import Holder
from workers.phone import is_short_code, normalise
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Outcome
from workers.stores.protocols import Look, SessionKey

NO_NUMBER: Final = "invalid_customer_number"


class InboundDoor:
    """Texts of customers, in the order of their SNS timestamps."""

    def __init__(self, deps: Deps, holder: Holder) -> None:
        self._deps = deps
        self._holder = holder

    async def handle(
        self, sms: InboundSms, sent_at: datetime | None, delivery: Delivery
    ) -> Outcome:
        """Journal the text and work its conversation off.

        A text has no time but its SNS envelope's; where that was lost the queue's own must do.
        """
        customer = _sender(sms.origination_number)
        refused = refusal(sms, self._deps.config)
        if refused is not None or customer is None:
            return DeadLetter(refused or NO_NUMBER, event_id=sms.inbound_message_id)
        key = SessionKey(our_number=sms.destination_number, customer_number=customer)
        entry = text_entry(
            sms.inbound_message_id,
            sms.message_body,
            sent_at or delivery.sent_at,
            self._deps.clock.now_ms(),
        )

        async def append(nonce: str, until_ms: int, now_ms: int) -> Look:
            return await self._deps.journal.append(
                key, entry, nonce=nonce, until_ms=until_ms, now_ms=now_ms
            )

        sid = self._deps.journal.session_id(key)
        return await self._holder.work(append, sid, entry.id, delivery)


def refusal(sms: InboundSms, config: Configuration) -> str | None:
    """Why a text can be nobody's conversation; None where it can. Pure."""
    if config.brand_of(sms.destination_number) is None:
        return "unknown_our_number"
    return None if _sender(sms.origination_number) else NO_NUMBER


def _sender(number: str) -> str | None:
    return number if is_short_code(number) else normalise(number)
