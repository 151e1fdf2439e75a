"""Events of customers, to what their profiles say."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.handlers.profile_updates.updating import (
    MAIL,
    PHONE,
    RULES,
    Updating,
    channel_call,
    ses,
)
from workers.addresses import Channel
from workers.config import ObjectKind, ObjectMapping
from workers.config.profiles import ObjectMappings
from workers.errors import AccountProblem, InDoubt, Throttled, TransientError
from workers.handlers.profile_updates.door import WRITTEN_LOOK_S
from workers.handlers.profile_updates.errands import OVERDUE_MS
from workers.handlers.profile_updates.words import AddressNews, ReminderNews
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Wait

CREATING = RULES.model_copy(update={"create": True})
GATHERING = RULES.model_copy(update={"window_s": 15})


async def test_a_mail_that_is_opened_and_clicked_is_counted_once_for_each_stage() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    at = worker.ago(hours=1)
    for event in ("Send", "Delivery", "Open", "Open", "Click"):
        assert await worker.take(worker.item(ses(event, at=at))) == [Done()]
    engagement = worker.object("engagement", pat)["email"]
    counts = {name: engagement[name] for name in ("sent", "delivered", "opened", "clicked")}
    assert counts == {"sent": 1, "delivered": 1, "opened": 1, "clicked": 1}
    assert engagement["score"] == 4.0  # opened 1, clicked 3, nothing decayed as of the last event
    assert worker.meter.events == {"taken": 4, "repeated": 1}


async def test_an_older_event_overwrites_no_newer_one() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    new, old = worker.ago(hours=1), worker.ago(days=2)
    await worker.take(worker.item(ses("Send", at=new, journey="j-1", activity="second")))
    await worker.take(worker.item(ses("Send", at=old, journey="j-1", activity="first")))
    assert worker.object("paths", pat)["last"]["activity"] == "second"
    assert len(worker.object("paths", pat)["all"]) == 1


async def test_a_stranger_is_counted_and_let_go() -> None:
    worker = Updating()
    [told] = await worker.take(worker.item(ses("Open", at=worker.ago(hours=1))))
    assert told == Discard("customer_unknown")
    assert worker.meter.events == {"unknown": 1}
    assert worker.service.profiles == {}


async def test_a_stranger_is_searched_for_once_a_minute() -> None:
    worker = Updating()
    event = ses("Open", at=worker.ago(hours=1))
    for _ in range(3):
        assert await worker.take(worker.item(event)) == [Discard("customer_unknown")]
    assert worker.service.calls == ["search"]
    worker.service.add(email=MAIL)
    worker.clock.advance(61)
    assert await worker.take(worker.item(event)) == [Done()]


async def test_two_events_of_a_stranger_at_once_make_one_profile_although_search_lags() -> None:
    first = Updating(CREATING, lag_s=5.0)
    second = first.second_worker()
    at = first.ago(hours=1)
    told = await asyncio.gather(
        first.take(first.item(ses("Send", at=at))),
        second.take(second.item(ses("Open", at=at))),
    )
    assert len(first.service.profiles) == 1
    assert sorted(type(outcome).__name__ for [outcome] in told) == ["Done", "Wait"]
    first.clock.advance(2)  # Search still shows nobody.
    assert await second.take(second.item(ses("Open", at=at))) == [Done()]
    assert len(first.service.profiles) == 1
    [pat] = first.service.profiles
    assert first.object("engagement", pat)["email"]["opened"] == 1


async def test_a_creation_in_doubt_is_looked_for_before_another_is_made() -> None:
    worker = Updating(CREATING, lag_s=5.0, creates_before_failing=True)
    worker.service.failures["create"] = [InDoubt("CreateProfile", "read_timeout")]
    event = ses("Open", at=worker.ago(hours=1))
    [told] = await worker.take(worker.item(event))
    assert isinstance(told, Wait)
    assert len(worker.service.profiles) == 1
    other = worker.second_worker()
    [told] = await other.take(other.item(event))
    assert isinstance(told, Wait)  # The claim still is good.
    worker.clock.advance(61)
    assert await other.take(other.item(event)) == [Done()]
    assert len(worker.service.profiles) == 1


async def test_a_profile_that_comes_up_between_search_and_claim_is_not_made_again() -> None:
    worker = Updating(CREATING, lag_s=60.5, creates_before_failing=True)
    worker.service.failures["create"] = [InDoubt("CreateProfile", "read_timeout")]
    event = ses("Open", at=worker.ago(hours=1))
    await worker.take(worker.item(event))
    # The claim goes bad while a search is under way that still shows nobody.
    worker.clock.advance(60)
    worker.service.search_takes_s = 1.0
    assert await worker.take(worker.item(event)) == [Done()]
    assert len(worker.service.profiles) == 1


async def test_a_creation_that_surely_failed_is_repeated_without_waiting() -> None:
    worker = Updating(CREATING)
    worker.service.failures["create"] = [Throttled("throttled", after_s=1.0)]
    event = ses("Open", at=worker.ago(hours=1))
    assert await worker.take(worker.item(event)) == [Wait("throttled", 1.0)]
    worker.clock.advance(1)
    assert await worker.take(worker.item(event)) == [Done()]
    assert len(worker.service.profiles) == 1


@pytest.mark.parametrize(
    ("several", "expected"),
    [("skip", Discard("customer_is_several")), ("dead_letter", DeadLetter("customer_is_several"))],
)
async def test_a_key_that_finds_two_is_said(several: str, expected: object) -> None:
    worker = Updating(CREATING.model_copy(update={"several": several}))
    for _ in range(2):
        worker.service.add(email=MAIL)
    assert await worker.take(worker.item(ses("Open", at=worker.ago(hours=1)))) == [expected]
    assert worker.meter.events == {"several": 1}
    assert len(worker.service.profiles) == 2


async def test_another_key_may_tell_apart_whom_one_key_confuses() -> None:
    worker = Updating()
    worker.service.add(email=MAIL)
    pat = worker.service.add(email=MAIL, customer_id="u-4")
    assert await worker.take(worker.item(channel_call("true", at=worker.ago(hours=1)))) == [Done()]
    assert worker.object("offers", pat)["last"]["viewed"] == "true"


async def test_a_flood_of_one_person_is_one_write() -> None:
    worker = Updating(GATHERING)
    pat = worker.service.add(email=MAIL)
    at = worker.ago(hours=1)
    flood = [worker.item(ses("Open", at=at, message=f"m-{n}")) for n in range(20)]
    told = await worker.take(*flood[:10])
    assert [type(outcome) for outcome in told] == [Wait] + [Done] * 9
    other = worker.second_worker()  # Who comes later adds to it and may go.
    assert await other.take(*flood[10:]) == [Done()] * 10
    assert worker.service.calls.count("put") == 0
    worker.clock.advance(16)
    assert await worker.take(flood[0]) == [Done()]
    assert worker.service.calls.count("put") == 1
    assert worker.object("engagement", pat)["email"]["opened"] == 20
    assert worker.meter.merged == [20]


async def test_what_comes_while_it_is_written_is_written_too() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    other = worker.second_worker()
    at = worker.ago(hours=1)
    await asyncio.gather(
        worker.take(worker.item(ses("Open", at=at, message="m-1"))),
        other.take(other.item(ses("Open", at=at, message="m-2"))),
    )
    assert worker.object("engagement", pat)["email"]["opened"] == 2


async def test_an_errand_that_nobody_runs_is_taken_over() -> None:
    worker = Updating(GATHERING)
    pat = worker.service.add(email=MAIL)
    at = worker.ago(hours=1)
    [told] = await worker.take(worker.item(ses("Open", at=at, message="lost")))
    assert isinstance(told, Wait)
    worker.clock.advance(15 + OVERDUE_MS / 1000 - 1)
    assert await worker.take(worker.item(ses("Open", at=at, message="m-2"))) == [Done()]
    assert worker.object("engagement", pat) == {}
    worker.clock.advance(1)
    assert await worker.take(worker.item(ses("Open", at=at, message="m-3"))) == [Done()]
    assert worker.object("engagement", pat)["email"]["opened"] == 3


async def test_a_write_that_fails_is_repeated_by_the_same_message() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    worker.service.failures["put"] = [TransientError("server_error", after_s=3.0)]
    event = worker.item(ses("Open", at=worker.ago(hours=1)))
    assert await worker.take(event) == [Wait("server_error", 3.0)]
    worker.clock.advance(3)
    assert await worker.take(event) == [Done()]
    assert worker.object("engagement", pat)["email"]["opened"] == 1


async def test_a_missing_object_type_is_told_to_the_runtime_which_waits_for_a_person() -> None:
    worker = Updating()
    worker.service.add(email=MAIL)
    problem = AccountProblem("domain_or_object_type_not_found")
    worker.service.failures["put"] = [problem]
    assert await worker.take(worker.item(ses("Open", at=worker.ago(hours=1)))) == [problem]


async def test_an_offer_without_a_view_is_denied_when_its_window_closes() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    sent = worker.ago(hours=1)
    event = worker.item(ses("Send", at=sent, offer="Spring"))
    closes = sent + timedelta(hours=RULES.offer_window_h)
    assert await worker.take(event) == [Defer(closes, "offer_open")]
    assert "viewed" not in worker.object("offers", pat)["last"]
    # The delivery of the same mail need not come back as well.
    arrived = ses("Delivery", at=worker.ago(minutes=5), sent=sent, offer="Spring")
    assert await worker.take(worker.item(arrived)) == [Done()]
    worker.clock.advance(RULES.offer_window_h * 3600)
    assert await worker.take(event) == [Done()]
    assert worker.object("offers", pat)["last"]["viewed"] == "false"
    late = ses("Open", at=worker.clock.now(), sent=sent, offer="Spring")
    assert await worker.take(worker.item(late)) == [Done()]
    assert worker.object("offers", pat)["last"]["viewed"] == "true"


async def test_an_offer_whose_window_closes_while_it_is_written_is_denied_all_the_same() -> None:
    worker = Updating(put_takes_s=10)
    pat = worker.service.add(email=MAIL)
    sent = worker.ago(hours=RULES.offer_window_h) + timedelta(seconds=6)
    event = worker.item(ses("Send", at=sent, offer="Spring"))
    closes = sent + timedelta(hours=RULES.offer_window_h)
    assert await worker.take(event) == [Defer(closes, "offer_open")]
    assert await worker.take(event) == [Done()]
    assert worker.object("offers", pat)["last"]["viewed"] == "false"


async def test_an_offer_that_was_viewed_stays_so_when_its_window_closes() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    sent = worker.ago(hours=2)
    event = worker.item(ses("Send", at=sent, offer="Spring"))
    opened = ses("Open", at=worker.ago(hours=1), sent=sent, offer="Spring")
    await worker.take(worker.item(opened))
    assert await worker.take(event) == [Done()]
    worker.clock.advance(RULES.offer_window_h * 3600)
    await worker.take(event)
    assert worker.object("offers", pat)["last"]["viewed"] == "true"


async def test_the_offer_channel_writes_the_object_that_it_always_wrote() -> None:
    mapping = ObjectMapping(
        type="MarketingAssignedOffers",
        fields={
            "customer_id": "UserId",
            "last.name": "offerName",
            "last.viewed": "offerViewed",
            **dict.fromkeys(("all", "last.offered_at", "last.viewed_at"), ""),
        },
    )
    mappings = ObjectMappings(offers=mapping, skip=(ObjectKind.PATHS,))
    worker = Updating(RULES.model_copy(update={"objects": mappings}))
    pat = worker.service.add(customer_id="u-4")
    for viewed, at in ((False, worker.ago(hours=2)), ("true", worker.ago(hours=1))):
        assert await worker.take(worker.item(channel_call(viewed, at=at))) == [Done()]
    [written] = worker.service.objects.values()
    assert written == {
        "profile_id": pat,
        "UserId": "u-4",
        "email": MAIL,
        "offerName": "30% Renewal",
        "offerViewed": "true",
    }


async def test_other_calls_of_custom_channels_are_not_for_profiles() -> None:
    worker = Updating()
    call = channel_call("true", at=worker.ago(hours=1)) | {"Data": "remind"}
    assert await worker.take(worker.item(call)) == [Discard("event_type_not_needed")]


async def test_an_open_of_a_mail_to_several_is_nobodys() -> None:
    worker = Updating()
    worker.service.add(email=MAIL)
    event = ses("Open", at=worker.ago(hours=1), to=[MAIL, "sam@example.com"])
    assert await worker.take(worker.item(event)) == [Discard("one_of_several_recipients")]


async def test_a_bounced_address_is_written_once() -> None:
    worker = Updating()
    news = AddressNews(
        Channel.EMAIL, MAIL, 3, "invalid", "hard_bounce", "Permanent/General", None, None
    )
    assert not await worker.words.address_is(news)
    assert worker.service.profiles == {}
    pat = worker.service.add(email=MAIL)
    worker.clock.advance(61)
    assert await worker.words.address_is(news)
    assert worker.object("addresses", pat)["email"]["state"] == "invalid"
    older = AddressNews(Channel.EMAIL, MAIL, 2, "ok", "", "", None, None)
    assert await worker.words.address_is(older)
    assert worker.object("addresses", pat)["email"]["state"] == "invalid"
    assert worker.service.calls.count("put") == 1


async def test_who_tells_while_a_profile_is_being_written_asks_again_soon() -> None:
    """Not when the writer's time is over, which is for one that has died."""
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    bounced = AddressNews(Channel.EMAIL, MAIL, 1, "invalid", "hard_bounce", "w", None, None)
    fine = AddressNews(Channel.EMAIL, MAIL, 2, "ok", "", "", None, None)
    writing = asyncio.create_task(worker.words.address_is(bounced))
    while "put" not in worker.service.calls:  # noqa: ASYNC110 - a call of a fake has no event
        await asyncio.sleep(0)
    with pytest.raises(TransientError) as told:
        await worker.second_worker().words.address_is(fine)
    assert told.value.reason == "profile_being_written"
    assert told.value.after_s == WRITTEN_LOOK_S
    assert await writing
    assert await worker.second_worker().words.address_is(fine)
    assert worker.object("addresses", pat)["email"]["state"] == "ok"


