"""`make storm`: conversations at once through workers that are killed all the time.

The last line on stdout is one JSON object:

    texts, agent_messages   what people said, each way
    delivered_once          of these, what came out whole
    lost, twice, out_of_order   the rest, by the judge
    uncertain               its fate is unknown, and the agent was told so: neither lost nor twice
    chats_opened, chats_expected    distinct contacts; one for each customer
    kills, kills_mid_effect of the latter, a call was carried out and its answer not yet sent
    writes_per_message      everything written at the DynamoDB endpoint, first texts, takeovers,
                            refused writes and duplicates included, by texts and agent messages
    hold_ms                 the hold window of each direction
    hop_ms_p50, hop_ms_p99  from a message's own time to its effect, without the hold; waiting for
                            a dead worker's lease is in it, and so is the pace of a text a second

What is judged is read from what people said and from the simulator's ledger, nothing else. Exit
status 1 when anything is lost, twice, out of order, unexpected, or a chat too many or too few.
Deliveries are spoilt after SNS has stamped them: duplicated, and reordered by up to 250 ms. What
people do, and which order is not asked of it, is said in `storm_people`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.contact_centre import BIKES, CLINIC, CONFIG, silent_contact_centre
from demo.hang_ups import HangUps
from demo.judge import Judgement, Line, Way, counts, judge, read_ledger
from demo.queues import Queues
from demo.storm_ears import Ears, hops_ms
from demo.storm_kills import NearKill, Reaper
from demo.storm_people import Speaker, agent, customer
from demo.write_counter import WriteCounter
from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.process import StartError
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

HOLD_MS = 500
SPOILT = {"duplicate": 0.01, "reorder": 0.05, "reorder_by_ms": 250}
KINDS = ("inbound_sms", "chat", "receipt", "contact_event")
CARRIER = {"pending_after_ms": 100, "settled_after_ms": 300}
STARTS_EVERY_S = 0.5
OPENING_TURNS_PER_CHAT = 0.3
SAID_IN_THE_STORM = 0.9
LAST_WORDS_S = 240.0
SHORT_LEASES = """runtime.inbound-sms = { lease_s = 10, lease_step_s = 10 }
runtime.chat-stream = { lease_s = 10, lease_step_s = 10 }
runtime.contact-events = { lease_s = 10, lease_step_s = 10 }
runtime.delivery-receipts = { lease_s = 10, lease_step_s = 10 }
runtime.chat-commands = { lease_s = 10, lease_step_s = 10 }
"""
"""A worker dies every two seconds: the usual half a minute is not over before the next one."""
QUOTAS = """[quotas]
"participant.message" = 100
"connect.start_chat" = 100
"connect.start_streaming" = 100
"sms.long_code" = 100
"""
"""Shares of the documented quotas follow the live fleet (ADR 0012), and a worker that was killed
counts for some seconds more: with one killed every two seconds little would be left to share, and
the storm would measure that."""
SETTLED_WITHIN_S = 120
QUIET_S = 3.0
CONVERSATIONS_MAX = 900


@dataclass(frozen=True)
class Storm:
    """What is asked of one storm. `seconds` bounds it: what is not out by then is lost.

    With `rates` the simulator keeps to the documented quotas, which QUOTAS says were raised: then
    workers learn from throttles what they may.
    """

    conversations: int = 20
    messages: int = 20
    kills_mid_effect: int = 20
    kill_every_s: float = 2.0
    seconds: float = 600.0
    workers: int = 2
    seed: int = 1
    rates: bool = False


@dataclass(frozen=True)
class Outcome:
    """What the judge and the counters say."""

    report: Mapping[str, float]
    judgement: Judgement

    @property
    def is_clean(self) -> bool:
        """Everything once, in order, in as many chats as there are customers."""
        chats = self.report["chats_opened"] == self.report["chats_expected"]
        return self.judgement.is_clean and chats


def main() -> int:
    """Parse the command line, storm, print."""
    parser = argparse.ArgumentParser(
        prog="make storm",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Storm()
    for name, meaning in (
        ("conversations", "how many at once"),
        ("messages", "from each side of each, at least"),
        ("kills-mid-effect", "how many kills must have hit between a call and its answer"),
        ("seconds", "how long it may take"),
        ("seed", "of everything that is left to chance here and in the simulator"),
    ):
        default = getattr(usual, name.replace("-", "_"))
        parser.add_argument(f"--{name}", type=type(default), default=default, help=meaning)
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger there")
    given = vars(parser.parse_args())
    keep = given.pop("keep")
    storm = Storm(**given)
    if not 1 <= storm.conversations <= CONVERSATIONS_MAX:
        parser.error(f"--conversations: 1 to {CONVERSATIONS_MAX}")
    try:
        outcome = asyncio.run(_in_a_folder(storm, keep))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(outcome.report) + "\n")
    return 0 if outcome.is_clean else 1


async def _in_a_folder(storm: Storm, keep: Path | None) -> Outcome:
    with contextlib.ExitStack() as stack:
        folder = keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-storm-"))
        )
        emulated = running_emulator(folder / "ministack.log")
        aws = await asyncio.to_thread(stack.enter_context, emulated)
        return await run(storm, folder, aws)


async def run(storm: Storm, run_dir: Path, aws: LocalAws) -> Outcome:
    """One storm on these endpoints; logs and ledger stay in `run_dir`."""
    async with HangUps(aws) as hang_ups, WriteCounter(hang_ups.aws) as counter:
        plan = WorldPlan(
            run_dir=run_dir,
            config=_config(run_dir),
            contact_centre=silent_contact_centre,
            worker_count=storm.workers,
            seed=storm.seed,
        )
        async with (
            World(plan, counter.aws) as world,
            SimulatorClient(world.simulator_url) as simulator,
            AgentDesk(world.simulator_url) as desk,
        ):
            outcome = await _Play(storm, world, simulator, desk, counter).run()
            for worker in range(storm.workers):
                if world.is_running(worker):  # A drain would wait for polls that bring nothing.
                    await world.kill(worker)
    return outcome


def _config(run_dir: Path) -> Path:
    """The demo's brands with short leases, on an account whose quotas were raised."""
    config = run_dir / "brands.toml"
    text = CONFIG.read_text("utf-8").replace("[[brands]]", f"{SHORT_LEASES}{QUOTAS}\n[[brands]]", 1)
    config.write_text(text, "utf-8")
    return config


