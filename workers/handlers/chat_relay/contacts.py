"""The bus's door: contact events, which tell of a chat's end even when the stream does not."""

from __future__ import annotations

from schemas.connect import ContactEvent
from workers.errors import ContactEnded
from workers.handlers.chat_relay.deps import Deps
from workers.handlers.chat_relay.entries import end_entry
from workers.handlers.chat_relay.holder import Holder
from workers.log import bind_contact
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import Discard, Outcome, Wait
from workers.stores.protocols import Look

TRANSFER_GRACE_S = 5.0  # a transfer's next contact appears this long after the first disconnects


class ContactDoor:
    """DISCONNECTED of the last contact of a chain ends its chat; a transfer does not."""

    def __init__(self, deps: Deps, holder: Holder) -> None:
        self._deps = deps
        self._holder = holder

    async def handle(self, event: ContactEvent, delivery: Delivery) -> Outcome:
        """Only the end of one of our own chats matters here."""
        if event.channel != "CHAT" or event.event_type != "DISCONNECTED":
            return Discard("contact_event_not_needed")
        initial_id = event.initial_contact_id or event.contact_id
        bind_contact(initial_id)
        ref = await self._deps.journal.contact(initial_id)
        if ref is None:
            return Discard("contact_not_ours")
        ended_at = event.disconnect_timestamp or delivery.sent_at
        now = self._deps.clock.now()
        grace_s = TRANSFER_GRACE_S - (now - delivery.first_received_at).total_seconds()
        if grace_s > 0:
            return Wait("transfer_grace", grace_s)
        if await self._goes_on(event.contact_id):
            return Discard("contact_transferred")
        entry = end_entry(ref, int(ended_at.timestamp() * 1000), self._deps.clock.now_ms())

        async def append(nonce: str, until_ms: int, now_ms: int) -> Look:
            return await self._deps.journal.append_known(
                ref.sid, entry, nonce=nonce, until_ms=until_ms, now_ms=now_ms
            )

        return await self._holder.work(append, ref.sid, entry.id, delivery)

    async def _goes_on(self, contact_id: str) -> bool:
        try:
            return (await self._deps.chats.describe(contact_id)).has_next
        except ContactEnded:
            return False
