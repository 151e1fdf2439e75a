"""Several workers against one account: its quota, their shares, and what a throttle teaches."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.unit.runtime.fleet import Fleet, make_fleet
from workers.backpressure import BucketGate
from workers.clients.call import Api, Caller
from workers.clock import Clock
from workers.errors import Throttled, TransientError
from workers.limits import Bucket, Limits, Rate
from workers.metrics import FLEET_SHARE, FLEET_WORKERS, PAUSED, Metrics
from workers.runtime.delivery import Delivery
from workers.runtime.gate import ALWAYS_OPEN, Gate
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import Done, Outcome
from workers.runtime.roster import BEAT_EVERY_S, DEAD_AFTER_S, LiveShare
from workers.stores.memory import MemoryTable
from workers.stores.roster import TableRoster
from workers.testing import LoopClock

RATE, BURST = 10.0, 15.0
SEND = Api("fake", "Send", bucket="fake.send")


class Account:
    """An AWS account with a token bucket, as its services have them. Refuses; never waits."""

    def __init__(self, clock: Clock, per_s: float = RATE, burst: float = BURST) -> None:
        self.bucket = Bucket(per_s, burst, clock)
        self.accepted: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def send(self, worker: str) -> None:
        await asyncio.sleep(0.02)
        if not self.bucket.try_take():
            self.refused[worker] += 1
            raise Throttled("throttled")
        self.accepted[worker] += 1

    def reset(self) -> None:
        self.accepted.clear()
        self.refused.clear()


class Unmetered:
    def called(self, api: str, result: str) -> None:
        """Nobody counts here."""


@dataclass
class Town:
    """An account, a roster, and workers that always have something to send."""

    clock: Clock = field(default_factory=LoopClock)
    table: MemoryTable = field(default_factory=MemoryTable)
    is_down: bool = False
    workers: dict[str, LiveShare] = field(default_factory=dict)
    _tasks: dict[str, list[asyncio.Task[None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.account = Account(self.clock)

        async def fail(_call: str) -> None:
            if self.is_down:
                raise TransientError("dynamodb_failed")

        self.table.pause = fail

    async def start(self, name: str, senders: int = 8) -> LiveShare:
        limits = Limits(self.clock, {"fake.send": Rate(RATE, BURST, "a test")})
        caller = Caller(Unmetered(), limits)
        roster = TableRoster(self.table, self.clock)
        metrics = Metrics()
        share = LiveShare(roster, name, limits.share, self.clock, metrics)
        await share.join()

        async def send_for_ever() -> None:
            while True:
                try:
                    await caller.call(SEND, lambda: self.account.send(name))
                except Throttled as refusal:
                    await asyncio.sleep(refusal.after_s or 1.0)

        work = [share.run(), *(send_for_ever() for _ in range(senders))]
        self._tasks[name] = [asyncio.ensure_future(one) for one in work]
        self.workers[name] = share
        assert metrics.total(FLEET_WORKERS) == share.live
        assert metrics.total(FLEET_SHARE) == share.share
        return share

    def kill(self, name: str) -> None:
        for task in self._tasks.pop(name):
            task.cancel()
        del self.workers[name]

    async def leave(self, name: str) -> None:
        share = self.workers[name]
        self.kill(name)
        await share.leave()

    async def watch(self, seconds: float) -> Account:
        self.account.reset()
        await self.clock.sleep(seconds)
        return self.account


@asynccontextmanager
async def town() -> AsyncIterator[Town]:
    place = Town()
    try:
        yield place
    finally:
        for name in list(place.workers):
            place.kill(name)


async def test_workers_stay_within_the_quota_together_and_each_gets_its_share() -> None:
    async with town() as place:
        for name in ("a", "b", "c"):
            await place.start(name)
        await place.watch(10)
        assert {share.share for share in place.workers.values()} == {1 / 3}
        account = await place.watch(300)
        assert account.refused.total() == 0
        assert account.accepted.total() >= 0.95 * 300 * RATE
        for name in ("a", "b", "c"):
            assert abs(account.accepted[name] / account.accepted.total() - 1 / 3) < 0.05


async def test_a_newcomer_costs_the_others_next_to_nothing() -> None:
    """It takes a tenth of its share until they have seen it; what they lose is its first token."""
    async with town() as place:
        await place.start("a")
        await place.watch(60)
        await place.start("b")
        account = await place.watch(30)
        assert account.refused.total() <= 2
        assert account.accepted["b"] >= 80


async def test_the_share_of_a_killed_worker_is_taken_over_within_the_expiry() -> None:
    async with town() as place:
        for name in ("a", "b"):
            await place.start(name)
        await place.watch(60)
        place.kill("b")
        await place.watch(DEAD_AFTER_S - BEAT_EVERY_S - 1)
        assert place.workers["a"].share == 1 / 2, "it may be slow, not dead"
        await place.watch(2 * BEAT_EVERY_S + 1)
        assert place.workers["a"].share == 1
        account = await place.watch(60)
        assert account.accepted["a"] >= 0.95 * 60 * RATE


async def test_who_leaves_gives_its_share_back_at_once() -> None:
    async with town() as place:
        for name in ("a", "b"):
            await place.start(name)
        await place.watch(10)
        await place.leave("b")
        await place.watch(BEAT_EVERY_S + 0.1)
        assert place.workers["a"].share == 1


async def test_a_roster_that_is_down_keeps_the_last_share() -> None:
    async with town() as place:
        for name in ("a", "b"):
            await place.start(name)
        await place.watch(10)
        place.is_down = True
        await place.watch(120)
        assert {share.share for share in place.workers.values()} == {1 / 2}
        assert place.workers["a"].describe()["roster_unknown_since"] is not None
        place.is_down = False
        account = await place.watch(60)
        assert {share.share for share in place.workers.values()} == {1 / 2}
        assert account.refused.total() == 0


async def test_a_worker_whose_roster_is_down_at_the_start_works_alone() -> None:
    async with town() as place:
        place.is_down = True
        share = await place.start("a")
        assert share.share == 1
        await place.watch(30)
        assert share.share == 1


async def test_clocks_need_not_agree() -> None:
    async with town() as place:
        roster = TableRoster(place.table, place.clock)
        await place.start("a")
        # Another worker's beats, stamped by a clock that is four minutes behind.
        late = TableRoster(place.table, Behind(place.clock, 240))
        for number in range(20):
            await late.beat("b", number)
            await place.watch(BEAT_EVERY_S)
        assert place.workers["a"].share == 1 / 2
        assert set(await roster.find_all()) == {"a", "b"}


class Behind:
    """A wall clock that is so many seconds late."""

    def __init__(self, clock: Clock, seconds: int) -> None:
        self._clock = clock
        self._seconds = seconds
        self.monotonic, self.sleep, self.now = clock.monotonic, clock.sleep, clock.now

    def now_ms(self) -> int:
        return self._clock.now_ms() - 1000 * self._seconds


# --- learning ------------------------------------------------------------------------------------


async def test_a_quota_lower_than_documented_is_found_by_all_and_given_back_when_it_rises() -> None:
    async with town() as place:
        for name in ("a", "b"):
            await place.start(name)
        place.account.bucket = Bucket(4, 6, place.clock)
        await place.watch(60)
        account = await place.watch(600)
        calls = account.accepted.total() + account.refused.total()
        assert account.accepted.total() >= 0.8 * 600 * 4
        assert account.refused.total() / calls <= 0.1
        assert 0.6 <= account.accepted["a"] / account.accepted["b"] <= 1.6
        place.account.bucket = Bucket(RATE, BURST, place.clock)
        await place.watch(60)
        account = await place.watch(60)
        assert account.accepted.total() >= 0.95 * 60 * RATE


# --- backpressure --------------------------------------------------------------------------------


class Sending:
    """A handler that draws on the account, as ours do: throttled is a wait, no attempt."""

    def __init__(self, caller: Caller, account: Account) -> None:
        self._caller = caller
        self._account = account

    async def __call__(self, _delivery: Delivery) -> Outcome:
        await asyncio.sleep(0.05)  # Journalled first.
        await self._caller.call(SEND, lambda: self._account.send("worker"))
        return Done()


def sending_fleet(*, per_s: float, messages: int, gated: bool = True) -> tuple[Fleet, Bucket]:
    clock = LoopClock()
    limits = Limits(clock, {"fake.send": Rate(per_s, per_s, "a test")})
    caller = Caller(Unmetered(), limits)
    queue = MemoryQueue("work", clock)
    for number in range(messages):
        queue.put(str(number))
    bucket = limits.bucket("fake.send")
    gate: Gate = BucketGate("fake.send", [bucket]) if gated else ALWAYS_OPEN
    handle = Sending(caller, Account(clock, per_s, per_s))
    queues = (queue, MemoryQueue("work-dlq", clock))
    return make_fleet(handle, queues=queues, gate=gate), bucket


@asynccontextmanager
async def at_work(fleet: Fleet) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        fleet.consumer.start(tasks)
        yield
        fleet.consumer.force()
        await fleet.consumer.drain()
    fleet.assert_adds_up()


async def emptied(*, gated: bool) -> tuple[float, float]:
    """Seconds, and receives per message, to empty a queue of 400 at 5 a second."""
    fleet, _ = sending_fleet(per_s=5, messages=400, gated=gated)
    async with at_work(fleet):
        await fleet.until_empty()
        return fleet.clock.monotonic(), fleet.outcomes() / 400


async def test_a_throttled_downstream_costs_few_receives_and_no_time() -> None:
    seconds, receives = await emptied(gated=True)
    assert receives <= 1.1
    assert seconds <= 400 / 5 * 1.1


async def test_without_a_gate_the_same_queue_burns_receives() -> None:
    _, receives = await emptied(gated=False)
    assert receives > 5, "else the test above shows nothing"


async def test_a_queue_without_room_downstream_says_so_since_when_and_is_alive() -> None:
    fleet, bucket = sending_fleet(per_s=1, messages=0)
    async with at_work(fleet):
        await fleet.clock.sleep(1)
        assert await bucket.take(50)  # Somebody else has taken all for most of a minute.
        taken_at = fleet.clock.now()
        await fleet.clock.sleep(25)  # The long poll from before lands.
        fleet.queue.put("hello")
        polls = fleet.queue.calls["receive"]
        await fleet.clock.sleep(10)
        assert fleet.queue.calls["receive"] == polls
        described = fleet.consumer.pulse.describe()
        assert described["state"] == "paused"
        assert described["reason"] == "no room at fake.send"
        assert described["by"] == "backpressure"
        assert described["since"] >= taken_at.isoformat(timespec="seconds")
        assert described["alive"]
        assert fleet.metrics.total(PAUSED) == 1
        await fleet.until_empty()
        assert fleet.outcomes() == 1
        assert fleet.consumer.pulse.describe()["state"] == "polling"


async def test_the_room_downstream_bounds_what_is_in_hand_not_the_slots() -> None:
    fleet, _ = sending_fleet(per_s=2, messages=100)
    most = 0
    async with at_work(fleet):
        for _ in range(200):
            await fleet.clock.sleep(0.05)
            most = max(most, len(fleet.consumer._in_hand))
    assert 1 <= most <= 5  # A burst of 2, and 1.5 s of 2 a second.


async def test_a_gate_opens_by_itself_however_small_the_share() -> None:
    clock = LoopClock()
    limits = Limits(clock, {"fake.send": Rate(3, 3, "a test")})
    limits.share(1 / 100)
    bucket = limits.bucket("fake.send")
    gate = BucketGate("fake.send", [bucket])
    assert gate.capacity() == 1
    assert bucket.try_take()
    bucket.refused()
    assert gate.capacity() == 0
    await clock.sleep(1000)
    assert gate.capacity() == 1


async def test_one_dry_number_does_not_stop_the_queue_for_the_others() -> None:
    clock = LoopClock()
    dry, other = Bucket(10, 10, clock), Bucket(10, 10, clock)
    gate = BucketGate("sms", [dry, other])
    assert await dry.take(500)
    assert gate.capacity() == 25
