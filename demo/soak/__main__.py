"""Soaks, and prints one JSON object as its last line.

    events          what had to come to something: texts, agents' messages, the delivery receipt of
                    each of these, chat ends, and bad input
    once            of these, what came out once, or was dead-lettered if it was bad
    lost, twice, out_of_order   the rest, by the judge; "uncertain" counts as lost
    dead_lettered   bad input that was found in a dead-letter queue with its reason
    kills           workers that got SIGKILL
    redeliveries    messages that SQS handed out again
    seconds         from the first word to the last

Exit status 1 when anything was lost, twice or out of order, or came out that nobody said. Other
lines, on stderr, tell the progress, how often each call was spoilt, and how memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import sys
import tempfile
import tomllib
from collections.abc import AsyncIterator, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path

from demo.contact_centre import BIKES, silent_contact_centre
from demo.judge import Line
from demo.queues import Queues
from demo.soak.hearing import Hearing
from demo.soak.memory import Memory
from demo.soak.people import Conversation
from demo.soak.report import Findings, Inputs, compare
from demo.soak.weather import Weather
from demo.wire import Wire
from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.process import StartError
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

CONFIG = Path(__file__).with_name("brands.toml")
ENDED = tomllib.loads(CONFIG.read_text("utf-8"))["brands"][0]["texts"]["ended"]
SPOILT = {"duplicate": 0.02, "reorder": 0.05, "reorder_by_ms": 250}
KINDS = ("inbound_sms", "chat", "receipt", "contact_event")
CARRIER = {"pending_after_ms": 100, "settled_after_ms": 300}
SERVICE_FAULTS = dict.fromkeys(
    ("throttle", "error_500", "error_503", "error_500_after_doing", "drop_after_doing"), 0.001
)
ROUNDS = 3
COMES_EVERY_S = 0.25
ONE_BAD_IN = 4  # conversations
SETTLED_WITHIN_S = 180
LEDGER_KEPT = 10_000  # The file is what is read.
TELL_S = 10.0


@dataclass(frozen=True)
class Soak:
    """What is asked of one soak."""

    events: int = 100_000
    seconds: int = 7_200
    at_once: int = 110
    workers: int = 3
    seed: int = 1
    rates: bool = False  # The documented quotas are too low for a soak of many at once.


def main() -> int:
    """Parse the command line, soak, print."""
    parser = argparse.ArgumentParser(
        prog="make soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Soak()
    for name, meaning in (
        ("events", "go on until so many have gone in"),
        ("seconds", "begin no conversation after so long, however many there were"),
        ("at-once", "conversations at the same time"),
        ("workers", "at least 2: the first is never killed"),
        ("seed", "of everything that is left to chance here and in the simulator"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=int, default=default, help=meaning)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger there")
    given = vars(parser.parse_args())
    keep = given.pop("keep")
    soak = Soak(**given)
    if soak.workers < 2:
        parser.error("--workers: at least 2")
    try:
        report, findings = asyncio.run(_in_a_folder(soak, keep))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(report) + "\n")
    return 0 if findings.is_clean else 1


async def _in_a_folder(soak: Soak, keep: Path | None) -> tuple[Mapping[str, float], Findings]:
    with contextlib.ExitStack() as stack:
        folder = keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-soak-"))
        )
        emulated = running_emulator(folder / "ministack.log")
        aws = await asyncio.to_thread(stack.enter_context, emulated)
        return await run(soak, folder, aws)


async def run(soak: Soak, folder: Path, aws: LocalAws) -> tuple[Mapping[str, float], Findings]:
    """One soak on these endpoints; logs and ledger stay in `folder`."""
    chance = random.Random(soak.seed)  # noqa: S311 - a play, not a secret
    weather = Weather(chance)
    async with Wire(weather) as wire:
        plan = WorldPlan(
            run_dir=folder,
            config=CONFIG,
            contact_centre=silent_contact_centre,
            worker_count=soak.workers,
            seed=soak.seed,
            interpose=wire.interpose,
            ledger_kept=LEDGER_KEPT,
            ready_timeout_s=90.0,
        )
        async with (
            World(plan, aws) as world,
            SimulatorClient(world.simulator_url) as simulator,
            AgentDesk(world.simulator_url) as desk,
        ):
            await simulator.set_knobs(
                publications=dict.fromkeys(KINDS, SPOILT),
                sms_voice=CARRIER,
                api={"*": SERVICE_FAULTS},
                rates=soak.rates,
            )
            return await _Crowd(soak, world, simulator, desk, weather).play()


class _Crowd:
    """Everybody who speaks."""

    def __init__(
        self,
        soak: Soak,
        world: World,
        simulator: SimulatorClient,
        desk: AgentDesk,
        weather: Weather,
    ) -> None:
        self._soak = soak
        self._world = world
        self._simulator = simulator
        self._desk = desk
        self._weather = weather
        self._queues = Queues(world.aws, world.provisioned)
        self._hearing = Hearing(world.ledger_path)
        self._inputs = Inputs()
        self._memory = Memory(lambda: self._inputs.events)
        self._numbers = itertools.count(1)
        self._began = 0.0

    async def play(self) -> tuple[Mapping[str, float], Findings]:
        """Talk, settle, judge."""
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        async with _background(self._hearing.listen(), self._memory.watch(), self._tell_progress()):
            async with _background(self._weather.change(self._world)):
                await asyncio.gather(*(self._converse(nth) for nth in range(self._soak.at_once)))
            seconds = loop.time() - self._began
            await self._weather.settle()
            _say("all is said; until the queues are empty")
            if not await self._queues.settled(SETTLED_WITHIN_S):
                _say("some messages are still on their queues")
        buried = await asyncio.to_thread(self._queues.buried)
        findings = await asyncio.to_thread(compare, self._inputs, self._world.ledger_path, buried)
        self._tell(findings)
        return self._report(findings, seconds), findings

    async def _converse(self, nth: int) -> None:
        """One conversation after the other, while there is more to say.

        They come one by one: a hundred chats that are opened in one second keep a small machine
        busy for seconds, and what arrives after its hold window has no order to keep.
        """
        await asyncio.sleep(nth * COMES_EVERY_S)
        while self._goes_on():
            number = next(self._numbers)
            line = Line(BIKES, f"+1206{2_000_000 + number}")
            heard = self._hearing.begin(line.customer_number, ENDED)
            one = Conversation(
                number,
                line,
                heard,
                self._weather,
                self._simulator,
                self._desk,
                random.Random(f"{self._soak.seed}.{number}"),  # noqa: S311
            )
            await one.hold(ROUNDS)
            self._hearing.forget(heard)
            if one.was_cut_short:
                _say(f"conversation {number} did not come to its end")
            self._inputs.conversations += 1
            self._inputs.said += one.said
            self._inputs.replies += one.replies
            if number % ONE_BAD_IN == 0:
                await self._send_nonsense(number)

    def _goes_on(self) -> bool:
        passed_s = asyncio.get_running_loop().time() - self._began
        return self._inputs.events < self._soak.events and passed_s < self._soak.seconds

    async def _send_nonsense(self, number: int) -> None:
        shapes = (
            "no json at all {0}",
            '{{"cut": "{0}',
            '{{"nobody": "knows this shape", "mark": "{0}"}}',
            '{{"Type": "Notification", "Message": "{0}"}}',
        )
        queue = ("inbound-sms", "chat-stream", "delivery-receipts")[number % 3]
        body = shapes[number % len(shapes)].format(f"bad-{number}")
        await asyncio.to_thread(self._queues.send, queue, body)
        self._inputs.bad.append(body)

    def _report(self, findings: Findings, seconds: float) -> Mapping[str, float]:
        return {
            "events": self._inputs.events,
            "once": findings.once,
            "lost": findings.lost,
            "twice": findings.twice,
            "out_of_order": findings.out_of_order,
            "dead_lettered": findings.dead_lettered,
            "kills": self._weather.kills,
            "redeliveries": self._weather.redeliveries,
            "seconds": round(seconds),
        }

    async def _tell_progress(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(TELL_S)
            events, seconds = self._inputs.events, loop.time() - self._began
            kills = self._weather.kills
            _say(
                f"{seconds:.0f} s: {events} events, {events / seconds:.0f} a second, {kills} kills"
            )

    def _tell(self, findings: Findings) -> None:
        for fault in findings.faults[:50]:
            _say(fault)
        spoilt = sum(self._weather.faults.values())
        _say(f"{spoilt} calls spoilt on the wire, {self._weather.outages} times it went away")
        for name, count in sorted(self._weather.faults.items()):
            _say(f"  {name} {count}")
        for line in self._memory.lines():
            _say(line)


@contextlib.asynccontextmanager
async def _background(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these while the block runs; one that fails is not waited out in silence."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for found in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(found, Exception):
                _say(f"in the background: {found!r}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
