"""Sends the events of a mail-out through the workers, and prints one JSON object as its last line.

    events, people     what went in
    right, wrong       profiles that are as a plain recount of the input has them, and that are not
    requests           of Customer Profiles, by operation
    requests_per_event
    dead_lettered      messages, of which there should be none
    seconds            from the first event to the last profile

Exit status 1 when a profile is wrong or missing, or there are two of one person.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import boto3

from demo.mail_out.events import Person, bodies, people
from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.provision import LOCAL_INSTANCE_ID, Provisioned
from infra.local.world import World, WorldPlan
from simulator.client import SimulatorClient
from simulator.control_channel import ControlChannel

CONFIG = Path(__file__).with_name("profiles.toml")
TYPES = Path(__file__).parents[2] / "infra" / "profiles"
DOMAIN, QUEUE = "clinic", "engagement-events"
SEARCH_LAG_MS = 2_000
TELL_S = 10.0
FED_AT_ONCE, BACKLOG = 500, 6_000


def main() -> int:
    """Parse the command line, run, print."""
    parser = argparse.ArgumentParser(prog="make soak-profiles", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=5_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=3_600, help="give up after so long")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep inputs and logs there")
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = given.keep or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-mail-out-"))
        )
        folder.mkdir(parents=True, exist_ok=True)
        aws = stack.enter_context(running_emulator(folder / "ministack.log"))
        report = asyncio.run(_run(given, folder, aws))
    sys.stdout.write(json.dumps(report) + "\n")
    return 0 if not report["wrong"] and not report["dead_lettered"] else 1


async def _run(given: argparse.Namespace, folder: Path, aws: LocalAws) -> Mapping[str, Any]:
    chance = random.Random(given.seed)  # noqa: S311 - a play, not a secret
    everybody = people(given.people)
    events = bodies(everybody, given.events, datetime.now(UTC), chance)
    _write(folder / "events.jsonl", events)
    _write(folder / "people.jsonl", [json.dumps(asdict(person)) for person in everybody])
    plan = WorldPlan(
        run_dir=folder / "run",
        config=CONFIG,
        contact_centre=lambda made: contact_centre(made, everybody),
        worker_count=given.workers,
        seed=given.seed,
        ledger_kept=1_000,
    )
    async with World(plan, aws) as world, SimulatorClient(world.simulator_url) as simulator:
        await simulator.set_knobs(customer_profiles={"search_lag_ms": SEARCH_LAG_MS})
        began = time.monotonic()
        queues = _Queues(aws, world.provisioned)
        await queues.feed(events)
        await queues.settled(given.seconds)
        seconds = time.monotonic() - began
        requests = await _requests(world)
        async with ControlChannel(world.simulator_url) as channel:
            found = await channel.call("GET", f"profiles/{DOMAIN}")
        _write(folder / "profiles.jsonl", [json.dumps(one) for one in found["profiles"]])
        recount = await _recount(folder)
        return {
            "events": len(events),
            **recount,
            "requests": requests,
            "requests_per_event": round(sum(requests.values()) / len(events), 3),
            "dead_lettered": await asyncio.to_thread(queues.dead_letters),
            "seconds": round(seconds),
        }


def contact_centre(made: Provisioned, everybody: Sequence[Person]) -> Mapping[str, object]:
    """An account with a domain in which all have a profile but the strangers."""
    shipped = [json.loads(file.read_text("utf-8")) for file in sorted(TYPES.glob("*.json"))]
    domain = {
        "name": DOMAIN,
        "object_types": {one.pop("ObjectTypeName"): one for one in shipped},
        "profiles": [
            {"EmailAddress": person.email, "PhoneNumber": person.phone}
            for person in everybody
            if not person.is_stranger
        ],
    }
    receipts = {"name": "sns", "topic_arn": made.topic_arns["delivery-receipts"]}
    return {
        "sms_voice": {
            "phone_numbers": [{"number": "+12065550110", "type": "TEN_DLC"}],
            "configuration_sets": [{"name": "conversations", "event_destinations": [receipts]}],
        },
        "customer_profiles": {"domains": [domain]},
        "connect": {"instances": [{"id": LOCAL_INSTANCE_ID}]},
    }


class _Queues:
    """The one queue that matters, from outside."""

    def __init__(self, aws: LocalAws, made: Provisioned) -> None:
        self._sqs = boto3.client("sqs", **aws.client_arguments("SQS"))
        self._url, self._dlq_url = made.queue_urls[QUEUE], made.dlq_urls[QUEUE]

    async def feed(self, events: Sequence[str]) -> None:
        """All of them, as fast as they are taken: an emulator looks through all it holds."""
        began, told_s = time.monotonic(), 0.0
        for start in range(0, len(events), FED_AT_ONCE):
            await asyncio.to_thread(self._send, events[start : start + FED_AT_ONCE])
            await self._until_taken()
            passed_s = time.monotonic() - began
            if passed_s > told_s + TELL_S:
                told_s = passed_s
                sys.stderr.write(f"{passed_s:4.0f} s: {start} of {len(events)} are in\n")

    async def _until_taken(self) -> None:
        for _ in count():
            if await asyncio.to_thread(self._depth, self._url) <= BACKLOG:
                return
            await asyncio.sleep(0.2)

    def _send(self, events: Sequence[str]) -> None:
        for batch in _tens(events):
            self._sqs.send_message_batch(
                QueueUrl=self._url,
                Entries=[{"Id": str(n), "MessageBody": body} for n, body in enumerate(batch)],
            )

    async def settled(self, within_s: float) -> None:
        """Until it is empty, twice in a row."""
        began, empty = time.monotonic(), 0
        for look in count():
            depth = await asyncio.to_thread(self._depth, self._url)
            empty = empty + 1 if not depth else 0
            passed_s = time.monotonic() - began
            if empty == 2 or passed_s > within_s:
                return
            if look % int(TELL_S) == 0:
                sys.stderr.write(f"{passed_s:4.0f} s: {depth} on the queue\n")
            await asyncio.sleep(1)

    def dead_letters(self) -> int:
        """How many there are."""
        return self._depth(self._dlq_url)

    def _depth(self, url: str) -> int:
        found = self._sqs.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=[
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
            ],
        )
        return sum(int(value) for value in found["Attributes"].values())


async def _requests(world: World) -> dict[str, int]:
    """What the simulator was asked, by the workers' own count."""
    totals: dict[str, int] = {}
    async with aiohttp.ClientSession() as http:
        for worker in range(world.plan.worker_count):
            url = world.worker_url(worker)
            async with http.get(f"{url}/metrics") as answer:
                for line in (await answer.text()).splitlines():
                    for name in ("SearchProfiles", "CreateProfile", "PutProfileObject"):
                        if "api_calls_total" in line and f'api="{name}"' in line:
                            totals[name] = totals.get(name, 0) + int(float(line.split()[-1]))
    return totals


async def _recount(folder: Path) -> Mapping[str, Any]:
    names = [str(folder / f"{name}.jsonl") for name in ("events", "profiles", "people")]
    arguments = ["-m", "demo.mail_out.recount", *names, datetime.now(UTC).isoformat()]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    report: dict[str, Any] = json.loads(out)
    for difference in report.pop("first"):
        sys.stderr.write(f"{json.dumps(difference)}\n")
    return report


def _tens(events: Sequence[str]) -> Iterator[Sequence[str]]:
    return (events[start : start + 10] for start in range(0, len(events), 10))


def _write(file: Path, lines: Sequence[str]) -> None:
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
