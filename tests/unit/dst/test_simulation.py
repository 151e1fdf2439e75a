"""A seed is one run for ever, and the simulation notices what it is for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from dst.simulation import Fleet, simulate
from workers.handlers.chat_relay.line import Line

ROOT = Path(__file__).parents[3]
SEEDS = (1, 5, 8)
NOTICED_AMONG = range(60, 120)
"""Holders rarely lose a lease with a call under way: most seeds have no such moment."""
pytestmark = pytest.mark.timeout(180)

_DIGESTS = """
import json, sys
from dst.simulation import Fleet, simulate
fleet = Fleet()
print(json.dumps({seed: simulate(seed, fleet).digest for seed in map(int, sys.argv[1:])}))
"""


@pytest.fixture(scope="module")
def fleet() -> Fleet:
    return Fleet()


def digests(hash_seed: str, seeds: tuple[int, ...]) -> dict[str, str]:
    """What each seed comes to in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", _DIGESTS, *map(str, seeds)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=True,
        capture_output=True,
        text=True,
    )
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def test_a_seed_is_the_same_run_in_every_process_and_whatever_ran_before() -> None:
    """Sets and hashes differ between the two, and so does the order of the seeds."""
    assert digests("1", SEEDS) == digests("2", SEEDS[::-1])


def test_another_seed_is_another_run(fleet: Fleet) -> None:
    assert simulate(1, fleet).digest != simulate(2, fleet).digest


def test_a_trace_tells_who_did_what_and_when(fleet: Fleet) -> None:
    outcome = simulate(SEEDS[0], fleet, keeps_trace=True)
    assert len(outcome.lines) == outcome.events
    assert any("SendTextMessage" in line for line in outcome.lines)
    times = [float(line.split()[0]) for line in outcome.lines]
    assert times == sorted(times)


def test_a_guard_that_is_gone_is_noticed(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token for each try instead of for each cause: what is repeated is said twice."""
    say, tries = Line.say, count()

    async def say_anew(self: Line, sid: str, gen: int, text: str, token: str) -> None:
        await say(self, sid, gen, text, f"{token}.{next(tries)}")

    monkeypatch.setattr(Line, "say", say_anew)
    assert any(simulate(seed, fleet).ruling.twice for seed in NOTICED_AMONG)
