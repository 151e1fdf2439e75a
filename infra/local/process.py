"""One started program: its process group, its log file, its end."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import random
import signal
import socket
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from infra.local.guardian import Guardian

LOOPBACK = "127.0.0.1"
PORTS = range(15_000, 32_000)
"""Below what Linux, macOS and Windows hand out for connections."""

_guardian_lock = threading.Lock()


class StartError(Exception):
    """A program did not come up; carries the last lines of its log."""

    def __init__(self, name: str, reason: str, log: Path) -> None:
        super().__init__(f"{name} {reason}; the end of {log}:\n{_tail(log)}")
        self.name = name


class Program:
    """A running program that is the leader of its own process group.

    Its standard output and error go to one log file, appended to, so that a restarted program's
    lines follow those of the one before. It dies with this process (see `guardian.py`).
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str],
        log: Path,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - programs of this repository, no shell
                list(command),
                env=dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        _watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The process id, which is also its group's."""
        return self._process.pid

    def exit_code(self) -> int | None:
        """What it ended with (negative: the signal), or None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program alone, not to what it started; nothing if it has ended."""
        self._process.send_signal(number)

    def wait(self, timeout_s: float) -> int | None:
        """Its exit code, or None when it still runs after `timeout_s`. Blocks."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def stop(self, grace_s: float) -> int:
        """End it: SIGTERM, up to `grace_s` of patience, then SIGKILL for its whole group. Blocks.

        Returns the exit code; `-SIGKILL` says that it did not end when it was asked to.
        """
        self._process.terminate()
        self.wait(grace_s)
        return self.kill()

    def kill(self) -> int:
        """End its whole group at once and reap it. Blocks for as long as the kernel takes."""
        with contextlib.suppress(ProcessLookupError):  # It may have ended by itself.
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        _guardian().forget(self.pid)
        return code


def free_ports(count: int) -> tuple[int, ...]:
    """Different TCP ports of the loopback that nobody listens on at this moment.

    They are not reserved, so they are taken by chance from where the kernel takes none for
    connections: else one that is made before the port is used has it. For programs that cannot
    choose one themselves and say which.

    Raises:
        OSError: nearly all of them are in use.
    """
    with contextlib.ExitStack() as stack:
        probes = [_bound(stack.enter_context(socket.socket())) for _ in range(count)]
        return tuple(probe.getsockname()[1] for probe in probes)


def _bound(probe: socket.socket) -> socket.socket:
    tries = random.sample(PORTS, k=100)
    for port in tries[:-1]:
        with contextlib.suppress(OSError):
            probe.bind((LOOPBACK, port))
            return probe
    probe.bind((LOOPBACK, tries[-1]))
    return probe


@functools.cache
def _guardian() -> Guardian:
    guardian = Guardian()
    atexit.register(guardian.close)
    return guardian


def _watch(group: int) -> None:
    with _guardian_lock:
        _guardian().watch(group)


def _tail(log: Path, lines: int = 20) -> str:
    if not log.exists():
        return "(no log)"
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-lines:])
