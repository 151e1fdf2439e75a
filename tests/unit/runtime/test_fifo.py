"""FIFO queues: each message group in order, whatever fails, and the deduplication window."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.runtime.fleet import make_fleet, running
from workers.errors import TransientError
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Job
from workers.runtime.memory import DEDUPLICATION_S, MemoryQueue
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome, Retry, Wait
from workers.runtime.sqs import Message, Outgoing, Refused, VisibilityChange
from workers.testing import LoopClock, VirtualLoop

FIFO = "work.fifo"


class Acknowledged:
    """Stands before a queue and remembers its acknowledgements in the order they were asked for."""

    def __init__(self, queue: MemoryQueue) -> None:
        self.queue = queue
        self.asked: list[tuple[str, int]] = []
        self.refused_deletes = 0

    @property
    def name(self) -> str:
        return self.queue.name

    async def receive(
        self, max_messages: int, *, wait_s: int, visibility_timeout_s: int
    ) -> list[Message]:
        return await self.queue.receive(
            max_messages, wait_s=wait_s, visibility_timeout_s=visibility_timeout_s
        )

    async def delete(self, receipt_handles: Sequence[str]) -> list[Refused]:
        self.asked += [(handle, DELETED) for handle in receipt_handles]
        return await self.queue.delete(receipt_handles)

    async def change_visibility(self, changes: Sequence[VisibilityChange]) -> list[Refused]:
        self.asked += [(change.receipt_handle, change.visibility_timeout_s) for change in changes]
        return await self.queue.change_visibility(changes)

    async def send(self, messages: Sequence[Outgoing]) -> list[Refused]:
        return await self.queue.send(messages)


DELETED = -1


def fill(*bodies: str) -> Callable[[MemoryQueue], None]:
    """Put bodies whose first letter is their group."""

    def put(queue: MemoryQueue) -> None:
        for body in bodies:
            queue.put(body, group=body[0])

    return put


async def test_a_group_runs_one_at_a_time_in_order_and_groups_run_side_by_side() -> None:
    busy: Counter[str] = Counter()
    order: defaultdict[str, list[str]] = defaultdict(list)
    most_at_once = 0

    async def handle(delivery: Delivery) -> Outcome:
        nonlocal most_at_once
        group = delivery.group or ""
        busy[group] += 1
        assert busy[group] == 1
        most_at_once = max(most_at_once, busy.total())
        await asyncio.sleep(0.3)
        order[group].append(delivery.body)
        busy[group] -= 1
        return Done()

    bodies = [f"{'abc'[number % 3]}{number:02}" for number in range(30)]
    async with running(handle, name=FIFO, before_start=fill(*bodies)) as fleet:
        await fleet.until_empty()
    assert most_at_once == 3
    assert all(bodies == sorted(bodies) and len(bodies) == 10 for bodies in order.values())


@pytest.mark.parametrize(
    "outcome", [Retry("connection_reset", after_s=30), Wait("taken", after_s=30)]
)
async def test_behind_one_that_stays_nobody_runs_and_it_comes_first_again(outcome: Outcome) -> None:
    tried: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        tried.append(delivery.body)
        return outcome if tried.count("a1") == 1 and delivery.body == "a1" else Done()

    async with running(handle, name=FIFO, before_start=fill("a1", "a2", "a3", "b1")) as fleet:
        await fleet.clock.sleep(5)
        assert tried == ["a1", "b1"]
        assert fleet.outcomes(outcome="waited", reason="lane_held") == 2
        fleet.queue.put("a4", group="a")
        await fleet.until_empty()
    assert tried == ["a1", "b1", "a1", "a2", "a3", "a4"]


async def test_the_rest_is_given_back_at_once_and_after_the_first_ones_time_was_set() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        return Retry("connection_reset", after_s=30) if delivery.receive_count == 1 else Done()

    async with running(handle, name=FIFO, wrap=Acknowledged) as fleet:
        for body in ("a1", "a2", "a3"):
            fleet.queue.put(body, group="a")
        await fleet.clock.sleep(5)
        assert isinstance(fleet.wrapped, Acknowledged)
        assert fleet.wrapped.asked[0] == ("work.fifo-1/1", 30)
        assert sorted(fleet.wrapped.asked[1:]) == [("work.fifo-2/1", 0), ("work.fifo-3/1", 0)]


async def test_what_a_lane_has_no_room_for_goes_back_at_once() -> None:
    async def handle(_: Delivery) -> Outcome:
        await asyncio.sleep(10)
        return Done()

    bodies = [f"a{number}" for number in range(8)]
    async with running(
        handle, name=FIFO, wrap=Acknowledged, lane_depth=3, before_start=fill(*bodies)
    ) as fleet:
        await fleet.clock.sleep(5)
        assert fleet.outcomes(outcome="waited", reason="lane_full") == 5
        assert isinstance(fleet.wrapped, Acknowledged)
        # Hidden for a backoff they would lock their group for as long.
        assert [seconds for _, seconds in fleet.wrapped.asked] == [0] * 5


async def test_the_first_ones_time_is_confirmed_before_the_rest_goes_back() -> None:
    async def slow_hide(call: str) -> None:
        if call == "change_visibility":
            await asyncio.sleep(2)

    async def handle(delivery: Delivery) -> Outcome:
        return Retry("connection_reset", after_s=30) if delivery.receive_count == 1 else Done()

    async with running(handle, name=FIFO, before_start=fill("a1", "a2")) as fleet:
        fleet.queue.knobs.before = slow_hide
        await fleet.clock.sleep(1.5)
        assert fleet.queue.calls["change_visibility"] == 1
        await fleet.clock.sleep(1)
        assert fleet.queue.calls["change_visibility"] == 2


async def test_the_next_starts_only_when_the_one_before_is_deleted_for_sure() -> None:
    tried: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        tried.append(delivery.body)
        return Done()

    async def slow_delete(call: str) -> None:
        if call == "delete":
            await asyncio.sleep(2)

    async with running(handle, name=FIFO, before_start=fill("a1", "a2")) as fleet:
        fleet.queue.knobs.before = slow_delete
        await fleet.clock.sleep(1.5)
        assert tried == ["a1"]
        await fleet.until_empty()
        assert tried == ["a1", "a2"]


async def test_behind_one_that_cannot_be_deleted_nobody_runs() -> None:
    tried: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        tried.append(delivery.body)
        return Done()

    async with running(handle, name=FIFO, before_start=fill("a1", "a2")) as fleet:
        fleet.queue.knobs.refuse = lambda call, _: "InternalError" if call == "delete" else None
        await fleet.clock.sleep(10)
        assert tried == ["a1"]
        fleet.queue.knobs.refuse = None
        await fleet.until_empty()
        assert tried == ["a1", "a1", "a2"], "it comes again first, and is done again"


async def test_a_dead_letter_keeps_its_place_and_the_group_goes_on_behind_it() -> None:
    tried: list[str] = []

    def plan(delivery: Delivery) -> Job | DeadLetter | Discard:
        if delivery.body == "a2":
            return DeadLetter("undecodable")
        return Job(None, "test_event", "TEST", "e", handle)

    async def handle(delivery: Delivery) -> Outcome:
        tried.append(f"{delivery.body} with {len(fleet.dlq)} dead")
        if delivery.body == "a1" and delivery.receive_count == 1:
            raise TransientError("connection_reset")
        return Done()

    bodies = ("a1", "a2", "a3")
    async with running(plan=plan, name=FIFO, before_start=fill(*bodies)) as fleet:
        await fleet.until_empty()
        [copy] = fleet.dlq.messages
    assert tried == ["a1 with 0 dead", "a1 with 0 dead", "a3 with 1 dead"]
    assert (copy.body, copy.group) == ("a2", "a")
    assert copy.deduplication_id is not None


async def test_a_drain_gives_the_waiting_back_and_another_worker_goes_on_in_order() -> None:
    order: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(1)
        order.append(delivery.body)
        return Done()

    first = make_fleet(handle, name=FIFO)
    fill(*(f"a{number}" for number in range(9)))(first.queue)
    async with asyncio.TaskGroup() as tasks:
        first.consumer.start(tasks)
        await first.clock.sleep(2.5)
        receipt = await first.consumer.drain()
        assert receipt.returned >= 6
        second = Consumer(first.queue, first.dlq, first.dispatcher, ConsumerConfig(), first.shared)
        second.start(tasks)
        await first.until_empty()
        second.force()
        await second.drain()
    assert order == [f"a{number}" for number in range(9)]


def losing_every(nth: int) -> Callable[[str, str], str | None]:
    """Refuse every nth delete."""
    deletes = count(1)

    def refuse(call: str, _: str) -> str | None:
        return "InternalError" if call == "delete" and next(deletes) % nth == 0 else None

    return refuse


def sent_to(group: str, groups: int) -> list[str]:
    """What the scenario below sends to one of so many groups."""
    return [f"{group}{number:02}" for number in range(12) if "abc"[number % groups] == group]


OUTCOMES = st.sampled_from(
    [
        Done(),
        Done(),
        Retry("r", after_s=3),
        Retry("r"),
        Wait("w", after_s=0),
        Wait("w", after_s=7),
        DeadLetter("d"),
        TransientError("t"),
    ]
)


@settings(max_examples=25, deadline=None)
@given(
    script=st.lists(OUTCOMES, min_size=1, max_size=25),
    lose_every=st.integers(3, 9),
    groups=st.integers(1, 3),
)
def test_whatever_fails_two_workers_keep_the_order_of_each_group(
    script: list[Outcome | TransientError], lose_every: int, groups: int
) -> None:
    """Ends (done, buried) come in the order of sending, repeats of the last one put aside."""
    ended: defaultdict[str, list[str]] = defaultdict(list)
    running_now: Counter[str] = Counter()
    steps = iter(script * 2)

    async def handle(delivery: Delivery) -> Outcome:
        group = delivery.group or ""
        running_now[group] += 1
        assert running_now[group] == 1, "two of a group at a time"
        await asyncio.sleep(0.1)
        running_now[group] -= 1
        step = next(steps, Done())
        if isinstance(step, TransientError):
            raise step
        if isinstance(step, Done | DeadLetter) and ended[group][-1:] != [delivery.body]:
            ended[group].append(delivery.body)
        return step

    async def scenario() -> None:
        fleet = make_fleet(handle, name=FIFO, attempts=1000)
        other = Consumer(
            fleet.queue, fleet.dlq, fleet.dispatcher, ConsumerConfig(attempts=1000), fleet.shared
        )
        fleet.queue.knobs.refuse = losing_every(lose_every)
        for number in range(12):
            fleet.queue.put(f"{'abc'[number % groups]}{number:02}", group="abc"[number % groups])
        async with asyncio.TaskGroup() as tasks:
            fleet.consumer.start(tasks)
            other.start(tasks)
            await fleet.until_empty()
            for consumer in (fleet.consumer, other):
                consumer.force()
                await consumer.drain()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(scenario())
    assert dict(ended) == {group: sent_to(group, groups) for group in "abc"[:groups]}


async def test_a_deduplication_id_may_be_used_again_after_five_minutes() -> None:
    clock = LoopClock()
    queue = MemoryQueue(FIFO, clock)
    for wait_s in (0, DEDUPLICATION_S - 1, 1.1):
        await clock.sleep(wait_s)
        await queue.send([Outgoing(f"after {wait_s}", group="a", deduplication_id="d")])
    assert [message.body for message in queue.messages] == ["after 0", "after 1.1"]
