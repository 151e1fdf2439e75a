"""An account for operators' commands: the emulator, and a simulator in a thread of its own.

The commands are synchronous and would stop a simulator that shares their event loop.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import Future
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from simulator.application import running
from simulator.client import SimulatorClient
from simulator.ledger import Entry
from simulator.settings import SimulatorSettings


class ThreadedSimulator:
    """A simulator that answers over HTTP while its caller blocks."""

    def __init__(self) -> None:
        self.url = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator")
        self._leave = asyncio.Event()
        self._up: Future[str] = Future()
        self._life: Future[None] | None = None

    def start(self) -> None:
        self._thread.start()
        self._life = asyncio.run_coroutine_threadsafe(self._live(), self._loop)
        self.url = self._up.result(timeout=20)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        if self._life is not None:
            self._life.result(timeout=20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=20)
        self._loop.close()

    def put_world(self, document: Mapping[str, Any]) -> None:
        """Replace each section given."""
        self._control(lambda control: control.put_world(document))

    def set_knobs(self, **keys: Any) -> None:
        self._control(lambda control: control.set_knobs(**keys))

    def reset_knobs(self) -> None:
        self._control(lambda control: control.reset_knobs())

    def refuse(self, service: str, operation: str, code: str) -> None:
        """Answer every such request with that error from now on, until `clear_faults`."""
        from simulator.faults import FaultOrder

        order = FaultOrder(
            service=service, operation=operation, count=1_000, action=f"refuse:{code}"
        )
        self._control(lambda control: control.spoil(order))

    def clear_faults(self) -> None:
        self._control(lambda control: control.clear_faults())

    def operations(self) -> list[str]:
        """Every accepted request and fact so far, by name, in order."""
        return [entry.name for entry in self.ledger()]

    def ledger(self) -> list[Entry]:
        """The whole ledger."""
        found: list[Entry] = self._control(lambda control: control.ledger())
        return found

    def _control(self, ask: Any) -> Any:
        async def asked() -> Any:
            async with SimulatorClient(self.url) as control:
                return await ask(control)

        return self._run(asked())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=20)

    async def _live(self) -> None:
        async with running(SimulatorSettings()) as world:
            self._up.set_result(world.url)
            await self._leave.wait()


@pytest.fixture(scope="session")
def threaded_simulator() -> Iterator[ThreadedSimulator]:
    simulator = ThreadedSimulator()
    simulator.start()
    yield simulator
    simulator.stop()


@pytest.fixture
def account(threaded_simulator: ThreadedSimulator) -> Iterator[ThreadedSimulator]:
    """The simulator with nothing in it but what a test puts there."""
    yield threaded_simulator
    threaded_simulator.clear_faults()
    threaded_simulator.reset_knobs()


@pytest.fixture
def local(
    emulator: LocalAws, account: ThreadedSimulator, monkeypatch: pytest.MonkeyPatch
) -> LocalAws:
    """The endpoints of both, and the environment that names them."""
    aws = emulator.with_simulator(account.url)
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    # boto3 keeps a session for the whole process, with the environment it was made in.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return aws