async def test_a_bounce_that_comes_before_its_mail_was_sent_is_not_forgotten() -> None:
    worker = Updating(CREATING)
    news = AddressNews(Channel.EMAIL, MAIL, 1, "invalid", "hard_bounce", "w", None, None)
    assert await worker.words.address_is(news)
    await worker.take(worker.item(ses("Send", at=worker.ago(minutes=1))))
    [pat] = worker.service.profiles
    assert worker.object("addresses", pat)["email"]["state"] == "invalid"
    assert worker.object("engagement", pat)["email"]["sent"] == 1


async def test_the_last_reminder_and_its_result_are_written() -> None:
    worker = Updating()
    pat = worker.service.add(phone=PHONE)
    new = ReminderNews(PHONE, "r-1", "confirmed", worker.ago(minutes=1), attempt=2)
    old = ReminderNews(PHONE, "r-1", "no_answer", worker.ago(hours=2))
    for news in (new, old):
        assert await worker.words.reminder_was(news)
    assert worker.object("reminder", pat)["result"] == "confirmed"


async def test_what_was_known_of_a_profile_goes_on_in_the_one_that_it_was_merged_into() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    await worker.take(worker.item(ses("Open", at=worker.ago(hours=1))))
    worker.service.profiles["main"] = worker.service.profiles.pop(pat)
    worker.clock.advance(RULES.known_for_min * 60 + 1)
    await worker.take(worker.item(ses("Open", at=worker.ago(hours=1), message="m-2")))
    assert worker.object("engagement", "main")["email"]["opened"] == 2


async def test_what_was_put_and_not_noted_is_put_right_even_by_what_had_been_there_before() -> None:
    worker = Updating()
    pat = worker.service.add(email=MAIL)
    fine = AddressNews(Channel.EMAIL, MAIL, 1, "ok", "", "", None, None)
    full = AddressNews(Channel.EMAIL, MAIL, 2, "suppressed", "soft_bounce", "w", None, None)
    fine_again = AddressNews(Channel.EMAIL, MAIL, 3, "ok", "", "", None, None)
    await worker.words.address_is(fine)
    puts = 0

    async def fail_to_note(call: str) -> None:
        nonlocal puts
        puts += call == "put"
        if puts == 2:  # The first one is the errand.
            raise TransientError("table_failed")

    worker.table.pause = fail_to_note
    with pytest.raises(TransientError):
        await worker.words.address_is(full)
    worker.table.pause = None
    assert worker.object("addresses", pat)["email"]["state"] == "suppressed"
    worker.clock.advance(121)
    await worker.words.address_is(fine_again)
    assert worker.object("addresses", pat)["email"]["state"] == "ok"
