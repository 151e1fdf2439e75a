"""A reminder's life on fakes: dialled when it may be, once an attempt, then up the ladder."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.telephones import (
    ANSWERED,
    BUSY,
    FAILED,
    INVALID,
    MACHINE,
    NO_ANSWER,
    pressed,
)
from tests.unit.handlers.reminders.office import (
    BEGIN,
    NEAR,
    PINPOINT,
    SEATTLE,
    Office,
    contact_event,
)
from workers.brands import BrandCalls
from workers.clients.protocols import CallFacts
from workers.config import ReminderRules
from workers.routing import HANDLED
from workers.runtime.outcome import Discard
from workers.stores.call_records import CallList, ListState, Result, TextStage

TEXT = (
    "Clinic: we tried to call you about your appointment on Saturday, March 7 at 9:00 AM."
    " Reply 1 to confirm, 2 for another time, 3 to talk to us. Reply STOP for no more texts."
)


async def test_a_reminder_is_dialled_at_once_and_ends_confirmed() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.remind(name="Ann", attributes={"clinic": "North"})
    await office.run()
    assert await office.result() == (Result.CONFIRMED, "contact_flow_disconnect")
    [made] = office.exchange.dialled
    rid = office.calls.rid("r-1")
    assert made.call.client_token == f"{rid}.1"
    assert made.call.attributes == {
        "clinic": "North",
        "sb_reminder": rid,
        "sb_attempt": "1",
        "sb_brand": "Clinic",
        "sb_name": "Ann",
        "sb_language": "en-US",
        "sb_when": "Saturday, March 7 at 9:00 AM",
        "sb_is_dated": "yes",
        "sb_detects_machines": "no",
    }
    assert not made.call.detect_machines
    assert office.exchange.described[made.contact_id] == 1
    assert (await office.calls.in_air()).calls == {}
    assert office.meter.closed == {"confirmed": 1}


@pytest.mark.parametrize(
    ("plans", "result", "at_min"),
    [
        pytest.param([pressed("confirmed")], Result.CONFIRMED, [0], id="confirmed"),
        pytest.param([pressed("another_time")], Result.ANOTHER_TIME, [0], id="another_time"),
        pytest.param([pressed("agent")], Result.WANTS_AGENT, [0], id="wants_an_agent"),
        pytest.param(
            [pressed("agent", met_agent=True)], Result.TALKED_TO_AGENT, [0], id="talked_to_one"
        ),
        pytest.param([pressed("opted_out")], Result.OPTED_OUT, [0], id="opted_out"),
        pytest.param([INVALID], Result.FAILED, [0], id="an_invalid_number_is_not_tried_again"),
        pytest.param([BUSY, pressed("confirmed")], Result.CONFIRMED, [0, 10], id="busy_first"),
        pytest.param([BUSY, BUSY, BUSY], Result.BUSY, [0, 10, 21], id="busy_three_times"),
        pytest.param(
            # Two calls and the text are three contacts; the cap of a day lets them through.
            [NO_ANSWER, NO_ANSWER],
            Result.NO_ANSWER,
            [0, 120],
            id="no_answer_twice",
        ),
        pytest.param([MACHINE], Result.MACHINE, [0], id="the_message_is_left_once"),
        pytest.param([ANSWERED], Result.HUMAN, [0], id="somebody_answered_and_pressed_nothing"),
        pytest.param([FAILED, FAILED], Result.FAILED, [0, 30], id="a_failure_is_tried_again"),
    ],
)
async def test_the_ladder_by_result(
    plans: list[CallFacts], result: Result, at_min: list[int]
) -> None:
    office = Office(ReminderRules(per_day=9, per_week=9))
    office.exchange.plans[SEATTLE] = plans
    office.remind()
    await office.run()
    assert (await office.result())[0] is result
    assert [at // timedelta(minutes=1) for at in office.dialled_at()] == at_min


async def test_a_failed_ladder_ends_with_the_text_and_its_answer_closes_it_anew() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [MACHINE]
    office.remind(pinpoint=PINPOINT)
    await office.run()
    assert office.world.carrier.bodies == [TEXT]
    kept = await office.found()
    assert kept.text is not None
    assert kept.text.stage is TextStage.SENT
    assert [kind for kind, _ in office.bus.events] == [
        "Switchboard Reminder Result",
        "connect.failure",
    ]
    reply(office, "1!")
    await office.run()
    assert await office.result() == (Result.CONFIRMED, "by_text")
    assert [kind for kind, _ in office.bus.events[2:]] == [
        "Switchboard Reminder Result",
        "connect.success",
    ]
    assert office.world.centre.chats == {}
    ids = [detail["id"] for kind, detail in office.bus.events if kind.startswith("Switch")]
    assert len(set(ids)) == 2
    assert SEATTLE not in str(office.bus.events)
    assert [told.result for told in office.profiles.told] == [Result.MACHINE, Result.CONFIRMED]


async def test_the_text_of_a_reminder_without_a_time_names_none() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [MACHINE]
    until = office.world.clock.now() + timedelta(hours=3)
    office.remind(appointment_at=None, useful_until=until)
    await office.run()
    assert office.exchange.dialled[0].call.attributes["sb_is_dated"] == "no"
    [text] = office.world.carrier.bodies
    assert text.startswith("Clinic: we tried to call you about your appointment. Reply 1")


async def test_stop_is_an_opt_out_and_no_answer_although_a_text_is_open() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [MACHINE]
    office.remind()
    await office.run()
    reply(office, "STOP")
    await office.run()
    assert (await office.result())[0] is Result.MACHINE
    office.remind(id="r-2")
    await office.run()
    assert await office.result("r-2") == (Result.NOT_CALLED, "opted_out")
    reply(office, "yes", "in-2")  # comes back; that is no answer either
    await office.run()
    assert (await office.result())[0] is Result.MACHINE


async def test_an_answer_that_asks_for_a_person_opens_the_brands_chat() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [MACHINE]
    office.remind()
    await office.run()
    reply(office, "3")
    await office.run()
    assert await office.result() == (Result.WANTS_AGENT, "by_text")
    assert len(office.world.centre.chats) == 1
    reply(office, "yes", "in-2")  # to the agent, not to the reminder
    await office.run()
    assert await office.result() == (Result.WANTS_AGENT, "by_text")


async def test_a_key_that_opts_out_closes_the_gate_for_calls_and_texts() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [pressed("opted_out")]
    office.remind()
    await office.run()
    office.remind(id="r-2")
    await office.run()
    assert await office.result("r-2") == (Result.NOT_CALLED, "opted_out")
    assert len(office.exchange.dialled) == 1


async def test_nobody_is_dialled_at_night_and_the_call_waits_for_the_morning() -> None:
    office = Office()
    office.remind(zone="Pacific/Honolulu")  # 7:00 there
    await office.run()
    assert office.dialled_at()[0] // timedelta(minutes=1) == 120


async def test_a_profiles_zone_counts_where_the_command_names_none() -> None:
    office = Office()
    office.zones.by_number[SEATTLE] = "Pacific/Honolulu"
    office.remind()
    office.remind(id="r-2", zone="America/Los_Angeles")
    await office.run()
    by_id = {d.call.attributes["sb_reminder"]: d.at for d in office.exchange.dialled}
    assert (by_id[office.calls.rid("r-1")] - BEGIN) // timedelta(minutes=1) == 120
    assert by_id[office.calls.rid("r-2")] - BEGIN < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"appointment_at": BEGIN}, "too_late"),
        ({"appointment_at": BEGIN + timedelta(minutes=59)}, "too_late"),
        ({"appointment_at": BEGIN + timedelta(hours=2), "zone": "Asia/Tokyo"}, "no_time_left"),
        ({"number": "+88213000000"}, "zone_unknown"),
        ({"number": "12"}, "invalid_number"),
    ],
)
async def test_what_can_never_be_dialled_ends_with_a_clear_result(
    keys: dict[str, object], reason: str
) -> None:
    office = Office()
    office.remind(**keys)
    await office.run()
    assert await office.result() == (Result.NOT_CALLED, reason)
    assert office.exchange.dialled == []
    assert office.messages == []


async def test_the_same_reminder_twice_is_one() -> None:
    office = Office()
    office.exchange.plans[SEATTLE] = [BUSY, pressed("confirmed")]
    office.remind()
    office.remind()
    await office.run(workers=2)
    assert len(office.exchange.dialled) == 2
    assert (await office.result())[0] is Result.CONFIRMED


async def test_two_reminders_of_one_person_share_the_caps() -> None:
    office = Office(ReminderRules(per_day=1))
    office.exchange.plans[SEATTLE] = [pressed("confirmed")]
    office.remind(id="r-1")
    office.remind(id="r-2")
    await office.run(workers=2)
    first, second = sorted(office.dialled_at())
    assert second - first >= timedelta(days=1)


async def test_no_more_calls_are_in_the_air_than_the_rules_let() -> None:
    office = Office(ReminderRules(in_air_max=3))
    office.exchange.lasts_s = 600
    for line in range(20):
        office.remind(id=f"r-{line}", number=f"+1206555{100 + line:04d}")
    await office.run(workers=3)
    spans = [(made.at, made.at + timedelta(seconds=600)) for made in office.exchange.dialled]
    assert len(spans) == 20
    most = max(sum(begin <= at < end for begin, end in spans) for at, _ in spans)
    assert most <= 3


async def test_a_paused_list_waits_and_a_cancelled_one_ends() -> None:
    office = Office()
    running = await office.calls.save_list(
        CallList("march", "Clinic", ListState.PAUSED, rows=1, made_ms=0)
    )
    office.remind(call_list="march")
    await office.run(for_=timedelta(hours=3))
    assert office.exchange.dialled == []
    cancelled = CallList("march", "Clinic", ListState.CANCELLED, 1, 0, running.revision)
    await office.calls.save_list(cancelled)
    await office.run()
    assert await office.result() == (Result.NOT_CALLED, "cancelled")


def test_every_class_that_is_told_as_handled_has_a_handler() -> None:
    assert Office().router().takes == HANDLED


async def test_a_brand_without_calls_and_an_unknown_one_are_dead_letters() -> None:
    office = Office()
    office.remind(brand="Nobody")
    await office.run()
    assert [letter.reason for letter in office.dead] == ["unknown_brand"]


async def test_where_no_brand_makes_calls_nothing_is_asked_and_nothing_is_buried() -> None:
    office = Office(makes_calls=False)
    office.put(contact_event("somebody", "DISCONNECTED", office.clock.now()))
    office.put('{"ApplicationId": "a", "CampaignId": "c", "Endpoints": {}}')
    await office.run()
    assert office.outcomes.count(Discard("contact_event_not_needed")) == 1
    assert office.outcomes.count(Discard("nobody_makes_calls")) == 1
    assert office.exchange.described == {}


async def test_machine_detection_is_asked_for_where_the_brand_has_it() -> None:
    calls = BrandCalls(contact_flow_id="f", queue_id="q", detect_machines=True)
    office = Office(calls=calls)
    office.remind()
    await office.run()
    [made] = office.exchange.dialled
    assert made.call.detect_machines
    assert made.call.attributes["sb_detects_machines"] == "yes"


async def test_an_appointment_keeps_its_own_wall_where_the_zone_is_unsure() -> None:
    office = Office()
    office.remind(number="+12085550100", appointment_at=(BEGIN + NEAR).isoformat())
    await office.run()
    assert office.exchange.dialled[0].call.attributes["sb_when"] == "Saturday, March 7 at 5:00 PM"


def reply(office: Office, body: str, message_id: str = "in-1") -> None:
    """The callee texts back."""
    office.put(
        f'{{"originationNumber": "{SEATTLE}", "destinationNumber": "+12065550190",'
        f' "messageBody": "{body}", "inboundMessageId": "{message_id}"}}'
    )
