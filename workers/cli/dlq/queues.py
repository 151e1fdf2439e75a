"""What is done to the queues: a look that gives everything back, a way back, and a way out.

A look takes messages for at most a minute, so that SQS does not hand out the same ones again, and
returns them with a visibility timeout of 0 before it ends, whatever ends it. Killed in between,
they are visible again after that minute.

On its way back a message is sent first and deleted from the DLQ then, and the journal has a line
before and after the send. Killed between the two, the next run finds "sent" and only deletes. What
stands at "sending" may have been sent or not: it is sent again, for nothing may be lost, and
handlers know for 15 days what they have seen.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

from workers.cli.dlq.copy import Copy, Step
from workers.cli.dlq.letters import Letter, of_message
from workers.cli.replay.sending import Pace
from workers.clock import Clock
from workers.errors import PermanentError, TransientError
from workers.runtime.dead_letters import record_key
from workers.runtime.sqs import (
    FIFO_SUFFIX,
    MAX_BATCH,
    Message,
    Outgoing,
    SqsQueue,
    VisibilityChange,
)
from workers.stores.deliveries import TableDeliveries

HIDDEN_S: Final = 60
_LOOK_AT_MOST_S: Final = 45
_POLL_S: Final = 1
_NOTHING_NEW_MAX: Final = 3
"""So many polls in a row that bring only what was seen: the rest is in others' hands."""

Record = Callable[[Letter], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pair:
    """A queue, and its dead-letter queue."""

    source: SqsQueue
    dlq: SqsQueue


async def looked_at(
    pair: Pair, records: TableDeliveries, clock: Clock, *, limit: int
) -> tuple[list[Letter], bool]:
    """The letters of one DLQ, all given back; and whether there are more of them.

    Raises:
        SwitchboardError: SQS or the table did not answer.
    """
    letters: dict[str, Letter] = {}
    async with aclosing(_taken(pair.dlq, clock, MAX_BATCH)) as messages:
        async for message in messages:
            letters[message.message_id] = await _letter(pair.source.name, message, records)
            if len(letters) >= limit:
                return list(letters.values()), True
    return list(letters.values()), False


async def _letter(queue: str, message: Message, records: TableDeliveries) -> Letter:
    record = None
    if not message.attributes:
        record = await records.dead_letter(queue, record_key(message.body))
    return of_message(queue, message, record)


async def _taken(
    dlq: SqsQueue, clock: Clock, at_once: int, kept: set[str] | None = None
) -> AsyncGenerator[Message, None]:
    """Every message once. Those that are not in `kept` when it ends are given back."""
    handles: dict[str, str] = {}
    until_s = clock.monotonic() + _LOOK_AT_MOST_S
    stale = 0
    try:
        while stale < _NOTHING_NEW_MAX and (kept is not None or clock.monotonic() < until_s):
            batch = await dlq.receive(at_once, wait_s=_POLL_S, visibility_timeout_s=HIDDEN_S)
            if not batch:
                return
            new = [each for each in batch if each.message_id not in handles]
            handles |= {each.message_id: each.receipt_handle for each in batch}
            stale = 0 if new else stale + 1
            for message in new:
                yield message
    finally:
        left = [handle for each, handle in handles.items() if each not in (kept or ())]
        for start in range(0, len(left), MAX_BATCH):
            # One whose minute is over is visible already, and SQS says so of it.
            await dlq.change_visibility(
                [VisibilityChange(handle, 0) for handle in left[start : start + MAX_BATCH]]
            )


@dataclass(slots=True)
class Tally:
    """What came of a redrive or a drop, by letters' ids.

    Attributes:
        done: out of the DLQ.
        finished: of those, what an earlier run had sent: only deleted now.
        doubtful: of those, what an earlier run may have sent: sent again.
        refused: what SQS does not take, with its word; still in the DLQ.
        missing: not met in the DLQ.
    """

    done: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Work:
    """How letters leave a DLQ. `record` writes the audit line, before anything is done."""

    copy: Copy
    record: Record
    clock: Clock
    rate_per_s: float

    async def redrive(self, pair: Pair, letters: Sequence[Letter], tally: Tally) -> None:
        """Send each to its queue and delete it from the DLQ. What is done stands in the tally.

        Raises:
            SwitchboardError: AWS did not do it. The next run goes on.
            OSError: the journal cannot be written.
        """
        steps = self.copy.steps()

        async def send(letter: Letter) -> bool:
            return await self._send(pair.source, letter, steps.get(letter.message_id), tally)

        await self._each(pair, letters, tally, send)

    async def drop(self, pair: Pair, letters: Sequence[Letter], tally: Tally) -> None:
        """Delete each from the DLQ. Raises as `redrive`."""

        async def nothing(letter: Letter) -> bool:
            await self.record(letter)
            return True

        await self._each(pair, letters, tally, nothing)

    async def _each(
        self,
        pair: Pair,
        letters: Sequence[Letter],
        tally: Tally,
        work: Callable[[Letter], Awaitable[bool]],
    ) -> None:
        wanted: Mapping[str, Letter] = {each.message_id: each for each in letters}
        left, kept = set(wanted), set[str]()
        pace = Pace(self.rate_per_s, self.clock)
        # No more at once than their minute lasts for.
        at_once = max(1, min(MAX_BATCH, int(self.rate_per_s * HIDDEN_S / 3)))
        async with aclosing(_taken(pair.dlq, self.clock, at_once, kept)) as messages:
            async for message in messages:
                if message.message_id not in left:
                    continue
                await pace.wait(1)
                letter = of_message(pair.source.name, message, wanted[message.message_id].reasons)
                left.discard(letter.message_id)
                if not await work(letter):
                    continue
                await _deleted(pair.dlq, message)
                kept.add(letter.message_id)
                self.copy.note(letter.message_id, Step.GONE)
                tally.done.append(letter.message_id)
                if not left:
                    break
        tally.missing += sorted(left)

    async def _send(self, queue: SqsQueue, letter: Letter, step: Step | None, tally: Tally) -> bool:
        if step is Step.SENT:
            tally.finished.append(letter.message_id)
            return True
        if step is Step.SENDING:
            tally.doubtful.append(letter.message_id)
        await self.record(letter)
        self.copy.note(letter.message_id, Step.SENDING)
        for refused in await queue.send([_outgoing(queue, letter)]):
            if not refused.is_sender_fault:
                raise TransientError("sqs_refused_entries")
            tally.refused[letter.message_id] = refused.code
            self.copy.note(letter.message_id, Step.GONE)  # Nothing went out: not in doubt.
            return False
        self.copy.note(letter.message_id, Step.SENT)
        return True


def _outgoing(queue: SqsQueue, letter: Letter) -> Outgoing:
    if not queue.name.endswith(FIFO_SUFFIX):
        return Outgoing(letter.body, letter.originals, letter.group)
    return Outgoing(
        letter.body,
        letter.originals,
        group=letter.group or letter.message_id,
        deduplication_id=letter.message_id,  # A run that repeats a doubtful send sends no second.
    )


async def _deleted(dlq: SqsQueue, message: Message) -> None:
    refused = await dlq.delete([message.receipt_handle])
    if refused:
        raise PermanentError(f"not_deleted_{refused[0].code}", operation="DeleteMessageBatch")
