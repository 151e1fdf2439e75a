"""The broker's queue: messages made when they are received, so that a backlog costs nothing.

It hands out copies of a few sample messages under ids and receipt handles of their own. No
visibility timeout ever runs out, nothing comes twice unless it is given back, nothing is ordered.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

SENDER_ID = "AIDAIENQZJOLO23YVJ4VO"
HANDLE_TAIL = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a" * 8
"""Receipt handles of the service have some hundreds of characters, and clients send them back."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A message to repeat: its parts that never change, as JSON already."""

    fields: str
    attributes: str

    @classmethod
    def of(cls, sent: dict[str, Any]) -> Sample:
        """From the entry of a SendMessage call."""
        body = sent["MessageBody"]
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        attributes = sent.get("MessageAttributes")
        return cls(
            fields=f'"MD5OfBody":"{digest}","Body":{json.dumps(body)}',
            attributes=f',"MessageAttributes":{json.dumps(attributes)}' if attributes else "",
        )


class SqsQueue:
    """One queue and what was counted on it since the last `mark`."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self._samples: list[Sample] = []
        self._serial = 0
        self._unmade = 0
        self._given_back: deque[int] = deque()
        self._in_flight: set[int] = set()
        self.mark()

    def mark(self) -> None:
        """Count from here."""
        self.calls: Counter[str] = Counter()
        self.deleted = 0
        self.filled_at = 0.0
        self.deleted_at = 0.0
        self.latencies_s: list[float] = []

    def send(self, entry: dict[str, Any]) -> None:
        """Keep a sample. Nobody receives before `fill` says how often it is repeated."""
        self.sent.append(entry)
        self._samples.append(Sample.of(entry))

    def fill(self, count: int) -> None:
        """Put so many messages in."""
        self._unmade += count
        self.filled_at = time.monotonic()

    @property
    def ready(self) -> int:
        """How many could be received now."""
        return self._unmade + len(self._given_back)

    def receive(self, count: int, names: list[str]) -> list[str]:
        """Up to `count` messages as JSON, with the system attributes that were asked for."""
        made = min(count, self._unmade)
        serials = list(range(self._serial, self._serial + made))
        self._serial += made
        self._unmade -= made
        while len(serials) < count and self._given_back:
            serials.append(self._given_back.popleft())
        self._in_flight.update(serials)
        now_ms = time.time_ns() // 1_000_000
        system = _system_attributes(names, now_ms)
        return [self._message(serial, system) for serial in serials]

    def _message(self, serial: int, system: str) -> str:
        sample = self._samples[serial % len(self._samples)]
        return (
            f'{{"MessageId":"{serial:08x}-9e3f-4c5a-b1d2-6f7a8b9c0d1e",'
            f'"ReceiptHandle":"{serial}/{HANDLE_TAIL}",{sample.fields}{system}{sample.attributes}}}'
        )

    def delete(self, handle: str) -> bool:
        """Whether it was in flight."""
        serial = _serial_of(handle)
        if serial not in self._in_flight:
            return False
        self._in_flight.remove(serial)
        self.deleted += 1
        self.deleted_at = time.monotonic()
        return True

    def change_visibility(self, handle: str, seconds: int) -> bool:
        """Zero gives it back at once; any other time is as good as for ever."""
        serial = _serial_of(handle)
        if serial not in self._in_flight:
            return False
        if seconds == 0:
            self._in_flight.remove(serial)
            self._given_back.append(serial)
        return True


def _serial_of(handle: str) -> int:
    serial = handle.partition("/")[0]
    return int(serial) if serial.isdigit() else -1


def _system_attributes(names: list[str], now_ms: int) -> str:
    values = {
        "SenderId": SENDER_ID,
        "SentTimestamp": str(now_ms),
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": str(now_ms),
    }
    chosen = values if "All" in names else {k: v for k, v in values.items() if k in names}
    return f',"Attributes":{json.dumps(chosen)}' if chosen else ""
