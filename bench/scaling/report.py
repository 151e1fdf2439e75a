"""The runs in words: the table of `docs/scaling.md`, and what is written where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from bench.scaling.fleet import Load, Minute, Service, turns
from bench.scaling.loads import loads
from bench.scaling.plot import svg
from bench.scaling.policy import Plan, Scaling, scaling_of

SERVICE: Final = "engagement"
TASK_PER_S: Final = 25.0
"""What a task handles, in the plot and the table; the test tries others too."""
PAGE: Final = Path("docs") / "scaling.md"
PLOT: Final = Path("docs") / "scaling.svg"
BEGIN, END = "<!-- begin: python -m bench.scaling -->\n", "<!-- end -->\n"


def files(plan: Plan, page: str) -> dict[Path, str]:
    """The page with its table made anew, and the plot."""
    scaling = scaling_of(plan, SERVICE)
    tried = loads(TASK_PER_S)
    runs = [Service(scaling, load).run() for load in tried]
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost the marks around its generated part")
    return {
        PAGE: before + begin + _table(scaling, tried, runs) + end + after,
        PLOT: svg([(load.name, run) for load, run in zip(tried, runs, strict=True)], scaling.most),
    }


def _table(scaling: Scaling, tried: Sequence[Load], runs: Sequence[Sequence[Minute]]) -> str:
    kept = " and ".join(f"`{p.name}` at {p.target:g}" for p in scaling.policies)
    head = (
        f"From {scaling.least} to {scaling.most} tasks, {kept}; {TASK_PER_S:g} messages a second"
        " from each task.\n\n"
        "| load | most tasks | first added after | longest wait | nothing waits after"
        " | the same without scaling | turns |\n|---|---|---|---|---|---|---|\n"
    )
    return head + "".join(
        _row(run, load, Service(replace(scaling, policies=()), load).run())
        for load, run in zip(tried, runs, strict=True)
    )


def _row(run: Sequence[Minute], load: Load, alone: Sequence[Minute]) -> str:
    cells = (
        load.name,
        str(max(minute.asked_for for minute in run)),
        _added(run, load),
        _duration(max(minute.age_s for minute in run)),
        _drained(run, load),
        _drained(alone, load),
        str(turns(list(run))),
    )
    return f"| {' | '.join(cells)} |\n"


def _added(run: Sequence[Minute], load: Load) -> str:
    """From the moment when more comes than before, or at once where a backlog stands."""
    least = run[0].asked_for
    at_s = next((m.at_s for m in run if m.asked_for > least), None)
    if at_s is None:
        return "none"
    return _duration(at_s - load.begins_s)


def _drained(run: Sequence[Minute], load: Load) -> str:
    """When the last of what waited was received, counted as above."""
    last = max((m.at_s for m in run if m.backlog >= 1), default=0)
    if not last:
        return "nothing waited"
    return "not within the run" if last == run[-1].at_s else _duration(last - load.begins_s)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
