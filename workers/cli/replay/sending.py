"""A replay at work: documents in, messages out at a rate, and each accepted batch noted."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final, Protocol

from schemas.archive import UnreadableError, read_documents
from workers.cli.replay.plan import Left, Planned, Planner, Skipped
from workers.cli.replay.progress import Place, Progress
from workers.cli.replay.source import ArchiveFile, Source
from workers.clock import Clock
from workers.errors import AccountProblem, PermanentError, Throttled, TransientError
from workers.runtime.sqs import MAX_BATCH, MAX_BATCH_BYTES, Outgoing, SqsQueue

PAGE_RECORDS: Final = MAX_BATCH
"""Consecutive records that are sent together and noted once."""

TRIES: Final = 6
BACKOFF_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Record:
    """One message and its place: the `number`-th document of its file, counted from 1."""

    file: str
    number: int
    planned: Planned


class Witness(Protocol):
    """Who is told what happens."""

    def planned(self, record: Record) -> None:
        """A message is about to be sent, or would be."""
        ...

    def left(self, file: str, number: int, reason: str) -> None:
        """A document, or the rest of a file, goes nowhere."""
        ...

    def moved(self, tally: Tally, file: str) -> None:
        """A batch is through."""
        ...


@dataclass(slots=True)
class Tally:
    """What came of a replay.

    Attributes:
        records: documents looked at in this run.
        accepted: messages by queue that SQS took; those that it would be given in a dry run.
        left: what was left out and reported, by reason.
        skipped: what needed nothing, by reason.
        left_before: left out in earlier runs of the same state.
        records_before: documents that earlier runs had been through.
    """

    files: int = 0
    records: int = 0
    accepted: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    left_before: int = 0
    records_before: int = 0

    @property
    def is_whole(self) -> bool:
        """Nothing was left out, in this run and before."""
        return not self.left and not self.left_before


class Pace:
    """Holds to a rate, in messages a second; time that was lost is not made up for."""

    def __init__(self, rate_per_s: float, clock: Clock) -> None:
        self._rate_per_s = rate_per_s
        self._clock = clock
        self._next_s = clock.monotonic()

    async def wait(self, count: int) -> None:
        """Until `count` more may go."""
        now_s = self._clock.monotonic()
        if now_s < self._next_s:
            await self._clock.sleep(self._next_s - now_s)
        self._next_s = max(now_s, self._next_s) + count / self._rate_per_s


class Dispatch(Protocol):
    """Where planned messages go. Gives back those that SQS will never take, with its word."""

    async def __call__(self, page: Sequence[Record]) -> list[tuple[Record, str]]:
        """Raises `SwitchboardError` when it is not certain that all were taken."""
        ...


class ToQueues:
    """Sends each message to its queue, in batches; repeats what may be repeated."""

    def __init__(self, queues: Mapping[str, SqsQueue], pace: Pace, clock: Clock) -> None:
        self._queues = queues
        self._pace = pace
        self._clock = clock

    async def __call__(self, page: Sequence[Record]) -> list[tuple[Record, str]]:
        """All batches of the page at once."""
        await self._pace.wait(len(page))
        refused = await asyncio.gather(*(self._send(batch) for batch in _batches(page)))
        return [one for batch in refused for one in batch]

    async def _send(self, batch: Sequence[Record]) -> list[tuple[Record, str]]:
        queue = self._queues[batch[0].planned.queue]
        refused: list[tuple[Record, str]] = []
        waiting = list(batch)
        for again in range(TRIES):
            try:
                answers = await queue.send([Outgoing(record.planned.body) for record in waiting])
            except TransientError:
                # A batch that was perhaps taken may go again: handlers know what they have seen.
                if again == TRIES - 1:
                    raise
            else:
                at_fault = [one for one in answers if one.is_sender_fault]
                refused += [(waiting[one.index], one.code) for one in at_fault]
                waiting = [waiting[one.index] for one in answers if not one.is_sender_fault]
            if not waiting:
                return refused
            await self._clock.sleep(BACKOFF_S * 2**again)
        raise Throttled("sqs_refused_entries")


async def to_nowhere(page: Sequence[Record]) -> list[tuple[Record, str]]:  # noqa: ARG001
    """A dry run's dispatch."""
    return []


