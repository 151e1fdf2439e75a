"""Processes on the simulation's loop die and stand still as the operating system's do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from dst.loop import Process, SimulationLoop


@pytest.fixture
def loop() -> Iterator[SimulationLoop]:
    loop = SimulationLoop()
    loop.set_exception_handler(lambda _loop, _context: None)
    yield loop
    for task in asyncio.all_tasks(loop):
        task._log_destroy_pending = False  # type: ignore[attr-defined] # killed: it never ends
    loop.close()


def test_a_killed_process_runs_nothing_more_not_even_finally(loop: SimulationLoop) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(1)
            done.append("worked")
        finally:
            done.append("cleaned up")

    async def main() -> None:
        process = Process("p")
        _ = loop.create_task(work(), context=process.context())
        await asyncio.sleep(0.5)
        process.kill()
        await asyncio.sleep(10)
        assert done == []

    loop.run_until_complete(main())


def test_what_a_process_starts_dies_with_it(loop: SimulationLoop) -> None:
    done: list[str] = []

    async def child() -> None:
        await asyncio.sleep(1)
        done.append("child")

    async def parent(children: list[asyncio.Task[None]]) -> None:
        children.append(asyncio.create_task(child()))
        await asyncio.sleep(0)

    async def main() -> None:
        process, children = Process("p"), list[asyncio.Task[None]]()
        _ = loop.create_task(parent(children), context=process.context())
        await asyncio.sleep(0.1)
        process.kill()
        await asyncio.sleep(5)
        assert len(children) == 1
        assert done == []

    loop.run_until_complete(main())


def test_a_stopped_process_goes_on_with_its_timers_overdue(loop: SimulationLoop) -> None:
    done: list[tuple[str, int]] = []

    async def work() -> None:
        for name in ("one", "two"):
            await asyncio.sleep(1)
            done.append((name, round(loop.time())))

    async def main() -> None:
        process = Process("p")
        _ = loop.create_task(work(), context=process.context())
        await asyncio.sleep(0.5)
        process.stop()
        await asyncio.sleep(29.5)
        assert done == []
        process.go_on()
        await asyncio.sleep(2)
        assert done == [("one", 30), ("two", 31)]

    loop.run_until_complete(main())


def test_what_was_cancelled_while_it_was_held_does_not_run(loop: SimulationLoop) -> None:
    done: list[str] = []

    async def main() -> None:
        process = Process("p")
        context = process.context()
        handles: list[asyncio.Handle] = []

        def cancel_the_second() -> None:
            handles[0].cancel()

        loop.call_later(1, cancel_the_second, context=context)
        handles.append(loop.call_later(1.1, done.append, "second", context=context))
        process.stop()
        await asyncio.sleep(5)
        process.go_on()
        await asyncio.sleep(1)
        assert done == []

    loop.run_until_complete(main())


def test_there_are_no_threads(loop: SimulationLoop) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError, match="no threads"):
            await asyncio.to_thread(print)

    loop.run_until_complete(main())
