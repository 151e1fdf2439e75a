"""One rolling deploy and its rollback in a world where people talk all the time."""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from demo.contact_centre import BIKES, CLINIC, CONFIG, silent_contact_centre
from demo.judge import Judgement, Line, Way, counts, judge, read_ledger
from demo.queues import Queues
from demo.rolling.release import Release, this_one
from demo.storm_ears import Ears
from demo.storm_kills import NearKill
from demo.storm_people import Speaker, agent, customer
from infra.local.endpoints import LocalAws
from infra.local.world import SWITCHBOARD, WorkerExit, World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

SPOILT = {"duplicate": 0.01, "reorder": 0.05, "reorder_by_ms": 250}
KINDS = ("inbound_sms", "chat", "receipt", "contact_event")
CARRIER = {"pending_after_ms": 100, "settled_after_ms": 300}
STARTS_EVERY_S = 0.3
BETWEEN_S = 4.0
LAST_WORDS_S = 180.0
SETTLED_WITHIN_S = 120
WITHIN_S = 600.0
WORKERS = 2


@dataclass(frozen=True, slots=True)
class Roll:
    """What is asked of it. `messages` from each side at least; people talk until all is rolled."""

    conversations: int = 12
    messages: int = 8
    back: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the judge and the counters say."""

    report: Mapping[str, float | str]
    judgement: Judgement

    @property
    def is_clean(self) -> bool:
        """Everything once and in order, in as many chats as there are customers, drained."""
        chats = self.report["chats_opened"] == self.report["chats_expected"]
        drains = self.report["drained_clean"] == self.report["drains"]
        return self.judgement.is_clean and chats and drains


async def run(roll: Roll, old: Release | None, run_dir: Path, aws: LocalAws) -> Outcome:
    """Roll from `old`, or from this release to itself; logs and ledger stay in `run_dir`."""
    crew = _Crew(old)
    plan = WorldPlan(
        run_dir=run_dir,
        config=CONFIG,
        contact_centre=silent_contact_centre,
        worker_count=WORKERS,
        run_worker=crew.command,
    )
    async with (
        World(plan, aws) as world,
        SimulatorClient(world.simulator_url) as simulator,
        AgentDesk(world.simulator_url) as desk,
    ):
        return await _Play(roll, crew, world, simulator, desk).run()


@dataclass
class _Crew:
    """Of which release the worker is that is started next."""

    old: Release | None
    starts_new: bool = False

    def command(
        self,
        worker: int,  # noqa: ARG002 - the world's protocol
        arguments: Sequence[str],
        environment: Mapping[str, str],
    ) -> list[str]:
        if self.old is None or self.starts_new:
            settings = [f"{name}={value}" for name, value in environment.items()]
            return ["env", "-i", *settings, SWITCHBOARD, *arguments]
        return self.old.command(arguments, environment)


class _Play:
    def __init__(
        self, roll: Roll, crew: _Crew, world: World, simulator: SimulatorClient, desk: AgentDesk
    ) -> None:
        self._roll, self._crew, self._world = roll, crew, world
        self._simulator, self._desk = simulator, desk
        self._ears = Ears(simulator)
        self._calm = NearKill()  # Nobody is killed: all may speak at any time.
        self._speakers: list[Speaker] = []
        self._exits: list[WorkerExit] = []
        self._is_rolled = False

    async def run(self) -> Outcome:
        """Let all speak, roll meanwhile, wait for the last word, judge."""
        await self._simulator.set_knobs(
            publications=dict.fromkeys(KINDS, SPOILT), sms_voice=CARRIER, rates=True
        )
        began = time.monotonic()
        async with self._ears.listening():
            async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks:
                tasks.create_task(self._deploy())
                for number in range(1, self._roll.conversations + 1):
                    tasks.create_task(self._converse(number))
                    await asyncio.sleep(STARTS_EVERY_S)
            is_all = await self._ears.until(self._is_all_heard, LAST_WORDS_S)
            _say("everything was heard" if is_all else "something was not heard in time")
            queues = Queues(self._world.aws, self._world.provisioned)
            if not await queues.settled(SETTLED_WITHIN_S):
                _say("some messages are still on their queues")
        return self._judge(time.monotonic() - began)

    async def _deploy(self) -> None:
        """Forward, and back."""
        running = list(range(WORKERS))
        for starts_new in (True, False) if self._roll.back else (True,):
            self._crew.starts_new = starts_new
            running = [await self._replace(leaving) for leaving in running]
        self._is_rolled = True

    async def _replace(self, leaving: int) -> int:
        await asyncio.sleep(BETWEEN_S)
        coming = await self._world.add_worker()
        release = "new" if self._crew.starts_new else "old"
        _say(f"worker {coming}, of the {release} release, is ready; worker {leaving} drains")
        told = await self._world.drain(leaving)
        self._exits.append(told)
        _say(f"worker {leaving} ended with {told.code}: {_shown(told)}")
        return coming

    async def _converse(self, number: int) -> None:
        line = Line((CLINIC, BIKES)[number % 2], f"+12065554{number:03d}")
        say = customer(line, self._simulator)
        texting = self._speaker(f"t{number:02d}", line, Way.TO_AGENT, say)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(texting.speak(self._roll.messages, self._goes_on))
            say = await agent(line, self._desk)
            answering = self._speaker(f"a{number:02d}", line, Way.TO_CUSTOMER, say)
            tasks.create_task(answering.speak(self._roll.messages, self._goes_on))

    def _speaker(
        self, name: str, line: Line, way: Way, say: Callable[[str], Awaitable[str]]
    ) -> Speaker:
        chance = random.Random(name)  # noqa: S311 - a play, not a secret
        speaker = Speaker(name, line, way, say, self._ears, self._calm, chance)
        self._speakers.append(speaker)
        return speaker

    def _goes_on(self) -> bool:
        return not self._is_rolled

    def _is_all_heard(self) -> bool:
        return all(speaker.has_been_heard() for speaker in self._speakers)

    def _judge(self, seconds: float) -> Outcome:
        heard, notes, chats = read_ledger(entry.as_json() for entry in self._ears.entries)
        said = [one for speaker in self._speakers for one in speaker.said]
        judgement = judge(said, heard, notes)
        for fault in judgement.faults:
            _say(fault)
        old = self._crew.old
        report: dict[str, float | str] = {
            **counts(judgement),
            "chats_opened": chats,
            "chats_expected": self._roll.conversations,
            "old": old.name if old is not None else this_one(),
            "new": this_one(),
            "drains": len(self._exits),
            "drained_clean": sum(map(_is_clean, self._exits)),
            "seconds": round(seconds),
        }
        return Outcome(report, judgement)


def _is_clean(told: WorkerExit) -> bool:
    return told.code == 0 and told.receipt is not None and told.receipt["abandoned"] == 0


def _shown(told: WorkerExit) -> str:
    if told.receipt is None:
        return "without a receipt"
    words = ("done", "returned", "abandoned", "seconds")
    return ", ".join(f"{word} {told.receipt[word]}" for word in words)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
