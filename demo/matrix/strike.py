"""Numbers the calls of a step, and stops the world around one of them.

When the chosen call comes, the gate falls: from then on no call of this worker reaches a service
and no answer reaches the worker, but for the one answer that "after" lets through. So what the
worker might still do in its last milliseconds is nothing, and a case is the same in every run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Never

from demo.matrix.points import Case, Moment, Point
from demo.proxy import Answer
from demo.wire import CarryOut, WireCall, messages_of

BY_THE_CLOCK = frozenset({"fleet"})
"""Tables that a worker calls now and then, whatever is said: no part of a conversation."""
READ_S = 0.05
"""For the worker to read the last answer that it gets."""


class Strike:
    """An observer of the wire for one cell, used for one case after the other.

    `points` are the calls of the current case, in their order. A poll counts when it has brought
    something: an idle worker polls as often as the clock lets it.
    """

    def __init__(self) -> None:
        self.points: list[Point] = []
        self.struck = asyncio.Event()
        self._case: Case | None = None
        self._script = ""
        self._step = 0
        self._counts: Counter[str] = Counter()
        self._under_way = 0
        self._last_call_at = 0.0
        self._is_shut = False
        self._last_words: WireCall | None = None

    def aim(self, script: str, case: Case | None) -> None:
        """Begin a run; without a case nothing happens in it."""
        self.points = []
        self.struck = asyncio.Event()
        self._case, self._script = case, script
        self.begin_step(0)
        self.open_gate()

    def begin_step(self, step: int) -> None:
        """Count anew. Step 0 is what belongs to no step: its calls are not counted."""
        self._step = step
        self._counts.clear()

    def let_another_through(self) -> None:
        """Open the gate for the worker that takes over, and strike no more."""
        self._case = None
        self.open_gate()

    def open_gate(self) -> None:
        """Let calls through."""
        self._is_shut = False
        self._last_words = None
        self._under_way = 0

    @property
    def has_journalled(self) -> bool:
        """Whether an event of this step was certainly written down before the kill."""
        wanted = ("DynamoDB UpdateItem sessions",)
        done = [p for p in self.points if p.step == self._step and p.call in wanted]
        if self._case is not None and self._case.moment is Moment.BEFORE:
            done = [p for p in done if p != self._case.point]
        return bool(done)

    async def until_quiet(self, seconds: float) -> None:
        """Until for so long nothing but polls was under way."""
        loop = asyncio.get_running_loop()
        while self._under_way or loop.time() - self._last_call_at < seconds:  # noqa: ASYNC110
            await asyncio.sleep(0.05)

    # --- the observer -----------------------------------------------------------------------------

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        """Carry the call out, unless its worker is to die before."""
        await self._pass_gate()
        if call.resource in BY_THE_CLOCK:
            return await carry_out()
        if call.is_poll:
            return await self._poll(call, carry_out)
        point = self._number(call)
        self._begin()
        try:
            if self._is_chosen(point, Moment.BEFORE):
                await self._strike()
            answer = await asyncio.shield(asyncio.ensure_future(carry_out()))
        finally:
            self._end()
        await self._let_go(call, point)
        return answer

    async def answered(self, call: WireCall) -> None:
        """Strike when the last answer has been handed over."""
        if call is self._last_words:
            await asyncio.sleep(READ_S)
            self.struck.set()

    async def _poll(self, call: WireCall, carry_out: CarryOut) -> Answer:
        answer = await carry_out()
        if not messages_of(answer):
            return answer
        if self._is_shut:
            await call.give_back(answer)
            await self._pass_gate()
        point = self._number(call)
        if self._is_chosen(point, Moment.BEFORE):
            # As if the messages had come a moment after the worker's end.
            self._is_shut = True
            await call.give_back(answer)
            await self._strike()
        await self._let_go(call, point)
        return answer

    async def _let_go(self, call: WireCall, point: Point) -> None:
        if self._is_chosen(point, Moment.LOST):
            await self._strike()
        await self._pass_gate()
        if self._is_chosen(point, Moment.AFTER):
            self._is_shut = True
            self._last_words = call

    def _is_chosen(self, point: Point, moment: Moment) -> bool:
        return self._case == Case(point, moment)

    async def _strike(self) -> Never:
        self._is_shut = True
        self.struck.set()
        await asyncio.Event().wait()  # Cancelled by the worker's death.
        raise asyncio.CancelledError

    async def _pass_gate(self) -> None:
        if self._is_shut:
            await asyncio.Event().wait()

    def _number(self, call: WireCall) -> Point:
        self._counts[call.name] += 1
        point = Point(self._script, self._step, call.name, self._counts[call.name])
        if self._step:
            self.points.append(point)
        self._last_call_at = asyncio.get_running_loop().time()
        return point

    def _begin(self) -> None:
        self._under_way += 1

    def _end(self) -> None:
        self._under_way = max(0, self._under_way - 1)
        self._last_call_at = asyncio.get_running_loop().time()
