"""Envelopes in every sensible nesting, and those that are broken."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from schemas.connect import ChatMessage
from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Notice, Result, Undecodable
from tests import events

SMS = events.load("sms/inbound_raw")
RECEIPT = events.load("eum/text_delivered_firehose")
CHAT = events.load("connect/chat_message")
PIPE = events.load("pipes/base64")
RECORD = events.load("pinpoint/sms_failure")


def sns(message: object, **more: object) -> dict[str, Any]:
    text = message if isinstance(message, str) else json.dumps(message)
    topic = "arn:aws:sns:us-west-2:111122223333:t"
    return {"Type": "Notification", "MessageId": "s-1", "TopicArn": topic, "Message": text, **more}


def sqs(body: object) -> dict[str, Any]:
    text = body if isinstance(body, str) else json.dumps(body)
    return {"MessageId": "q-1", "ReceiptHandle": "AQEB", "Body": text}


def bus(detail: object, source: str = "custom.app") -> dict[str, Any]:
    return {"id": "b-1", "detail-type": "Something", "source": source, "detail": detail}


def base64_of(*documents: object, between: str = "") -> str:
    return base64.b64encode(between.join(map(json.dumps, documents)).encode()).decode()


def one(results: tuple[Result, ...]) -> Decoded:
    (result,) = results
    assert isinstance(result, Decoded), result
    return result


@pytest.mark.parametrize(
    ("document", "layers"),
    [
        (sqs(sns(SMS)), "sqs sns"),
        (sqs(sns(bus(SMS))), "sqs sns eventbridge"),
        (sqs(PIPE), "sqs pipes kinesis"),
        ({"Records": [{"Sns": sns(sqs(SMS))}]}, "lambda sns sqs"),
        ({"records": [{"body": json.dumps(SMS), "eventSource": "aws:sqs"}]}, "lambda sqs"),
        (bus(SMS), "eventbridge"),
        (bus(json.dumps(SMS)), "eventbridge"),
        (bus(RECORD), "eventbridge"),
        ([SMS], ""),
        (json.dumps(json.dumps(SMS)), ""),
        ({"Sns": sns(SMS)}, "sns"),
        ({"kinesis": {"data": base64_of(SMS)}}, "kinesis"),
        ({"Message": json.dumps(SMS)}, "sns"),
        ({"Type": "Notification", "Message": SMS}, "sns"),
        ({"type": "Notification", "message": json.dumps(SMS)}, "sns"),
        ({"Messages": [sqs(SMS)], "ResponseMetadata": {}}, "sqs"),
        ({"data": base64_of(RECORD, between="\n")}, "pipes kinesis"),
        ({**PIPE, "data": [RECORD]}, "pipes kinesis"),
    ],
)
def test_layers_come_off_outermost_first(document: object, layers: str) -> None:
    assert " ".join(one(decode_document(document)).envelope) == layers


def test_a_list_gives_a_result_for_each_element_good_or_not() -> None:
    results = decode_body(json.dumps([SMS, 7, {"nothing": 1}, RECEIPT]))
    assert [type(result) for result in results] == [Decoded, Undecodable, Undecodable, Decoded]


def test_a_record_of_several_documents_gives_each() -> None:
    for between in ("", "\n", "\r\n", " "):
        results = decode_document({**PIPE, "data": base64_of(RECORD, SMS, between=between)})
        assert [type(result) for result in results] == [Decoded, Decoded]


def test_a_record_of_several_documents_with_a_broken_one_is_broken() -> None:
    data = base64.b64encode(b'{"a":1}{"b":').decode()
    assert decode_document({**PIPE, "data": data}) == (
        Undecodable("not_json", "", ("pipes", "kinesis")),
    )


def test_an_answer_of_kinesis_without_records_holds_nothing() -> None:
    answer = {"Records": [], "NextShardIterator": "AAAA", "MillisBehindLatest": 0}
    assert decode_document(answer) == (Undecodable("empty_list", "", ("kinesis",)),)
    assert decode_document({**answer, "Records": [7]}) == (
        Undecodable("kinesis_field_missing", "data", ("kinesis",)),
    )


def test_what_sns_said_is_kept() -> None:
    result = one(decode_body(json.dumps(events.load("connect/chat_message"))))
    assert result.sns is not None
    assert result.sns.message_id == "5d0a1c7e-0001-5a11-9c2e-7be1a2000001"
    assert result.sns.topic_arn == "arn:aws:sns:us-west-2:111122223333:chat-out"
    assert result.sns.timestamp is not None
    assert result.sns.attributes["MessageVisibility"] == "ALL"


def test_a_bare_sns_envelope_has_little_to_say() -> None:
    meta = one(decode_document({"Message": json.dumps(SMS)})).sns
    assert meta is not None
    assert (meta.message_id, meta.topic_arn, meta.timestamp) == ("", None, None)


@pytest.mark.parametrize("timestamp", ["yesterday", None, [], ""])
def test_an_unreadable_sns_timestamp_is_none(timestamp: object) -> None:
    result = one(decode_document(sns(SMS, Timestamp=timestamp)))
    assert result.time is None
    assert result.sns is not None
    assert result.sns.attributes == {}


@pytest.mark.parametrize(
    "attributes",
    [
        {"MessageVisibility": {"Type": "String", "Value": "customer"}, "Odd": 7, "Odder": {}},
        {"MessageVisibility": "CUSTOMER"},
    ],
)
def test_attributes_are_read_however_they_are_written(attributes: object) -> None:
    document = {**CHAT, "MessageAttributes": attributes}
    event = one(decode_document(document)).event
    assert isinstance(event, ChatMessage)
    assert event.visibility == "CUSTOMER"


@pytest.mark.parametrize("attributes", [None, [], "MessageVisibility", {}])
def test_a_chat_message_that_lost_its_attributes_has_no_visibility(attributes: object) -> None:
    event = one(decode_document({**CHAT, "MessageAttributes": attributes})).event
    assert isinstance(event, ChatMessage)
    assert event.visibility is None


def test_raw_delivery_reads_the_queue_messages_attributes() -> None:
    event = one(decode_body(CHAT["Message"], {"MessageVisibility": "AGENT"})).event
    assert isinstance(event, ChatMessage)
    assert event.visibility == "AGENT"


def test_a_queue_messages_attributes_do_not_stand_in_for_the_sns_envelopes() -> None:
    body = json.dumps({**CHAT, "MessageAttributes": None})
    event = one(decode_body(body, {"MessageVisibility": "ALL"})).event
    assert isinstance(event, ChatMessage)
    assert event.visibility is None


def test_unsubscribing_is_a_notice_too() -> None:
    (result,) = decode_document(sns("bye", Type="UnsubscribeConfirmation"))
    assert result == Notice("sns_unsubscribe_confirmation", ("sns",))


def test_the_set_up_text_of_ses_is_a_notice_in_raw_delivery() -> None:
    (result,) = decode_body("Successfully validated SNS topic for Amazon SES event publishing.\n")
    assert isinstance(result, Notice)
    assert result.event_type == "setup"


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ([], Undecodable("empty_list", "", ())),
        ({"Records": []}, Undecodable("empty_list", "", ("lambda",))),
        ({"Records": {"topic-0": []}}, Undecodable("unrecognised_shape", "", ())),
        (sns("hello"), Undecodable("not_json", "", ("sns",))),
        (sns("7"), Undecodable("not_an_object", "", ("sns",))),
        ({"Sns": {"Subject": "x"}}, Undecodable("sns_field_missing", "Sns.Message", ())),
        ({"kinesis": {}}, Undecodable("kinesis_field_missing", "data", ("kinesis",))),
        ({"data": 7}, Undecodable("kinesis_field_missing", "data", ("pipes", "kinesis"))),
        ({"data": "no base64!"}, Undecodable("not_base64", "data", ("pipes", "kinesis"))),
        ({"data": "ÿÿÿÿ"}, Undecodable("not_base64", "data", ("pipes", "kinesis"))),
        ({"data": "//79/A=="}, Undecodable("not_utf8", "data", ("pipes", "kinesis"))),
        (
            {"data": "{event_type: _email.send}"},
            Undecodable("quotes_stripped_by_pipe_template", "", ("pipes", "kinesis")),
        ),
        (bus("", "aws.connect"), Undecodable("not_json", "", ("eventbridge",))),
        (bus(None), Undecodable("unrecognised_shape", "", ())),
    ],
)
def test_a_broken_envelope_has_a_reason(document: object, expected: Undecodable) -> None:
    assert decode_document(document) == (expected,)


def test_envelopes_within_envelopes_end() -> None:
    document: dict[str, Any] = SMS
    for _ in range(40):
        document = {"Message": document, "Type": "Notification"}
    (result,) = decode_document(document)
    assert isinstance(result, Undecodable)
    assert result.reason == "too_many_envelopes"


@pytest.mark.parametrize(
    ("source", "detail_type", "detail", "event_type"),
    [
        ("aws.ses", "Email Opened", {"open": {}, "mail": {}}, "Open"),
        ("aws.ses", "Email Teleported", {"eventType": "Teleport", "mail": {}}, "Teleport"),
        ("aws.ses", "", {}, "unnamed"),
        ("aws.ses", "Advisor Recommendation Status Open", {"data": "e30="}, None),
        ("aws.connect", "AWS API Call via CloudTrail", {"contactId": 7}, None),
        (
            "aws.sms-voice",
            "RCS Message Delivery Status Updated",
            {"eventType": "RCS_READ", "messageId": "m"},
            "RCS_READ",
        ),
        ("aws.sms-voice", "New", {"eventType": "NEW_THING", "messageId": "m"}, "NEW_THING"),
    ],
)
def test_a_known_service_is_recognised_by_the_bus(
    source: str, detail_type: str, detail: object, event_type: str | None
) -> None:
    document = {**bus(detail, source), "detail-type": detail_type}
    result = one(decode_document(document))
    assert result.event_type == (event_type or detail_type)
    assert result.event_id is not None


def test_a_receipt_without_its_id_on_the_bus_is_a_broken_receipt() -> None:
    detail_type = "Text Message Delivery Status Updated"
    (result,) = decode_document({**bus({}, "aws.sms-voice"), "detail-type": detail_type})
    assert isinstance(result, Undecodable)
    assert result.reason == "eum_event_field_missing"
