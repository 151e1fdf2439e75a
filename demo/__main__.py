"""`make demo`: plays the script, prints it as it happens, and lets the judge speak."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from demo.act_two import call_list, mail_out
from demo.act_two.account import mail_account
from demo.act_two.programme import print_call_list, print_faults, print_mail_out
from demo.contact_centre import CONFIG, contact_centre
from demo.interactive import leave_it_up
from demo.judge import Judgement, Said, Way, judge, read_ledger
from demo.script import SCENES
from demo.stage import MissedCueError, Stage
from demo.transcript import Transcript
from infra.local.process import StartError
from infra.local.provision import Provisioned
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.client import AgentDesk

WORKERS = 2
CARRIER_S = 0.3  # from the last send to the phone


def main() -> int:
    """Exit status 0: every message came out once and in order, and nothing else did."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--interactive", action="store_true", help="leave it up: be the customer, be the agent"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger there")
    arguments = parser.parse_args()
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    try:
        if arguments.keep is not None:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            return asyncio.run(_run(arguments.keep, is_interactive=arguments.interactive))
        with tempfile.TemporaryDirectory(prefix="switchboard-") as folder:
            return asyncio.run(_run(Path(folder), is_interactive=arguments.interactive))
    except StartError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(run_dir: Path, *, is_interactive: bool) -> int:
    transcript = Transcript()
    transcript.note("starting the emulator, the contact centre and two workers")
    began = time.monotonic()
    config = run_dir / "brands.toml"
    config.write_text(CONFIG.read_text("utf-8") + mail_out.PROFILES, "utf-8")
    plan = WorldPlan(run_dir, config, account, worker_count=WORKERS)
    async with World(plan) as world:
        transcript.note(f"all up after {time.monotonic() - began:.1f} s")
        async with (
            SimulatorClient(world.simulator_url) as simulator,
            AgentDesk(world.simulator_url) as desk,
        ):
            if is_interactive:
                return await leave_it_up(world, transcript)
            async with asyncio.TaskGroup() as meanwhile:
                calls = meanwhile.create_task(call_list.play(run_dir / "calls"))
                mails = meanwhile.create_task(mail_out.play(world))
                stage = Stage(simulator, desk, transcript)
                async with stage.watching():
                    missed = await _play(stage)
                    await asyncio.sleep(CARRIER_S)
                judgement = await _judge(stage)
                _report(transcript, judgement, stage.said, missed)
    seen, rung = mails.result(), calls.result()
    print_mail_out(transcript, seen)
    print_call_list(transcript, rung)
    faults = [*seen.faults(), *rung.faults()]
    print_faults(transcript, faults)
    is_right = judgement.is_clean and not missed and not faults
    transcript.scene("all as it should be" if is_right else "NOT RIGHT")
    return 0 if is_right else 1


def account(made: Provisioned) -> Mapping[str, object]:
    """The first act's, with mail and profiles."""
    return {**contact_centre(made), **mail_account(made, list(mail_out.CUSTOMERS))}


async def _play(stage: Stage) -> str:
    for title, scene in SCENES:
        stage.transcript.scene(title)
        try:
            await scene(stage)
        except MissedCueError as missed:
            return str(missed)
    return ""


async def _judge(stage: Stage) -> Judgement:
    entries = await stage.simulator.ledger()
    heard, notes, _ = read_ledger(entry.as_json() for entry in entries)
    return judge(stage.said, heard, notes)


def _report(transcript: Transcript, judgement: Judgement, said: list[Said], missed: str) -> None:
    """The table: what went in, what came out."""
    to_agent = sum(1 for s in said if s.way is Way.TO_AGENT)
    ours = sum(1 for s in said if s.ours)
    rows = (
        ("texts from customers", to_agent),
        ("messages from the agent", judgement.agent_messages),
        ("texts of the flow and of our own", ours),
        ("came out once", judgement.delivered_once),
        ("lost", judgement.lost),
        ("twice", judgement.twice),
        ("out of order", judgement.out_of_order),
        ("that nobody said", judgement.unexpected),
    )
    transcript.scene("What went in, and what came out by the ledger")
    for label, count in rows:
        transcript.note(f"{label:<34}{count:>5}")
    hops = sorted(transcript.hops_ms)
    if hops:
        middle, last = hops[len(hops) // 2], hops[-1]
        transcript.note(f"a hop took {middle:,.0f} ms (median), {last:,.0f} ms (longest)")
    for fault in judgement.faults:
        transcript.trouble(fault)
    if missed:
        transcript.trouble(missed)
    verdict = "every message came out once and in order" if judgement.is_clean else "NOT RIGHT"
    transcript.scene(verdict if not missed else "NOT RIGHT")


if __name__ == "__main__":
    sys.exit(main())
