"""The embedded AWS emulator, MiniStack: SQS, SNS, EventBridge, Scheduler, DynamoDB, S3, KMS.

It is a Python program from PyPI that needs no account, no token and no container. It listens on
the loopback only, at a free port, keeps everything in memory and dies with this process. What it
does not do as AWS does stands in `docs/local-world.md`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from infra.local.endpoints import ACCOUNT_ID, REGION, LocalAws
from infra.local.process import (
    LOOPBACK,
    LOOPBACK_IN_PROC,
    Program,
    StartError,
    addresses_listened_on,
    free_port,
)
from infra.local.toolroom import ROOT, ensure_venv

REQUIREMENTS = ROOT / "requirements" / "emulator.txt"
START_TIMEOUT_S = 30.0
STOP_GRACE_S = 3.0
POLL_S = 0.05


@contextlib.contextmanager
def running_emulator(log: Path) -> Iterator[LocalAws]:
    """Start MiniStack, installing it first if need be, and stop it at the end. Blocks.

    Raises:
        StartError: it did not answer in time, or listens on more than the loopback.
        InstallError: it could not be installed.
    """
    program_path = ensure_venv("emulator", REQUIREMENTS) / "ministack"
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="switchboard-emulator-") as scratch:
        program = Program("ministack", [str(program_path)], env=_env(port, scratch), log=log)
        try:
            url = f"http://{LOOPBACK}:{port}"
            wait_until_up(program, lambda: answers(f"{url}/_ministack/ready"))
            refuse_open_listener(program, port)
            yield LocalAws(endpoint_url=url)
        finally:
            program.stop(STOP_GRACE_S)


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
    """Whether a GET of a loopback address is answered with success within two seconds."""
    try:
        # A proxy of the environment has no business between two local programs.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def refuse_open_listener(program: Program, port: int) -> None:
    """Make sure that an emulator, which lets anyone in, is reachable from this machine only.

    Raises:
        StartError: it listens on another address than the loopback.
    """
    open_to = addresses_listened_on(port) - LOOPBACK_IN_PROC
    if open_to:
        raise StartError(program.name, f"listens on {', '.join(sorted(open_to))}", program.log)


def _env(port: int, scratch: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": scratch,
        "TMPDIR": scratch,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": LOOPBACK,  # Its default is every interface.
        "MINISTACK_HOST": LOOPBACK,  # Queue URLs carry it.
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT_ID,
        "IOT_MTLS_ENABLED": "0",  # Else a fixed second port.
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }
