"""The local world: AWS endpoints, the topology, the contact centre, and workers as in production.

Used by the demo, the end-to-end tests and the storm. The workers are started by the command that
ships, `switchboard worker`, and know only the environment: nothing tells them that they are here.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.localstack import running_localstack
from infra.local.process import LOOPBACK, Program, StartError, free_ports
from infra.local.provision import Provisioned, provision
from infra.local.readiness import answers, wait_until_up
from infra.local.toolroom import ROOT
from infra.topology import TOPOLOGY_PATH, load_topology

SIMULATOR_STOP_GRACE_S = 5.0
SWITCHBOARD = str(Path(sys.executable).with_name("switchboard"))
KEY_BYTES = 32

ContactCentre = Callable[[Provisioned], Mapping[str, object]]
"""What exists in the simulator at the start; it may name the topics that were made."""

RunWorker = Callable[[int, Sequence[str], Mapping[str, str]], list[str]]
"""The command that starts a worker elsewhere: from its number, arguments and environment."""

Interpose = Callable[[LocalAws, Provisioned], Awaitable[LocalAws]]
"""Puts something between the workers and these endpoints; returns those that workers are told."""


class Backend(StrEnum):
    """Which emulator plays AWS."""

    EMBEDDED = "embedded"
    LOCALSTACK = "localstack"
    GIVEN = "given"  # Somebody runs it, and the environment says where.


@dataclass(frozen=True)
class OtherTime:
    """Another time of day and pace, the same for the simulator and the workers.

    At `origin` it is `offset_s` later there, and from then on `rate` seconds pass in each one.
    """

    offset_s: float = 0.0
    rate: float = 1.0
    origin: datetime = field(default_factory=lambda: datetime.now(UTC))

    def now(self) -> datetime:
        """What time it is there."""
        passed_s = (datetime.now(UTC) - self.origin).total_seconds()
        return self.origin + timedelta(seconds=self.offset_s + passed_s * self.rate)

    def settings(self) -> dict[str, str]:
        """What a worker is told, or whoever takes a worker's environment."""
        return {
            "SWITCHBOARD_TIME_ORIGIN": self.origin.isoformat(),
            "SWITCHBOARD_TIME_OFFSET_S": str(self.offset_s),
            "SWITCHBOARD_TIME_RATE": str(self.rate),
        }

    def options(self) -> list[str]:
        """What the simulator is told."""
        return [
            *("--time-origin", self.origin.isoformat()),
            *("--time-offset-s", str(self.offset_s)),
            *("--time-rate", str(self.rate)),
        ]


@dataclass(frozen=True)
class Deployed:
    """What somebody else has made of the topology, and a worker's environment as they print it."""

    made: Provisioned
    environment: Mapping[str, str]


@dataclass(frozen=True)
class WorldPlan:
    """What a world is made of.

    `run_dir` receives the logs, the ledger and the key file, and stays. `worker_settings` are
    `SWITCHBOARD_*` variables on top of the wiring: empty means production defaults.
    `worker_queues` are what each worker takes, in turn: all queues where it is empty. `ledger_kept`
    bounds what the simulator keeps of its ledger in memory; the file has it all. Without `time` it
    is the machine's. What is `deployed` is used as it is: then nothing is provisioned, and `config`
    is what its environment says.
    """

    run_dir: Path
    config: Path
    contact_centre: ContactCentre
    worker_count: int = 2
    worker_settings: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    worker_queues: Sequence[Sequence[str]] = ()
    backend: Backend = Backend.EMBEDDED
    seed: int = 0
    interpose: Interpose | None = None
    run_worker: RunWorker | None = None
    ledger_kept: int | None = None
    time: OtherTime | None = None
    deployed: Deployed | None = None
    ready_timeout_s: float = 60.0
    drain_timeout_s: float = 40.0


@dataclass(frozen=True)
class WorkerExit:
    """How a worker ended. `receipt` is its log line about the drain, None when it wrote none."""

    worker: int
    code: int
    receipt: Mapping[str, object] | None


@dataclass(frozen=True)
class Said:
    """What an operator's command said, and its exit status."""

    status: int
    out: str
    err: str


