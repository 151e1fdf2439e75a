"""Acknowledgements in batches: deletes, and changes of visibility.

A batch goes out when it is full, when a moment has passed, or at once when nothing is in flight
that could fill it: the last message of a burst is not kept waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog

from workers.clock import Clock
from workers.errors import SwitchboardError
from workers.metrics import ACKNOWLEDGE_FAILURES, Metrics
from workers.runtime.sqs import MAX_BATCH, Refused, SqsQueue, VisibilityChange

log = structlog.get_logger()

LINGER_S = 0.02
TRIES = 4
PAUSE_S = 0.25
"""Before the second try of what SQS did not take; then doubled."""

EntryT = TypeVar("EntryT", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Call(Generic[EntryT]):
    """A batch call and its name for the metrics."""

    name: str
    send: Callable[[Sequence[EntryT]], Awaitable[list[Refused]]]


class Coalescer(Generic[EntryT]):
    """Gathers entries of one batch call and sends them, each until SQS took it or tries run out.

    What is given up is counted: the message is then delivered again, which every handler bears.
    `is_more_coming` says whether waiting for a fuller batch makes sense.
    """

    def __init__(
        self,
        call: Call[EntryT],
        queue: str,
        *,
        clock: Clock,
        metrics: Metrics,
        is_more_coming: Callable[[], bool],
    ) -> None:
        self._call = call
        self._queue = queue
        self._clock = clock
        self._metrics = metrics
        self._is_more_coming = is_more_coming
        self._waiting: deque[EntryT] = deque()
        self._sending_count = 0
        self._arrived = asyncio.Event()
        self._hurry = asyncio.Event()
        self._flushed = asyncio.Event()
        self._flushed.set()
        self._gathering = asyncio.Lock()
        self._awaited: dict[EntryT, asyncio.Future[bool]] = {}

    @property
    def pending(self) -> int:
        """Entries that SQS has not answered for."""
        return len(self._waiting) + self._sending_count

    def put(self, entry: EntryT) -> None:
        """Send it soon. Does not wait."""
        self._waiting.append(entry)
        self._flushed.clear()
        self._arrived.set()
        if len(self._waiting) >= MAX_BATCH:
            self._hurry.set()

    async def confirmed(self, entry: EntryT) -> bool:
        """Send it soon, with others, and wait for the answer: whether SQS took it."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._awaited[entry] = answer
        self.put(entry)
        return await answer

    def hurry(self) -> None:
        """Nothing more is coming: send what there is."""
        self._hurry.set()

    async def flushed(self) -> None:
        """Wait until nothing is pending."""
        self.hurry()
        await self._flushed.wait()

    async def run(self) -> None:
        """Send batches for ever. Several may run at once: each has one call outstanding."""
        while True:
            async with self._gathering:
                batch = await self._gather()
            try:
                await self._send(batch)
            finally:
                self._sending_count -= len(batch)
                if not self.pending:
                    self._flushed.set()

    async def _gather(self) -> list[EntryT]:
        await self._arrived.wait()
        if len(self._waiting) < MAX_BATCH and self._is_more_coming():
            self._hurry.clear()
            try:
                async with asyncio.timeout(LINGER_S):
                    await self._hurry.wait()
            except TimeoutError:
                pass  # A moment has passed: as full as it gets.
        batch = [self._waiting.popleft() for _ in range(min(MAX_BATCH, len(self._waiting)))]
        self._sending_count += len(batch)
        if not self._waiting:
            self._arrived.clear()
        return batch

    async def _send(self, batch: list[EntryT]) -> None:
        code = ""
        for tried in range(TRIES):
            if tried:
                await self._clock.sleep(PAUSE_S * 2 ** (tried - 1))
            batch, code = await self._try(batch)
            if not batch:
                return
        self._give_up(code, batch)

    async def _try(self, batch: list[EntryT]) -> tuple[list[EntryT], str]:
        """One call. Returns what is to be tried again and why."""
        try:
            refused = await self._call.send(batch)
        except SwitchboardError as error:
            return batch, type(error).__name__
        again: list[EntryT] = []
        code = ""
        for entry in refused:
            if entry.is_sender_fault:
                # The handle is stale: the message is another's, or gone.
                self._give_up(entry.code, [batch[entry.index]])
            else:
                again.append(batch[entry.index])
                code = entry.code
        if self._awaited:
            self._answer(set(batch) - set(again), is_taken=True)
        return again, code

    def _answer(self, entries: Iterable[EntryT], *, is_taken: bool) -> None:
        for entry in entries:
            answer = self._awaited.pop(entry, None)
            if answer is not None and not answer.done():
                answer.set_result(is_taken)

    def _give_up(self, code: str, entries: Sequence[EntryT]) -> None:
        count = len(entries)
        self._answer(entries, is_taken=False)
        self._metrics.add(
            ACKNOWLEDGE_FAILURES, count, queue=self._queue, call=self._call.name, code=code
        )
        log.warning(
            "acknowledgement_given_up",
            sqs_queue=self._queue,
            call=self._call.name,
            code=code,
            count=count,
        )


@dataclass(frozen=True, slots=True)
class Acknowledgers:
    """The two calls by which a queue is told what became of its messages."""

    deletes: Coalescer[str]
    hides: Coalescer[VisibilityChange]

    @property
    def pending(self) -> int:
        """Entries that SQS has not answered for."""
        return self.deletes.pending + self.hides.pending

    def hurry(self) -> None:
        """Nothing more is coming."""
        self.deletes.hurry()
        self.hides.hurry()

    async def flushed(self) -> None:
        """Wait until nothing is pending."""
        await self.deletes.flushed()
        await self.hides.flushed()


def acknowledgers_of(
    queue: SqsQueue, *, clock: Clock, metrics: Metrics, is_more_coming: Callable[[], bool]
) -> Acknowledgers:
    """Both for one queue."""
    return Acknowledgers(
        Coalescer(
            Call("delete", queue.delete),
            queue.name,
            clock=clock,
            metrics=metrics,
            is_more_coming=is_more_coming,
        ),
        Coalescer(
            Call("change_visibility", queue.change_visibility),
            queue.name,
            clock=clock,
            metrics=metrics,
            is_more_coming=is_more_coming,
        ),
    )
