"""`python -m simulator --port N`: prints one JSON line with its address once it answers."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from datetime import datetime
from pathlib import Path

from simulator.application import running
from simulator.settings import SimulatorSettings


def parse_settings(arguments: list[str]) -> SimulatorSettings:
    """The settings that a command line means."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--public-url", help="the address clients see, if it is another")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account-id", default="000000000000")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice")
    parser.add_argument("--time-origin", help="ISO 8601 with a zone: when the two below begin")
    parser.add_argument("--time-offset-s", type=float, default=0.0, help="later by so much then")
    parser.add_argument("--time-rate", type=float, default=1.0, help="seconds in one real second")
    parser.add_argument("--ledger", type=Path, help="also write the ledger here, as JSON lines")
    parser.add_argument("--keep", type=int, help="so many of its newest entries in memory: all")
    parser.add_argument("--topology", type=Path, help="topology.json, for the event bus's rules")
    parser.add_argument("--queue-prefix", default="", help="before the topology's queue names")
    parser.add_argument("--world", type=Path, help="JSON file of what exists at the start")
    parser.add_argument(
        "--play-sns",
        action="append",
        default=[],
        metavar="KIND",
        help="stamp and deliver this kind of publication here, where the emulator's SNS stamps "
        "whole seconds and so loses the order of texts (inbound_sms); may be given again",
    )
    given = parser.parse_args(arguments)
    return SimulatorSettings(
        host=given.host,
        port=given.port,
        public_url=given.public_url,
        region=given.region,
        account_id=given.account_id,
        seed=given.seed,
        time_origin=datetime.fromisoformat(given.time_origin) if given.time_origin else None,
        time_offset_s=given.time_offset_s,
        time_rate=given.time_rate,
        ledger_path=given.ledger,
        kept=given.keep,
        topology_path=given.topology,
        queue_prefix=given.queue_prefix,
        plays_sns_for=frozenset(given.play_sns),
        world=json.loads(given.world.read_text("utf-8")) if given.world else {},
    )


async def serve(settings: SimulatorSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with running(settings) as world:
        sys.stdout.write(json.dumps({"url": world.url}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


def main() -> None:
    """The program."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    asyncio.run(serve(parse_settings(sys.argv[1:])))


if __name__ == "__main__":
    main()