class World:
    """A running world; an async context manager. Leaving it kills the workers: see `stop_workers`.

    With `aws` it uses endpoints that already run, and leaves them; its names have a random prefix,
    so that worlds can share them. Workers are counted from 0; the SDK's app id of worker 0, which
    the simulator's ledger shows, is `worker-0`.

    Raises on entering:
        StartError: a program did not come up. What was started is stopped.
        InstallError, UnsupportedPythonError: the backend cannot be had.
    """

    provisioned: Provisioned
    aws: LocalAws
    simulator_url: str

    def __init__(self, plan: WorldPlan, aws: LocalAws | None = None) -> None:
        self.plan = plan
        self.ledger_path = plan.run_dir / "ledger.jsonl"
        self._given_aws = aws
        self._stack = ExitStack()
        self._workers: dict[int, Program] = {}
        self._ports: tuple[int, ...] = ()
        self._workers_aws: LocalAws | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._close()

    async def kill(self, worker: int, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a worker a signal; after SIGKILL, wait until it is gone.

        Raises:
            KeyError: that worker does not run.
        """
        program = self._workers[worker]
        program.signal(number)
        if number == signal.SIGKILL:
            await asyncio.to_thread(program.kill)
            del self._workers[worker]

    async def restart(self, worker: int) -> None:
        """Start a worker again and wait until it is ready; the one before is killed if it lives.

        Raises:
            StartError: it did not get ready.
        """
        if worker in self._workers:
            await self.kill(worker)
        self._launch(worker)
        await self._ready(worker)

    async def switchboard(self, *arguments: str) -> Said:
        """Run an operator's command, in a shell that has a worker's wiring."""
        process = await asyncio.create_subprocess_exec(
            *(SWITCHBOARD, *arguments),
            env=self._wiring(self.aws),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    def is_running(self, worker: int) -> bool:
        """Whether a worker's process lives at this moment."""
        program = self._workers.get(worker)
        return program is not None and program.exit_code() is None

    async def stop_workers(self) -> list[WorkerExit]:
        """Ask all workers to drain, wait, kill who does not; the exits in their order."""
        return list(await asyncio.gather(*(self.drain(worker) for worker in [*self._workers])))

    async def drain(self, worker: int) -> WorkerExit:
        """Ask a worker to drain (SIGTERM), wait, kill it if it does not.

        Raises:
            KeyError: that worker does not run.
        """
        program = self._workers.pop(worker)
        code = await asyncio.to_thread(program.stop, self.plan.drain_timeout_s)
        return WorkerExit(worker, code, drain_receipt(self.worker_log(worker)))

    async def add_worker(self) -> int:
        """Start one more worker and wait until it is ready; its number.

        Raises:
            StartError: it did not get ready.
        """
        worker = len(self._ports)
        self._ports += free_ports(1)
        self._launch(worker)
        await self._ready(worker)
        return worker

    def worker_log(self, worker: int) -> Path:
        """A worker's log file; a restarted worker's lines follow those of the one before."""
        return self.plan.run_dir / f"worker-{worker}.log"

    def worker_logs(self) -> list[Path]:
        """The log files of all workers."""
        return [self.worker_log(worker) for worker in range(self.plan.worker_count)]

    def worker_url(self, worker: int) -> str:
        """Where a worker answers /healthz, /readyz and /metrics."""
        return f"http://{LOOPBACK}:{self._ports[worker]}"

    async def _start(self) -> None:
        self.plan.run_dir.mkdir(parents=True, exist_ok=True)
        emulated = self._given_aws
        if emulated is None:
            emulated = await asyncio.to_thread(self._start_backend)
        self.provisioned = await asyncio.to_thread(self._made, emulated)
        self.simulator_url = await asyncio.to_thread(self._start_simulator, emulated)
        self.aws = emulated.with_simulator(self.simulator_url)
        self._workers_aws = self.aws
        if self.plan.interpose is not None:
            self._workers_aws = await self.plan.interpose(self.aws, self.provisioned)
        write_key(self._key_file)
        workers = range(self.plan.worker_count)
        self._ports = free_ports(len(workers))
        for worker in workers:
            self._launch(worker)
        await asyncio.gather(*(self._ready(worker) for worker in workers))

    def _made(self, emulated: LocalAws) -> Provisioned:
        if self.plan.deployed is not None:
            return self.plan.deployed.made
        return provision(load_topology(), emulated, prefix=f"w{secrets.token_hex(4)}-")

    def _start_backend(self) -> LocalAws:
        run_dir = self.plan.run_dir
        match self.plan.backend:
            case Backend.EMBEDDED:
                return self._stack.enter_context(running_emulator(run_dir / "ministack.log"))
            case Backend.LOCALSTACK:
                return self._stack.enter_context(running_localstack(run_dir))
            case Backend.GIVEN:
                return LocalAws.from_environment(os.environ)

    def _start_simulator(self, aws: LocalAws) -> str:
        world_file = self.plan.run_dir / "contact-centre.json"
        world_file.write_text(json.dumps(self.plan.contact_centre(self.provisioned)), "utf-8")
        command = [
            *(sys.executable, "-m", "simulator", "--port", "0"),
            *("--topology", str(TOPOLOGY_PATH), "--queue-prefix", self.provisioned.prefix),
            *("--world", str(world_file), "--ledger", str(self.ledger_path)),
            *("--seed", str(self.plan.seed)),
        ]
        if self.plan.ledger_kept is not None:
            command += ["--keep", str(self.plan.ledger_kept)]
        if self.plan.time is not None:
            command += self.plan.time.options()
        if self.plan.backend is Backend.EMBEDDED:
            # A text's only time is its SNS stamp, AWS's has milliseconds, and MiniStack's has not.
            command += ["--play-sns", "inbound_sms"]
        log = self.plan.run_dir / "simulator.log"
        program = Program("simulator", command, env=self._environment(aws), log=log, cwd=ROOT)
        self._stack.callback(program.stop, SIMULATOR_STOP_GRACE_S)
        wait_until_up(program, lambda: announced_url(log) is not None)
        url = announced_url(log)
        if url is None:
            raise StartError(program.name, "took its address back", log)
        return url

    @property
    def _key_file(self) -> Path:
        return self.plan.run_dir / "key"

    def _launch(self, worker: int) -> None:
        env = {
            **self._wiring(self._workers_aws or self.aws),
            "SWITCHBOARD_HTTP_HOST": LOOPBACK,
            "SWITCHBOARD_HTTP_PORT": str(self._ports[worker]),
            "AWS_SDK_UA_APP_ID": f"worker-{worker}",
            **self.plan.worker_settings,
        }
        command = [SWITCHBOARD, "worker"]
        if groups := self.plan.worker_queues:
            command += ["--queues", ",".join(groups[worker % len(groups)])]
        if self.plan.run_worker is not None:
            command, env = self.plan.run_worker(worker, command[1:], env), dict(os.environ)
        self._workers[worker] = Program(
            f"worker-{worker}", command, env=env, log=self.worker_log(worker)
        )

    async def _ready(self, worker: int) -> None:
        url = f"{self.worker_url(worker)}/readyz"
        await asyncio.to_thread(
            wait_until_up,
            self._workers[worker],
            lambda: answers(url),
            self.plan.ready_timeout_s,
        )

    def _wiring(self, aws: LocalAws) -> dict[str, str]:
        """What every `switchboard` command is told of this world."""
        if self.plan.deployed is not None:
            return {**self._environment(aws), **self.plan.deployed.environment}
        return {
            **self._environment(aws),
            **self.provisioned.worker_environment(),
            "SWITCHBOARD_CONFIG": str(self.plan.config),
            "SWITCHBOARD_KEY_FILE": str(self._key_file),
            **(self.plan.time.settings() if self.plan.time is not None else {}),
        }

    def _environment(self, aws: LocalAws) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.plan.run_dir),
            "LANG": "C.UTF-8",
            **aws.environment(),
        }

    async def _close(self) -> None:
        # Whoever wants a drain asks for it: it waits for long polls that wait for nothing.
        running, self._workers = self._workers, {}
        try:
            await asyncio.gather(*(asyncio.to_thread(p.kill) for p in running.values()))
        finally:
            await asyncio.to_thread(self._stack.close)


def announced_url(log: Path) -> str | None:
    """The address in the one JSON line that the simulator writes when it answers, if it is there.

    Its other lines, and a line that is only half written, are passed over.
    """
    for line in log.read_text("utf-8", errors="replace").splitlines(keepends=True):
        if line.startswith('{"url"') and line.endswith("\n"):
            return str(json.loads(line)["url"])
    return None


def drain_receipt(log: Path) -> Mapping[str, object] | None:
    """The last line about a drain in a worker's log, None when there is none."""
    for line in reversed(log.read_text("utf-8", errors="replace").splitlines()):
        if '"drained"' not in line:
            continue
        try:
            fields = json.loads(line)
        except ValueError:
            continue  # A line that a kill cut off.
        if isinstance(fields, dict) and fields.get("event") == "drained":
            return fields
    return None


def write_key(path: Path) -> None:
    """Write a fresh key that only this user can read; one that is there stays."""
    if path.exists():
        return
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_bytes(KEY_BYTES))
