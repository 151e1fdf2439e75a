"""The embedded AWS emulator, MiniStack: SQS, SNS, EventBridge, Scheduler, DynamoDB, S3, KMS.

It is a Python program from PyPI that needs no account, no token and no container. It listens on
the loopback only, at a free port, keeps everything in memory and dies with this process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.endpoints import ACCOUNT_ID, REGION, LocalAws
from infra.local.process import LOOPBACK, Program, free_ports
from infra.local.readiness import answers, refuse_open_listener, wait_until_up
from infra.local.toolroom import ROOT, ensure_venv

REQUIREMENTS = ROOT / "requirements" / "emulator.txt"
STOP_GRACE_S = 3.0


def install_emulator() -> Path:
    """The folder of the emulator's programs, installed first if need be. Blocks."""
    return ensure_venv("emulator", REQUIREMENTS)


@contextmanager
def running_emulator(log: Path) -> Iterator[LocalAws]:
    """Start MiniStack, installing it first if need be, and stop it at the end. Blocks.

    Raises:
        StartError: it did not answer in time, or listens on more than the loopback.
        InstallError: it could not be installed.
    """
    ministack = install_emulator() / "ministack"
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="switchboard-emulator-") as scratch:
        program = Program("ministack", [str(ministack)], env=_env(port, scratch), log=log)
        try:
            url = f"http://{LOOPBACK}:{port}"
            wait_until_up(program, lambda: answers(f"{url}/_ministack/ready"))
            refuse_open_listener(program, port)
            yield LocalAws(endpoint_url=url)
        finally:
            program.stop(STOP_GRACE_S)


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
        "MINISTACK_WORKER_THREADS": "256",  # A long poll holds one for its 20 s.
        "IOT_MTLS_ENABLED": "0",  # Else it takes a fixed second port.
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }
