"""What really happened: each accepted request, each refused one, each event the world sent out.

Append-only, and written before the client gets its answer, so what a killed client did is here
even though it never learnt of it. It is test gear: texts and numbers are kept as they came.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

from simulator.clock import Clock
from simulator.wire import AwsError, Call

Outcome = Literal["answered", "held", "dropped", "failed_after"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger. `kind` tells which of the other fields mean something.

    `seq` grows by one over requests and facts together; refused requests are counted apart.
    """

    seq: int
    at: str
    kind: Literal["request", "fact", "refused"]
    name: str
    service: str
    app: str | None = None
    outcome: Outcome | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None
    error: Mapping[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as the control API and the file show it."""
        return asdict(self)


class Ledger:
    """Keeps the entries in memory and, where a file was given, as JSON lines flushed at once.

    With `kept` only so many of the newest stay in memory, of the refused ones too; the file has
    them all. What is asked for and is not there any more is left out.
    """

    def __init__(self, clock: Clock, path: Path | None = None, kept: int | None = None) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=kept)
        self._refused: deque[Entry] = deque(maxlen=kept)
        self._accepted_count = 0
        self._refused_count = 0
        self._grown = asyncio.Event()
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path else None

    def accept(self, call: Call, result: Mapping[str, Any], outcome: Outcome) -> int:
        """Record a request that was carried out; returns its sequence number."""
        return self._append(
            Entry(
                seq=self._accepted_count + 1,
                at=iso(call.received_at),
                kind="request",
                name=call.operation,
                service=call.service,
                app=call.app,
                outcome=outcome,
                params=_plain(call.params),
                result=_plain(_ids(result)),
                request_id=call.request_id,
            )
        )

    def refuse(self, call: Call, error: AwsError) -> None:
        """Record a request that was answered with an error and changed nothing."""
        entry = Entry(
            seq=self._refused_count + 1,
            at=iso(call.received_at),
            kind="refused",
            name=call.operation,
            service=call.service,
            app=call.app,
            params=_plain(call.params),
            request_id=call.request_id,
            error={"code": error.code, "status": error.status, **_plain(error.fields)},
        )
        self._refused_count += 1
        self._refused.append(entry)
        self._write(entry)

    def fact(self, service: str, name: str, **details: Any) -> int:
        """Record something the world did by itself: a receipt sent, a text published."""
        return self._append(
            Entry(
                seq=self._accepted_count + 1,
                at=iso(self._clock.now()),
                kind="fact",
                name=name,
                service=service,
                params=_plain(details),
            )
        )

    @property
    def accepted_count(self) -> int:
        """How many requests and facts were recorded in all."""
        return self._accepted_count

    def after(self, seq: int = 0, name: str | None = None) -> list[Entry]:
        """Requests and facts past `seq`, oldest first; of one operation or fact if named."""
        later = self._accepted_count - max(0, seq)
        newest = itertools.islice(reversed(self._entries), max(0, later))
        return [e for e in newest if name is None or e.name == name][::-1]

    def refused(self, name: str | None = None) -> list[Entry]:
        """Refused requests, oldest first."""
        return [e for e in self._refused if name is None or e.name == name]

    async def wait_after(self, seq: int, name: str | None, timeout_s: float) -> list[Entry]:
        """As `after`, but waits up to `timeout_s` real seconds for the first such entry."""
        try:
            async with asyncio.timeout(timeout_s):
                while not (found := self.after(seq, name)):
                    await self._grown.wait()
        except TimeoutError:
            return []
        return found

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _append(self, entry: Entry) -> int:
        self._accepted_count += 1
        self._entries.append(entry)
        self._write(entry)
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
        return entry.seq

    def _write(self, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(json.dumps(entry.as_json(), separators=(",", ":")) + "\n")
            self._file.flush()


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds and a Z, as AWS writes times."""
    moment = moment.astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _ids(result: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in result.items() if key.endswith("Id") or key == "Id"}


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case datetime():
            return iso(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case _:
            return value
