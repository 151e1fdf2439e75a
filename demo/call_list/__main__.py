"""Calls a list of people through killed workers, and prints one JSON object as its last line.

    people, calls          rows of the list, and phones that rang
    results                how many reminders ended how
    called_twice           attempts for which a phone rang more than once: there should be none
    called_at_night        calls outside 9 to 20 where the callee is: none
    without_result         rows of which the report has no end: none
    wrong_result           rows that did not end as the callee answered: none
    wrong_number_of_calls  people who were called too often or too seldom: none
    kills, seconds

Exit status 1 when one of those is not as it should be.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

from demo.call_list.callees import Callee, callees
from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import Telephones

CONFIG: Final = Path(__file__).with_name("brands.toml")
FLOW: Final = Path(__file__).parents[2] / "infra" / "connect" / "appointment-reminder.flow.json"
OURS: Final = "+12065550118"
NAME: Final = "soak"
FLAWS: Final = (
    *("called_twice", "called_at_night", "without_result", "wrong_result"),
    "wrong_number_of_calls",
)
TELL_S: Final = 10.0
KILL_EVERY_S: Final = 6.0
VOICE: Final = {"time_scale": 0.02, "concurrent_calls": 1_000}
EVENTS: Final = {"contact_event": {"lose": 0.1, "republish": 0.2, "delay_ms": 20}}


def main() -> int:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="make soak-calls", description=__doc__)
    parser.add_argument("--calls", type=int, default=2_000, help="rows of the list")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=900, help="give up after so long")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep inputs and logs there")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-call-list-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        aws = stack.enter_context(running_emulator(folder / "ministack.log"))
        report = asyncio.run(_run(given, folder, aws))
    sys.stdout.write(json.dumps(report) + "\n")
    return 1 if any(report[flaw] for flaw in FLAWS) else 0


async def _run(given: argparse.Namespace, folder: Path, aws: LocalAws) -> Mapping[str, Any]:
    chance = random.Random(given.seed)  # noqa: S311 - a play, not a secret
    people = callees(given.calls, datetime.now(UTC), chance)
    _write_list(folder, people)
    plan = WorldPlan(
        run_dir=folder / "run",
        config=CONFIG,
        contact_centre=contact_centre,
        worker_count=given.workers,
        seed=given.seed,
        ledger_kept=1_000,
    )
    async with World(plan, aws) as world, SimulatorClient(world.simulator_url) as simulator:
        await simulator.set_knobs(voice=VOICE, publications=EVENTS)
        async with Telephones(world.simulator_url) as phones:
            for one in people:
                calls = [CalleePlan.model_validate(call) for call in one.calls]
                await phones.plan(*calls, number=one.number)
        began = time.monotonic()
        switchboard = partial(_switchboard, world)
        await switchboard("calls", "start", str(folder / "list.csv"), "--brand", "Clinic",
                          "--name", NAME)  # fmt: skip
        kills = asyncio.create_task(_kill(world, given.kills, chance))
        await _until_over(switchboard, began, given.seconds)
        seconds = time.monotonic() - began
        killed = await kills if kills.done() else given.kills
        kills.cancel()
        rows = await switchboard("calls", "report", NAME, "--format", "json", "--full")
        (folder / "report.json").write_text(rows, "utf-8")
        recount = await _recount(folder, world.ledger_path)
        return {**recount, "kills": killed, "seconds": round(seconds)}


def contact_centre(made: Provisioned) -> Mapping[str, object]:
    """One number that texts and calls, and the flow that ships."""
    flow = json.loads(FLOW.read_text("utf-8").replace("${QueueArn}", "BasicQueue"))
    receipts = {"name": "sns", "topic_arn": made.topic_arns["delivery-receipts"]}
    number = {
        "number": OURS,
        "type": "TEN_DLC",
        "two_way_topic_arn": made.topic_arns["inbound-sms"],
        "self_managed_opt_outs": True,
    }
    reminder = {"id": "22222222-2222-4222-8222-222222222224", "name": "Reminder", "content": flow}
    instance = {"id": LOCAL_INSTANCE_ID, "flows": [reminder], "phone_numbers": [OURS]}
    return {
        "sms_voice": {
            "phone_numbers": [number],
            "configuration_sets": [{"name": "conversations", "event_destinations": [receipts]}],
        },
        "connect": {"instances": [instance]},
    }


def _write_list(folder: Path, people: Sequence[Callee]) -> None:
    until = (datetime.now(UTC) + timedelta(minutes=50)).isoformat()
    rows = [f"{one.number},{until},{one.zone}" for one in people]
    text = "\n".join(["number,useful_until,zone", *rows])
    (folder / "list.csv").write_text(f"{text}\n", encoding="utf-8")
    lines = "\n".join(json.dumps(asdict(one)) for one in people)
    (folder / "callees.jsonl").write_text(f"{lines}\n", encoding="utf-8")


async def _kill(world: World, count: int, chance: random.Random) -> int:
    """Kill a worker now and then, and start another in its place."""
    for _ in range(count):
        await asyncio.sleep(KILL_EVERY_S * (0.5 + chance.random()))
        worker = chance.randrange(world.plan.worker_count)
        await world.kill(worker)
        await world.restart(worker)
    return count


async def _until_over(switchboard: Any, began: float, within_s: float) -> None:
    """Until no row is open any more."""
    while True:
        found = json.loads(await switchboard("calls", "status", NAME, "--json"))
        counts = found["by_state"]
        left = sum(counts.get(state, 0) for state in ("asked", "waiting", "calling"))
        passed_s = time.monotonic() - began
        sys.stderr.write(f"{passed_s:4.0f} s: {left} of {found['rows']} are open\n")
        if not left or passed_s > within_s:
            return
        await asyncio.sleep(TELL_S)


async def _switchboard(world: World, *arguments: str) -> str:
    """An operator's command, in a shell with a worker's wiring."""
    said = await world.switchboard(*arguments)
    if said.status:
        raise SystemExit(f"switchboard {arguments[1]}: {said.err}")
    return said.out


async def _recount(folder: Path, ledger: Path) -> Mapping[str, Any]:
    names = [str(ledger), str(folder / "report.json"), str(folder / "callees.jsonl")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo.call_list.recount", *names, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    report: dict[str, Any] = json.loads(out)
    for difference in report.pop("first"):
        sys.stderr.write(f"{json.dumps(difference)}\n")
    return report


if __name__ == "__main__":
    sys.exit(main())
