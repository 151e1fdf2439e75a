"""What was measured, for people and as the last line for machines."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from bench.contestants import CONTESTANTS
from bench.running import Cost

YARDSTICK = "loop"

Costs = Mapping[str, Sequence[Cost]]


@dataclass
class Measured:
    """Everything of one `make bench`."""

    costs: dict[str, list[Cost]] = field(default_factory=dict)
    layers_us: dict[str, float] = field(default_factory=dict)
    idle_ms: dict[str, list[float]] = field(default_factory=dict)
    growth: list[Cost] = field(default_factory=list)


def ratios(costs: Costs, name: str) -> tuple[list[float], list[float]]:
    """CPU and throughput against the yardstick, of each round by itself."""
    pairs = list(zip(costs[name], costs[YARDSTICK], strict=True))
    cpu = [cost.cpu_us / yardstick.cpu_us for cost, yardstick in pairs]
    throughput = [cost.per_second / yardstick.per_second for cost, yardstick in pairs]
    return cpu, throughput


def lines(measured: Measured) -> list[str]:
    """The whole report; the last line is one JSON object."""
    return [
        *_machine(),
        "",
        *_table(measured.costs),
        *_layers(measured.layers_us),
        *_idle(measured.idle_ms),
        *_growth(measured.growth),
        "",
        "settings: bench/contestants.py",
        _summary(measured.costs),
    ]


def _machine() -> list[str]:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    versions = ", ".join(f"{name} {version(name)}" for name in ("aiobotocore", "aiohttp", "boto3"))
    return [
        f"{os.cpu_count()} cores {model}, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {versions}",
        f"load {os.getloadavg()[0]:.1f}; a contestant has one core, the broker another",
    ]


def _table(costs: Costs) -> list[str]:
    rounds = len(costs[YARDSTICK])
    rows = [
        f"median of {rounds} interleaved rounds (lowest to highest); ratios within a round, to `"
        f"{YARDSTICK}`",
        f"{'':14} {'CPU ratio':>22} {'throughput ratio':>22} {'CPU us':>8} {'msg/s':>7} "
        f"{'calls/msg':>9} {'broker us':>9}",
    ]
    for name in costs:
        cpu, throughput = ratios(costs, name)
        own = costs[name]
        rows.append(
            f"{name:14} {_range(cpu):>22} {_range(throughput):>22} "
            f"{_middle(own, 'cpu_us'):8.0f} {_middle(own, 'per_second'):7.0f} "
            f"{_middle(own, 'requests'):9.3f} {_middle(own, 'broker_cpu_us'):9.0f}"
        )
    return rows


def _layers(layers_us: Mapping[str, float]) -> list[str]:
    if not layers_us:
        return []
    return [
        "",
        "CPU of each layer by itself, us per message",
        *(f"{name:16} {cost:6.1f}" for name, cost in layers_us.items()),
    ]


def _idle(idle_ms: Mapping[str, Sequence[float]]) -> list[str]:
    if not idle_ms:
        return []
    rows = ["", "idle: from a message's entry to its delete, ms"]
    for name, taken in idle_ms.items():
        ordered = sorted(taken)
        p99 = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
        rows.append(f"{name:14} p50 {median(ordered):6.1f}   p99 {p99:6.1f}   n {len(ordered)}")
    return rows


def _growth(growth: Sequence[Cost]) -> list[str]:
    if not growth:
        return []
    return [
        "",
        "growth: one process, one backlog after another",
        *(
            f"{cost.messages:7} messages   {cost.cpu_us:6.0f} us/message "
            f"({cost.cpu_us / growth[0].cpu_us:.2f} x)   {cost.resident_kib / 1024:6.1f} MiB"
            for cost in growth
        ),
    ]


def _summary(costs: Costs) -> str:
    summary = {}
    for name in costs:
        cpu, throughput = ratios(costs, name)
        summary[name] = {
            "cpu_ratio": round(median(cpu), 3),
            "throughput_ratio": round(median(throughput), 3),
            "requests_per_message": round(_middle(costs[name], "requests"), 4),
        }
    return json.dumps(summary)


def _middle(costs: Sequence[Cost], figure: str) -> float:
    middle: float = median(getattr(cost, figure) for cost in costs)
    return middle


def _range(values: Sequence[float]) -> str:
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def missing() -> list[str]:
    """Contestants that cannot run here, said aloud."""
    return [
        f"{contestant.name} is left out: no Node.js here"
        for contestant in CONTESTANTS
        if not contestant.is_possible
    ]


def note(text: str) -> None:
    """To stderr: what is going on."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a command's output
