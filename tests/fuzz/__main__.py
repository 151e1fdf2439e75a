"""Throw inputs at the decoder: `make fuzz INPUTS=1000000 SEED=1`, or one again with AT=4711.

The last line on standard output is one JSON object; progress and failing inputs go to standard
error. Exit status 1 when anything crashed.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter

import click

from tests.fuzz.inputs import make
from tests.fuzz.judging import Judged, judge

PROGRESS_EVERY = 50_000
SHOWN_CRASHES_MAX = 20


@click.command()
@click.option("--inputs", default=100_000, show_default=True, help="How many inputs.")
@click.option("--seed", default=1, show_default=True, help="Another seed makes other inputs.")
@click.option("--at", type=int, help="Only this input of the seed, shown in full.")
def fuzz(inputs: int, seed: int, at: int | None) -> None:
    """Decode hostile inputs and look for anything but our own results."""
    if at is not None:
        _replay(seed, at)
        return
    begun_s = time.monotonic()
    totals: Counter[str] = Counter()
    for number in range(inputs):
        _count(totals, judge(make(seed, number)), f"--seed {seed} --at {number}")
        if (number + 1) % PROGRESS_EVERY == 0:
            rate = (number + 1) / (time.monotonic() - begun_s)
            click.echo(f"{number + 1} inputs, {totals['crashes']} crashes, {rate:.0f}/s", err=True)
    summary = {
        "inputs": inputs,
        "crashes": totals["crashes"],
        "undecodable": totals["undecodable"],
        "recognised": totals["recognised"],
        "seed": seed,
        "seconds": round(time.monotonic() - begun_s, 1),
    }
    click.echo(json.dumps(summary))
    sys.exit(1 if totals["crashes"] else 0)


def _count(totals: Counter[str], judged: Judged, name: str) -> None:
    """An input counts once: recognised when anything in it was an event or a notice."""
    if judged.crash:
        totals["crashes"] += 1
        if totals["crashes"] <= SHOWN_CRASHES_MAX:
            click.echo(f"crash at {name}\n{judged.crash}", err=True)
    else:
        totals["recognised" if judged.recognised else "undecodable"] += 1


def _replay(seed: int, number: int) -> None:
    made = make(seed, number)
    judged = judge(made)
    click.echo(ascii(made)[:20_000], err=True)
    click.echo(judged.crash or "no crash", err=True)
    sys.exit(1 if judged.crash else 0)


if __name__ == "__main__":
    fuzz()
