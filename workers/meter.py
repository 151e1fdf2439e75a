"""What handlers and clients count, put on the metrics list.

Each of them names its counts in a protocol of its own; this one class answers to all of these.
"""

from __future__ import annotations

from typing import Final

from workers import metrics as measured
from workers.addresses import Channel
from workers.config import ObjectKind
from workers.metrics import Metrics
from workers.stores.address_records import Kind

_OPT_OUTS: Final = {
    ("opt_out", "done"): "text",
    ("call_opt_out", "done"): "call",
    ("opt_out_sync", "added"): "list",
}
_FOR_SPEND: Final = frozenset({"spend_limit", "paused"})
"""Refused by EUM for the month's spend, or not tried again so soon after that."""


class Meter:
    """What handlers and clients count, each a row of the metrics list."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def called(self, api: str, result: str) -> None:
        """One API call."""
        self._metrics.add(measured.API_CALLS, api=api, result=result)
        if result == "throttled":
            self._metrics.add(measured.THROTTLES, api=api)
        if result in _FOR_SPEND:
            self._metrics.add(measured.SPEND_LIMIT_REFUSALS)

    def effect(self, kind: str, result: str) -> None:
        """One effect on the world."""
        self._metrics.add(measured.EFFECTS, kind=kind, result=result)
        if reason := _OPT_OUTS.get((kind, result)):
            self._metrics.add(measured.OPT_OUTS, reason=reason)

    def hop(self, lane: str, seconds: float) -> None:
        """From an event's own time to its effect."""
        self._metrics.observe(measured.HOP_SECONDS, max(0.0, seconds), lane=lane)

    def late(self, lane: str) -> None:
        """An event that came after its turn."""
        self._metrics.add(measured.LATE_EVENTS, lane=lane)

    def sms_parts(self, brand: str, count: int) -> None:
        """Carrier parts: what is billed."""
        self._metrics.add(measured.SMS_PARTS, count, brand=brand)

    def automatic_text(self, kind: str, result: str) -> None:
        """A text that no person wrote."""
        self._metrics.add(measured.AUTOMATIC_TEXTS, kind=kind, result=result)

    def suppressed(self, message_class: str, reason: str) -> None:
        """A text that its recipient does not want."""
        self._metrics.add(measured.SUPPRESSED_SENDS, message_class=message_class, reason=reason)

    def text_uncertain(self) -> None:
        """A text whose fate stays in doubt."""
        self._metrics.add(measured.TEXTS_UNCERTAIN)

    def call_ended(self, brand: str, result: str) -> None:
        """One reminder call."""
        self._metrics.add(measured.CALLS_ENDED, brand=brand, result=result)

    def reminder_ended(self, brand: str, result: str) -> None:
        """One reminder."""
        self._metrics.add(measured.REMINDERS_CLOSED, brand=brand, result=result)

    def call_held_back(self, reason: str) -> None:
        """A call or text that was put off."""
        self._metrics.add(measured.CALLS_HELD_BACK, reason=reason)

    def address_fact(self, channel: Channel, kind: Kind, result: str) -> None:
        """One fact about an address."""
        self._metrics.add(measured.ADDRESS_FACTS, channel=channel, kind=kind, result=result)

    def profile_event(self, result: str) -> None:
        """One person's part of one event."""
        self._metrics.add(measured.PROFILE_EVENTS, result=result)

    def profile_written(self, kind: ObjectKind) -> None:
        """One profile object put."""
        self._metrics.add(measured.PROFILE_WRITES, kind=kind)

    def profile_merged(self, events: int) -> None:
        """Events that one writing of a person carried."""
        self._metrics.observe(measured.PROFILE_MERGED, events)

    def address_suppressed(self, channel: Channel, cause: Kind) -> None:
        """An address that is left alone from now on."""
        self._metrics.add(measured.ADDRESS_SUPPRESSIONS, channel=channel, cause=cause)
