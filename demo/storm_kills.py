"""Kills workers, mostly at the worst moment: a call has been carried out, its answer is not sent.

The simulator holds such a call at a gate and tells which worker made it: every worker's SDK has
an app id of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import sys
from dataclasses import dataclass, field

from infra.local.world import World
from simulator.client import HeldRequest, SimulatorClient
from simulator.gates import GateOrder

FIRST_CHOICE_S = 0.5
AIM_TIMEOUT_S = 8.0
SETTLE_S = 0.6
UNAIMED_EVERY = 4  # three of four are aimed

_SMS, _PARTICIPANT = "pinpoint-sms-voice-v2", "connectparticipant"
OPENING = (
    ("connect", "StartChatContact"),
    ("connect", "StartContactStreaming"),
    (_PARTICIPANT, "CreateParticipantConnection"),
)
RUNNING = ((_PARTICIPANT, "SendMessage"), (_SMS, "SendTextMessage"), (_PARTICIPANT, "SendEvent"))


@dataclass
class NearKill:
    """Tells speakers of the moment in which a kill can swallow an event before it is journalled.

    `number` counts kills, each from the moment in which it is decided on. `is_hushed`: nobody is
    to speak until it is over.
    """

    number: int = 0
    is_near: bool = False
    is_hushed: bool = False
    _over: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, *, hush: bool) -> None:
        """A kill is decided on."""
        self.number += 1
        self.is_near, self.is_hushed = True, hush
        self._over.clear()

    def end(self) -> None:
        """It has been done."""
        self.is_near = self.is_hushed = False
        self._over.set()

    async def until_over(self) -> None:
        """Wait for the kill that is near."""
        if self.is_near:
            await self._over.wait()


@dataclass
class Reaper:
    """Kills one worker every `every_s` and starts it again, until it is told to stop."""

    world: World
    simulator: SimulatorClient
    near: NearKill
    every_s: float
    opening_turns: int
    chance: random.Random
    kills: int = 0
    mid_effect: int = 0
    by_operation: dict[str, int] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Kill and restart. Every worker is up again when it returns."""
        loop = asyncio.get_running_loop()
        restart: asyncio.Task[None] | None = None
        for turn in itertools.count():
            if self._stopping.is_set():
                break
            began = loop.time()
            held = await self._aim(turn)
            if restart is not None:
                await restart  # Never all at once: one worker is up while another is down.
            worker = await self._kill(held)
            restart = asyncio.create_task(self.world.restart(worker), name="restart")
            await self._pause(self.every_s - (loop.time() - began))
        if restart is not None:
            await restart

    def stop(self) -> None:
        """No further kill."""
        self._stopping.set()

    async def _aim(self, turn: int) -> HeldRequest | None:
        """Hold a call that was carried out; None for a kill at any moment, or without traffic.

        Chats open at the beginning only, so the first kills aim at that. A certain call is waited
        for a little before any other will do.
        """
        if turn % UNAIMED_EVERY == UNAIMED_EVERY - 1:
            return None
        is_opening = turn < self.opening_turns
        choices = OPENING if is_opening else RUNNING
        await self._arm(choices[turn % len(choices)])
        held = await self.simulator.wait_gate(FIRST_CHOICE_S)
        if held is None:
            for other in (*OPENING, *RUNNING) if is_opening else RUNNING:
                await self._arm(other)
            held = await self.simulator.wait_gate(AIM_TIMEOUT_S)
        return held

    async def _arm(self, call: tuple[str, str]) -> None:
        service, operation = call
        await self.simulator.arm_gate(GateOrder(service=service, operation=operation))

    async def _kill(self, held: HeldRequest | None) -> int:
        """Kill who waits for the answer, or anybody; returns which worker it was."""
        worker = _worker_of(held)
        if worker is None or not self.world.is_running(worker):
            worker, held = self.chance.randrange(self.world.plan.worker_count), None
        self.near.begin(hush=held is not None)
        await asyncio.sleep(SETTLE_S)
        try:
            await self.world.kill(worker)
        finally:
            self.near.end()
        await self.simulator.clear_gates()
        self._count(worker, held)
        return worker

    def _count(self, worker: int, held: HeldRequest | None) -> None:
        self.kills += 1
        where = "somewhere"
        if held is not None:
            self.mid_effect += 1
            where = held.operation
            self.by_operation[where] = self.by_operation.get(where, 0) + 1
        sys.stderr.write(f"  kill {self.kills}: worker {worker}, in {where}\n")

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._stopping.wait()
        except TimeoutError:
            return


def _worker_of(held: HeldRequest | None) -> int | None:
    if held is None or held.app is None:
        return None
    return int(held.app.rpartition("-")[2])
