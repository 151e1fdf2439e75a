"""What each source's word means: one row for each rule of the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.events import load
from tests.unit.handlers.bounce_tracking.tracking import (
    BRAND,
    OURS,
    bounce,
    complaint,
    decoded,
    of_file,
    receipt,
    ses,
)
from workers.addresses import Channel
from workers.brands import MessageClass
from workers.config import BounceRules
from workers.handlers.bounce_tracking.facts import Fact, Lens, Reading
from workers.handlers.bounce_tracking.reading import read
from workers.stores.address_records import Kind

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
TRANSACTIONAL, PROMOTIONAL = MessageClass


def reading(document: Any, rules: BounceRules | None = None) -> Reading:
    event = document if not isinstance(document, dict) else decoded(document)
    return read(
        event.event,
        Lens(
            rules=rules or BounceRules(),
            at=event.time or NOW,
            now=NOW,
            event_id=event.event_id or "event",
            scope_of=lambda number: BRAND.opt_out_list if number == OURS else None,
        ),
    )


def only(found: Reading) -> Fact:
    assert (found.broken, found.unneeded) == ("", "")
    (fact,) = found.facts
    return fact


@pytest.mark.parametrize(
    ("kind", "sub", "expected"),
    [
        ("Permanent", "General", Kind.HARD_BOUNCE),
        ("Permanent", "NoEmail", Kind.HARD_BOUNCE),
        ("Permanent", "SomethingNew", Kind.HARD_BOUNCE),
        ("Permanent", "Suppressed", Kind.SUPPRESSION_LIST),
        ("Permanent", "OnAccountSuppressionList", Kind.SUPPRESSION_LIST),
        ("Permanent", "OnTenantSuppressionList", Kind.SUPPRESSION_LIST),
        ("Permanent", "EmailValidationSuppressed", Kind.SUPPRESSION_LIST),
        ("Undetermined", "Undetermined", Kind.SOFT_BOUNCE),
        ("Transient", "General", Kind.SOFT_BOUNCE),
        ("Transient", "MailboxFull", Kind.SOFT_BOUNCE),
        ("Transient", "SomethingNew", Kind.SOFT_BOUNCE),
        ("Transient", "MessageTooLarge", Kind.CONTENT),
        ("Transient", "ContentRejected", Kind.CONTENT),
        ("Transient", "AttachmentRejected", Kind.CONTENT),
        ("Transient", "CustomTimeoutExceeded", Kind.EXPIRED),
        ("Astonished", "General", Kind.UNKNOWN),
    ],
)
def test_a_bounce_is_told_by_its_type_and_subtype(kind: str, sub: str, expected: Kind) -> None:
    fact = only(reading(bounce(kind, sub, at=NOW)))
    assert (fact.kind, fact.words) == (expected, f"{kind}/{sub}")


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("DELIVERED", Kind.DELIVERED),
        ("SUCCESSFUL", Kind.ACCEPTED),
        ("INVALID", Kind.INVALID_NUMBER),
        ("UNREACHABLE", Kind.UNREACHABLE),
        ("CARRIER_UNREACHABLE", Kind.UNREACHABLE),
        ("BLOCKED", Kind.BLOCKED),
        ("CARRIER_BLOCKED", Kind.SPAM),
        ("SPAM", Kind.SPAM),
        ("INVALID_MESSAGE", Kind.CONTENT),
        ("TTL_EXPIRED", Kind.EXPIRED),
        ("PROTECT_BLOCKED", Kind.REFUSED),
        ("UNKNOWN", Kind.UNKNOWN),
        ("UNROUTABLE", Kind.UNKNOWN),
    ],
)
def test_a_carriers_answers_are_told_apart(status: str, expected: Kind) -> None:
    fact = only(reading(receipt(status, at=NOW, messageType="Promotional")))
    assert (fact.channel, fact.kind, fact.words) == (Channel.SMS, expected, status)
    assert fact.message_class is PROMOTIONAL


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("VOICE", "COMPLETED", Kind.DELIVERED),
        ("VOICE", "BUSY", Kind.NO_ANSWER),
        ("VOICE", "NO_ANSWER", Kind.NO_ANSWER),
        ("VOICE", "FAILED", Kind.UNKNOWN),
        ("VOICE", "TTL_EXPIRED", Kind.EXPIRED),
        ("MEDIA", "FILE_INACCESSIBLE", Kind.CONTENT),
        ("MEDIA", "FILE_SIZE_EXCEEDED", Kind.CONTENT),
        ("MEDIA", "INVALID", Kind.INVALID_NUMBER),
        ("RCS", "READ", Kind.DELIVERED),
    ],
)
def test_calls_pictures_and_rich_texts_have_words_of_their_own(
    kind: str, status: str, expected: Kind
) -> None:
    fact = only(reading(receipt(status, at=NOW, kind=kind)))
    assert fact.kind is expected
    assert fact.channel is (Channel.VOICE if kind == "VOICE" else Channel.SMS)


@pytest.mark.parametrize(
    ("change", "unneeded"),
    [
        ({"messageStatus": "QUEUED", "isFinal": False}, "receipt_not_final"),
        ({"messageStatus": "PENDING"}, "receipt_not_final"),
        ({"messageStatus": "UNREACHABLE", "isFinal": False}, "receipt_not_final"),
        ({"messageStatus": "SUCCESSFUL", "isFinal": False}, "receipt_not_final"),
        ({"messageStatus": "TELEPORTED"}, "status_of_nobody"),
        ({"messageStatus": "INVALID", "destinationPhoneNumber": None}, "receipt_names_no_number"),
    ],
)
def test_what_is_not_over_or_of_nobody_is_let_go(change: dict[str, Any], unneeded: str) -> None:
    assert reading(receipt("X", at=NOW, **change)) == Reading(unneeded=unneeded)


def test_a_phone_that_has_the_text_has_it_before_the_end_too() -> None:
    assert only(reading(receipt("DELIVERED", at=NOW, isFinal=False))).kind is Kind.DELIVERED


def test_a_receipt_that_does_not_say_whether_it_is_final_is() -> None:
    document = receipt("INVALID", at=NOW)
    del document["isFinal"]
    assert only(reading(document)).kind is Kind.INVALID_NUMBER


@pytest.mark.parametrize(
    "change",
    [
        {"messageStatusDescription": "Destination is a landline"},
        {"messageStatusDescription": "Number is a fixed line", "messageStatus": "INVALID"},
        {"destinationPhoneNumber": "+442079460000"},  # by the plan a fixed line and nothing else
    ],
)
def test_a_landline_is_told_by_the_carriers_words_or_by_the_plan(change: dict[str, Any]) -> None:
    assert only(reading(receipt("UNREACHABLE", at=NOW, **change))).kind is Kind.LANDLINE


def test_where_the_plan_cannot_tell_a_silent_phone_is_no_landline() -> None:
    assert only(reading(receipt("UNREACHABLE", at=NOW))).kind is Kind.UNREACHABLE


def test_who_blocks_one_brand_has_said_nothing_of_another() -> None:
    assert only(reading(receipt("BLOCKED", at=NOW))).scope == "Clinic"
    assert only(reading(receipt("BLOCKED", at=NOW, originationPhoneNumber="ACME"))).scope is None
    assert only(reading(receipt("INVALID", at=NOW))).scope is None


def test_a_conversations_text_is_routine() -> None:
    assert only(reading(receipt("DELIVERED", at=NOW, context={"sb": "x.y.0"}))).is_routine
    assert not only(reading(receipt("DELIVERED", at=NOW, context={"mine": "1"}))).is_routine


# --- complaints and opt-outs ----------------------------------------------------------------------


def test_a_complaint_of_one_recipient_is_one() -> None:
    fact = only(reading(complaint(at=NOW)))
    assert (fact.kind, fact.words) == (Kind.COMPLAINT, "Complaint/abuse")


def test_not_spam_is_the_opposite_of_a_complaint() -> None:
    found = reading(complaint(at=NOW, feedback="not-spam"))
    assert found == Reading(unneeded="complaint_not_spam")


def test_a_complaint_that_names_several_is_nobodys_for_sure() -> None:
    found = reading(complaint(at=NOW, to=("pat@example.com", "sam@example.com")))
    assert found == Reading(unneeded="complaint_names_several")


def test_a_complaint_by_a_suppression_list_is_no_complaint() -> None:
    fact = only(reading(complaint(at=NOW, sub="OnAccountSuppressionList")))
    assert fact.kind is Kind.SUPPRESSION_LIST


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (None, None),
        ({"message_class": ["Promotional"]}, PROMOTIONAL),
        ({"message_class": ["nonsense"]}, None),
        ({"ses:configuration-set": ["news"]}, PROMOTIONAL),
        ({"ses:configuration-set": ["news"], "message_class": ["transactional"]}, TRANSACTIONAL),
    ],
)
def test_the_class_of_a_mail_is_told_by_its_tag_or_its_configuration_set(
    tags: dict[str, list[str]] | None, expected: MessageClass | None
) -> None:
    rules = BounceRules(email_classes={"news": PROMOTIONAL})
    assert only(reading(complaint(at=NOW, tags=tags), rules)).message_class is expected


@pytest.mark.parametrize(
    ("wanted", "expected"), [(True, Kind.OPTED_OUT), (False, Kind.OPTED_IN), (None, None)]
)
def test_a_subscription_counts_when_it_is_about_all_mail(
    wanted: bool | None, expected: Kind | None
) -> None:
    about = {"timestamp": NOW.isoformat(), "newTopicPreferences": {"unsubscribeAll": wanted}}
    found = reading(ses("Subscription", about))
    assert [fact.kind for fact in found.facts] == ([expected] if expected else [])


# --- addresses ------------------------------------------------------------------------------------


def test_a_forwarders_address_is_taken_for_the_one_that_we_wrote_to() -> None:
    document = bounce(at=NOW, to="pat@example.com")
    document["bounce"]["bouncedRecipients"][0]["emailAddress"] = "<P.Smith@forwarded.example>"
    assert only(reading(document)).address == "pat@example.com"


def test_each_recipient_of_a_bounce_has_a_fact_of_its_own() -> None:
    found = reading(of_file(load("ses/bounce_sns")))
    assert [fact.address for fact in found.facts] == ["pat@example.com", "sam@example.com"]


@pytest.mark.parametrize(
    ("document", "broken"),
    [
        (bounce(at=NOW, to="not an address"), "mail_address_is_none"),
        (receipt("INVALID", at=NOW, destinationPhoneNumber="ACME"), "number_is_none"),
        (receipt("INVALID", at=NOW, destinationPhoneNumber="+1"), "number_is_none"),
        (ses("Delivery", {"recipients": []}, to=[]), "event_names_no_address"),
        (
            {"event_type": "_SMS.FAILURE", "attributes": {"record_status": "INVALID"}},
            "event_names_no_address",
        ),
        ({"event_type": "_email.hardbounce"}, "event_names_no_address"),
    ],
)
def test_an_address_that_is_none_is_a_fault_of_the_event(
    document: dict[str, Any], broken: str
) -> None:
    assert reading(document).broken == broken


def test_a_bad_recipient_harms_no_other() -> None:
    document = bounce(at=NOW, to="pat@example.com")
    document["bounce"]["bouncedRecipients"].append({"emailAddress": "nobody at all"})
    found = reading(document)
    assert [fact.address for fact in found.facts] == ["pat@example.com"]
    assert found.broken == "mail_address_is_none"


def test_a_time_that_lies_ahead_is_not_believed() -> None:
    fact = only(reading(bounce(at=datetime(2099, 1, 1, tzinfo=UTC))))
    assert fact.at_ms == int(NOW.timestamp() * 1000) + 5_000


def test_nobodys_data_gets_into_the_words() -> None:
    about = {"reason": "virus for pat@example.com, call +12065550100 <now>"}
    words = only(reading(ses("Reject", about))).words
    assert words == "virus for call now"


# --- every recorded event -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("ses/bounce_eventbridge", "hard_bounce hard_bounce"),
        ("ses/bounce_identity_notification", "hard_bounce hard_bounce"),
        ("ses/bounce_sns", "hard_bounce hard_bounce"),
        ("ses/click", "event_type_not_needed"),
        ("ses/complaint", "complaint"),
        ("ses/complaint_odd_casing", "complaint"),
        ("ses/delivery", "delivered"),
        ("ses/delivery_delay_eventbridge", "delayed"),
        ("ses/new_event_type", "event_type_not_needed"),
        ("ses/open", "event_type_not_needed"),
        ("ses/reject", "refused"),
        ("ses/rendering_failure", "event_type_not_needed"),
        ("ses/send", "event_type_not_needed"),
        ("ses/subscription_eventbridge", "opted_out"),
        ("eum/media_file_inaccessible", "content"),
        ("eum/new_event_type", "status_of_nobody"),
        ("eum/new_kind", "event_type_not_needed"),
        ("eum/old_number_names", "receipt_not_final"),
        ("eum/rcs_fallen_back", "receipt_not_final"),
        ("eum/registration_status_change", "event_type_not_needed"),
        ("eum/text_blocked_minimal", "blocked"),
        ("eum/text_delivered_eventbridge", "receipt_names_no_number"),
        ("eum/text_delivered_firehose", "delivered"),
        ("eum/text_delivered_sns", "delivered"),
        ("eum/text_protect_blocked", "refused"),
        ("eum/voice_busy_eventbridge", "receipt_names_no_number"),
        ("eum/voice_completed", "delivered"),
        ("pinpoint/email_delivered", "delivered"),
        ("pinpoint/email_hardbounce", "hard_bounce"),
        ("pinpoint/email_open", "event_type_not_needed"),
        ("pinpoint/email_softbounce_camel", "soft_bounce"),
        ("pinpoint/sms_failure", "unreachable"),
        ("pinpoint/sms_first_format", "receipt_names_no_number"),
        ("pinpoint/sms_optout_iso_times", "opted_out"),
        ("pinpoint/campaign_send", "event_type_not_needed"),
        ("pinpoint/custom_event", "event_type_not_needed"),
        ("pipes/base64", "unreachable"),
        ("pipes/object", "unreachable"),
    ],
)
def test_every_recorded_event_says_what_it_says(name: str, says: str) -> None:
    found = reading(of_file(load(name)))
    kinds = " ".join(fact.kind for fact in found.facts)
    assert (kinds or found.unneeded or found.broken) == says
