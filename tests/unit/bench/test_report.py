"""How ratios are taken, and the line that machines read."""

from __future__ import annotations

import json

import pytest

from bench.report import Measured, lines, ratios
from bench.running import Cost


def cost(cpu_us: float, per_second: float, requests: float = 0.2) -> Cost:
    return Cost(1000, cpu_us, per_second, requests, 20.0, 50_000)


def test_ratios_are_taken_within_a_round() -> None:
    """The second round ran on a machine half as fast: that is no difference between the two."""
    costs = {"loop": [cost(200, 1000), cost(400, 500)], "ours": [cost(100, 2000), cost(200, 1000)]}
    assert ratios(costs, "ours") == ([0.5, 0.5], [2.0, 2.0])


def test_the_last_line_is_one_object_by_contestant() -> None:
    costs = {
        "loop": [cost(200, 1000)] * 3,
        "switchboard": [cost(100, 2000), cost(80, 2000, 0.21), cost(120, 1500, 0.22)],
    }
    summary = json.loads(lines(Measured(costs=costs))[-1])
    assert summary["switchboard"] == {
        "cpu_ratio": 0.5,
        "throughput_ratio": 2.0,
        "requests_per_message": 0.21,
    }
    assert summary["loop"]["cpu_ratio"] == 1


def test_rounds_that_do_not_match_are_no_figure() -> None:
    with pytest.raises(ValueError, match="shorter"):
        ratios({"loop": [cost(1, 1)], "ours": [cost(1, 1), cost(1, 1)]}, "ours")
