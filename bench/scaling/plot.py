"""The simulated runs as one SVG: for each load its backlog, and its tasks below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from xml.sax.saxutils import escape

from bench.scaling.fleet import Minute

WIDTH: Final = 860
LEFT: Final = 70
PLOT: Final = WIDTH - LEFT - 20
BACKLOG_HEIGHT: Final = 60
TASKS_HEIGHT: Final = 40
PANEL: Final = BACKLOG_HEIGHT + TASKS_HEIGHT + 58
_STYLE: Final = """
  text { font: 12px sans-serif; fill: #222 } .title { font-weight: bold } .scale { fill: #777 }
  .waiting { fill: #d9822b; fill-opacity: .35; stroke: #d9822b }
  .asked { fill: none; stroke: #2b6cb0; stroke-dasharray: 3 2 }
  .running { fill: #2b6cb0; fill-opacity: .25; stroke: #2b6cb0 } .axis { stroke: #ccc }
"""


def svg(runs: Sequence[tuple[str, Sequence[Minute]]], most: int) -> str:
    """All runs below each other. `most`: the largest number of tasks that the policies allow."""
    height = PANEL * len(runs) + 10
    panels = "".join(_panel(PANEL * i, name, run, most) for i, (name, run) in enumerate(runs))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
        f' role="img" aria-label="Backlog and tasks over time under several loads">'
        f"<style>{_STYLE}</style>"
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>\n{panels}</svg>\n'
    )


def _panel(top: int, name: str, run: Sequence[Minute], most: int) -> str:
    hours = run[-1].at_s / 3600
    peak = max(1.0, *(minute.backlog for minute in run))
    upper, lower = top + 24, top + 24 + BACKLOG_HEIGHT + 8
    below = lower + TASKS_HEIGHT
    return "\n".join(
        (
            f'<text class="title" x="{LEFT}" y="{top + 16}">{escape(name)}</text>',
            _label(upper + 10, f"{peak:,.0f}"),
            _label(upper + BACKLOG_HEIGHT, "waiting"),
            _area("waiting", run, upper, BACKLOG_HEIGHT, lambda m: m.backlog / peak),
            _label(lower + 10, f"{most} tasks"),
            _area("running", run, lower, TASKS_HEIGHT, lambda m: m.running / most),
            _line("asked", run, lower, TASKS_HEIGHT, lambda m: m.asked_for / most),
            f'<line class="axis" x1="{LEFT}" x2="{LEFT + PLOT}" y1="{below}" y2="{below}"/>',
            *(
                f'<text class="scale" x="{LEFT + PLOT * hour / hours:.0f}" y="{below + 14}"'
                f' text-anchor="middle">{hour} h</text>'
                for hour in range(round(hours) + 1)
            ),
            "",
        )
    )


def _label(y: int, text: str) -> str:
    return f'<text class="scale" x="{LEFT - 8}" y="{y}" text-anchor="end">{text}</text>'


def _points(
    run: Sequence[Minute], top: int, height: int, part: Callable[[Minute], float]
) -> list[str]:
    points: list[str] = []
    before = None
    for minute in run:
        y = f"{top + height * (1 - part(minute)):.1f}"
        x = f"{LEFT + PLOT * minute.at_s / run[-1].at_s:.1f}"
        if before is not None and before != y:
            points.append(f"{x},{before}")
        if before != y or minute is run[-1]:
            points.append(f"{x},{y}")
        before = y
    return points


def _line(
    css: str, run: Sequence[Minute], top: int, height: int, part: Callable[[Minute], float]
) -> str:
    return f'<polyline class="{css}" points="{" ".join(_points(run, top, height, part))}"/>'


def _area(
    css: str, run: Sequence[Minute], top: int, height: int, part: Callable[[Minute], float]
) -> str:
    points = _points(run, top, height, part)
    below = top + height
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    around = " ".join((f"{first},{below}", *points, f"{last},{below}"))
    return f'<polygon class="{css}" points="{around}"/>'
