"""The matrix as Markdown: operation by moment, and the same by step of each script."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from demo.matrix.cell import Verdict
from demo.matrix.points import Moment
from demo.matrix.scripts import SCRIPTS

_MOMENTS = tuple(Moment)
Key = Callable[[Verdict], str]


def cell_text(verdicts: Sequence[Verdict]) -> str:
    """What all cases of one cell have come to."""
    if not verdicts:
        return ""
    exact = sum(v.is_exact for v in verdicts)
    if exact == len(verdicts):
        return f"{exact} exact"
    texts = [f"{exact} exact"] if exact else []
    unreached = sum(not v.is_reached for v in verdicts)
    if unreached:
        texts.append(f"{unreached} not reached")
    failed = len(verdicts) - exact - unreached
    if failed:
        texts.append(f"**{failed} failed**")
    return ", ".join(texts)


def operations(verdicts: Iterable[Verdict]) -> str:
    """Operation by moment."""
    return _table("operation", _grouped(verdicts, lambda v: v.case.point.call))


def steps(verdicts: Iterable[Verdict]) -> str:
    """Step of a script by moment."""
    names = {
        (script.name, number): f"{script.name}: {step.name}"
        for script in SCRIPTS
        for number, step in enumerate(script.steps, 1)
    }
    return _table(
        "step",
        _grouped(verdicts, lambda v: names[v.case.point.script, v.case.point.step]),
    )


def _grouped(verdicts: Iterable[Verdict], key: Key) -> Mapping[str, list[Verdict]]:
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        groups[key(verdict)].append(verdict)
    return dict(sorted(groups.items()))


def _table(title: str, groups: Mapping[str, list[Verdict]]) -> str:
    lines = [
        f"| {title} | " + " | ".join(_MOMENTS) + " |",
        "|---" * (len(_MOMENTS) + 1) + "|",
    ]
    for name, verdicts in groups.items():
        cells = [cell_text([v for v in verdicts if v.case.moment is m]) for m in _MOMENTS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
