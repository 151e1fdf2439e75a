"""Checks the conversation protocol: `python model/run.py` (short), `--all`, `--scenario NAME`, `--mutations`, `--trace NAME`, `--walks N`.

Exit status 0: every scenario holds, and every guard that is switched off is noticed (or is known to cost time only).
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from checker import Result, explore, walk
from relay_model import MUTATIONS
from scenarios import EXPECTED, LARGE, QUICK, SCENARIOS


def run_scenario(name: str) -> Result:
    return explore(SCENARIOS[name])


def run_mutation(name: str) -> Result:
    return explore(replace(SCENARIOS[EXPECTED[name][0]], mutate=frozenset({name})), limit=400_000)


def show_scenarios(pool: ProcessPoolExecutor, names: list[str]) -> bool:
    good = True
    print(f"{'scenario':40} {'states':>9} {'steps':>9} {'s':>6}  result")
    for name, r in zip(names, pool.map(run_scenario, names)):
        verdict = "holds" if r.ok and r.complete else r.violation or "NOT COMPLETE"
        if r.twice_sms:
            verdict += f" (a text twice, only after a lost receipt: {r.twice_sms} states)"
        if r.repeats_in_second_chat:
            verdict += f" (a text repeated in a second chat, first one over: {r.repeats_in_second_chat} states)"
        good &= r.ok and r.complete
        print(f"{name:40} {r.states:9} {r.steps:9} {r.seconds:6.1f}  {verdict}", flush=True)
    return good


def show_mutations(pool: ProcessPoolExecutor, names: list[str]) -> bool:
    good = True
    print(f"\n{'guard off':22} {'scenario':36} {'states':>8}  found")
    for name, r in zip(names, pool.map(run_mutation, names)):
        wanted = EXPECTED[name][1]
        found = r.violation.split(":")[0] or None
        good &= found == wanted
        mark = "" if found == wanted else f"   EXPECTED {wanted}"
        print(f"{name:22} {EXPECTED[name][0]:36} {r.states:8}  {found or 'nothing'}{f' in {len(r.trace)} steps' if found else ''}{mark}", flush=True)
    return good


def run_walks(job: tuple[str, int, int]) -> tuple[int, int, str]:
    name, first, count = job
    steps = reached = 0
    for seed in range(first, first + count):
        violation, path, goal = walk(LARGE[name], seed)
        steps += len(path)
        reached += goal
        if violation:
            return steps, reached, f"seed {seed}: {violation}"
    return steps, reached, ""


def show_walks(pool: ProcessPoolExecutor, count: int) -> bool:
    good = True
    for name in LARGE:
        parts = list(pool.map(run_walks, [(name, seed, count // 10) for seed in range(0, count, count // 10)]))
        bad = [v for _, _, v in parts if v]
        done = sum(g for _, g, _ in parts)
        good &= not bad and done == count
        print(f"{name}: {count} walks, {sum(n for n, _, _ in parts)} steps, {done} finished; {bad[0] if bad else 'holds'}", flush=True)
    return good


def main() -> int:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--scenario", choices=SCENARIOS)
    ap.add_argument("--all", action="store_true", help="every scenario, about 4 minutes on two cores and 1 GB a process")
    ap.add_argument("--mutations", action="store_true", help="only the guards")
    ap.add_argument("--trace", choices=MUTATIONS, help="print the shortest way to the harm")
    ap.add_argument("--walks", type=int, metavar="N", help="N random walks through each large scenario (a multiple of 10)")
    a = ap.parse_args()
    if a.trace:
        r = run_mutation(a.trace)
        print(MUTATIONS[a.trace], *r.trace, r.violation or "nothing found", sep="\n  ")
        return 0
    with ProcessPoolExecutor() as pool:
        if a.walks:
            return 0 if show_walks(pool, a.walks) else 1
        good = True if a.mutations else show_scenarios(pool, [a.scenario] if a.scenario else list(SCENARIOS if a.all else QUICK))
        if not a.scenario:
            good &= show_mutations(pool, list(MUTATIONS))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
