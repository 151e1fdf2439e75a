"""Reminders whose events are lost or repeated, whose worker is killed, whose calls are in doubt."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from schemas.own import CallSweep, encode_command
from tests.fakes.telephones import (
    ANSWERED,
    BUSY,
    MACHINE,
    pressed,
)
from tests.unit.handlers.reminders.office import (
    BEGIN,
    SEATTLE,
    Killed,
    Office,
    contact_event,
)
from workers.errors import AccountProblem, InDoubt, PermanentError, Throttled, TransientError
from workers.runtime.outcome import Discard
from workers.stores.call_records import Result, TextStage

T = TypeVar("T")
TEXT = (
    "Clinic: we tried to call you about your appointment on Saturday, March 7 at 9:00 AM."
    " Reply 1 to confirm, 2 for another time, 3 to talk to us. Reply STOP for no more texts."
)


async def test_a_call_whose_events_are_lost_is_asked_about() -> None:
    office = Office(lose=1.0)
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.remind()
    await office.run()
    assert (await office.result())[0] is Result.CONFIRMED


async def test_a_sweep_ends_calls_whose_watch_is_lost_too() -> None:
    office = Office(lose=1.0)
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.remind()
    await office.run(for_=timedelta(seconds=60))
    office.messages.clear()
    await office.clock.sleep(3_600)
    office.put(encode_command(CallSweep(tick="t-1")))
    await office.run()
    assert (await office.result())[0] is Result.CONFIRMED
    assert (await office.calls.in_air()).calls == {}


async def test_a_sweep_that_comes_twice_is_worked_off_once() -> None:
    office = Office(lose=1.0)
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    for _ in range(2):
        office.put(encode_command(CallSweep(tick="t-1")))
        await office.run()
    office.remind()
    await office.run(for_=timedelta(seconds=60))
    office.messages.clear()
    await office.clock.sleep(3_600)
    office.put(encode_command(CallSweep(tick="t-1")))
    await office.run()
    assert (await office.calls.in_air()).calls, "that occasion's work was done before the call"
    office.put(encode_command(CallSweep(tick="t-2")))
    await office.run()
    assert (await office.calls.in_air()).calls == {}


async def test_a_call_that_never_ends_counts_as_failed_at_last() -> None:
    office = Office()
    office.exchange.lasts_s = 1e9
    office.remind()
    await office.run(for_=timedelta(hours=3))
    [first, *_] = (await office.found()).attempts
    assert (first.result, first.detail) == (Result.FAILED, "never_ended")


async def test_events_of_others_calls_are_left_alone() -> None:
    office = Office()
    office.put(contact_event("somebody", "DISCONNECTED", office.clock.now()))
    office.put(contact_event("somebody", "INITIATED", office.clock.now()))
    await office.run()
    assert Discard("contact_not_ours") in office.outcomes
    assert office.dead == []


async def test_a_contact_record_ends_a_call_without_asking() -> None:
    office = Office(lose=1.0)
    office.remind()
    await office.run(for_=timedelta(seconds=20))
    [made] = office.exchange.dialled
    office.put(
        f'{{"ContactId": "{made.contact_id}", "Channel": "VOICE", "Attributes":'
        ' {"sb_answer": "confirmed"}, "AWSContactTraceRecordFormatVersion": "2017-03-10",'
        ' "DisconnectTimestamp": "2026-03-04T17:00:50Z"}'
    )
    await office.run()
    assert (await office.result())[0] is Result.CONFIRMED
    assert office.exchange.described == {}


@pytest.mark.parametrize("call", ["calls.put", "dialing.dial", "commands.send", "bus.publish"])
@pytest.mark.parametrize("is_accepted", [True, False])
async def test_whoever_is_killed_at_a_call_is_followed_and_nobody_is_dialled_twice(
    call: str, is_accepted: bool
) -> None:
    """One run for each time that this call is made: killed there, before or after it was done."""
    for at in range(12):
        office = Office()
        office.exchange.plans[SEATTLE] = [BUSY, pressed("confirmed")]
        office.remind()
        office.wire = _Killer(call, at, is_accepted=is_accepted)
        await office.run()
        assert len(office.exchange.dialled) == 2, at
        assert (await office.result())[0] is Result.CONFIRMED, at
        assert (await office.calls.in_air()).calls == {}, at


async def test_a_refusal_that_time_heals_is_no_attempt() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.faults.refuse("dialing.dial", Throttled("throttled"), AccountProblem("no_flow"))
    office.remind()
    await office.run()
    assert (await office.result())[0] is Result.CONFIRMED
    assert [a.number for a in (await office.found()).attempts] == [1]


async def test_an_answer_that_was_lost_is_asked_for_again_with_the_same_token() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.faults.lose_answer("dialing.dial", TransientError("read_timeout"))
    office.remind()
    await office.run()
    assert office.faults.calls.count("dialing.dial") == 2
    assert len(office.exchange.dialled) == 1
    assert (await office.result())[0] is Result.CONFIRMED


async def test_an_attempt_that_may_not_be_repeated_at_this_hour_is_found_by_its_event() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.faults.lose_answer("dialing.dial", TransientError("read_timeout"))
    # Two minutes are left until the end of what is of use: the repetition comes too late.
    office.remind(useful_until=BEGIN + timedelta(seconds=22), appointment_at=None)
    await office.run()
    assert len(office.exchange.dialled) == 1
    assert (await office.result())[0] is Result.CONFIRMED


async def test_a_repetition_is_judged_like_a_first_call() -> None:
    """The request never arrived, and when it could be repeated it is too late to ring."""
    office = Office()
    office.faults.refuse("dialing.dial", TransientError("connect_failed"))
    office.remind(useful_until=BEGIN + timedelta(seconds=22), appointment_at=None)
    await office.run()
    assert office.exchange.dialled == []
    [attempt] = (await office.found()).attempts
    assert (attempt.result, attempt.detail) == (Result.FAILED, "unconfirmed")
    assert await office.result() == (Result.FAILED, "too_late")


async def test_a_repetition_that_is_refused_takes_nothing_back() -> None:
    """The first try was taken and its answer lost: that somebody was called must not be denied."""
    office = Office(lose=1.0)
    office.faults.lose_answer("dialing.dial", TransientError("read_timeout"))
    office.faults.refuse("dialing.dial", *[Throttled("throttled")] * 20)
    office.remind(useful_until=BEGIN + timedelta(seconds=60), appointment_at=None)
    await office.run()
    assert len(office.exchange.dialled) == 1
    assert await office.result() == (Result.FAILED, "too_late")


async def test_that_nobody_was_called_is_taken_back_when_a_contact_says_otherwise() -> None:
    """The SDK's first try was taken, its second refused: so it looked as if nothing had been."""
    office = Office()
    office.exchange.plans[SEATTLE] = [ANSWERED]
    office.faults.lose_answer("dialing.dial", Throttled("throttled"))
    office.remind(useful_until=BEGIN + timedelta(seconds=22), appointment_at=None)
    await office.run()
    assert len(office.exchange.dialled) == 1
    assert (await office.result())[0] is Result.HUMAN
    assert [told.result for told in office.profiles.told] == [Result.NOT_CALLED, Result.HUMAN]


async def test_what_connect_refuses_for_good_is_a_failure_with_its_reason() -> None:
    office = Office()
    refusal = PermanentError("destination_not_allowed")
    office.faults.refuse("dialing.dial", refusal, refusal)
    office.remind()
    await office.run()
    assert (await office.result()) == (Result.FAILED, "destination_not_allowed")


async def test_a_text_in_doubt_is_not_sent_again() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [MACHINE]
    office.faults.lose_answer("texting.send", InDoubt("SendTextMessage", "timeout"))
    office.remind()
    await office.run()
    assert office.world.carrier.bodies == [TEXT]
    kept = await office.found()
    assert kept.text is not None
    assert kept.text.stage is TextStage.UNCERTAIN
    assert kept.result is Result.MACHINE


class _Killer:
    """Kills the process at one call, once."""

    def __init__(self, call: str, at: int, *, is_accepted: bool) -> None:
        self.calls: list[str] = []
        self._call, self._left, self._is_accepted = call, at, is_accepted

    async def carry(self, call: str, accept: Callable[[], Awaitable[T]]) -> T:
        self.calls.append(call)
        if call == self._call:
            self._left -= 1
            if self._left == -1:
                if self._is_accepted:
                    await accept()
                raise Killed
        return await accept()
