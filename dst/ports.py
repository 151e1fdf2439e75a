"""The queues and tables as a worker reaches them: over its link, as the SDK would.

The SDK repeats what it may: three attempts, with a pause between them. A repeated write finds its
own first copy, a repeated receive leaves what the first one took hidden.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from dst.network import Cut, Link, Unconnected
from dst.witness import Looker, Witness
from schemas.own import Command, encode_command
from workers.errors import Throttled, TransientError
from workers.runtime.memory import MemoryQueue
from workers.runtime.sqs import Message, Outgoing, Refused, VisibilityChange
from workers.stores.expressions import Condition, Item, Remove, Update
from workers.stores.memory import MemoryTable
from workers.stores.tables import Key
from workers.stores.tables import Refused as RefusedItem

Answered = TypeVar("Answered")
ATTEMPTS = 3
PAUSE_S = 0.3


async def _as_the_sdk(
    link: Link, what: str, serve: Callable[[], Awaitable[Answered]], *, is_poll: bool = False
) -> Answered:
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(PAUSE_S * 2**attempt)
        try:
            return await link.call(what, serve, is_poll=is_poll)
        except (Cut, Unconnected):
            continue
    raise TransientError("connection_cut")


class QueuePort:
    """One queue; the runtime's `SqsQueue`."""

    def __init__(self, queue: MemoryQueue, link: Link, witness: Witness) -> None:
        self.name = queue.name
        self._queue = queue
        self._link = link
        self._witness = witness

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_timeout_s: int
    ) -> list[Message]:
        """Poll."""

        async def serve() -> list[Message]:
            taken = await self._queue.receive(
                max_messages, wait_s=wait_s, visibility_timeout_s=visibility_timeout_s
            )
            self._witness.received(self._link.process.name, self.name, taken)
            return taken

        return await _as_the_sdk(self._link, f"receive {self.name}", serve, is_poll=True)

    async def delete(self, receipt_handles: Sequence[str]) -> list[Refused]:
        """Acknowledge."""
        what = f"delete {' '.join(receipt_handles)}"
        return await _as_the_sdk(self._link, what, lambda: self._queue.delete(receipt_handles))

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[Refused]:
        """Hide."""
        what = "hide " + " ".join(
            f"{change.receipt_handle}:{change.visibility_timeout_s}" for change in changes
        )
        return await _as_the_sdk(self._link, what, lambda: self._queue.change_visibility(changes))

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        """Send."""
        return await _as_the_sdk(
            self._link, f"send {self.name}", lambda: self._queue.send(messages)
        )


class TablePort:
    """One table; the stores' `Table`."""

    def __init__(self, table: MemoryTable, link: Link, witness: Witness) -> None:
        self._table = table
        self._link = link
        self._witness = witness

    async def get(self, key: Key, *, consistent: bool) -> Item | None:
        """Read."""
        return await self._seen("get", key, lambda: self._table.get(key, consistent=consistent))

    async def put(self, key: Key, item: Item, condition: Condition | None = None) -> Item | None:
        """Write."""
        return await self._ask("put", key, lambda: self._table.put(key, item, condition))

    async def update(self, key: Key, update: Update) -> Item:
        """Change."""
        item = await self._seen(
            "update", key, lambda: self._table.update(key, update), _told(update)
        )
        return item or {}

    async def delete(self, key: Key) -> bool:
        """Remove."""
        return await self._ask("delete", key, lambda: self._table.delete(key))

    async def query(self, pk: str, sk_prefix: str = "") -> Mapping[str, Item]:
        """List."""
        return await self._ask("query", Key(pk), lambda: self._table.query(pk, sk_prefix))

    async def _seen(
        self,
        name: str,
        key: Key,
        serve: Callable[[], Awaitable[Item | None]],
        told: str = "",
    ) -> Item | None:
        """A call that shows an item, refused or not: the witness looks on."""
        looker = Looker.now(self._link.process.name)

        async def watched() -> Item | None:
            try:
                item = await serve()
            except RefusedItem as refused:
                self._witness.looked(looker, key, refused.item, "refused")
                self._link.tell("is refused", f"{name} {key.pk[:14]} {told}")
                raise
            self._witness.looked(looker, key, item, name)
            return item

        return await self._ask(name, key, watched, told)

    async def _ask(
        self, name: str, key: Key, serve: Callable[[], Awaitable[Answered]], told: str = ""
    ) -> Answered:
        what = f"{name} {key.pk[:14]} {key.sk} {told}".rstrip()
        if self._link.is_throttled_by_store():
            raise Throttled("dynamodb_throttled")
        try:
            return await _as_the_sdk(self._link, what, serve)
        except TransientError:
            self._witness.left_unanswered(self._link.process.name)
            raise


def _told(update: Update) -> str:
    """Which attributes an update touches: enough to know the step."""
    return ",".join(
        ("-" if isinstance(action, Remove) else "") + ".".join(str(part) for part in action.path)
        for action in update.actions
    )


class CommandPort:
    """Our own commands; the relay's `CommandQueue`."""

    def __init__(self, queue: MemoryQueue, link: Link) -> None:
        self._queue = queue
        self._link = link

    async def send(self, command: Command, *, delay_s: int = 0) -> None:
        """Put it on the queue."""
        body = encode_command(command)

        async def serve() -> str:
            return self._queue.put(body, delay_s=delay_s)

        await _as_the_sdk(self._link, "send chat-commands", serve)
