"""An SQS queue in memory, with real visibility, receive counts, refusals and duplicates.

For tests and for the deterministic simulation; `tests/contract/runtime` holds it to what a real
endpoint does.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from workers.clock import Clock
from workers.runtime.sqs import FIFO_SUFFIX, Attribute, Message, Outgoing, Refused, VisibilityChange

DEDUPLICATION_S = 300
"""SQS developer guide, "Using the message deduplication ID": five minutes, deleted or not."""


@dataclass(slots=True)
class _Stored:
    outgoing: Outgoing
    message_id: str
    sent_at: datetime
    visible_at: float
    receive_count: int = 0
    first_received_at: datetime | None = None
    receipt_handle: str = ""


@dataclass(slots=True)
class Knobs:
    """Faults.

    Attributes:
        before: awaited before each call, with its name: may sleep, or raise one of our errors.
        after: the same, once the call has been done: its answer is lost when this raises.
        refuse: asked for each entry (call name, message id); an error code refuses it.
        is_sender_fault: what refused entries say of whose fault it is.
        deliver_twice: asked for each message received; True leaves it visible as well.
    """

    before: Callable[[str], Awaitable[None]] | None = None
    after: Callable[[str], Awaitable[None]] | None = None
    refuse: Callable[[str, str], str | None] | None = None
    is_sender_fault: bool = False
    deliver_twice: Callable[[str], bool] | None = None


class MemoryQueue:
    """A standard queue or, when its name ends in .fifo, a FIFO queue.

    A FIFO queue hands out none of a group while one of it is in flight, keeps the place of what is
    given back, and takes the same deduplication id once in five minutes (the body's digest where
    none is given). `calls` counts what was asked of it, by the name of the method.
    """

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.knobs = Knobs()
        self.calls: Counter[str] = Counter()
        self.asked: list[int] = []
        self._clock = clock
        self._stored: dict[str, _Stored] = {}
        self._handles: dict[str, str] = {}
        self._ids = count(1)
        self._sent = asyncio.Event()
        self._is_fifo = name.endswith(FIFO_SUFFIX)
        self._deduplicated: dict[str, tuple[float, str]] = {}

    def put(
        self,
        body: str,
        attributes: dict[str, str] | None = None,
        *,
        group: str | None = None,
        delay_s: float = 0.0,
    ) -> str:
        """Send a message at once; it is seen after `delay_s`. Returns its id."""
        text = {name: Attribute("String", value) for name, value in (attributes or {}).items()}
        return self._store(Outgoing(body, text, group=group), delay_s)

    def __len__(self) -> int:
        """How many messages it has, hidden ones included."""
        return len(self._stored)

    @property
    def messages(self) -> list[Outgoing]:
        """What it has, oldest first."""
        return [stored.outgoing for stored in self._stored.values()]

    def hidden_s(self, message_id: str) -> float:
        """How long a message stays invisible from now; 0 when it is visible."""
        return max(0.0, self._stored[message_id].visible_at - self._clock.monotonic())

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_timeout_s: int
    ) -> list[Message]:
        """Up to `max_messages` in the order in which they became visible."""
        self.asked.append(max_messages)
        await self._begin("receive")
        until = self._clock.monotonic() + wait_s
        while not (found := self._visible()[:max_messages]):
            if not await self._wait_for_one(until):
                break
        messages = [self._hand_out(stored, visibility_timeout_s) for stored in found]
        await self._end("receive")
        return messages

    async def delete(self, receipt_handles: Sequence[str]) -> list[Refused]:
        """Delete; as on SQS, one that is gone already is no failure."""
        await self._begin("delete")
        refused = []
        for index, handle in enumerate(receipt_handles):
            message_id = self._handles.get(handle, "")
            if code := self._refusal("delete", message_id):
                refused.append(Refused(index, code, self.knobs.is_sender_fault))
                continue
            stored = self._stored.get(message_id)
            if stored is not None and stored.receipt_handle == handle:
                del self._stored[message_id]
                self._sent.set()  # Of a FIFO group the next may come.
        await self._end("delete")
        return refused

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[Refused]:
        """Hide; refuses what is visible, received anew or gone."""
        await self._begin("change_visibility")
        refused = []
        for index, change in enumerate(changes):
            message_id = self._handles.get(change.receipt_handle, "")
            if code := self._refusal("change_visibility", message_id):
                refused.append(Refused(index, code, self.knobs.is_sender_fault))
            elif not self._hide(message_id, change):
                refused.append(Refused(index, "MessageNotInflight", is_sender_fault=True))
        await self._end("change_visibility")
        return refused

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        """Store."""
        await self._begin("send")
        refused = []
        for index, outgoing in enumerate(messages):
            if code := self._refusal("send", outgoing.body):
                refused.append(Refused(index, code, self.knobs.is_sender_fault))
            elif self._is_fifo and outgoing.group is None:
                refused.append(Refused(index, "MissingParameter", is_sender_fault=True))
            else:
                self._store(outgoing)
        await self._end("send")
        return refused

    def _store(self, outgoing: Outgoing, delay_s: float = 0.0) -> str:
        message_id = f"{self.name}-{next(self._ids)}"
        if self._is_fifo and (known := self._first_of(outgoing, message_id)) != message_id:
            return known
        now = self._clock
        self._stored[message_id] = _Stored(
            outgoing, message_id, _whole_ms(now.now()), now.monotonic() + delay_s
        )
        self._sent.set()
        return message_id

    def _first_of(self, outgoing: Outgoing, message_id: str) -> str:
        """The id of the message that had this deduplication id first, within the window."""
        content = hashlib.sha256(outgoing.body.encode()).hexdigest()
        deduplication_id = outgoing.deduplication_id or content
        now = self._clock.monotonic()
        at, first_id = self._deduplicated.get(deduplication_id, (now, message_id))
        if now - at >= DEDUPLICATION_S:
            at, first_id = now, message_id
        self._deduplicated[deduplication_id] = (at, first_id)
        return first_id

    def _visible(self) -> list[_Stored]:
        now = self._clock.monotonic()
        if self._is_fifo:
            stored = self._stored.values()
            locked = {each.outgoing.group for each in stored if each.visible_at > now}
            return [each for each in stored if each.outgoing.group not in locked]
        visible = [stored for stored in self._stored.values() if stored.visible_at <= now]
        return sorted(visible, key=lambda stored: stored.visible_at)

    async def _wait_for_one(self, until: float) -> bool:
        """Wait until something may be visible. False when the poll's time is over."""
        now = self._clock.monotonic()
        if now >= until:
            return False
        hidden_until = (each.visible_at for each in self._stored.values() if each.visible_at > now)
        next_at = min(hidden_until, default=until)
        self._sent.clear()
        try:
            async with asyncio.timeout(min(next_at, until) - now):
                await self._sent.wait()
        except TimeoutError:
            pass  # Perhaps a message's visibility timeout is over: look again.
        return True

    def _hand_out(self, stored: _Stored, visibility_timeout_s: int) -> Message:
        stored.receive_count += 1
        stored.first_received_at = stored.first_received_at or _whole_ms(self._clock.now())
        stored.receipt_handle = f"{stored.message_id}/{stored.receive_count}"
        self._handles[stored.receipt_handle] = stored.message_id
        twice = self.knobs.deliver_twice is not None and self.knobs.deliver_twice(stored.message_id)
        if not twice:
            stored.visible_at = self._clock.monotonic() + visibility_timeout_s
        return Message(
            message_id=stored.message_id,
            receipt_handle=stored.receipt_handle,
            body=stored.outgoing.body,
            attributes=stored.outgoing.attributes,
            receive_count=stored.receive_count,
            sent_at=stored.sent_at,
            first_received_at=stored.first_received_at,
            group=stored.outgoing.group,
        )

    def _hide(self, message_id: str, change: VisibilityChange) -> bool:
        stored = self._stored.get(message_id)
        now = self._clock.monotonic()
        if (
            stored is None
            or stored.receipt_handle != change.receipt_handle
            or stored.visible_at <= now
        ):
            return False
        stored.visible_at = now + change.visibility_timeout_s
        self._sent.set()
        return True

    def _refusal(self, call: str, subject: str) -> str | None:
        return self.knobs.refuse(call, subject) if self.knobs.refuse else None

    async def _begin(self, call: str) -> None:
        self.calls[call] += 1
        if self.knobs.before is not None:
            await self.knobs.before(call)

    async def _end(self, call: str) -> None:
        if self.knobs.after is not None:
            await self.knobs.after(call)


def _whole_ms(moment: datetime) -> datetime:
    """SQS's own times have no more than milliseconds."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
