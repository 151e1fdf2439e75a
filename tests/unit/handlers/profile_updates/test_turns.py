"""Promises of more writes than the quota carries: later ones, not more at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.handlers.profile_updates.updating import RULES, Updating, ses
from workers.handlers.profile_updates.turns import FAR_S, Turns
from workers.runtime.outcome import Done, Wait
from workers.testing import FakeClock

WINDOW_S = 15
GATHERING = RULES.model_copy(update={"window_s": WINDOW_S})


def test_below_the_quota_a_turn_is_when_it_is_asked_for() -> None:
    clock = FakeClock()
    turns = Turns(lambda: 10.0, clock)
    for _ in range(5):
        assert turns.take(clock.now_ms() + 15_000) == clock.now_ms() + 15_000
        clock.advance(0.2)  # Two objects for a write, of ten a second.


def test_above_the_quota_turns_are_as_far_apart_as_it_takes() -> None:
    clock = FakeClock()
    turns = Turns(lambda: 10.0, clock)
    asked = clock.now_ms() + 15_000
    given = [turns.take(asked) for _ in range(6)]
    assert [turn - asked for turn in given] == [0, 200, 400, 600, 800, 1_000]
    clock.advance(20)
    assert turns.take(clock.now_ms()) == clock.now_ms(), "what was not used is gone"


def test_a_worker_whose_share_shrinks_gives_fewer_turns() -> None:
    clock, rates = FakeClock(), [10.0]
    turns = Turns(lambda: rates[-1], clock)
    first = turns.take(clock.now_ms())
    rates.append(5.0)
    assert turns.take(clock.now_ms()) - first == 400


def test_a_share_that_was_next_to_nothing_leaves_no_gap_behind() -> None:
    clock, rates = FakeClock(), [0.4]
    turns = Turns(lambda: rates[-1], clock)
    asked = clock.now_ms()
    assert max(turns.take(asked) for _ in range(100)) - asked <= FAR_S * 1000
    assert turns.are_far()
    rates.append(100.0)
    assert turns.take(asked) - asked == 2_000, "200 objects, 100 a second"
    assert not turns.are_far()


def test_how_many_objects_a_write_puts_is_learned() -> None:
    clock = FakeClock()
    turns = Turns(lambda: 10.0, clock)
    for _ in range(200):
        turns.written(4)
    first = turns.take(clock.now_ms())
    assert turns.take(clock.now_ms()) - first == pytest.approx(400, abs=2)


def test_who_waits_for_a_turn_waits_no_longer_than_that() -> None:
    clock = FakeClock()
    turns = Turns(lambda: 2.0, clock)
    given = [turns.take(clock.now_ms()) - clock.now_ms() for _ in range(302)]
    assert given[-3:] == [299_000, 300_000, 300_000]
    clock.advance(10)
    assert not turns.are_far()


async def test_a_flood_of_many_people_is_written_at_the_quotas_pace_and_carries_more() -> None:
    worker = Updating(GATHERING, puts_per_s=2.0)
    mails = [f"person-{number}@example.com" for number in range(20)]
    for mail in mails:
        worker.service.add(email=mail)
    at = worker.ago(hours=1)
    sent = [worker.item(ses("Send", at=at, to=mail)) for mail in mails]
    due_s = [until_due_s(told) for told in await worker.take(*sent)]
    assert min(due_s) == pytest.approx(WINDOW_S, abs=0.1)
    assert max(due_s) == pytest.approx(WINDOW_S + 19, abs=0.1), "one a second: two objects each"
    worker.clock.advance(30)
    opened = [
        worker.item(ses("Open", at=at + timedelta(minutes=1), to=mail)) for mail in mails[16:]
    ]
    assert await worker.take(*opened) == [Done()] * 4, "carried by the writes whose turn is to come"
    worker.clock.advance(5)
    assert await worker.take(*sent) == [Done()] * 20
    assert worker.meter.merged == [1] * 16 + [2] * 4


def until_due_s(told: object) -> float:
    assert isinstance(told, Wait)
    return told.after_s
