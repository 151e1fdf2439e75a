"""The loads that the policies are tried with."""

from __future__ import annotations

from math import cos
from random import Random
from typing import Final

from bench.scaling.fleet import Load

HOUR_S: Final = 3_600


def _noise(seed: int) -> list[float]:
    rng = Random(seed)  # noqa: S311 - the same load each time
    return [rng.uniform(0.5, 1.5) for _ in range(24 * 360)]


def loads(task_per_s: float) -> list[Load]:
    """Each in the measure of what one task handles in a second."""
    noise = _noise(7)
    return [
        Load(
            f"a backlog of {4_000 * task_per_s:,.0f} at once",
            lambda _: 0.4 * task_per_s,
            2 * HOUR_S,
            task_per_s,
            standing=4_000 * task_per_s,
            changes=1,
        ),
        Load(
            "four times as much for two hours",
            lambda at_s: task_per_s * (4.0 if HOUR_S <= at_s < 3 * HOUR_S else 0.8),
            5 * HOUR_S,
            task_per_s,
            begins_s=HOUR_S,
            changes=1,
        ),
        Load(
            "a day's wave, with noise",
            lambda at_s: task_per_s * (2.2 - 1.6 * cos(at_s / HOUR_S)) * noise[int(at_s) // 10],
            6 * HOUR_S,
            task_per_s,
            begins_s=int(0.9 * HOUR_S),
            changes=1,
        ),
        Load(
            "noise around what two tasks handle well",
            lambda at_s: task_per_s * 0.8 * noise[int(at_s) // 10],
            4 * HOUR_S,
            task_per_s,
            changes=0,
        ),
        Load(
            f"a downstream limit holds {200 * task_per_s:,.0f}",
            lambda _: 0.3 * task_per_s,
            2 * HOUR_S,
            task_per_s,
            standing=200 * task_per_s,
            limit_per_s=0.5 * task_per_s,
            changes=0,
        ),
    ]
