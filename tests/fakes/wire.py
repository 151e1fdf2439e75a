"""How a call travels to a service and back: where tests put faults, delays and kills."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from workers.stores.expressions import Condition, Item, Update
from workers.stores.tables import Key, Table

T = TypeVar("T")


class Wire(Protocol):
    """Carries one call, named `service.method`."""

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        """Let the service accept the call, and bring its answer. May raise instead of either."""
        ...


@dataclass(frozen=True, slots=True)
class _Fault:
    error: Exception
    is_accepted: bool


class Faults:
    """A wire that works, but for what a test plans. `calls` is every call that was tried."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._planned: dict[str, deque[_Fault]] = defaultdict(deque)
        self._lasting: dict[str, Exception] = {}
        self._before: dict[str, Callable[[], Awaitable[None]]] = {}
        self._after: dict[str, Callable[[], Awaitable[None]]] = {}
        self._moves = asyncio.Event()
        self._moves.set()

    def refuse(self, call: str, *errors: Exception) -> None:
        """The next calls of this name are refused in turn, without being accepted."""
        self._planned[call].extend(_Fault(error, is_accepted=False) for error in errors)

    def lose_answer(self, call: str, error: Exception) -> None:
        """The next call of this name is accepted, and its answer is lost."""
        self._planned[call].append(_Fault(error, is_accepted=True))

    def down(self, call: str, error: Exception) -> None:
        """Every call of this name is refused until `up`."""
        self._lasting[call] = error

    def up(self, call: str) -> None:
        """The service is back."""
        del self._lasting[call]

    def meanwhile(self, call: str, happens: Callable[[], Awaitable[None]]) -> None:
        """Once, just before the next call of this name arrives: what somebody else does then."""
        self._before[call] = happens

    def before_the_answer(self, call: str, happens: Callable[[], Awaitable[None]]) -> None:
        """Once, when the next call of this name was accepted and its answer is on its way."""
        self._after[call] = happens

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """The process is paused by its machine: whatever it would call next comes after this."""
        self._moves.clear()
        try:
            yield
        finally:
            self._moves.set()

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        """Carry the call, unless it is planned otherwise."""
        await self._moves.wait()
        self.calls.append(call)
        happens = self._before.pop(call, None)
        if happens is not None:
            await happens()
        if call in self._lasting:
            raise self._lasting[call]
        fault = self._planned[call].popleft() if self._planned[call] else None
        if fault is None:
            answer = await accept()
            happens = self._after.pop(call, None)
            if happens is not None:
                await happens()
            return answer
        if fault.is_accepted:
            await accept()
        raise fault.error


class WiredTable:
    """A table at the other end of a wire. The name of each call says which table it was."""

    def __init__(self, table: Table, wire: Wire, name: str = "table") -> None:
        self._table = table
        self._wire = wire
        self._name = name

    async def get(self, key: Key, *, consistent: bool) -> Item | None:
        """The item, if there is one."""
        return await self._wire.carry(
            f"{self._name}.get", lambda: self._table.get(key, consistent=consistent)
        )

    async def put(self, key: Key, item: Item, condition: Condition | None = None) -> Item | None:
        """Write a whole item; returns what stood there."""
        return await self._wire.carry(
            f"{self._name}.put", lambda: self._table.put(key, item, condition)
        )

    async def update(self, key: Key, update: Update) -> Item:
        """Change one item, or make it."""
        return await self._wire.carry(
            f"{self._name}.update", lambda: self._table.update(key, update)
        )

    async def delete(self, key: Key) -> bool:
        """Remove an item."""
        return await self._wire.carry(f"{self._name}.delete", lambda: self._table.delete(key))

    async def query(self, pk: str, sk_prefix: str = "") -> Mapping[str, Item]:
        """Every item of a partition."""
        return await self._wire.carry(
            f"{self._name}.query", lambda: self._table.query(pk, sk_prefix)
        )
