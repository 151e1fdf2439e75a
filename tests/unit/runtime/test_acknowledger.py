from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from workers.errors import TransientError
from workers.metrics import ACKNOWLEDGE_FAILURES, Metrics
from workers.runtime.acknowledger import Call, Coalescer
from workers.runtime.sqs import Refused
from workers.testing import LoopClock


class Recorder:
    """A batch call that remembers its batches and when they came."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.at: list[float] = []
        self.answers: list[list[Refused] | TransientError] = []

    async def __call__(self, batch: Sequence[str]) -> list[Refused]:
        self.batches.append(list(batch))
        self.at.append(asyncio.get_running_loop().time())
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, TransientError):
            raise answer
        return answer


@asynccontextmanager
async def coalescing(
    call: Recorder, *, is_more_coming: bool
) -> AsyncIterator[tuple[Coalescer[str], Metrics]]:
    metrics = Metrics()
    coalescer = Coalescer(
        Call("delete", call),
        "work",
        clock=LoopClock(),
        metrics=metrics,
        is_more_coming=lambda: is_more_coming,
    )
    async with asyncio.TaskGroup() as tasks:
        runs = [tasks.create_task(coalescer.run()) for _ in range(2)]
        yield coalescer, metrics
        for run in runs:
            run.cancel()


async def test_a_full_batch_goes_at_once() -> None:
    call = Recorder()
    async with coalescing(call, is_more_coming=True) as (coalescer, _):
        for number in range(10):
            coalescer.put(str(number))
        await coalescer.flushed()
    assert [len(batch) for batch in call.batches] == [10]
    assert call.at[0] < 0.001


async def test_while_more_is_coming_a_part_waits_a_moment_and_no_longer() -> None:
    call = Recorder()
    async with coalescing(call, is_more_coming=True) as (coalescer, _):
        coalescer.put("1")
        await asyncio.sleep(0.01)
        coalescer.put("2")
        await asyncio.sleep(0.5)
    assert call.batches == [["1", "2"]]
    assert call.at[0] == pytest.approx(0.02, abs=0.002)


async def test_the_last_one_is_not_delayed() -> None:
    call = Recorder()
    async with coalescing(call, is_more_coming=False) as (coalescer, _):
        coalescer.put("last")
        await asyncio.sleep(0.5)
    assert call.at[0] < 0.001


async def test_a_part_that_waits_is_sent_when_nothing_more_is_coming() -> None:
    call = Recorder()
    async with coalescing(call, is_more_coming=True) as (coalescer, _):
        coalescer.put("1")
        await asyncio.sleep(0.005)
        coalescer.hurry()
        await asyncio.sleep(0.5)
    assert call.at[0] == pytest.approx(0.005, abs=0.002)


async def test_only_refused_entries_are_sent_again() -> None:
    call = Recorder()
    call.answers = [[Refused(1, "InternalError", is_sender_fault=False)]]
    async with coalescing(call, is_more_coming=False) as (coalescer, metrics):
        for entry in "abc":
            coalescer.put(entry)
        await coalescer.flushed()
    assert call.batches == [["a", "b", "c"], ["b"]]
    assert metrics.total(ACKNOWLEDGE_FAILURES) == 0


async def test_an_entry_refused_by_our_own_fault_is_not_sent_again_but_counted() -> None:
    call = Recorder()
    call.answers = [[Refused(0, "ReceiptHandleIsInvalid", is_sender_fault=True)]]
    async with coalescing(call, is_more_coming=False) as (coalescer, metrics):
        coalescer.put("a")
        coalescer.put("b")
        await coalescer.flushed()
    assert call.batches == [["a", "b"]]
    assert metrics.total(ACKNOWLEDGE_FAILURES, code="ReceiptHandleIsInvalid") == 1


async def test_a_failed_call_is_repeated_whole_with_pauses_and_then_given_up() -> None:
    call = Recorder()
    call.answers = [TransientError("sqs_failed")] * 4
    async with coalescing(call, is_more_coming=False) as (coalescer, metrics):
        coalescer.put("a")
        await coalescer.flushed()
    assert call.batches == [["a"]] * 4
    assert call.at == pytest.approx([0, 0.25, 0.75, 1.75], abs=0.01)
    assert metrics.total(ACKNOWLEDGE_FAILURES, code="TransientError") == 1
