"""How many calls the fleet may have in the air: a place is taken before a call is claimed.

A place that nobody gave back (its worker was killed) is free again after the longest call.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from workers.errors import TransientError
from workers.handlers.reminders.deps import Deps
from workers.stores.call_records import RecordMoved

_TRIES: Final = 8


def place_of(rid: str, attempt: int) -> str:
    """The name of an attempt's place, of its ClientToken, and of its entry among the contacts."""
    return f"{rid}.{attempt}"


class Air:
    """The places of the fleet."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        # One at a time in a process: only other processes are met by the condition on the write.
        self._turn = asyncio.Lock()

    async def take(self, place: str) -> bool:
        """Take a place, or keep one's own; False when all are taken."""
        async with self._turn:
            return await self._take(place)

    async def leave(self, place: str) -> None:
        """Give a place back, if it is taken."""
        async with self._turn:
            await self._leave(place)

    async def _take(self, place: str) -> bool:
        rules = self._deps.config.reminders
        for _ in range(_TRIES):
            now_ms = self._deps.clock.now_ms()
            air = await self._deps.calls.in_air()
            floor_ms = now_ms - rules.call_max_s * 1000
            on = {name: ms for name, ms in air.calls.items() if ms > floor_ms}
            if place in on:
                return True
            if len(on) >= rules.in_air_max:
                return False
            try:
                await self._deps.calls.save_in_air(replace(air, calls={**on, place: now_ms}))
            except RecordMoved:
                continue
            return True
        raise TransientError("in_air_contended", after_s=1.0)

    async def _leave(self, place: str) -> None:
        for _ in range(_TRIES):
            air = await self._deps.calls.in_air()
            if place not in air.calls:
                return
            left = {name: ms for name, ms in air.calls.items() if name != place}
            try:
                await self._deps.calls.save_in_air(replace(air, calls=left))
            except RecordMoved:
                continue
            return
        raise TransientError("in_air_contended", after_s=1.0)
