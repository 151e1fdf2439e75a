"""Many seeds, in as many processes as there are cores; or one seed, to be read."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dst.simulation import Fleet, Outcome, simulate

PROGRESS_EVERY = 100
CHUNK = 5


@dataclass(slots=True)
class Tally:
    """What all seeds came to."""

    seeds: int = 0
    events: int = 0
    virtual_s: float = 0.0
    lost: int = 0
    twice: int = 0
    out_of_order: int = 0
    uncertain: int = 0
    kills: int = 0
    not_promised: Counter[str] = field(default_factory=Counter)
    failing: dict[int, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """One seed more."""
        ruling = outcome.ruling
        self.seeds += 1
        self.events += outcome.events
        self.virtual_s += outcome.virtual_s
        self.lost += ruling.lost
        self.twice += ruling.twice
        self.out_of_order += ruling.out_of_order
        self.uncertain += ruling.uncertain
        self.kills += outcome.kills
        self.not_promised += ruling.excused
        if not outcome.is_clean:
            self.failing[outcome.seed] = ruling.broken

    def as_json(self) -> dict[str, object]:
        """The last line of `make dst`."""
        return {
            "seeds": self.seeds,
            "events": self.events,
            "virtual_hours": round(self.virtual_s / 3600, 1),
            "lost": self.lost,
            "twice": self.twice,
            "out_of_order": self.out_of_order,
            "failing_seeds": sorted(self.failing),
            "uncertain": self.uncertain,
            "kills": self.kills,
            "not_promised": dict(sorted(self.not_promised.items())),
        }


def main() -> int:
    """Parse the command line, simulate, print."""
    parser = argparse.ArgumentParser(prog="make dst")
    parser.add_argument("--seeds", type=int, default=200, help="how many, from --first on")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seed", type=int, help="one seed only: print all that happens")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--stop", action="store_true", help="at the first seed that fails")
    given = parser.parse_args()
    if given.seed is not None:
        return replay(given.seed)
    tally = run(range(given.first, given.first + given.seeds), given.jobs, stops=given.stop)
    sys.stdout.write(json.dumps(tally.as_json()) + "\n")
    return 1 if tally.failing else 0


def replay(seed: int) -> int:
    """One seed, told line by line: seconds, who, what."""
    outcome = simulate(seed, Fleet(), keeps_trace=True)
    sys.stdout.write("\n".join(outcome.lines) + "\n")
    tally = Tally()
    tally.add(outcome)
    for line in outcome.ruling.broken:
        sys.stderr.write(f"seed {seed}: {line}\n")
    sys.stdout.write(json.dumps({**tally.as_json(), "digest": outcome.digest}) + "\n")
    return 0 if outcome.is_clean else 1


def run(seeds: range, jobs: int, *, stops: bool = False) -> Tally:
    """All of them. Progress and what fails goes to stderr as it comes."""
    tally, started_at = Tally(), time.monotonic()
    for outcome in _outcomes(seeds, jobs):
        tally.add(outcome)
        for line in outcome.ruling.broken:
            sys.stderr.write(f"seed {outcome.seed}: {line}\n")
        if stops and tally.failing:
            break
        if tally.seeds % PROGRESS_EVERY == 0:
            rate = tally.seeds / (time.monotonic() - started_at)
            sys.stderr.write(
                f"{tally.seeds} of {len(seeds)} seeds, {rate:.1f} a second, "
                f"{len(tally.failing)} failing\n"
            )
    return tally


def _outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs <= 1 or len(seeds) <= CHUNK:
        fleet = Fleet()
        yield from (simulate(seed, fleet) for seed in seeds)
        return
    with multiprocessing.get_context("spawn").Pool(jobs, initializer=_prepare) as pool:
        yield from pool.imap_unordered(_simulate, seeds, chunksize=CHUNK)


_OF_THIS_PROCESS: list[Fleet] = []


def _prepare() -> None:
    _OF_THIS_PROCESS.append(Fleet())


def _simulate(seed: int) -> Outcome:
    return simulate(seed, _OF_THIS_PROCESS[0])
