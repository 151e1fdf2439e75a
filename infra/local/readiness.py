"""When a started program is up, and whether it is up for this machine only."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from infra.local.process import Program, StartError

START_TIMEOUT_S = 60.0
POLL_S = 0.05
LOOPBACK_IN_PROC = frozenset({"0100007F", "0000000000000000FFFF00000100007F"})
"""127.0.0.1 as /proc/net/tcp and tcp6 write it on a little-endian machine."""


def wait_until_up(
    program: Program, is_up: Callable[[], bool], timeout_s: float = START_TIMEOUT_S
) -> None:
    """Block until `is_up` says so.

    Raises:
        StartError: the program ended, or the time is over.
    """
    deadline = time.monotonic() + timeout_s
    while not is_up():
        code = program.exit_code()
        if code is not None:
            raise StartError(program.name, f"ended with {code}", program.log)
        if time.monotonic() > deadline:
            raise StartError(program.name, f"is not up after {timeout_s:.0f} s", program.log)
        program.wait(POLL_S)


def answers(url: str) -> bool:
    """Whether a GET of a loopback address is answered with 200 within two seconds. Blocks."""
    # A proxy of the environment has no business between two local programs.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def refuse_open_listener(program: Program, port: int) -> None:
    """Make sure that a program that lets anyone in is reachable from this machine only.

    Raises:
        StartError: it listens on another address than the IPv4 loopback.
    """
    open_to = addresses_listened_on(port) - LOOPBACK_IN_PROC
    if open_to:
        raise StartError(program.name, f"listens on {', '.join(sorted(open_to))}", program.log)


def addresses_listened_on(port: int) -> set[str]:
    """The addresses, in the kernel's hexadecimal, that have a listener on a TCP port.

    Read from /proc/net, so on Linux only; elsewhere the set is empty.
    """
    tables = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    lines = [line for table in tables if table.exists() for line in _rows(table)]
    return {address for address, listening, at in map(_listener, lines) if listening and at == port}


def _rows(table: Path) -> list[str]:
    return table.read_text("ascii").splitlines()[1:]


def _listener(row: str) -> tuple[str, bool, int]:
    fields = row.split()
    address, _, port = fields[1].partition(":")
    return address, fields[3] == "0A", int(port, 16)
