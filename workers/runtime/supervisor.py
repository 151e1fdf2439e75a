"""Runs the consumers of a process in one task group, from start to the drain receipt."""

from __future__ import annotations

import asyncio
import gc
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog

from workers.clock import Clock
from workers.runtime.consumer import Consumer
from workers.runtime.drain import QueueReceipt

log = structlog.get_logger()

SIGNALS = (signal.SIGTERM, signal.SIGINT)
Companion = Callable[[], Coroutine[Any, Any, None]]

YOUNG_OBJECTS = 10_000
"""How many may come before the collector looks among them; Python's own 700 is a dozen messages."""
DRAINED = 0
INCOMPLETE = 1


def spare_the_collector() -> None:
    """Once all parts are made, before `run`: they stay, so the garbage collector need not look.

    It looked at them again with every few hundred objects of passing messages: 8 % of CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)


def write_line(line: str) -> None:
    """To stdout, at once: nobody may be there to flush later."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class Supervisor:
    """Runs consumers until it is told to stop, once.

    `companions` run beside them until everything is drained; one that raises ends the process.
    `write` gets the drain receipt, one line of JSON.
    """

    def __init__(
        self,
        consumers: Sequence[Consumer],
        clock: Clock,
        *,
        companions: Sequence[Companion] = (),
        write: Callable[[str], None] = write_line,
    ) -> None:
        self._consumers = tuple(consumers)
        self._clock = clock
        self._companions = tuple(companions)
        self._write = write
        self._stopping = asyncio.Event()
        self._is_forced = False

    async def run(self, *, handle_signals: bool = True) -> int:
        """Consume until `stop` or a signal, then drain. Returns the exit status.

        0: everything in hand was settled or given back. 1: something was abandoned; it comes
        again. A second signal forces.
        """
        with self._signals() if handle_signals else _no_signals():
            async with asyncio.TaskGroup() as tasks:
                for consumer in self._consumers:
                    consumer.start(tasks)
                beside = [
                    tasks.create_task(run(), name=f"companion-{index}")
                    for index, run in enumerate(self._companions)
                ]
                log.info("consuming", queues=[consumer.name for consumer in self._consumers])
                await self._stopping.wait()
                exit_status = await self._drain(tasks)
                for task in beside:
                    task.cancel()
                return exit_status

    def stop(self) -> None:
        """Drain and end. Again is no different."""
        self._stopping.set()

    def force(self) -> None:
        """Drain without waiting for anybody: what is in hand is abandoned."""
        self._is_forced = True
        self.stop()
        for consumer in self._consumers:
            consumer.force()

    async def _drain(self, tasks: asyncio.TaskGroup) -> int:
        started_at = self._clock.monotonic()
        log.info("draining")
        drains = [
            tasks.create_task(consumer.drain(), name=f"{consumer.name}/drain")
            for consumer in self._consumers
        ]
        receipts = [await drain for drain in drains]
        self._write(self._receipt_line(receipts, self._clock.monotonic() - started_at))
        is_complete = not any(
            receipt.abandoned or receipt.unacknowledged or receipt.polls_cut for receipt in receipts
        )
        return DRAINED if is_complete else INCOMPLETE

    def _receipt_line(self, receipts: Sequence[QueueReceipt], took_s: float) -> str:
        queues = {receipt.queue: _counts(receipt) for receipt in receipts}
        totals = {
            count: sum(counts[count] for counts in queues.values())
            for count in ("done", "returned", "abandoned", "polls_cut", "unacknowledged")
        }
        return json.dumps(
            {
                "event": "drained",
                **totals,
                "forced": self._is_forced,
                "seconds": round(took_s, 3),
                "queues": queues,
            }
        )

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            log.warning("drain_forced")
            self.force()
        else:
            self.stop()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._on_signal)
        try:
            yield
        finally:
            for number in SIGNALS:
                loop.remove_signal_handler(number)


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


def _counts(receipt: QueueReceipt) -> dict[str, int]:
    counts = asdict(receipt)
    del counts["queue"]
    return counts
