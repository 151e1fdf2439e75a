"""How much is asked for, by how many polls, and what keeps a poll from being made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tests.unit.runtime.fleet import make_fleet, running
from workers.errors import AccountProblem, Throttled, TransientError
from workers.metrics import POLLS, TASK_RESTARTS
from workers.runtime.breaker import Pause
from workers.runtime.delivery import Delivery
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done, Outcome
from workers.runtime.poller import GATE_LOOK_S


class Gauge:
    """How many polls are outstanding."""

    def __init__(self, queue: MemoryQueue) -> None:
        self.now = 0
        self.most = 0
        queue.knobs.before, queue.knobs.after = self._up, self._down

    async def _up(self, call: str) -> None:
        if call == "receive":
            self.now += 1
            self.most = max(self.most, self.now)

    async def _down(self, call: str) -> None:
        if call == "receive":
            self.now -= 1


async def slow(_delivery: Delivery) -> Outcome:
    await asyncio.sleep(100)
    return Done()


def filled(count: int) -> list[str]:
    return [str(number) for number in range(count)]


async def test_no_more_is_taken_than_there_are_slots() -> None:
    def fill(queue: MemoryQueue) -> None:
        for body in filled(50):
            queue.put(body)

    async with running(slow, slots=13, before_start=fill) as fleet:
        await fleet.clock.sleep(20)
        asked = fleet.queue.asked
        assert max(asked) <= 10
        assert len(fleet.consumer._in_hand) == 13
        assert fleet.consumer.pulse.describe()["state"] == "full"
        assert fleet.consumer.pulse.is_alive


async def test_an_idle_queue_has_one_long_poll_and_a_backlog_gets_more() -> None:
    gauges: list[Gauge] = []

    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(0.05)
        return Done()

    async def travel(call: str) -> None:
        await gauges[0]._up(call)
        await asyncio.sleep(0.02)

    def prepare(queue: MemoryQueue) -> None:
        gauges.append(Gauge(queue))
        queue.knobs.before = travel
        for body in filled(3000):
            queue.put(body)

    async with running(handle, before_start=prepare) as fleet:
        await fleet.until_empty()
        assert gauges[0].most == 4
        await fleet.clock.sleep(60)
        assert gauges[0].now == 1
        polls = fleet.queue.calls["receive"]
        await fleet.clock.sleep(200)
        assert fleet.queue.calls["receive"] - polls == 10, "one poll of 20 s after the other"


async def test_polls_are_added_one_by_one() -> None:
    gauges: list[Gauge] = []
    seen: list[int] = []

    def prepare(queue: MemoryQueue) -> None:
        gauges.append(Gauge(queue))

        async def travel(call: str) -> None:
            await gauges[0]._up(call)
            await asyncio.sleep(1 if call == "receive" else 0)

        queue.knobs.before = travel
        for body in filled(500):
            queue.put(body)

    async with running(pollers_max=16, slots=600, before_start=prepare) as fleet:
        await fleet.clock.sleep(0.5)
        for _ in range(5):
            seen.append(gauges[0].now)
            await fleet.clock.sleep(1)
    assert seen == [1, 2, 3, 4, 5], "four full answers at once do not call for four more"


async def test_a_failing_receive_is_no_empty_queue_and_polling_goes_on() -> None:
    errors = [TransientError("sqs_failed"), Throttled("sqs_throttled"), AccountProblem("x")]

    def prepare(queue: MemoryQueue) -> None:
        async def fail(call: str) -> None:
            if call == "receive" and errors:
                raise errors.pop()

        queue.knobs.before = fail
        queue.put("hello")

    async with running(before_start=prepare) as fleet:
        await fleet.clock.sleep(0.01)
        assert not fleet.consumer.pulse.is_ready
        await fleet.until_empty()
        assert fleet.metrics.total(POLLS, result="error") == 3
        assert fleet.consumer.pulse.is_ready


async def test_an_idle_queue_is_ready_at_once_and_not_after_a_long_poll() -> None:
    async with running() as fleet:
        await fleet.clock.sleep(0.1)
        assert fleet.consumer.pulse.is_ready


async def test_a_poller_that_dies_is_restarted_and_counted() -> None:
    deaths = 0

    def prepare(queue: MemoryQueue) -> None:
        async def die(call: str) -> None:
            nonlocal deaths
            if call == "receive" and deaths < 2:
                deaths += 1
                raise ZeroDivisionError

        queue.knobs.before = die
        queue.put("hello")

    async with running(before_start=prepare) as fleet:
        await fleet.until_empty()
        assert fleet.metrics.total(TASK_RESTARTS, task="poller") == 2


async def test_a_paused_queue_is_not_polled_and_says_since_when_and_why() -> None:
    async with running() as fleet:
        await fleet.clock.sleep(1)
        pause = Pause(fleet.clock.now(), "maintenance", "operator")
        await fleet.shared.breaker.pause("work", pause)
        await fleet.clock.sleep(25)
        fleet.queue.put("hello")
        await fleet.clock.sleep(3600)
        assert len(fleet.queue) == 1
        described = fleet.consumer.pulse.describe()
        assert described["state"] == "paused"
        assert described["reason"] == "maintenance"
        assert described["since"] == pause.since.isoformat(timespec="seconds")
        assert fleet.consumer.pulse.is_alive
        await fleet.shared.breaker.resume("work")
        await fleet.until_empty()


async def test_a_poller_that_should_poll_and_does_not_is_dead() -> None:
    async def hang(call: str) -> None:
        await asyncio.sleep(10_000)

    def prepare(queue: MemoryQueue) -> None:
        queue.knobs.before = hang

    async with running(before_start=prepare) as fleet:
        await fleet.clock.sleep(60)
        assert fleet.consumer.pulse.is_alive
        await fleet.clock.sleep(120)
        assert not fleet.consumer.pulse.is_alive


async def test_unconfirmed_acknowledgements_hold_new_messages_off() -> None:
    def prepare(queue: MemoryQueue) -> None:
        async def hang(call: str) -> None:
            if call == "delete":
                await asyncio.sleep(10_000)

        queue.knobs.before = hang
        for body in filled(2000):
            queue.put(body)

    async with running(slots=20, lease_s=3600, lease_max_s=3600, before_start=prepare) as fleet:
        await fleet.clock.sleep(60)
        assert fleet.outcomes() <= 40 + 40  # slots in hand, slots unconfirmed; two full polls


async def test_draining_a_full_queue_takes_a_fifth_of_a_request_for_each_message() -> None:
    def prepare(queue: MemoryQueue) -> None:
        for body in filled(5000):
            queue.put(body)

    async with running(before_start=prepare) as fleet:
        await fleet.until_empty()
        requests = fleet.queue.calls["receive"] + fleet.queue.calls["delete"]
        assert requests / 5000 <= 0.21


class _ShutGate:
    """Leaves no room, and lets something change at the very moment of the next look."""

    reason = "test"
    changes: Callable[[], None]

    def capacity(self) -> int:
        asyncio.get_running_loop().call_later(GATE_LOOK_S, self.changes)
        return 0


async def test_a_change_at_the_very_moment_of_a_look_ends_no_poller() -> None:
    gate = _ShutGate()
    fleet = make_fleet(gate=gate)
    gate.changes = fleet.consumer._poller.wake
    async with asyncio.TaskGroup() as tasks:
        fleet.consumer.start(tasks)
        await fleet.clock.sleep(20 * GATE_LOOK_S)
        await fleet.consumer.drain()
    assert fleet.metrics.total(TASK_RESTARTS) == 0
