from __future__ import annotations

import asyncio

from simulator.tasks import Tasks


async def test_work_of_one_lane_is_done_in_the_order_it_came() -> None:
    tasks, done = Tasks(), []

    async def work(number: int) -> None:
        await asyncio.sleep(0.003 - number / 1000)
        done.append(number)

    for number in range(3):
        tasks.in_lane("one", work(number))
    await tasks.settle()
    assert done == [0, 1, 2]


async def test_a_failure_is_kept_by_its_kind_and_does_not_stop_the_lane() -> None:
    tasks, done = Tasks(), []

    async def fail() -> None:
        raise RuntimeError("+12065550100")

    async def work() -> None:
        done.append(True)

    tasks.in_lane("handset +12065550100", fail())
    tasks.in_lane("handset +12065550100", work())
    await tasks.settle()
    assert done == [True]
    assert tasks.failures == ["handset: RuntimeError"]


async def test_closing_cancels_what_runs_and_forgets_what_waits() -> None:
    tasks = Tasks()
    started = asyncio.Event()

    async def work() -> None:
        started.set()
        await asyncio.sleep(60)

    tasks.in_lane("one", work())
    tasks.in_lane("one", work())
    await started.wait()
    await tasks.close()
    await tasks.settle()
    assert tasks.failures == []
