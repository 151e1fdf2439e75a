"""People in four zones with an appointment, how each takes the call, and how it must end."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dateutil import tz

from demo.act_two.account import CALLS_CONFIG, calling_account
from infra.local.world import OtherTime, World, WorldPlan
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import NoSuchCallError, SeenCall, Telephones

BRAND, NAME = "Northwind Clinic", "check-ups"
SEATTLE, DENVER, CHICAGO, NEW_YORK = (
    f"America/{city}" for city in ("Los_Angeles", "Denver", "Chicago", "New_York")
)
BEGINS = timedelta(hours=7, minutes=20)
"""By Seattle's clocks, when the world is begun. Nobody is called anywhere before nine."""
RATE = 600.0
FIRST_HOUR, LAST_HOUR = 9, 20
OPEN_STATES = frozenset({"asked", "waiting", "calling"})
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.5


def _answers(keys: str) -> CalleePlan:
    return CalleePlan(behaviour="answers", keys=keys, talks_s=20)


BUSY, AWAY = CalleePlan(behaviour="busy"), CalleePlan(behaviour="no_answer")


@dataclass(frozen=True, slots=True)
class Callee:
    """Somebody on the list. `calls` is how each of their calls goes."""

    name: str
    number: str
    zone: str
    calls: tuple[CalleePlan, ...]
    ends: str


CALLEES = (
    Callee("Ann", "+12065550141", SEATTLE, (_answers("1"),), "confirmed"),
    Callee("Ben", "+12065550142", SEATTLE, (BUSY, _answers("1")), "confirmed"),
    Callee("Cy", "+12065550143", SEATTLE, (_answers("-2"),), "another_time"),
    Callee("Dee", "+13035550144", DENVER, (_answers("3"),), "talked_to_agent"),
    Callee("Eli", "+13035550145", DENVER, (AWAY, AWAY), "no_answer"),
    Callee("Fay", "+13035550146", DENVER, (_answers("1"),), "confirmed"),
    Callee("Gus", "+13125550147", CHICAGO, (_answers("9"),), "opted_out"),
    Callee("Hal", "+13125550148", CHICAGO, (_answers(""),), "human"),
    Callee("Ida", "+13125550149", CHICAGO, (CalleePlan(behaviour="invalid"),), "failed"),
    Callee("Jo", "+12125550150", NEW_YORK, (BUSY, BUSY), "busy"),
    Callee("Kim", "+12125550151", NEW_YORK, (AWAY, _answers("1")), "confirmed"),
    Callee("Lea", "+12125550152", NEW_YORK, (_answers("1"),), "confirmed"),
)


@dataclass(frozen=True)
class Rung:
    """What rang, how the rows of the report ended, the report as a person sees it, and how long."""

    calls: Sequence[SeenCall]
    states: dict[str, str]
    report: str
    started_at: datetime
    took_s: float

    def faults(self) -> list[str]:
        """What is not as it must be."""
        rang = Counter(call.number for call in self.calls)
        found = []
        for one in CALLEES:
            if rang[one.number] != len(one.calls):
                found.append(
                    f"{one.name} was called {rang[one.number]} times, not {len(one.calls)}"
                )
            if self.states.get(one.number) != one.ends:
                found.append(f"{one.name}: {self.states.get(one.number)}, not {one.ends}")
        zones = {one.number: one.zone for one in CALLEES}
        night = [call.number for call in self.calls if not is_day(call, zones[call.number])]
        return [*found, *(f"{number} was called at night" for number in night)]


def is_day(call: SeenCall, zone: str) -> bool:
    """Whether a call began in business hours, by the clock on the callee's wall."""
    began = datetime.fromisoformat(call.started_at).astimezone(tz.gettz(zone))
    return FIRST_HOUR <= began.hour < LAST_HOUR


async def play(folder: Path) -> Rung:
    """Call everybody on the list, in a world of its own: ten minutes are a second there."""
    time = _early_in_seattle()
    plan = WorldPlan(folder, CALLS_CONFIG, calling_account, worker_count=1, time=time)
    async with World(plan) as world, Telephones(world.simulator_url) as phones:
        for one in CALLEES:
            await phones.plan(*one.calls, number=one.number)
        started_at = time.now().astimezone(tz.gettz(SEATTLE))
        began = asyncio.get_running_loop().time()
        file = folder / "check-ups.csv"
        appointment = datetime.now(UTC) + timedelta(seconds=time.offset_s, days=3)
        rows = [f"{one.name},{one.number},{appointment.isoformat()}" for one in CALLEES]
        file.write_text("\n".join(["name,number,appointment_at", *rows]) + "\n", "utf-8")
        await _ask(world, "start", str(file), "--brand", BRAND, "--name", NAME)
        with contextlib.suppress(NoSuchCallError):  # The report will show who was not called.
            count = sum(len(one.calls) for one in CALLEES)
            await phones.wait_for_call(state="ended", count=count, timeout_s=PATIENCE_S)
        states = await _until_over(world)
        took_s = asyncio.get_running_loop().time() - began
        report = await _ask(world, "report", NAME)
        return Rung(await phones.calls(), states, report, started_at, took_s)


def _early_in_seattle() -> OtherTime:
    now = datetime.now(UTC)
    there = now.astimezone(tz.gettz(SEATTLE))
    early = there.replace(hour=0, minute=0, second=0, microsecond=0) + BEGINS
    return OtherTime((early - there).total_seconds(), RATE, now)


async def _until_over(world: World) -> dict[str, str]:
    """How each row of the report stands, once none is open, or patience is at its end."""
    loop = asyncio.get_running_loop()
    until = loop.time() + PATIENCE_S / 4
    while True:
        report = json.loads(await _ask(world, "report", NAME, "--format", "json", "--full"))
        rows: list[dict[str, Any]] = report["rows"]
        if loop.time() > until or not any(row["state"] in OPEN_STATES for row in rows):
            return {row["number"]: row["state"] for row in rows}
        await asyncio.sleep(LOOK_EVERY_S)


async def _ask(world: World, *arguments: str) -> str:
    said = await world.switchboard("calls", *arguments)
    if said.status:
        raise RuntimeError(f"switchboard calls {arguments[0]}: {said.err}")
    return said.out
