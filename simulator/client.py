"""A simulator's control API from Python, for tests, demos and the storm.

The contact centre's side, agents above all, has a client of its own over the same channel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

from simulator.control_channel import ControlChannel
from simulator.faults import FaultOrder
from simulator.gates import GateOrder
from simulator.ledger import Entry
from simulator.services.sms_voice.carrier import EVERY_NUMBER, Behaviour, OnHandset
from simulator.services.sms_voice.voice_line import VoiceBehaviour


@dataclass(frozen=True, slots=True)
class HeldRequest:
    """A request that was carried out and recorded, and waits for its answer."""

    gate: str
    service: str
    operation: str
    app: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class InboundResult:
    """What became of a customer's text; no id when it was answered and not published."""

    inbound_message_id: str | None
    keyword: str
    answered: bool


class SimulatorClient:
    """Typed methods for the whole of the frame's control API and the carrier's.

    `async with SimulatorClient(url) as simulator: ...`
    """

    def __init__(self, url: str) -> None:
        self.channel = ControlChannel(url)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.channel.close()

    async def status(self) -> dict[str, Any]:
        """What it serves, how much it has recorded, which background work failed."""
        return await self.channel.call("GET", "status")

    async def ledger(
        self, *, after: int = 0, operation: str | None = None, wait_s: float = 0
    ) -> list[Entry]:
        """Accepted requests and facts past `after`, of one operation or fact if named.

        With `wait_s`, waits that long for the first; empty when none came.
        """
        found = await self.channel.call(
            "GET", "ledger", after=after, operation=operation, wait_s=wait_s
        )
        return [Entry(**entry) for entry in found["entries"]]

    async def refused(self, operation: str | None = None) -> list[Entry]:
        """Refused requests, in the order they came."""
        found = await self.channel.call("GET", "refused", operation=operation)
        return [Entry(**entry) for entry in found["entries"]]

    async def knobs(self) -> dict[str, Any]:
        """Every knob as it stands."""
        return await self.channel.call("GET", "knobs")

    async def set_knobs(self, document: Mapping[str, Any] | None = None, **keys: Any) -> None:
        """Replace the top-level keys given; the others stay."""
        await self.channel.call("PUT", "knobs", {**(document or {}), **keys})

    async def reset_knobs(self) -> None:
        """Put every knob back to its default."""
        await self.channel.call("DELETE", "knobs")

    async def spoil(self, order: FaultOrder) -> None:
        """Let something go wrong with the next matching requests."""
        await self.channel.call("POST", "faults", order.model_dump())

    async def clear_faults(self) -> None:
        """Forget the fault orders not yet used up."""
        await self.channel.call("DELETE", "faults")

    async def arm_gate(self, order: GateOrder) -> None:
        """Hold the next matching requests between their record and their answer."""
        await self.channel.call("POST", "gates", order.model_dump())

    async def wait_gate(self, timeout_s: float) -> HeldRequest | None:
        """The next request held that was not told of before; None when none came in time."""
        found = await self.channel.call("GET", "gates/wait", timeout_s=timeout_s)
        return HeldRequest(**found) if found else None

    async def release_gate(self, gate: str) -> None:
        """Let a held request be answered. Raises ControlError 404 when it no longer is held."""
        await self.channel.call("POST", f"gates/{gate}/release")

    async def clear_gates(self) -> None:
        """Disarm all gates, answer all that is held."""
        await self.channel.call("DELETE", "gates")

    async def advance_clock(self, seconds: float) -> None:
        """Move the simulator's time forward; what sleeps until then wakes."""
        await self.channel.call("POST", "clock/advance", {"seconds": seconds})

    async def put_world(self, document: Mapping[str, Any]) -> None:
        """Replace what exists, for each service whose section is given."""
        await self.channel.call("PUT", "world", document)

    async def text_from_customer(
        self,
        customer_number: str,
        our_number: str,
        body: str,
        *,
        previous_message_id: str | None = None,
    ) -> InboundResult:
        """A customer sends a text; returns once it is published, or answered by EUM itself."""
        document = {"from": customer_number, "to": our_number, "body": body}
        if previous_message_id is not None:
            document["previousPublishedMessageId"] = previous_message_id
        found = await self.channel.call("POST", "sms/inbound", document)
        return InboundResult(found["inboundMessageId"], found["keyword"], found["answered"])

    async def handset(
        self, customer_number: str, *, after: int = 0, wait_s: float = 0
    ) -> list[OnHandset]:
        """What arrived on a customer's phone past the first `after`, in order."""
        path = f"sms/handset/{quote(customer_number, safe='')}"
        found = await self.channel.call("GET", path, after=after, wait_s=wait_s)
        return [
            OnHandset(**{**text, "media_urls": tuple(text["media_urls"])})
            for text in found["texts"]
        ]

    async def set_carrier(
        self, behaviour: Behaviour, *, number: str = EVERY_NUMBER, delay_ms: int = 0
    ) -> None:
        """Say how a number behaves from now on; by default every one without its own rule."""
        document = {"number": number, "behaviour": behaviour, "delay_ms": delay_ms}
        await self.channel.call("PUT", "sms/carrier", document)

    async def clear_carrier(self) -> None:
        """Every number takes its texts again."""
        await self.channel.call("DELETE", "sms/carrier")

    async def set_voice_line(
        self, behaviour: VoiceBehaviour, *, number: str = EVERY_NUMBER, ring_s: float = 6
    ) -> None:
        """Say how a number takes voice messages; by default every one without its own rule."""
        document = {"number": number, "behaviour": behaviour, "ring_s": ring_s}
        await self.channel.call("PUT", "sms/voice-line", document)
