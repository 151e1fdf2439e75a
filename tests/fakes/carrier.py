"""End User Messaging in memory: what went out to whom, who opted out, what the month has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from tests.fakes.wire import Wire
from workers.clients.protocols import OutgoingText, Texting
from workers.clock import Clock
from workers.errors import OptedOut, QuotaFull, TransientError


@dataclass(frozen=True, slots=True)
class Sent:
    """One text that was accepted, and when (monotonic seconds)."""

    message_id: str
    text: OutgoingText
    at_s: float


@dataclass(slots=True)
class Carrier:
    """The service. Nothing is deduplicated: SendTextMessage has no idempotency token.

    `opted_out` has (opt-out list, number); what we send from goes by `opt_out_list`. `receipt` gets
    each text that was accepted, so that somebody may tell of its fate.
    """

    clock: Clock
    is_spent: bool = False
    opt_out_list: str = "Default"
    opted_out: set[tuple[str, str]] = field(default_factory=set)
    receipt: Callable[[Sent], None] | None = None
    sent: list[Sent] = field(default_factory=list)
    _ids: count[int] = field(default_factory=lambda: count(1))

    @property
    def bodies(self) -> list[str]:
        """The words of every text that went out, in order."""
        return [sent.text.body for sent in self.sent]

    def send(self, text: OutgoingText) -> str:
        """SendTextMessage or SendMediaMessage."""
        if self.is_spent:
            raise QuotaFull("monthly_spend_limit", after_s=60)
        if (self.opt_out_list, text.destination_number) in self.opted_out:
            raise OptedOut("opted_out")
        sent = Sent(f"text-{next(self._ids)}", text, self.clock.monotonic())
        self.sent.append(sent)
        if self.receipt is not None:
            self.receipt(sent)
        return sent.message_id

    def put_opted_out(self, opt_out_list: str, number: str) -> None:
        """PutOptedOutNumber."""
        self.opted_out.add((opt_out_list, number))

    def delete_opted_out(self, opt_out_list: str, number: str) -> None:
        """DeleteOptedOutNumber; absent is a success."""
        self.opted_out.discard((opt_out_list, number))


class FakeTexting(Texting):
    """`Texting` of one worker. `admitted`: parts that it asked its rate limit for, by identity."""

    def __init__(self, carrier: Carrier, clock: Clock, wire: Wire) -> None:
        self.admitted: list[tuple[str, int]] = []
        self._carrier = carrier
        self._clock = clock
        self._wire = wire

    async def admit(self, origination_identity: str, parts: int = 1) -> None:
        """Our own rate limit: no call of the service."""

        async def accept() -> None:
            self.admitted.append((origination_identity, parts))

        await self._wire.carry("texting.admit", accept)

    async def send(self, text: OutgoingText, *, not_after: float) -> str:
        """Hand it to the socket, unless it is too late for that."""

        async def accept() -> str:
            return self._carrier.send(text)

        if self._clock.monotonic() > not_after:
            raise TransientError("too_late")
        return await self._wire.carry("texting.send", accept)

    async def opt_out(self, opt_out_list: str, number: str) -> None:
        """PutOptedOutNumber."""

        async def accept() -> None:
            self._carrier.put_opted_out(opt_out_list, number)

        await self._wire.carry("texting.opt_out", accept)

    async def opt_in(self, opt_out_list: str, number: str) -> None:
        """DeleteOptedOutNumber."""

        async def accept() -> None:
            self._carrier.delete_opted_out(opt_out_list, number)

        await self._wire.carry("texting.opt_in", accept)
