"""Good and bad spells: what the wire does to calls, when it goes away, when workers are killed.

Order is promised among what is journalled within the hold window. A receive that fails, or a write
to the journal that has to be repeated, may take longer; so those go wrong in rough spells only,
which are announced, and people then say one thing at a time and wait until it was heard. All other
calls go wrong at any time.

The wire's going away is what a restart of the endpoints looks like to a client: every connection is
reset for some seconds. The emulator itself keeps its state in memory and is not restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from dataclasses import dataclass, field

from demo.proxy import Answer
from demo.wire import CarryOut, Ending, SpoiltAnswer, WireCall, messages_of
from infra.local.process import StartError
from infra.local.world import World

CALM_S = 6.0
WARNING_S = 1.5  # for what was said before to be journalled
ROUGH_S = 3.0
OUTAGE_EVERY = 4  # spells
OUTAGE_S = 2.5
ANYTIME_SHARE = 0.0006  # of each kind of fault
ROUGH_SHARE = 0.01
STARTS = 5
LATE_S = 11.0  # more than any read timeout but that of a poll

_ORDER_HANGS_ON = ("SQS ReceiveMessage", "DynamoDB")
JSON_ERRORS = {
    "error_500": (500, "InternalServerError"),
    "error_503": (503, "ServiceUnavailable"),
    "throttle": (400, "ThrottlingException"),
}
FAULTS = (
    *JSON_ERRORS,
    "unreached",  # reset before anything was carried out
    "late",
    *(Ending.RESET.value, Ending.CUT.value, Ending.HALF_CLOSED.value),
)


@dataclass
class Weather:
    """An observer of the wire that spoils calls, and the one who kills.

    `number` grows with each announcement. Worker 0 is never killed: its memory is watched.
    """

    chance: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    redeliveries: int = 0
    kills: int = 0
    outages: int = 0
    number: int = 0
    is_rough: bool = False
    _is_raging: bool = False
    _is_out: bool = False
    _restarts: dict[int, asyncio.Task[None]] = field(default_factory=dict)

    async def change(self, world: World) -> None:
        """Spell after spell, until cancelled."""
        while True:
            await asyncio.sleep(CALM_S)
            await self._rage(world)

    async def settle(self) -> None:
        """Nothing goes wrong any more; every worker is up again."""
        self.is_rough = self._is_raging = self._is_out = False
        await asyncio.gather(*self._restarts.values())

    async def _rage(self, world: World) -> None:
        self.number += 1
        self.is_rough = True
        await asyncio.sleep(WARNING_S)
        self._is_raging = True
        kill_after_s = self.chance.uniform(0, ROUGH_S)
        await asyncio.sleep(kill_after_s)
        await self._kill_one(world)
        if self.number % OUTAGE_EVERY == 0:
            self.outages += 1
            self._is_out = True
            await asyncio.sleep(OUTAGE_S)
            self._is_out = False
        await asyncio.sleep(ROUGH_S - kill_after_s)
        self._is_raging = self.is_rough = False

    async def _kill_one(self, world: World) -> None:
        up = [w for w in range(1, world.plan.worker_count) if w not in self._restarts]
        if not up:
            return
        worker = self.chance.choice(up)
        await world.kill(worker)
        self.kills += 1
        restart = asyncio.create_task(_start_again(world, worker), name=f"restart {worker}")
        self._restarts[worker] = restart
        restart.add_done_callback(lambda _: self._restarts.pop(worker))

    # --- the observer -----------------------------------------------------------------------------

    async def around(self, call: WireCall, carry_out: CarryOut) -> Answer:
        """Carry it out, or do to it what the weather does."""
        if self._is_out:
            return SpoiltAnswer(503, b"", {}, Ending.RESET)
        fault = self._pick(call)
        if fault is None:
            return self._counted(call, await carry_out())
        self.faults[f"{call.service} {call.operation}: {fault}"] += 1
        return await spoil(call, fault, carry_out)

    async def answered(self, call: WireCall) -> None:
        """Nothing is done after an answer."""

    def _pick(self, call: WireCall) -> str | None:
        share = ROUGH_SHARE if self._is_raging else ANYTIME_SHARE
        if not self._is_raging and call.name.startswith(_ORDER_HANGS_ON):
            return None
        if self.chance.random() >= share * len(FAULTS):
            return None
        fault = self.chance.choice(FAULTS)
        return None if call.is_poll and fault == "late" else fault

    def _counted(self, call: WireCall, answer: Answer) -> Answer:
        if call.is_poll:
            for message in messages_of(answer):
                received = message.get("Attributes", {}).get("ApproximateReceiveCount", "1")
                self.redeliveries += int(received) > 1
        return answer


async def _start_again(world: World, worker: int) -> None:
    """As a platform does: a worker that did not come up, on such a wire, is started anew."""
    for _ in range(STARTS):
        with contextlib.suppress(StartError):
            await world.restart(worker)
            return


async def spoil(call: WireCall, fault: str, carry_out: CarryOut) -> Answer:
    """Answer a call with one of `FAULTS`. What a spoilt poll had brought is shown again."""
    if fault in JSON_ERRORS:
        status, code = JSON_ERRORS[fault]
        body = json.dumps({"__type": code, "message": "spoilt on the wire"}).encode()
        headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-ErrorType": code}
        return Answer(status, body, headers)
    if fault == "unreached":
        return SpoiltAnswer(503, b"", {}, Ending.RESET)
    answer = await carry_out()
    if call.is_poll:
        await call.give_back(answer)
    if fault == "late":
        await asyncio.sleep(LATE_S)
        return answer
    return SpoiltAnswer(answer.status, answer.body, answer.headers, Ending(fault))
