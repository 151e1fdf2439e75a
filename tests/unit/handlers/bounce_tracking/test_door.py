"""From events to records: what suppresses whom, for how long, and who else is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.events import load
from tests.unit.handlers.bounce_tracking.tracking import (
    MAIL,
    PHONE,
    Tracking,
    bounce,
    complaint,
    delivery,
    of_file,
    receipt,
    ses,
)
from workers.brands import MessageClass
from workers.config import BounceRules
from workers.errors import AccountProblem, PermanentError, TransientError
from workers.handlers.bounce_tracking.standing import State
from workers.runtime.outcome import DeadLetter, Defer, Discard, Done, Wait
from workers.stores.address_records import Kind

TRANSACTIONAL, PROMOTIONAL = MessageClass


@pytest.fixture
def tracking() -> Tracking:
    return Tracking()


async def test_a_hard_bounce_makes_an_address_invalid_and_says_why_and_since_when(
    tracking: Tracking,
) -> None:
    at = tracking.ago(hours=2)
    assert await tracking.take(bounce("Permanent", "NoEmail", at=at)) == Done()
    found = await tracking.standing()
    assert found.state is State.INVALID
    (hold,) = found.holds
    assert (hold.cause, hold.words, hold.since) == (Kind.HARD_BOUNCE, "Permanent/NoEmail", at)
    assert hold.until is None
    (told,) = tracking.profiles.told
    assert (told.address, told.state, told.words) == (MAIL, State.INVALID, "Permanent/NoEmail")


async def test_a_profile_that_could_not_be_told_is_told_when_the_message_comes_again() -> None:
    tracking = Tracking(BounceRules(soft_count=1))
    full = bounce("Transient", "MailboxFull", at=tracking.ago(hours=2))
    arrived = delivery(at=tracking.ago(hours=1), message="m-2")
    for event, state in ((full, State.SUPPRESSED), (arrived, State.OK)):
        tracking.profiles.failures = [TransientError("throttled")]
        with pytest.raises(TransientError):
            await tracking.take(event)
        assert isinstance(await tracking.take(event), Done | Defer)
        assert tracking.profiles.told[-1].state is state


async def test_a_bounce_off_a_suppression_list_proves_nothing_of_the_mailbox(
    tracking: Tracking,
) -> None:
    await tracking.take(bounce("Permanent", "OnAccountSuppressionList", at=tracking.ago()))
    assert (await tracking.standing()).state is State.SUPPRESSED


async def test_one_bounce_over_three_ways_counts_once(tracking: Tracking) -> None:
    for name in ("bounce_sns", "bounce_identity_notification", "bounce_eventbridge"):
        await tracking.take(of_file(load(f"ses/{name}")))
    record = await tracking.record()
    assert record is not None
    assert record.counts == {Kind.HARD_BOUNCE: 1}
    assert tracking.meter.address_facts[record.channel, Kind.HARD_BOUNCE, "new"] == 2  # addresses
    assert tracking.meter.address_facts[record.channel, Kind.HARD_BOUNCE, "repeated"] == 4


async def test_pinpoints_record_of_a_mail_is_the_same_fact_as_ses_own(tracking: Tracking) -> None:
    at = tracking.ago(hours=1)
    await tracking.take(bounce(at=at, message="0100"))
    await tracking.take(
        {
            "event_type": "_email.hardbounce",
            "event_timestamp": 1,
            "arrival_timestamp": int(at.timestamp() * 1000) + 1_200,
            "facets": {
                "email_channel": {
                    "mail_event": {"mail": {"message_id": "0100", "destination": [MAIL]}}
                }
            },
        }
    )
    record = await tracking.record()
    assert record is not None
    assert record.counts == {Kind.HARD_BOUNCE: 1}
    assert len(record.evidence) == 1


async def soft(tracking: Tracking, n: int, **since: float) -> None:
    at = tracking.ago(**since)
    await tracking.take(bounce("Transient", "MailboxFull", at=at, message=f"s-{n}"))


async def test_three_soft_bounces_within_two_weeks_suppress_for_a_week(tracking: Tracking) -> None:
    await soft(tracking, 1, days=10)
    await soft(tracking, 2, days=5)
    assert (await tracking.standing()).state is State.OK
    await soft(tracking, 3, days=1)
    (hold,) = (await tracking.standing()).holds
    assert (hold.cause, hold.words) == (Kind.SOFT_BOUNCE, "Transient/MailboxFull")
    assert hold.until == tracking.ago(days=1) + timedelta(days=7)
    tracking.clock.advance(6 * 86_400 + 1)
    assert (await tracking.standing()).state is State.OK


async def test_the_bounce_that_suppresses_for_a_while_comes_back_when_it_is_over(
    tracking: Tracking,
) -> None:
    """Senders need no such end: the profile does, and it is told then."""
    await soft(tracking, 1, days=10)
    await soft(tracking, 2, days=5)
    third = bounce("Transient", "MailboxFull", at=tracking.ago(days=1), message="s-3")
    until = tracking.ago(days=1) + timedelta(days=7)
    for _ in range(2):  # Also when it is handled again after a kill.
        assert await tracking.take(third) == Defer(until, "suppression_ends")
    tracking.clock.advance(6 * 86_400 + 1)
    assert await tracking.take(third) == Done()
    states = [told.state for told in tracking.profiles.told]
    assert states == [State.SUPPRESSED, State.SUPPRESSED, State.OK]


async def test_soft_bounces_too_far_apart_do_not_add_up(tracking: Tracking) -> None:
    for n, days in enumerate((40, 20, 1)):
        await soft(tracking, n, days=days)
    assert (await tracking.standing()).state is State.OK


async def test_a_delivery_clears_the_count_also_when_it_comes_late(tracking: Tracking) -> None:
    for n, days in enumerate((6, 4, 1)):
        await soft(tracking, n, days=days)
    assert (await tracking.standing()).state is State.SUPPRESSED
    await tracking.take(delivery(at=tracking.ago(days=2), message="d"))
    assert (await tracking.standing()).state is State.OK


async def test_an_auto_reply_to_a_mail_that_arrived_is_no_bounce(tracking: Tracking) -> None:
    """SES reports an out-of-office note as a transient bounce of a mail that it has delivered."""
    for n in range(5):
        await tracking.take(delivery(at=tracking.ago(days=n + 1), message=f"m-{n}"))
        await soft_of(tracking, f"m-{n}", days=n)
    record = await tracking.record()
    assert record is not None
    assert record.counts == {Kind.DELIVERED: 5}


async def soft_of(tracking: Tracking, message: str, **since: float) -> None:
    at = tracking.ago(**since)
    await tracking.take(bounce("Transient", "General", at=at, message=message))


async def test_how_many_within_how_long_is_the_files_to_say() -> None:
    tracking = Tracking(BounceRules(soft_count=2, soft_window_days=1, soft_suppress_days=30))
    await soft(tracking, 1, hours=20)
    await soft(tracking, 2, hours=1)
    (hold,) = (await tracking.standing()).holds
    assert hold.until == tracking.ago(hours=1) + timedelta(days=30)


async def test_a_delay_and_a_refusal_suppress_nobody(tracking: Tracking) -> None:
    for n in range(9):
        delay = {
            "timestamp": tracking.ago(hours=n).isoformat(),
            "delayedRecipients": [{"emailAddress": MAIL}],
        }
        await tracking.take(ses("DeliveryDelay", delay, message=f"d-{n}"))
        await tracking.take(ses("Reject", {"reason": "Bad content"}, message=f"r-{n}"))
    record = await tracking.record()
    assert record is not None
    assert record.counts == {Kind.DELAYED: 9, Kind.REFUSED: 9}
    assert (await tracking.standing()).state is State.OK


async def test_a_complaint_holds_for_good_for_its_class(tracking: Tracking) -> None:
    tags = {"message_class": ["promotional"]}
    await tracking.take(delivery(at=tracking.ago(days=1)))
    await tracking.take(complaint(at=tracking.ago(), tags=tags))
    found = await tracking.standing()
    assert found.against(PROMOTIONAL) is not None
    assert found.against(TRANSACTIONAL) is None
    record = await tracking.record()
    assert record is not None
    assert record.counts == {Kind.DELIVERED: 1, Kind.COMPLAINT: 1}, "of one mail, and both true"
    assert record.expires_at_s is None, "who complained must not be forgotten"


async def test_a_complaint_of_no_known_class_holds_for_all(tracking: Tracking) -> None:
    await tracking.take(complaint(at=tracking.ago()))
    assert (await tracking.standing()).against(TRANSACTIONAL) is not None


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({"to": (MAIL, "sam@example.com")}, "complaint_names_several"),
        ({"feedback": "not-spam"}, "complaint_not_spam"),
    ],
)
async def test_a_complaint_that_is_nobodys_suppresses_nobody(
    tracking: Tracking, keys: dict[str, Any], reason: str
) -> None:
    assert await tracking.take(complaint(at=tracking.ago(), **keys)) == Discard(reason)
    assert await tracking.record() is None


async def test_delivered_upgrades_what_the_carrier_had_only_accepted(tracking: Tracking) -> None:
    await tracking.take(receipt("SUCCESSFUL", at=tracking.ago(hours=2)))
    await tracking.take(receipt("DELIVERED", at=tracking.ago(hours=1)))
    record = await tracking.record(PHONE)
    assert record is not None
    assert record.counts == {Kind.DELIVERED: 1}


@pytest.mark.parametrize("late", ["SUCCESSFUL", "UNKNOWN", "UNREACHABLE", "INVALID", "BLOCKED"])
async def test_nothing_that_comes_after_delivered_takes_it_back(
    tracking: Tracking, late: str
) -> None:
    await tracking.take(receipt("DELIVERED", at=tracking.ago(hours=72)))
    await tracking.take(receipt(late, at=tracking.ago(hours=1)))
    record = await tracking.record(PHONE)
    assert record is not None
    assert record.counts == {Kind.DELIVERED: 1}
    assert (await tracking.standing(PHONE)).state is State.OK


async def test_delivered_takes_back_what_was_wrong(tracking: Tracking) -> None:
    await tracking.take(receipt("INVALID", at=tracking.ago(hours=1)))
    assert (await tracking.standing(PHONE)).state is State.INVALID
    await tracking.take(receipt("DELIVERED", at=tracking.ago(hours=72)))
    assert (await tracking.standing(PHONE)).state is State.OK


async def test_good_news_of_a_conversation_costs_no_write_until_something_is_known(
    tracking: Tracking,
) -> None:
    routine: dict[str, Any] = {"context": {"sb": "x.y.0"}}
    assert await tracking.take(receipt("DELIVERED", at=tracking.ago(), **routine)) == Done()
    assert await tracking.record(PHONE) is None
    await tracking.take(receipt("UNREACHABLE", at=tracking.ago(days=1), messageId="t-2", **routine))
    await tracking.take(receipt("DELIVERED", at=tracking.ago(), messageId="t-3", **routine))
    record = await tracking.record(PHONE)
    assert record is not None
    assert record.counts == {Kind.UNREACHABLE: 1, Kind.DELIVERED: 1}


async def test_what_only_good_news_is_known_of_is_forgotten_in_time(tracking: Tracking) -> None:
    await tracking.take(delivery(at=tracking.ago()))
    record = await tracking.record()
    assert record is not None
    assert record.expires_at_s == tracking.clock.now_ms() // 1000 + 400 * 86_400


async def test_a_record_does_not_grow_and_forgets_no_reason_for_good(tracking: Tracking) -> None:
    await tracking.take(complaint(at=tracking.ago(days=300), message="first"))
    for n in range(80):
        await tracking.take(delivery(at=tracking.ago(days=200 - n), message=f"d-{n}"))
    record = await tracking.record()
    assert record is not None
    assert len(record.evidence) == 48
    assert record.counts == {Kind.DELIVERED: 80, Kind.COMPLAINT: 1}
    assert (await tracking.standing()).against(TRANSACTIONAL) is not None
    # A repetition of what was dropped is not counted again.
    await tracking.take(delivery(at=tracking.ago(days=200), message="d-0"))
    again = await tracking.record()
    assert again is not None
    assert again.counts == record.counts


# --- the provider's own lists ---------------------------------------------------------------------


async def test_hard_bounces_and_complaints_go_onto_ses_list_once() -> None:
    tracking = Tracking(BounceRules(ses_suppression_list=True))
    published = {"ses:from-domain": ["example.org"]}
    for _ in range(2):
        await tracking.take(bounce(at=tracking.ago()))
        await tracking.take(complaint(at=tracking.ago(), message="m-2", tags=published))
    assert tracking.lists.mail == [(MAIL, "BOUNCE"), (MAIL, "COMPLAINT")]


async def test_what_concerns_one_class_is_not_put_on_a_list_that_knows_none() -> None:
    tracking = Tracking(BounceRules(ses_suppression_list=True))
    tags = {"message_class": ["promotional"]}
    await tracking.take(complaint(at=tracking.ago(), tags=tags))
    await tracking.take(bounce("Transient", "General", at=tracking.ago(), message="m-2"))
    assert tracking.lists.mail == []


async def test_a_notification_that_cannot_tell_the_class_leaves_the_list_to_its_twin() -> None:
    """It has no tags: were it put on the list at once, reminders would be stopped as well."""
    tracking = Tracking(BounceRules(ses_suppression_list=True))
    await tracking.take(complaint(at=tracking.ago(), key="notificationType"))
    assert (await tracking.standing()).against(TRANSACTIONAL) is not None
    await tracking.take(complaint(at=tracking.ago(), tags={"message_class": ["promotional"]}))
    assert tracking.lists.mail == []
    assert (await tracking.standing()).against(TRANSACTIONAL) is None
    assert (await tracking.standing()).against(PROMOTIONAL) is not None


async def test_a_list_that_is_away_is_told_when_the_event_comes_again() -> None:
    tracking = Tracking(BounceRules(ses_suppression_list=True))
    tracking.lists.failures = [TransientError("server_error")]
    event = bounce(at=tracking.ago())
    with pytest.raises(TransientError):
        await tracking.take(event)
    assert (await tracking.standing()).state is State.INVALID, "what we know does not wait for it"
    await tracking.take(event)
    assert tracking.lists.mail == [(MAIL, "BOUNCE")]


async def test_an_address_that_ses_does_not_take_is_let_be_and_a_missing_permission_is_not() -> (
    None
):
    tracking = Tracking(BounceRules(ses_suppression_list=True))
    tracking.lists.failures = [PermanentError("bad_request"), AccountProblem("access_denied")]
    assert await tracking.take(bounce(at=tracking.ago())) == Done()
    assert await tracking.take(bounce(at=tracking.ago())) == Done()
    assert tracking.meter.effects["provider_list", "refused"] == 1
    with pytest.raises(AccountProblem):
        await tracking.take(bounce(at=tracking.ago(), message="m-2"))


async def test_an_opt_out_by_receipt_goes_onto_the_brands_own_list() -> None:
    tracking = Tracking(BounceRules(eum_opt_out_list=True))
    record = {
        "event_type": "_SMS.OPTOUT",
        "arrival_timestamp": tracking.clock.now_ms(),
        "attributes": {
            "message_id": "m-9",
            "destination_phone_number": PHONE,
            "origination_phone_number": "+12065550190",
            "message_type": "Promotional",
        },
    }
    for _ in range(2):
        await tracking.take(record)
    assert tracking.lists.numbers == [("Clinic", PHONE)]
    found = await tracking.standing(PHONE)
    assert found.against(PROMOTIONAL, "Clinic") is not None
    assert found.against(TRANSACTIONAL, "Clinic") is None
    assert found.against(PROMOTIONAL, "Another") is None


# --- bad input ------------------------------------------------------------------------------------


async def test_an_address_that_is_none_is_dead_lettered_with_the_reason(
    tracking: Tracking,
) -> None:
    outcome = await tracking.take(bounce(at=tracking.ago(), to="nobody at all"))
    assert outcome == DeadLetter("mail_address_is_none", event_id="f-1")


async def test_the_good_recipients_of_a_bad_event_are_taken_in_all_the_same(
    tracking: Tracking,
) -> None:
    document = bounce(at=tracking.ago())
    document["bounce"]["bouncedRecipients"].append({"emailAddress": "@"})
    assert isinstance(await tracking.take(document), DeadLetter)
    assert (await tracking.standing()).state is State.INVALID


# --- receipts that name no number -----------------------------------------------------------------


async def test_a_receipt_on_eventbridge_counts_with_its_twin_from_the_topic_as_one() -> None:
    tracking = Tracking(knows_recipients=True)
    named = receipt("UNREACHABLE", at=tracking.ago())
    await tracking.recipients.record("t-1", PHONE)
    for document in (named | {"destinationPhoneNumber": None}, named):
        assert await tracking.take(document) == Done()
    record = await tracking.record(PHONE)
    assert record is not None
    assert record.counts == {Kind.UNREACHABLE: 1}


async def test_a_receipt_may_be_faster_than_the_note_of_whom_it_is_about() -> None:
    tracking = Tracking(knows_recipients=True)
    document = receipt("INVALID", at=tracking.ago(), destinationPhoneNumber=None)
    assert await tracking.take(document) == Wait("recipient_not_known_yet", 10.0)
    await tracking.recipients.record("t-1", PHONE)
    assert await tracking.take(document) == Done()
    assert (await tracking.standing(PHONE)).state is State.INVALID


async def test_a_receipt_of_somebody_elses_text_is_let_go_in_time() -> None:
    tracking = Tracking(knows_recipients=True)
    document = receipt("INVALID", at=tracking.ago(), destinationPhoneNumber=None)
    outcome = await tracking.take(document, waited_s=61)
    assert outcome == Discard("receipt_names_no_number")


async def test_where_nobody_remembers_it_is_let_go_at_once(tracking: Tracking) -> None:
    document = receipt("INVALID", at=tracking.ago(), destinationPhoneNumber=None)
    assert await tracking.take(document) == Discard("receipt_names_no_number")
