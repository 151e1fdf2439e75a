"""A list of calls through killed workers, lost answers and spoiled events: what must hold after it.

Zones and hours are reckoned here by hand, not by the code under test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

import pytest

from schemas.own import CallSweep, encode_command
from tests.fakes.telephones import (
    ANSWERED,
    BUSY,
    FAILED,
    INVALID,
    MACHINE,
    NO_ANSWER,
    pressed,
)
from tests.fakes.wire import Wire
from tests.unit.handlers.reminders.office import Killed, Office
from workers.config import ReminderRules
from workers.errors import Throttled, TransientError
from workers.stores.call_records import Result

T = TypeVar("T")

PEOPLE = 40
IN_AIR = 4
PER_DAY, PER_WEEK = 2, 3
# Hours behind UTC in the first days of March, before the clocks change on the 8th.
AREAS = {"206": 8, "212": 5, "312": 6, "808": 10}
PLANS = (
    [pressed("confirmed")],
    [pressed("another_time")],
    [pressed("agent"), pressed("agent", met_agent=True)],
    [pressed("opted_out")],
    [BUSY, pressed("confirmed")],
    [BUSY],
    [NO_ANSWER, ANSWERED],
    [NO_ANSWER],
    [MACHINE],
    [FAILED, MACHINE],
    [INVALID],
    [ANSWERED],
)


class RoughWire:
    """Now and then a call fails, its answer is lost, or its process dies before or after it."""

    def __init__(self, rng: Random, chance: float) -> None:
        self._rng = rng
        self._chance = chance

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        if self._rng.random() >= self._chance:
            return await accept()
        fate = self._rng.choice(("refuse", "throttle", "lose", "kill_before", "kill_after"))
        if fate in ("lose", "kill_after") and call != "texting.send":
            await accept()
        if fate.startswith("kill"):
            raise Killed
        raise Throttled("throttled") if fate == "throttle" else TransientError("read_timeout")


def number_of(line: int) -> str:
    return f"+1{list(AREAS)[line % len(AREAS)]}555{100 + line:04d}"


async def played(seed: int, chance: float) -> Office:
    """A list of people, each of them twice, through rough weather and then through fair."""
    rules = ReminderRules(in_air_max=IN_AIR, per_day=PER_DAY, per_week=PER_WEEK)
    office = Office(rules, lose=0.25, double=0.3, seed=seed)
    rng = office.rng
    for line in range(PEOPLE):
        office.exchange.plans[number_of(line)] = list(rng.choice(PLANS))
        asked = office.remind(id=f"r-{line}", number=number_of(line))
        if rng.random() < 0.3:
            office.put(encode_command(asked), rng.random() * 4_000)
    for tick in range(40):
        office.put(encode_command(CallSweep(tick=str(tick))), 600.0 * tick)

    def rough() -> Wire:
        return RoughWire(rng, chance)

    await office.run(for_=timedelta(days=2), workers=3, wire_of=rough)
    await office.run(for_=timedelta(days=4), workers=3)
    return office


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_fails_nobody_is_called_twice_or_at_night_and_every_call_has_a_result(
    seed: int,
) -> None:
    office = await played(seed, chance=0.06)
    dialled = office.exchange.dialled
    assert office.kills > 10
    assert office.messages == []

    attempts = Counter(
        (d.call.attributes["sb_reminder"], d.call.attributes["sb_attempt"]) for d in dialled
    )
    assert max(attempts.values()) == 1

    for made in dialled:
        assert is_calling_hour(made.at, made.call.number), made

    for line in range(PEOPLE):
        kept = await office.found(f"r-{line}")
        assert kept.result is not None
        assert kept.told == kept.closings
        assert all(attempt.result is not None for attempt in kept.attempts)
        rang = {d.contact_id for d in dialled if d.call.number == number_of(line)}
        assert rang == {a.contact_id for a in kept.attempts if a.contact_id is not None}, kept
        if kept.result is not Result.NOT_CALLED:
            assert kept.attempts

    for made in dialled:
        ends = made.at + timedelta(seconds=office.exchange.lasts_s)
        on = [d for d in dialled if made.at <= d.at < ends]
        assert len(on) <= IN_AIR
        mine = [d.at for d in dialled if d.call.number == made.call.number]
        # A contact's time is kept in whole milliseconds.
        for days, cap in ((1, PER_DAY), (7, PER_WEEK)):
            until = made.at + timedelta(days=days, milliseconds=-2)
            assert sum(made.at <= at < until for at in mine) <= cap, mine
    # A place whose worker was killed before it claimed is given back by the next sweep.
    office.put(encode_command(CallSweep(tick="last")))
    await office.run(workers=1)
    assert (await office.calls.in_air()).calls == {}

    texts = Counter(sent.text.destination_number for sent in office.world.carrier.sent)
    assert max(texts.values(), default=0) <= 1


async def test_in_fair_weather_each_person_gets_what_their_answers_ask_for() -> None:
    office = await played(99, chance=0.0)
    for line in range(PEOPLE):
        kept = await office.found(f"r-{line}")
        plans = office.exchange.plans[number_of(line)]
        last = plans[min(len(kept.attempts), len(plans)) - 1]
        answer = last.attributes.get("sb_answer", "")
        expected = {"agent": "wants_agent"}.get(answer, answer)
        assert not answer or kept.result == expected


def is_calling_hour(at: datetime, number: str) -> bool:
    """Weekdays 9 to 20, Saturdays 10 to 17, by the area's hours behind UTC."""
    local = at - timedelta(hours=AREAS[number[2:5]])
    first, last = (9, 20) if local.weekday() < 5 else (10, 17)
    return local.weekday() != 6 and first <= local.hour < last
