"""The schedules that ship, as the local world plays them: what comes when, and that we know it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

from infra.local.ticks import tick_of, upcoming
from infra.topology import load_topology
from schemas.decode import decode_body
from schemas.decoded import Decoded
from schemas.own import CallSweep, OptOutSync

BEGIN = datetime(2026, 11, 26, 6, 0, tzinfo=UTC)
SCHEDULES = {schedule.name: schedule for schedule in load_topology().schedules}


def test_every_schedule_sends_a_command_that_names_its_occasion() -> None:
    sent = {}
    for name, schedule in SCHEDULES.items():
        (result,) = decode_body(tick_of(schedule, BEGIN))
        assert isinstance(result, Decoded)
        sent[name] = result.event
    when = "2026-11-26T06:00:00Z"
    assert sent == {"opt-out-sync": OptOutSync(tick=when), "call-sweep": CallSweep(tick=when)}


def test_schedules_have_a_queue_of_their_own() -> None:
    assert {schedule.queue for schedule in SCHEDULES.values()} == {"timers"}


def test_ticks_come_in_their_order_each_at_its_rate() -> None:
    hour = takewhile(
        lambda tick: tick[0] <= BEGIN + timedelta(hours=1), upcoming(SCHEDULES.values(), BEGIN)
    )
    came = [((at - BEGIN) // timedelta(minutes=1), schedule.name) for at, schedule in hour]
    sweeps = [(minute, "call-sweep") for minute in range(5, 61, 5)]
    assert came == sorted([*sweeps, (30, "opt-out-sync"), (60, "opt-out-sync")])
