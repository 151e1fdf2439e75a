"""What is broken is refused with a reason and a place, and tells nothing of what was in it."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Undecodable
from tests import events

MISSING = object()


def changed(document: Any, place: str, value: object) -> Any:
    document = copy.deepcopy(document)
    *parents, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    target = document
    for part in parents:
        target = target[part]
    if value is MISSING:
        del target[last]
    else:
        target[last] = value
    return document


@pytest.mark.parametrize(
    ("name", "place", "value", "reason"),
    [
        ("sms/inbound_raw", "originationNumber", MISSING, "inbound_sms_field_missing"),
        ("sms/inbound_raw", "originationNumber", "", "inbound_sms_field_invalid"),
        ("sms/inbound_raw", "originationNumber", 12065550100, "inbound_sms_field_invalid"),
        ("sms/inbound_raw", "originationNumber", "+1206\x00", "inbound_sms_field_invalid"),
        ("sms/inbound_raw", "destinationNumber", None, "inbound_sms_field_missing"),
        ("sms/inbound_raw", "inboundMessageId", MISSING, "inbound_sms_field_missing"),
        ("sms/inbound_raw", "messageBody", MISSING, "inbound_sms_field_missing"),
        ("sms/inbound_raw", "messageBody", {"a": 1}, "inbound_sms_field_invalid"),
        ("eum/text_delivered_firehose", "messageId", MISSING, "eum_event_field_missing"),
        ("eum/text_delivered_firehose", "isFinal", "perhaps", "eum_event_field_invalid"),
        ("eum/text_delivered_firehose", "eventTimestamp", "soon", "eum_event_field_invalid"),
        ("eum/text_delivered_firehose", "eventTimestamp", 10**40, "eum_event_field_invalid"),
        ("eum/text_delivered_firehose", "context", "x", "eum_event_field_invalid"),
        ("ses/complaint", "mail", MISSING, "ses_event_field_missing"),
        ("ses/complaint", "complaint", MISSING, "ses_event_field_missing"),
        ("ses/complaint", "complaint.complainedRecipients", {}, "ses_event_field_invalid"),
        (
            "ses/complaint",
            "complaint.complainedRecipients.0.emailAddress",
            MISSING,
            "ses_event_field_missing",
        ),
        ("ses/open", "mail.tags", {"profile": [{}]}, "ses_event_field_invalid"),
        ("ses/open", "mail.tags", [], "ses_event_field_invalid"),
        ("pinpoint/sms_failure", "event_type", 7.5, None),
        ("pinpoint/sms_failure", "event_type", {}, "pinpoint_event_field_invalid"),
        ("pinpoint/sms_failure", "client", "ep-1", "pinpoint_event_field_invalid"),
        (
            "pinpoint_custom_channel/journey",
            "Endpoints",
            [],
            "pinpoint_custom_channel_field_invalid",
        ),
        (
            "connect/contact_detail_only",
            "segmentAttributes",
            7,
            "connect_contact_event_field_invalid",
        ),
        ("connect/contact_record", "ContactId", MISSING, "connect_contact_record_field_missing"),
        (
            "connect/flow_request",
            "Details.ContactData",
            MISSING,
            "contact_flow_request_field_missing",
        ),
        ("connect/flow_request", "Details", "x", "unrecognised_shape"),
        (
            "connect/flow_request",
            "Details.ContactData.ContactId",
            MISSING,
            "contact_flow_request_field_missing",
        ),
    ],
)
def test_a_malformed_event_names_its_place(
    name: str, place: str, value: object, reason: str | None
) -> None:
    (result,) = decode_document(changed(events.load(name), place, value))
    if reason is None:
        assert isinstance(result, Decoded)
        return
    assert isinstance(result, Undecodable)
    assert result.reason == reason
    if reason.endswith("missing"):
        assert result.path == place
    elif reason.endswith("invalid"):
        assert result.path.startswith(place)


@pytest.mark.parametrize("missing", ["Id", "Type", "AbsoluteTime", "InitialContactId"])
def test_a_chat_message_needs_what_orders_and_tells_it_apart(missing: str) -> None:
    message = json.loads(events.load("connect/chat_message")["Message"])
    (result,) = decode_document(changed(message, missing, MISSING))
    assert result == Undecodable("connect_chat_message_field_missing", missing, ())


@pytest.mark.parametrize("missing", ["contactId", "eventType"])
def test_a_contact_event_needs_its_contact_and_type(missing: str) -> None:
    (result,) = decode_document(
        changed(events.load("connect/contact_minimum"), f"detail.{missing}", MISSING)
    )
    reason = "connect_contact_event_field_missing"
    assert result == Undecodable(reason, missing, ("eventbridge",))


def test_a_broken_part_of_a_list_keeps_its_number() -> None:
    document = changed(
        events.load("ses/bounce_eventbridge"), "detail.bounce.bouncedRecipients.1", {}
    )
    assert decode_document(document) == (
        Undecodable(
            "ses_event_field_missing", "bounce.bouncedRecipients.1.emailAddress", ("eventbridge",)
        ),
    )


CANARY = "+19995550142"


@pytest.mark.parametrize(
    "document",
    [
        {**events.load("sms/inbound_raw"), "originationNumber": [CANARY]},
        {**events.load("sms/inbound_raw"), "messageBody": {CANARY: CANARY}},
        {**events.load("eum/text_delivered_firehose"), "isFinal": CANARY},
        {**events.load("pinpoint_custom_channel/journey"), "Endpoints": {CANARY: CANARY}},
        {**events.load("ses/open"), "mail": {"tags": {CANARY: [[CANARY]]}}},
        {**events.load("own/chat_watch"), CANARY: CANARY},
        {"switchboard": CANARY},
        {CANARY: CANARY},
        "{" + CANARY,
        CANARY,
    ],
)
def test_a_refusal_tells_nothing_of_what_was_in_it(document: object) -> None:
    (result,) = decode_document(document)
    assert isinstance(result, Undecodable)
    assert "9995550142" not in repr(result)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "not_json"),
        ("   ", "not_json"),
        ("hello", "not_json"),
        (",", "not_json"),
        (" , ,\n", "not_json"),
        ("\ufeff", "not_json"),
        ("{", "not_json"),
        ('{"a": 1} trailing', "not_json"),
        ("null", "not_an_object"),
        ("7", "not_an_object"),
        ("{}", "unrecognised_shape"),
        ("NaN", "not_json"),
        ('{"eventTimestamp": Infinity}', "not_json"),
        ("[" * 100_000, "nested_too_deep"),
        ('{"a":' * 100_000, "nested_too_deep"),
        ("[" * 500 + "]" * 500, "nested_too_deep"),
        ('{"a":"\ud83d"}', "lone_surrogate"),
        ('{"a":"\\ud83d"}', "lone_surrogate"),
        ('{"a":"\\ud83dx"}', "lone_surrogate"),
        ('{"a":' + "9" * 5000 + "}", "number_out_of_range"),
        ("x" * (4 * 1024 * 1024 + 1), "too_large"),
        ('{"messageBody":"\x00"}', "not_json"),
        ("{event_type: _email.send}", "quotes_stripped_by_pipe_template"),
        ('{"data": {event_type: _email.send}}', "quotes_stripped_by_pipe_template"),
        ('{"data": {"event_type": _email.send}}', "not_json"),
    ],
    ids=range(25),
)
def test_a_bomb_is_refused_with_its_reason(body: str, reason: str) -> None:
    assert decode_body(body) == (Undecodable(reason, "", ()),)


def test_of_two_equal_keys_the_last_wins() -> None:
    (result,) = decode_body(
        '{"switchboard":"chat_watch","version":1,"sid":"x","gen":1,"sid":"%s"}' % ("A" * 26)
    )
    assert isinstance(result, Decoded)
    assert result.keys == ("A" * 26,)


def test_a_nul_in_a_text_is_the_texts_own_business() -> None:
    document = {**events.load("sms/inbound_raw"), "messageBody": "a\x00b"}
    (result,) = decode_body(json.dumps(document))
    assert isinstance(result, Decoded)


def test_keys_of_a_megabyte_are_no_trouble() -> None:
    document = {**events.load("sms/inbound_raw"), "K" * 1_000_000: 1}
    (result,) = decode_body(json.dumps(document))
    assert isinstance(result, Decoded)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({1: 2}, "not_json"),
        ({"a": {None: 2}}, "not_json"),
        ({"a": 10**5000}, "number_out_of_range"),
        ({"source": "aws.ses", "detail-type": "\ud800", "detail": {}}, "lone_surrogate"),
        ({"\udfff": 1}, "lone_surrogate"),
        (object(), "not_an_object"),
        (float("nan"), "not_an_object"),
        ((1, 2), "not_an_object"),
    ],
)
def test_values_that_no_parser_makes_are_refused(value: object, reason: str) -> None:
    assert decode_document(value) == (Undecodable(reason, "", ()),)


def test_a_document_parsed_elsewhere_is_measured() -> None:
    document: object = 1
    for _ in range(5000):
        document = [document]
    assert decode_document(document) == (Undecodable("nested_too_deep", "", ()),)