class Replay:
    """One run over an archive."""

    def __init__(
        self, planner: Planner, progress: Progress, dispatch: Dispatch, witness: Witness
    ) -> None:
        self.tally = Tally()
        self._planner = planner
        self._progress = progress
        self._dispatch = dispatch
        self._witness = witness

    async def run(self, source: Source) -> Tally:
        """Replay all files.

        Raises:
            SwitchboardError: AWS did not do it. What was accepted is noted.
        """
        files = await source.files()
        for file in files:
            place = self._progress.of(file)
            self.tally.left_before += place.left
            self.tally.records_before += place.records
            if not place.is_done:
                await self._file(source, file, place)
            self.tally.files += 1
        return self.tally

    async def _file(self, source: Source, file: ArchiveFile, place: Place) -> None:
        try:
            stream = await source.open(file)
        except OSError as exc:
            self._leave(file, place.records, exc.strerror or type(exc).__name__)
            return
        except PermanentError as exc:
            if isinstance(exc, AccountProblem):
                raise  # The next object would fare no better than this one, archived or replaced.
            self._leave(file, place.records, exc.reason)
            return
        with closing(stream):
            reading = _Reading(file, place)
            try:
                for number, piece in enumerate(read_documents(stream), 1):
                    if number > place.records:
                        await self._take(reading, number, list(self._planner.plan(piece)))
            except UnreadableError as exc:
                await self._send(reading)  # What stood before the break is good.
                self._leave(file, reading.seen + 1, exc.reason)
                return
        await self._send(reading, is_done=True)

    async def _take(
        self, reading: _Reading, number: int, plannings: Sequence[Planned | Left | Skipped]
    ) -> None:
        self.tally.records += 1
        for planning in plannings:
            match planning:
                case Planned():
                    record = Record(reading.file.name, number, planning)
                    self._witness.planned(record)
                    reading.page.append(record)
                case Left(reason):
                    self._leave(reading.file, number, reason)
                    reading.left += 1
                case Skipped(reason):
                    self.tally.skipped[reason] += 1
        reading.seen = number
        if len(reading.page) >= PAGE_RECORDS:
            await self._send(reading)

    async def _send(self, reading: _Reading, *, is_done: bool = False) -> None:
        page, reading.page = reading.page, []
        refused = await self._dispatch(page) if page else []
        for record, code in refused:
            self._leave(reading.file, record.number, f"sqs_refused {code}".rstrip())
            reading.left += 1
        lost = {id(record) for record, _ in refused}
        for record in page:
            if id(record) not in lost:
                self.tally.accepted[record.planned.queue] += 1
                self.tally.classes[record.planned.events[0].event_class] += 1
        self._progress.note(reading.file, Place(reading.seen, reading.left, is_done))
        self._witness.moved(self.tally, reading.file.name)

    def _leave(self, file: ArchiveFile, number: int, reason: str) -> None:
        self.tally.left[reason] += 1
        self._witness.left(file.name, number, reason)


@dataclass(slots=True)
class _Reading:
    """A file while it is read: what waits to be sent, and how far all before it has come."""

    file: ArchiveFile
    place: Place
    page: list[Record] = field(default_factory=list)
    seen: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        self.seen, self.left = self.place.records, self.place.left


def _batches(page: Sequence[Record]) -> list[list[Record]]:
    """By queue, in the order of the archive, as large as SQS takes them."""
    batches: list[list[Record]] = []
    open_ones: dict[str, tuple[list[Record], int]] = {}
    for record in page:
        queue, size = record.planned.queue, len(record.planned.body)
        batch, held = open_ones.get(queue, ([], 0))
        if not batch or len(batch) == MAX_BATCH or held + size > MAX_BATCH_BYTES:
            batch, held = [], 0
            batches.append(batch)
        batch.append(record)
        open_ones[queue] = (batch, held + size)
    return batches
