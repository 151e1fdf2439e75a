"""Samples how much memory the programs of the world hold, and says how it grows."""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

SAMPLE_S = 5.0
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
WARM_UP_SHARE = 0.3  # of the samples, before caches and pools have filled
_MARKS = {"ministack": "emulator", "-m simulator": "simulator", "switchboard worker": "worker"}


class Memory:
    """Resident memory in MB against the number of events so far, by program.

    Of the workers only the one that is never killed is watched: the first of them.
    """

    def __init__(self, count_events: Callable[[], int]) -> None:
        self._count_events = count_events
        self._samples: dict[str, list[tuple[int, float]]] = defaultdict(list)

    async def watch(self) -> None:
        """Sample, until cancelled. To be started when all programs run."""
        watched = _children()
        while True:
            for name, pid in watched.items():
                if (megabytes := _resident_mb(pid)) is not None:
                    self._samples[name].append((self._count_events(), megabytes))
            await asyncio.sleep(SAMPLE_S)

    def lines(self) -> list[str]:
        """One line for each program: first, last, greatest, and the slope."""
        lines = []
        for name, samples in sorted(self._samples.items()):
            settled = samples[int(len(samples) * WARM_UP_SHARE) :]
            sizes = [size for _, size in samples]
            lines.append(
                f"memory of the {name}: {sizes[0]:.0f} MB at first, {sizes[-1]:.0f} at last, "
                f"{max(sizes):.0f} at most, {slope(settled) * 10_000:+.1f} MB for 10,000 events"
            )
        return lines


def slope(samples: Sequence[tuple[int, float]]) -> float:
    """Least squares: MB for each event; 0 where there is nothing to fit."""
    count = len(samples)
    if count < 2:
        return 0.0
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    if not spread:
        return 0.0
    return sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread


def _children() -> dict[str, int]:
    """The programs that this process has started; of each kind the first."""
    found: dict[str, int] = {}
    for pid in sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()):
        try:
            parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().decode().replace("\0", " ")
        except OSError:
            continue  # It has ended.
        if parent == os.getpid():
            for mark, name in _MARKS.items():
                if mark in command:
                    found.setdefault(name, pid)
    return found


def _resident_mb(pid: int) -> float | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * PAGE_BYTES / 1e6
