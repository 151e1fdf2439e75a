"""An event loop of virtual time on which whole processes can be killed, stopped and continued.

A process here is a set of tasks: whatever runs in a context in which `PROCESS` names it. A killed
one runs not one line more, no `finally` either, as after SIGKILL. A stopped one runs nothing until
it is continued, and finds then that its timers have gone off, as after SIGSTOP and SIGCONT.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import Context, ContextVar, copy_context
from typing import Any, NoReturn, TypeVarTuple

from workers.testing import VirtualLoop

Ts = TypeVarTuple("Ts")


class Process:
    """One simulated process. `name` is unique in a simulation."""

    __slots__ = ("_held", "is_alive", "is_stopped", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.is_alive = True
        self.is_stopped = False
        self._held: list[_Gate] = []

    def kill(self) -> None:
        """SIGKILL."""
        self.is_alive = False
        self._held.clear()

    def stop(self) -> None:
        """SIGSTOP."""
        self.is_stopped = True

    def go_on(self) -> None:
        """SIGCONT: what became due meanwhile runs now, in the order in which it became due."""
        self.is_stopped = False
        held, self._held = self._held, []
        for gate in held:
            gate.reschedule()

    def context(self) -> Context:
        """A context whose tasks, and theirs, are this process's."""
        context = copy_context()
        context.run(PROCESS.set, self)
        return context

    def hold(self, gate: _Gate) -> None:
        """Keep a callback for `go_on`."""
        self._held.append(gate)


PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


class SimulationLoop(VirtualLoop):
    """`VirtualLoop` with processes on it, and without threads."""

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """As asyncio's; the callback's context says whose it is."""
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is None:
            return super().call_soon(callback, *args, context=context)
        context = context or copy_context()
        gate = _Gate(self, process, callback, args, context)
        gate.handle = super().call_soon(gate, context=context)
        return gate.handle

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """As asyncio's; the callback's context says whose it is."""
        process = PROCESS.get() if context is None else context.get(PROCESS)
        if process is None:
            return super().call_at(when, callback, *args, context=context)
        context = context or copy_context()
        gate = _Gate(self, process, callback, args, context)
        gate.handle = timer = super().call_at(when, gate, context=context)
        return timer

    def call_ungated(self, gate: _Gate) -> None:
        """Schedule a gate that was held."""
        super().call_soon(gate, context=gate.context)

    def run_in_executor(self, *_: Any) -> NoReturn:  # type: ignore[override] # refuses any call
        """Refused: what a thread does depends on more than the seed."""
        raise RuntimeError("no threads in a simulation")


class _Gate:
    """One callback of a process. Whether it runs is decided when its time has come."""

    __slots__ = ("args", "callback", "context", "handle", "loop", "process")

    def __init__(
        self,
        loop: SimulationLoop,
        process: Process,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context,
    ) -> None:
        self.loop = loop
        self.process = process
        self.callback = callback
        self.args = args
        self.context = context
        self.handle: asyncio.Handle | None = None

    def __call__(self) -> None:
        process = self.process
        if not process.is_alive:
            return
        if process.is_stopped:
            process.hold(self)
        elif self.handle is None or not self.handle.cancelled():
            # Cancelled after it had been held: by another callback of the same process.
            self.callback(*self.args)

    def reschedule(self) -> None:
        """Its process goes on."""
        self.loop.call_ungated(self)
