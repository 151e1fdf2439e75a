"""A run: a broker, one contestant, so many messages, and what it cost."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from bench.bodies import bodies
from bench.contestants import Contestant, Messages
from infra.local.toolroom import LOCAL, ROOT

START_S = 30.0
RUN_S = 600.0
QUEUE = "bench"
LOOK_S = 0.02


class Broker:
    """A broker process and our connection to it. A context manager."""

    def __init__(self, cpu: int) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}"
        command = [sys.executable, "-m", "bench.broker", str(self._port)]
        self._process = _process(command, cpu, dict(os.environ))
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=RUN_S)

    def __enter__(self) -> Self:
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                self._connection.connect()
            except ConnectionRefusedError:
                time.sleep(LOOK_S)  # noqa: TID251 - real processes, real time
            else:
                return self
        raise TimeoutError("the broker does not answer")

    def __exit__(self, *_error: object) -> None:
        self._connection.close()
        _stop(self._process)

    def call(self, operation: str, **request: Any) -> dict[str, Any]:
        """One of the benchmark's own calls on the one queue."""
        body = json.dumps({"QueueUrl": f"{self.url}/000000000000/{QUEUE}", **request})
        self._connection.request("POST", "/", body, {"X-Amz-Target": f"Bench.{operation}"})
        answer: dict[str, Any] = json.loads(self._connection.getresponse().read())
        return answer

    def until_polled(self, calls: int = 1) -> None:
        """Wait until a contestant has so many polls out."""
        until = time.monotonic() + START_S
        while self.call("State")["Polling"] < calls:
            if time.monotonic() > until:
                raise TimeoutError("nobody polls")
            time.sleep(LOOK_S)  # noqa: TID251 - real processes, real time


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took, the contestant's whole process tree together.

    `broker_cpu_us` is beside it, not in it.
    """

    messages: int
    cpu_us: float
    per_second: float
    requests: float
    broker_cpu_us: float
    resident_kib: int


class Running:
    """A contestant's process, its queue empty, its polls out."""

    def __init__(self, broker: Broker, pid: int) -> None:
        self.broker = broker
        self.pid = pid

    def consume(self, count: int) -> Cost:
        """Let it have so many messages, and wait until all are deleted."""
        broker_before_s = self.broker.call("Mark")["CpuSeconds"]
        before_s = cpu_s(self.pid)
        self.broker.call("Fill", Count=count)
        state = self.broker.call("Wait", Deleted=count)
        used_s = cpu_s(self.pid) - before_s
        return Cost(
            messages=count,
            cpu_us=used_s / count * 1e6,
            per_second=count / state["Seconds"],
            requests=sum(state["Calls"].values()) / count,
            broker_cpu_us=(state["CpuSeconds"] - broker_before_s) / count * 1e6,
            resident_kib=resident_kib(self.pid),
        )

    def latency_s(self) -> float:
        """From a message's entry to its delete, the queue being empty."""
        self.broker.call("Mark")
        self.broker.call("Fill", Count=1)
        seconds: float = self.broker.call("Wait", Deleted=1)["Seconds"]
        return seconds


@contextmanager
def running(contestant: Contestant, samples: list[dict[str, Any]]) -> Iterator[Running]:
    """The contestant at work on a broker of its own: a core for each where there are two."""
    cores = sorted(os.sched_getaffinity(0))
    with Broker(cores[-1]) as broker:
        broker.call("Samples", Entries=samples)
        process = _start(contestant, broker, "consume", cores[0])
        try:
            broker.until_polled()
            yield Running(broker, process.pid)
        finally:
            _stop(process)


def samples_of(contestant: Contestant) -> list[dict[str, Any]]:
    """Its ten messages, as its own client sends them."""
    if contestant.messages is Messages.PLAIN:
        return [{"MessageBody": body} for body in bodies()]
    cores = sorted(os.sched_getaffinity(0))
    with Broker(cores[-1]) as broker:
        if _start(contestant, broker, "send", cores[0]).wait(START_S):
            raise RuntimeError(f"{contestant.name} could not send")
        samples: list[dict[str, Any]] = broker.call("Samples")["Entries"]
        return samples


def _start(contestant: Contestant, broker: Broker, what: str, cpu: int) -> subprocess.Popen[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    env = kept | {
        "AWS_ENDPOINT_URL": broker.url,
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "AWS_DEFAULT_REGION": "us-west-2",
        "AWS_REGION": "us-west-2",
        "AWS_EC2_METADATA_DISABLED": "true",
        "BENCH_QUEUE_URL": f"{broker.url}/000000000000/{QUEUE}",
        "BENCH_SETTINGS": json.dumps(contestant.settings),
        "BENCH_BODIES": json.dumps(bodies()),
    }
    return _process([*contestant.command(), what], cpu, env)


def _process(command: list[str], cpu: int, env: dict[str, str]) -> subprocess.Popen[bytes]:
    """On one core, and with what it starts in a group of its own."""
    log = (LOCAL / "bench.log").open("ab")
    process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
        command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
    )
    os.sched_setaffinity(process.pid, {cpu})  # Before it has started anybody.
    return process


def _stop(process: subprocess.Popen[bytes]) -> None:
    """At once: what it holds is nobody's any more."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and those under it, in all their threads, to the nanosecond."""
    return sum(time.clock_gettime((~each << 3) | 2) for each in _tree(pid))


def resident_kib(pid: int) -> int:
    """Resident memory of a process and those under it."""
    return sum(_resident_kib(each) for each in _tree(pid))


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def _tree(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text("ascii").split()
    ]
    return [pid, *(deeper for child in children for deeper in _tree(child))]
