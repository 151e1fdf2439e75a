"""Who is measured, each at the settings that its own documentation recommends.

This is the one file with settings; every one names the page that it comes from.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from infra.local.toolroom import LOCAL, ROOT, ensure_venv

PEERS = Path(__file__).parent / "peers"


class Messages(Enum):
    """Who makes the messages: we, or the peer's own client, with our bodies as the argument."""

    PLAIN = "plain"
    OWN = "own"


@dataclass(frozen=True, slots=True, eq=False)
class Contestant:
    """One of those measured.

    Attributes:
        venv: the virtual environment's name and requirements file; ours when empty.
        script: what is run, in `bench/peers`, or a module of ours.
        settings: given to it as JSON in BENCH_SETTINGS.
        page: where the settings come from.
        share: of the messages of a round; less for who needs long.
    """

    name: str
    script: str
    settings: dict[str, Any] = field(default_factory=dict)
    page: str = ""
    venv: str = ""
    messages: Messages = Messages.PLAIN
    share: float = 1.0

    def command(self) -> list[str]:
        """What to start, its environment made if need be."""
        if self.script.endswith(".mjs"):
            return ["node", str(_node_home() / Path(self.script).name)]
        if not self.script.endswith(".py"):
            return [sys.executable, "-m", self.script]
        python = sys.executable
        if self.venv:
            requirements = ROOT / "requirements" / f"{self.venv}.txt"
            python = str(ensure_venv(self.venv, requirements) / "python")
        return [python, str(PEERS / self.script)]

    @property
    def is_possible(self) -> bool:
        """False for a peer on Node.js where there is none."""
        return not self.script.endswith(".mjs") or shutil.which("npm") is not None


def _node_home() -> Path:
    """The folder with the Node peer and its packages; no lock file, which would hold addresses."""
    home = LOCAL / "peer-node"
    wanted = (PEERS / "node" / "package.json").read_text("utf-8")
    stamp = home / "made-from"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "package.json").write_text(wanted, "utf-8")
        options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "install", *options], cwd=home, check=True, capture_output=True)  # noqa: S603 - no shell
        stamp.write_text(wanted, "utf-8")
    # Beside the modules, so that they are found from there.
    shutil.copy(PEERS / "node" / "consumer.mjs", home / "consumer.mjs")
    return home


SWITCHBOARD = Contestant(
    name="switchboard",
    script="bench.switchboard",
    settings={},
    page="workers/runtime/config.py: the defaults (64 slots, 4 pollers)",
)
LOOP = Contestant(
    name="loop",
    script="loop.py",
    settings={"pollers": 4},
    page="the yardstick: receive 10, delete batch 10, 4 pollers, written by hand on aiobotocore",
)

CONTESTANTS = (
    SWITCHBOARD,
    LOOP,
    Contestant(
        name="boto3-threads",
        script="boto3_threads.py",
        settings={"threads": 4},
        page="https://docs.aws.amazon.com/boto3/latest/guide/clients.html"
        " (Multithreading or multiprocessing with clients: a session for each thread)",
        share=0.5,
    ),
    Contestant(
        name="sqs-workers",
        script="sqs_workers_peer.py",
        settings={"batch_size": 10, "wait_s": 20},
        page="PyPI, project sqs-workers (Batch Reads: 'to speed up ingestion')",
        venv="peer-sqs-workers",
        messages=Messages.OWN,
        share=0.5,
    ),
    Contestant(
        name="taskiq",
        script="taskiq_peer.py",
        settings={
            "max_number_of_messages": 10,
            "wait_time_seconds": 20,
            "workers": 1,
            "max_async_tasks": 100,
        },
        page="PyPI, project taskiq-aio-sqs (Configuration: 1 to 10 messages, waits of"
        " 0 to 20 s) and https://taskiq-python.github.io/guide/cli.html (a worker for each core,"
        " 100 tasks)",
        venv="peer-taskiq",
        messages=Messages.OWN,
        share=0.3,
    ),
    Contestant(
        name="dramatiq",
        script="dramatiq_peer.py",
        settings={"processes": 1, "threads": 8},
        page="https://dramatiq.io/guide.html (Workers: a process for each core, 8 threads) and"
        " PyPI, project dramatiq-sqs (Usage: its middleware, without the server that"
        " Prometheus() starts)",
        venv="peer-dramatiq",
        messages=Messages.OWN,
        share=0.2,
    ),
    Contestant(
        name="sqs-consumer",
        script="node/consumer.mjs",
        settings={"batchSize": 10, "waitTimeSeconds": 20},
        page="https://bbc.github.io/sqs-consumer/interfaces/ConsumerOptions.html (batchSize,"
        " handleMessageBatch)",
        share=0.5,
    ),
)
