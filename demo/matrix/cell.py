"""A small world of its own with one worker, in which one case is played after the other."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from demo.contact_centre import silent_contact_centre
from demo.judge import Judgement, Line
from demo.matrix.play import CONFIG, NeverHappenedError, Play
from demo.matrix.points import Case, Point
from demo.matrix.scripts import Script, close
from demo.matrix.strike import Strike
from demo.queues import Queues
from demo.wire import Observer, Wire
from infra.local.endpoints import LocalAws
from infra.local.process import StartError
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

CARRIER = {"pending_after_ms": 50, "settled_after_ms": 150}
QUIET_S = 0.7  # longer than the hold window and a receipt's way
SETTLED_WITHIN_S = 60
GONE_S = 0.2  # for the proxies to notice that the killed worker's connections are closed
MEANWHILE = "and one more question"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a case. Not reached: the call did not come in that run."""

    case: Case
    judgement: Judgement = field(default_factory=Judgement)
    is_reached: bool = False
    trouble: str = ""

    @property
    def is_exact(self) -> bool:
        """Everything once and in order, nothing uncertain, nothing else."""
        is_clean = self.judgement.is_clean and not self.judgement.uncertain
        return self.is_reached and not self.trouble and is_clean


@dataclass
class Room:
    """A world with one worker, in which plays follow each other."""

    number: int
    world: World
    simulator: SimulatorClient
    desk: AgentDesk
    queues: Queues
    _customers: int = 0

    def new_play(self, our_number: str, after: int = 0) -> Play:
        """A conversation with somebody new, seen from this entry of the ledger on."""
        self._customers += 1
        line = Line(our_number, f"+1206{self.number + 600:03d}{self._customers:04d}")
        return Play(line, self.simulator, self.desk, after, self.queues)


@dataclass
class Cell:
    """A room for kills: the worker that took over is the next one's victim."""

    room: Room
    strike: Strike
    _plays: list[tuple[Case, Play]] = field(default_factory=list)
    _is_taken_over: asyncio.Event = field(default_factory=asyncio.Event)

    async def rehearse(self, script: Script) -> list[Point]:
        """Play a script with nobody killed; the calls it consists of.

        Raises:
            NeverHappenedError: the script does not work even so.
        """
        play = self._new_play(script)
        self.strike.aim(script.name, None)
        await self._perform(script, play)
        points = list(self.strike.points)
        judgement = play.judge()
        if not judgement.is_clean:
            raise NeverHappenedError(f"a clean rehearsal of {script.name}: {judgement.faults}")
        return points

    async def run(self, script: Script, case: Case) -> Verdict:
        """Play one case."""
        play = self._new_play(script)
        self.strike.aim(script.name, case)
        self._is_taken_over.clear()
        killing = asyncio.create_task(self._kill_when_struck(script, play), name=str(case))
        trouble = ""
        try:
            await self._perform(script, play)
        except (NeverHappenedError, StartError) as error:
            trouble = f"{type(error).__name__}: {error}"
        is_reached = self.strike.struck.is_set()
        if not is_reached:
            killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing
        self._plays.append((case, play))
        return Verdict(case, play.judge(), is_reached, trouble)

    async def last_look(self) -> list[Verdict]:
        """The cases whose ledger has got worse since: something came late and twice."""
        worse = []
        for case, play in self._plays:
            before = play.judge()
            await play.listen()
            after = play.judge()
            if len(after.faults) > len(before.faults):
                worse.append(Verdict(case, after, is_reached=True))
        return worse

    async def _perform(self, script: Script, play: Play) -> None:
        for number, step in enumerate(script.steps, 1):
            self.strike.begin_step(number if number >= script.kills_from else 0)
            await step.act(play)
            await self.strike.until_quiet(QUIET_S)
            if self.strike.struck.is_set():
                if not script.plays_on:
                    break
                await self._until_taken_over()
        if self.strike.struck.is_set():
            # What was said then is heard before the last words: among themselves they are promised
            # no order on a machine so busy that the hold window is over before both have arrived.
            await self._is_taken_over.wait()
            await play.until_all_heard()
        self.strike.begin_step(0)
        await close(play)
        if not await self.room.queues.settled(SETTLED_WITHIN_S):
            raise NeverHappenedError("the queues are empty")
        await play.listen()

    async def _until_taken_over(self) -> None:
        """Until what was under way at the kill is done: between lanes there is no order to keep.

        Else a START might be heard before the end of the chat that the STOP had ended, and who is
        back is told of that end.
        """
        await self._is_taken_over.wait()
        await self.room.queues.settled(SETTLED_WITHIN_S)

    async def _kill_when_struck(self, script: Script, play: Play) -> None:
        await self.strike.struck.wait()
        await self.room.world.kill(0)
        await asyncio.sleep(GONE_S)
        is_ordered = self.strike.has_journalled
        self.strike.let_another_through()
        try:
            await self.room.world.restart(0)
            # The dead worker's conversation is still leased. What comes now must wait behind what
            # was written down; no order is promised behind what was not, or among texts that came
            # while nobody was there.
            if is_ordered and not script.plays_on:
                await play.text(MEANWHILE)
        finally:
            self._is_taken_over.set()

    def _new_play(self, script: Script) -> Play:
        after = self._plays[-1][1].heard_up_to if self._plays else 0
        return self.room.new_play(script.our_number, after)


@asynccontextmanager
async def cell(number: int, aws: LocalAws, folder: Path) -> AsyncIterator[Cell]:
    """Open a cell on endpoints that others use too."""
    strike = Strike()
    async with room(number, aws, folder, strike) as opened:
        yield Cell(opened, strike)


@asynccontextmanager
async def room(number: int, aws: LocalAws, folder: Path, observer: Observer) -> AsyncIterator[Room]:
    """Open a room on endpoints that others use too; `number` is its own among them."""
    async with Wire(observer) as wire:
        plan = WorldPlan(
            run_dir=folder / f"cell-{number}",
            config=CONFIG,
            contact_centre=silent_contact_centre,
            worker_count=1,
            seed=number,
            interpose=wire.interpose,
            ready_timeout_s=120.0,
        )
        async with (
            World(plan, aws) as world,
            SimulatorClient(world.simulator_url) as simulator,
            AgentDesk(world.simulator_url) as desk,
        ):
            await simulator.set_knobs(sms_voice=CARRIER, rates=True)
            queues = Queues(world.aws, world.provisioned)
            yield Room(number, world, simulator, desk, queues)
            with contextlib.suppress(KeyError):
                await world.kill(0)
