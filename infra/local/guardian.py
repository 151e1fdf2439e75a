"""Kills the programs of a run when the run itself dies, however it dies.

A test run or a demo that is killed cannot stop what it started, and a worker or an emulator left
behind would hold ports and go on reading queues. So one small process, the guardian, holds the
reading end of a pipe: each started program is told to it, and when the pipe closes, it kills the
process groups that are still on its list. A parent-death signal would not do: it is Linux only
and fires when the starting *thread* ends.

Run as a program (by path, with no import of ours) it is the guardian; imported, it is its client.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from typing import IO


class Guardian:
    """The list of process groups that must not outlive this process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own file, no shell
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            start_new_session=True,  # A Ctrl-C in the terminal must not reach it first.
        )
        if self._process.stdin is None:
            raise RuntimeError("the guardian has no pipe")
        self._pipe: IO[bytes] = self._process.stdin

    def watch(self, group: int) -> None:
        """Kill that process group when this process is gone."""
        self._tell(f"+{group}\n")

    def forget(self, group: int) -> None:
        """Leave that process group alone: it has been stopped and reaped."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Kill what is still on the list, and end the guardian."""
        self._pipe.close()
        self._process.wait()

    def _tell(self, line: str) -> None:
        self._pipe.write(line.encode("ascii"))
        self._pipe.flush()


def _guard(lines: IO[str]) -> None:
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    _guard(sys.stdin)
