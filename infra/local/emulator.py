"""The embedded AWS emulator, MiniStack: SQS, SNS, EventBridge, Scheduler, DynamoDB, S3, KMS.

It is a Python program from PyPI that needs no account, no token and no container. It listens on
the loopback only, at a free port, keeps everything in memory and dies with this process. One that
is to be restarted writes its state to files when it is asked to stop, and reads it at its start.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.endpoints import ACCOUNT_ID, REGION, LocalAws
from infra.local.process import LOOPBACK, Program, StartError, free_ports
from infra.local.readiness import answers, refuse_open_listener, wait_until_up
from infra.local.toolroom import ROOT, ensure_venv

REQUIREMENTS = ROOT / "requirements" / "emulator.txt"
SAVING_S = 20.0
"""It waits 3 s for who is connected, and then writes its state."""


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
    with _emulator(log, is_restartable=False) as emulator:
        yield emulator.aws


@contextmanager
def restartable_emulator(log: Path) -> Iterator[Emulator]:
    """The same, and it can be restarted: slower with files, so it is for tests of that."""
    with _emulator(log, is_restartable=True) as emulator:
        yield emulator


class Emulator:
    """A running MiniStack at one address for its whole life, restarts included."""

    def __init__(self, log: Path, scratch: Path, *, is_restartable: bool) -> None:
        (self._port,) = free_ports(1)
        self._ministack = install_emulator() / "ministack"
        self._log = log
        self._env = _env(self._port, scratch)
        if is_restartable:
            self._env |= _kept_in(scratch)
        self.aws = LocalAws(endpoint_url=f"http://{LOOPBACK}:{self._port}")
        self._program = self._launch()

    @property
    def pid(self) -> int:
        """Its process, another one after each restart."""
        return self._program.pid

    def restart(self) -> None:
        """End the process, which cuts every connection, and start another with its state. Blocks.

        What had an answer before is kept: messages with their visibility timeouts, tables, objects,
        keys. Nobody answers for some seconds.

        Raises:
            StartError: it could not save its state, or did not come up again.
        """
        if (code := self._program.stop(SAVING_S)) != 0:
            raise StartError(self._program.name, f"ended with {code}", self._log)
        self._program = self._launch()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Block until it answers, to this machine only. Raises `StartError`."""
        url = f"{self.aws.endpoint_url}/_ministack/ready"
        wait_until_up(self._program, lambda: answers(url))
        refuse_open_listener(self._program, self._port)

    def stop(self) -> None:
        """End it, and what it has with it: asked politely it would wait for who is connected."""
        self._program.kill()

    def _launch(self) -> Program:
        return Program("ministack", [str(self._ministack)], env=self._env, log=self._log)


@contextmanager
def _emulator(log: Path, *, is_restartable: bool) -> Iterator[Emulator]:
    with tempfile.TemporaryDirectory(prefix="switchboard-emulator-") as scratch:
        emulator = Emulator(log, Path(scratch), is_restartable=is_restartable)
        try:
            emulator.wait_until_up()
            yield emulator
        finally:
            emulator.stop()


def _kept_in(scratch: Path) -> dict[str, str]:
    """Settings under which it keeps what it has. Objects have files of their own."""
    return {
        "PERSIST_STATE": "1",
        "STATE_DIR": str(scratch / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(scratch / "s3"),
    }


def _env(port: int, scratch: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
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