class _Play:
    """One storm in its world."""

    def __init__(
        self,
        storm: Storm,
        world: World,
        simulator: SimulatorClient,
        desk: AgentDesk,
        counter: WriteCounter,
    ) -> None:
        self._storm = storm
        self._simulator = simulator
        self._desk = desk
        self._counter = counter
        self._near = NearKill()
        self._ears = Ears(simulator)
        self._speakers: list[Speaker] = []
        self._world = world
        self._reaper = Reaper(
            world,
            simulator,
            self._near,
            storm.kill_every_s,
            opening_turns=math.ceil(storm.conversations * OPENING_TURNS_PER_CHAT),
            chance=random.Random(storm.seed),  # noqa: S311 - a play, not a secret
        )

    async def run(self) -> Outcome:
        """Let all speak, kill meanwhile, wait for the last word, judge."""
        await self._simulator.set_knobs(
            publications=dict.fromkeys(KINDS, SPOILT), sms_voice=CARRIER, rates=self._storm.rates
        )
        writes_before = self._counter.writes
        async with self._ears.listening():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._storm.seconds):
                    await self._speak_and_kill()
            _say("the last words are on their way")
            is_all = await self._ears.until(self._is_all_heard, LAST_WORDS_S)
            _say("everything was heard" if is_all else "something was not heard in time")
            await self._until_settled()
        return self._judge(self._counter.writes - writes_before)

    async def _speak_and_kill(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._reaper.run(), name="reaper")
            progress = tasks.create_task(self._tell_progress(), name="progress")
            calm = tasks.create_task(self._calm_down(), name="calm")
            try:
                await self._everybody_speaks()
            finally:
                calm.cancel()
                self._reaper.stop()
                progress.cancel()

    async def _calm_down(self) -> None:
        """No more kills when nearly all is said: who waits for a dead worker speaks in the calm."""
        messages = 2 * self._storm.conversations * self._storm.messages
        await self._ears.until(
            lambda: not self._goes_on() and self._said() >= SAID_IN_THE_STORM * messages
        )
        self._reaper.stop()
        _say("calm")

    def _said(self) -> int:
        return sum(len(speaker.said) for speaker in self._speakers)

    async def _everybody_speaks(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, self._storm.conversations + 1):
                tasks.create_task(self._converse(number), name=f"conversation {number}")
                await asyncio.sleep(STARTS_EVERY_S)

    async def _converse(self, number: int) -> None:
        ours = (CLINIC, BIKES)[number % 2]
        line = Line(ours, f"+12065552{number:03d}")
        texting = self._speaker(f"t{number:02d}", line, Way.TO_AGENT, customer)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(texting.speak(self._storm.messages, self._goes_on))
            say = await agent(line, self._desk)
            answering = self._speaker(f"a{number:02d}", line, Way.TO_CUSTOMER, say)
            tasks.create_task(answering.speak(self._storm.messages, self._goes_on))

    def _speaker(self, name: str, line: Line, way: Way, utter: Any) -> Speaker:
        say = utter(line, self._simulator) if utter is customer else utter
        speaker = Speaker(
            name,
            line,
            way,
            say,
            self._ears,
            self._near,
            random.Random(f"{self._storm.seed}{name}"),  # noqa: S311
        )
        self._speakers.append(speaker)
        return speaker

    def _goes_on(self) -> bool:
        return self._reaper.mid_effect < self._storm.kills_mid_effect

    def _is_all_heard(self) -> bool:
        return all(speaker.has_been_heard() for speaker in self._speakers)

    async def _until_settled(self) -> None:
        """Until no message of theirs is on a queue: whoever took over might still send again."""
        queues = Queues(self._world.aws, self._world.provisioned)
        if not await queues.settled(SETTLED_WITHIN_S):
            _say("some messages are still on their queues")
        await asyncio.sleep(QUIET_S)

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(5)
            reaper = self._reaper
            _say(
                f"{self._said()} said, {reaper.kills} kills, {reaper.mid_effect} of them mid-effect"
            )

    def _judge(self, writes: int) -> Outcome:
        entries = self._ears.entries
        heard, notes, chats = read_ledger(entry.as_json() for entry in entries)
        said = [one for speaker in self._speakers for one in speaker.said]
        judgement = judge(said, heard, notes)
        for fault in judgement.faults:
            _say(fault)
        _say(f"kills by operation: {self._reaper.by_operation}")
        hops = hops_ms(entries, HOLD_MS)
        report = {
            **counts(judgement),
            "chats_opened": chats,
            "chats_expected": self._storm.conversations,
            "kills": self._reaper.kills,
            "kills_mid_effect": self._reaper.mid_effect,
            "writes_per_message": round(writes / max(1, len(said)), 2),
            "hold_ms": HOLD_MS,
            "hop_ms_p50": percentile(hops, 0.5),
            "hop_ms_p99": percentile(hops, 0.99),
        }
        return Outcome(report, judgement)


def percentile(rising: Sequence[float], share: float) -> float:
    """The smallest value that this share of all does not exceed; 0 of nothing."""
    if not rising:
        return 0.0
    return round(rising[max(0, math.ceil(share * len(rising)) - 1)], 1)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main())
