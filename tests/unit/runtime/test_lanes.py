"""Lanes against a model: any order of arrivals, ends and holds."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from workers.runtime.lanes import STRAGGLER_S, GiveBack, Go, Lanes, Stay
from workers.testing import FakeClock

DEPTH = 4
SLOTS = 10
KEYS = ("a", "b", "c")


@dataclass(frozen=True)
class Item:
    key: str
    message_id: str


def lanes() -> tuple[Lanes[Item], FakeClock]:
    clock = FakeClock()
    return Lanes(clock, depth=DEPTH, slots=SLOTS), clock


class LanesMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.lanes, self.clock = lanes()
        self.next_id = 0
        self.running: dict[str, Item] = {}
        self.waiting: dict[str, list[Item]] = {key: [] for key in KEYS}
        self.held_until: dict[str, float] = {}

    @property
    def share(self) -> int:
        return min(DEPTH, SLOTS // (len(self.running) + 1))

    @rule(key=st.sampled_from(KEYS))
    def arrive(self, key: str) -> None:
        self.next_id += 1
        item = Item(key, str(self.next_id))
        match self.lanes.arrive(key, item):
            case Go():
                assert key not in self.running, "two of one key at a time"
                assert self.clock.monotonic() >= self.held_until.get(key, 0)
                self.running[key] = item
            case Stay():
                assert key in self.running
                assert len(self.waiting[key]) + 1 < self.share
                self.waiting[key].append(item)
            case GiveBack("lane_full", _):
                assert len(self.waiting[key]) + 1 >= self.share
            case GiveBack(_, after_s):
                assert after_s is not None
                assert self.clock.monotonic() + after_s >= self.held_until[key]

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        following = self.lanes.finished(key)
        expected = self.waiting[key].pop(0) if self.waiting[key] else None
        assert following == expected, "not in order of arrival"
        if following is None:
            del self.running[key]
        else:
            self.running[key] = following

    @precondition(lambda self: self.running)
    @rule(data=st.data(), for_s=st.integers(0, 20))
    def hold(self, data: st.DataObject, for_s: int) -> None:
        key = data.draw(st.sampled_from(sorted(self.running)))
        behind = self.lanes.hold(key, self.running[key].message_id, for_s)
        assert behind == self.waiting[key]
        assert self.lanes.finished(key) is None
        self.held_until[key] = self.clock.monotonic() + for_s + STRAGGLER_S
        self.waiting[key] = []
        del self.running[key]

    @rule()
    def take_waiting(self) -> None:
        taken = self.lanes.take_waiting()
        assert Counter(taken) == Counter(item for held in self.waiting.values() for item in held)
        for key in KEYS:
            newest_first = [item for item in taken if item.key == key]
            assert newest_first == self.waiting[key][::-1]
            self.waiting[key] = []

    @rule(seconds=st.integers(1, 15))
    def pass_time(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.lanes.forget_expired()

    @invariant()
    def no_key_fills_more_than_its_depth(self) -> None:
        for key in KEYS:
            assert len(self.waiting[key]) + (key in self.running) <= DEPTH


TestLanes = LanesMachine.TestCase
TestLanes.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_a_held_head_that_comes_back_goes_at_once_and_the_others_come_after_it() -> None:
    held, clock = lanes()
    first, second = Item("a", "1"), Item("a", "2")
    assert held.arrive("a", first) == Go()
    assert held.hold("a", "1", 10) == []
    held.finished("a")
    clock.advance(4)
    assert held.arrive("a", second) == GiveBack("lane_held", 6 + STRAGGLER_S)
    assert held.arrive("a", first) == Go()


def test_another_key_does_not_notice_a_hold() -> None:
    held, _ = lanes()
    held.arrive("a", Item("a", "1"))
    held.hold("a", "1", 10)
    assert held.arrive("b", Item("b", "2")) == Go()
