"""`make bench`: every contestant in turn, round after round, and then what else is asked of us."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from bench import report
from bench.contestants import CONTESTANTS, LOOP, SWITCHBOARD, Contestant
from bench.layers import layer_costs_us
from bench.running import Cost, running, samples_of


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured. `growth` are the backlogs that follow each other in one process."""

    rounds: int
    messages: int
    warm_up: int
    idle: int
    growth: tuple[int, ...]


FULL = Effort(rounds=5, messages=4_000, warm_up=500, idle=200, growth=(10_000, 200_000))
QUICK = Effort(rounds=5, messages=1_000, warm_up=300, idle=50, growth=())


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes, rougher figures")
    parser.add_argument("--rounds", type=int, help="interleaved rounds")
    parser.add_argument("--messages", type=int, help="messages of a round")
    parser.add_argument("--only", default="", help="names of contestants, with commas between")
    options = parser.parse_args()
    effort = QUICK if options.quick else FULL
    effort = replace(
        effort,
        rounds=options.rounds or effort.rounds,
        messages=options.messages or effort.messages,
    )
    chosen = [c for c in CONTESTANTS if not options.only or c.name in options.only.split(",")]
    for line in report.missing():
        report.note(line)
    measured = report.Measured()
    _race([c for c in chosen if c.is_possible], effort, measured)
    measured.idle_ms = {c.name: _idle_ms(c, effort.idle) for c in (SWITCHBOARD, LOOP)}
    measured.growth = _grow(effort) if effort.growth else []
    measured.layers_us = layer_costs_us()
    print("\n".join(report.lines(measured)))  # noqa: T201 - what the command is for


def _race(contestants: Sequence[Contestant], effort: Effort, measured: report.Measured) -> None:
    samples = {contestant.name: samples_of(contestant) for contestant in contestants}
    with ExitStack() as started:
        # All stay up, each in a long poll while it is another's turn: a round is quick, so that
        # what else the machine does meets all alike.
        processes = {
            contestant: started.enter_context(running(contestant, samples[contestant.name]))
            for contestant in contestants
        }
        for contestant, process in processes.items():
            process.consume(max(20, int(effort.warm_up * contestant.share)))
        for number in range(effort.rounds):
            for contestant, process in processes.items():
                cost = process.consume(int(effort.messages * contestant.share))
                measured.costs.setdefault(contestant.name, []).append(cost)
                report.note(
                    f"round {number + 1} {contestant.name:14} {cost.cpu_us:6.0f} us/message "
                    f"{cost.per_second:6.0f}/s"
                )


def _idle_ms(contestant: Contestant, count: int) -> list[float]:
    """One message after another, each when everything before it is done."""
    with running(contestant, samples_of(contestant)) as process:
        process.consume(100)
        taken = []
        for _ in range(count):
            process.broker.until_polled()
            taken.append(process.latency_s() * 1e3)
        return taken


def _grow(effort: Effort) -> list[Cost]:
    with running(SWITCHBOARD, samples_of(SWITCHBOARD)) as process:
        process.consume(effort.warm_up)
        costs = []
        for count in effort.growth:
            costs.append(process.consume(count))
            report.note(f"growth {count}: {costs[-1]}")
        return costs


if __name__ == "__main__":
    main()
