"""The chat's door: what Connect streams of a chat."""

from __future__ import annotations

from schemas.connect import ChatMessage
from workers.handlers.chat_relay.content import ChatEnded, ForCustomer, NotForCustomer, read_message
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import agent_entry, end_entry
from workers.handlers.chat_relay.holder import Holder
from workers.log import bind_contact
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Outcome, Wait
from workers.stores.protocols import ContactRef, Look, NewEntry

MAP_WAIT_S = 600  # a message may be ahead of the record of its contact; streaming starts after it
MAP_LOOK_S = 5.0


class StreamDoor:
    """Agents', bots' and system's messages, files, and the end of a chat."""

    def __init__(self, deps: Deps, holder: Holder) -> None:
        self._deps = deps
        self._holder = holder

    async def handle(self, message: ChatMessage, delivery: Delivery) -> Outcome:
        """Sort the item; what is for the customer goes into the journal of its session."""
        bind_contact(message.initial_contact_id)
        reading = read_message(message)
        if isinstance(reading, NotForCustomer):
            return Discard(reading.reason)
        ref = await self._deps.journal.contact(message.initial_contact_id)
        if ref is None:
            return self._unknown(message, delivery)
        entry = self._entry(message, reading, ref)

        async def append(nonce: str, until_ms: int, now_ms: int) -> Look:
            return await self._deps.journal.append_known(
                ref.sid, entry, nonce=nonce, until_ms=until_ms, now_ms=now_ms
            )

        return await self._holder.work(append, ref.sid, entry.id, delivery)

    def _entry(
        self, message: ChatMessage, reading: ForCustomer | ChatEnded, ref: ContactRef
    ) -> NewEntry:
        now_ms = self._deps.clock.now_ms()
        match reading:
            case ChatEnded():
                return end_entry(ref, int(message.absolute_time.timestamp() * 1000), now_ms)
            case ForCustomer(body, files):
                return agent_entry(
                    ref, message.id, message.absolute_time, now_ms, body=body, files=files
                )

    def _unknown(self, message: ChatMessage, delivery: Delivery) -> Outcome:
        age_s = (self._deps.clock.now() - delivery.first_received_at).total_seconds()
        if age_s < MAP_WAIT_S:
            return Wait("contact_not_known_yet", MAP_LOOK_S)
        return DeadLetter("unknown_contact", event_id=message.id)
