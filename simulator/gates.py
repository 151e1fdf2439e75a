"""Holds a request after it was carried out and recorded, and before its answer.

A client killed at that moment is a client in doubt: the tests aim at it.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from simulator.wire import Call


class GateOrder(BaseModel):
    """Hold the next `count` matching requests, each for `hold_ms` at most."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    service: str
    operation: str = "*"
    count: int = Field(default=1, ge=1)
    hold_ms: int = Field(default=30_000, ge=1)
    app: str | None = None
    match: dict[str, Any] = Field(default_factory=dict)


@dataclass(slots=True)
class Hold:
    """One request that waits for its answer."""

    id: str
    call: Call
    hold_ms: int
    seq: int = 0
    released: asyncio.Event = field(default_factory=asyncio.Event)

    def as_json(self) -> dict[str, Any]:
        """What `gates/wait` answers."""
        return {
            "gate": self.id,
            "service": self.call.service,
            "operation": self.call.operation,
            "app": self.call.app,
            "seq": self.seq,
        }


class Gates:
    """The orders not yet used up, and the requests held now."""

    def __init__(self) -> None:
        self._orders: list[tuple[GateOrder, list[int]]] = []
        self._holds: dict[str, Hold] = {}
        self._unseen: deque[Hold] = deque()
        self._caught = asyncio.Event()
        self._ids = itertools.count(1)

    def arm(self, order: GateOrder) -> None:
        """Take an order."""
        self._orders.append((order, [order.count]))

    def catch(self, call: Call) -> Hold | None:
        """Take a request into a gate, if one is armed for it. `hold` is then to be called."""
        for order, left in self._orders:
            if matches_call(call, order.service, order.operation, order.app, order.match):
                left[0] -= 1
                if left[0] == 0:
                    self._orders.remove((order, left))
                return Hold(f"g{next(self._ids)}", call, order.hold_ms)
        return None

    async def hold(self, hold: Hold, seq: int) -> None:
        """Keep the caught request, now recorded as `seq`, until it is released or its time is up.

        The time is real time: a moved clock lets nothing out.
        """
        hold.seq = seq
        self._holds[hold.id] = hold
        self._unseen.append(hold)
        self._caught.set()
        try:
            async with asyncio.timeout(hold.hold_ms / 1000):
                await hold.released.wait()
        except TimeoutError:
            return
        finally:
            self._holds.pop(hold.id, None)

    async def wait(self, timeout_s: float) -> Hold | None:
        """The next request held now that no one has been told of; None when none comes in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while (hold := self._next_unseen()) is None:
                    self._caught.clear()
                    await self._caught.wait()
        except TimeoutError:
            return None
        return hold

    def _next_unseen(self) -> Hold | None:
        while self._unseen:
            hold = self._unseen.popleft()
            if hold.id in self._holds:
                return hold
        return None

    def release(self, hold_id: str) -> bool:
        """Let one request be answered; False when it is not held (any more)."""
        hold = self._holds.get(hold_id)
        if hold is not None:
            hold.released.set()
        return hold is not None

    def release_all(self) -> None:
        """Forget all orders, answer all that is held."""
        self._orders.clear()
        self._unseen.clear()
        for hold in self._holds.values():
            hold.released.set()


def matches_call(
    call: Call, service: str, operation: str, app: str | None, match: dict[str, Any]
) -> bool:
    """Whether a request is the one meant; `match` is a part of its params that must be there."""
    if service not in ("*", call.service) or operation not in ("*", call.operation):
        return False
    if app is not None and app != call.app:
        return False
    return contains(call.params, match)


def contains(params: Any, part: Any) -> bool:
    """Whether `part` stands in `params`: objects by their named members, the rest by equality."""
    if isinstance(part, dict):
        return isinstance(params, dict) and all(
            key in params and contains(params[key], item) for key, item in part.items()
        )
    return bool(params == part)
