"""What the models make of the traps: odd casing, sentinels, strings that hold JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.connect import ChatMessage, ContactEvent
from schemas.contact_record import ContactFlowRequest, ContactRecord
from schemas.decode import decode_document
from schemas.decoded import Decoded
from schemas.email import BounceEvent, SendEvent, SesEvent
from schemas.pinpoint_legacy import CampaignRecord, CustomChannelCall, PinpointRecord, SmsRecord
from schemas.sms_voice import InboundSms, OtherReceipt, Receipt, TextReceipt, VoiceReceipt
from tests import events

Model = TypeVar("Model")
BOUNCED = {"bouncedRecipients": [{"emailAddress": "pat@example.com"}]}


def event(name: str, kind: type[Model]) -> Model:
    result = decode_document(events.load(name))[0]
    assert isinstance(result, Decoded)
    assert isinstance(result.event, kind)
    return result.event


def test_a_text_keeps_its_words_and_what_it_answers() -> None:
    sms = event("sms/inbound_sns", InboundSms)
    assert sms.message_body == "yes 2pm works 👍"
    assert sms.destination_number == "+12065550199"
    assert sms.previous_published_message_id == "862a8790-60c0-4430-9b2b-658bd0000001"
    assert not sms.is_rcs
    assert sms.rcs_media is None


def test_only_an_rcs_agent_gets_files() -> None:
    media = event("sms/inbound_rcs_media", InboundSms)
    assert media.rcs_media is not None
    assert media.rcs_media.s3_key == "in/rcs/msg-1#photo.jpg"
    assert event("sms/inbound_rcs_text", InboundSms).rcs_media is None
    typed = media.model_copy(update={"destination_number": "+12065550199"})
    assert typed.rcs_media is None  # anybody can type such JSON into a text


@pytest.mark.parametrize("body", ["{not json", '{"mediaStatus": 1', '{"other": true}'])
def test_an_rcs_text_that_only_looks_like_a_file_is_a_text(body: str) -> None:
    sms = event("sms/inbound_rcs_media", InboundSms).model_copy(update={"message_body": body})
    assert sms.rcs_media is None


def test_a_receipt_tells_status_context_and_price() -> None:
    receipt = event("eum/text_delivered_sns", TextReceipt)
    assert receipt.status == "DELIVERED"
    assert receipt.is_final
    assert receipt.context == {"sb": "s.e.0", "of": "1"}
    assert receipt.mnc == "05"
    assert receipt.total_message_price == pytest.approx(0.00581)
    assert receipt.message_request_timestamp == datetime.fromtimestamp(1790000000.170, UTC)


def test_a_receipt_over_eventbridge_has_neither_number_nor_context() -> None:
    receipt = event("eum/text_delivered_eventbridge", TextReceipt)
    assert receipt.destination_phone_number is None
    assert receipt.context == {}


def test_a_message_type_in_any_case_is_upper_case() -> None:
    assert event("eum/text_blocked_minimal", TextReceipt).message_type == "TRANSACTIONAL"


def test_a_new_kind_of_receipt_keeps_its_status() -> None:
    receipt = event("eum/new_kind", OtherReceipt)
    assert receipt.status == "DELIVERED"
    assert receipt.model_copy(update={"message_status": None}).status == "DELIVERED"


def test_the_older_names_of_the_numbers_are_read() -> None:
    receipt = event("eum/old_number_names", VoiceReceipt)
    assert receipt.origination_phone_number == "+12065550199"
    assert receipt.destination_phone_number == "+12065550100"


def test_a_bounce_reads_the_same_from_all_three_ways() -> None:
    names = ("ses/bounce_sns", "ses/bounce_eventbridge", "ses/bounce_identity_notification")
    bounces = [event(name, BounceEvent) for name in names]
    assert {b.bounce.bounce_sub_type for b in bounces} == {"NoEmail"}
    assert {b.bounce.bounced_recipients[0].email_address for b in bounces} == {"Pat@Example.com"}
    assert bounces[0].mail.tags["profile"] == ("p-1",)
    assert bounces[2].mail.tags == {}
    assert bounces[2].bounce.remote_mta_ip == "192.0.2.9"


def test_mail_headers_are_read_as_lists_or_as_one_text() -> None:
    mail = event("ses/send", SendEvent).mail
    assert mail.common_headers is not None
    assert mail.common_headers.senders == ("no-reply@example.org",)
    assert mail.headers[0].name == "From"


def test_pinpoint_attributes_are_text_and_the_endpoint_is_json_in_a_string() -> None:
    sms = event("pinpoint/sms_failure", SmsRecord)
    assert sms.attributes["number_of_message_parts"] == "1"
    assert sms.metrics["price_in_millicents_usd"] == 645.0
    assert (
        event("pinpoint/sms_first_format", SmsRecord).attributes["number_of_message_parts"] == "1"
    )
    campaign = event("pinpoint/campaign_send", CampaignRecord)
    assert campaign.endpoint is not None
    assert campaign.endpoint.user is not None
    assert campaign.endpoint.user.user_id == "u-4"


@pytest.mark.parametrize(
    "endpoint", [{"Address": "Pat@Example.com"}, '{"address": "pat@example.com"}']
)
def test_an_endpoint_may_be_an_object_or_its_json(endpoint: object) -> None:
    document = {**events.load("pinpoint/journey_broken_endpoint")}
    document["client_context"] = {"custom": {"endpoint": endpoint}}
    (result,) = decode_document(document)
    assert isinstance(result, Decoded)
    assert result.keys == ("pat@example.com",)


def test_a_mail_complaint_is_about_who_complained() -> None:
    document = events.load("pinpoint/email_open")
    mail_event = document["facets"]["email_channel"]["mail_event"]
    mail_event["complaint"] = {"complained_recipients": [{"email_address": "Cross@Example.com"}]}
    (result,) = decode_document({**document, "event_type": "_email.complaint"})
    assert isinstance(result, Decoded)
    assert result.keys == ("cross@example.com",)


@pytest.mark.parametrize("facets", [None, {}, {"email_channel": {}}])
def test_a_mail_record_without_its_mail_is_about_its_client(facets: object) -> None:
    document = {**events.load("pinpoint/email_open"), "facets": facets}
    (result,) = decode_document(document)
    assert isinstance(result, Decoded)
    assert result.keys == ("ep-1",)


@pytest.mark.parametrize(
    ("union", "document", "kind"),
    [
        (Receipt, {"EVENT_TYPE": "text_sent", "messageId": "m"}, TextReceipt),
        (Receipt, {"eventType": "NEW", "messageId": "m"}, OtherReceipt),
        (SesEvent, {"notificationType": "BOUNCE", "mail": {}, "bounce": BOUNCED}, BounceEvent),
        (PinpointRecord, {"event_type": "_SMS.OPTOUT"}, SmsRecord),
    ],
)
def test_a_union_reads_a_document_as_it_comes(
    union: Any, document: object, kind: type[object]
) -> None:
    assert type(TypeAdapter[object](union).validate_python(document)) is kind


@pytest.mark.parametrize("union", [Receipt, SesEvent, PinpointRecord])
def test_a_union_refuses_what_is_no_object(union: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[object](union).validate_python("text")


def test_a_custom_channel_call_keeps_its_endpoints_apart() -> None:
    call = event("pinpoint_custom_channel/campaign", CustomChannelCall)
    assert set(call.endpoints) == {"ep-1", "ep-2"}
    assert call.endpoints["ep-1"].attributes == {"CohortId": ("42",)}
    assert call.data == '{"any":"string"}'


def test_a_contact_event_reads_all_it_may_have() -> None:
    contact = event("connect/contact_disconnected", ContactEvent)
    assert contact.initial_contact_id == "c-1"
    assert contact.answering_machine_detection_status == "VOICEMAIL_BEEP"
    assert contact.subtype == "connect:SMS"
    assert contact.tags["Dept"] == "Finance"
    assert contact.queue_info is not None
    assert contact.queue_info.queue_type == "STANDARD"
    assert contact.system_endpoint is not None
    assert contact.system_endpoint.address == "+12065550199"
    assert contact.customer_voice_activity is not None
    assert contact.customer_voice_activity.greeting_end_timestamp is None


def test_contact_events_are_read_in_any_case() -> None:
    contact = event("connect/contact_pascal_case", ContactEvent)
    assert contact.event_type == "CONNECTED_TO_AGENT"
    assert contact.channel == "VOICE"
    assert contact.instance_arn is not None
    assert contact.previous_contact_id is None
    assert contact.agent_info is not None
    assert contact.agent_info.agent_arn == "a"
    assert contact.subtype is None


def test_what_has_not_happened_has_no_time() -> None:
    contact = event("connect/contact_sentinel_timestamps", ContactEvent)
    assert contact.connected_to_system_timestamp is None
    assert contact.disconnect_timestamp is None
    assert contact.initiation_timestamp == datetime(2026, 11, 20, 17, 17, 53, tzinfo=UTC)


@pytest.mark.parametrize(
    ("event_type", "time"),
    [
        ("INITIATED", "2026-11-20T17:17:53Z"),
        ("QUEUED", "2026-11-20T17:17:54Z"),
        ("CONNECTED_TO_SYSTEM", "2026-11-20T17:17:55Z"),
        ("CONNECTED_TO_AGENT", "2026-11-20T17:17:56Z"),
        ("COMPLETED", "2026-11-20T17:18:37Z"),
        ("PAUSED", None),
    ],
)
def test_a_contact_event_without_its_envelope_has_the_time_of_its_step(
    event_type: str, time: str | None
) -> None:
    document = {**events.load("connect/contact_detail_only"), "eventType": event_type}
    (result,) = decode_document(document)
    assert isinstance(result, Decoded)
    assert result.time == (None if time is None else datetime.fromisoformat(time))
    assert result.event_id is not None


def test_a_step_without_its_object_has_no_time() -> None:
    document = events.load("connect/contact_detail_only")
    del document["queueInfo"], document["agentInfo"]
    for event_type in ("QUEUED", "CONNECTED_TO_AGENT"):
        (result,) = decode_document({**document, "eventType": event_type})
        assert isinstance(result, Decoded)
        assert result.time is None


def test_a_chat_message_gets_its_visibility_from_the_envelope() -> None:
    message = event("connect/chat_message", ChatMessage)
    assert message.visibility == "ALL"
    assert message.content == "See you at 2"
    assert message.participant_role == "AGENT"
    assert message.display_name == "Jane"
    assert event("connect/chat_message_raw", ChatMessage).visibility == "CUSTOMER"


def test_a_visibility_in_the_body_is_not_believed() -> None:
    for name in ("Visibility", "visibility"):
        document = {**chat(), name: "ALL"}
        (result,) = decode_document(document)
        assert isinstance(result, Decoded)
        assert isinstance(result.event, ChatMessage)
        assert result.event.visibility is None


def test_a_chat_end_has_no_participant_and_an_attachment_no_content() -> None:
    ended = event("connect/chat_ended", ChatMessage)
    assert ended.participant_role is None
    assert ended.content_type == "application/vnd.amazonaws.connect.event.chat.ended"
    attachment = event("connect/chat_attachment", ChatMessage)
    assert attachment.content is None
    assert attachment.attachments[0].attachment_name == "map.png"
    assert attachment.attachments[0].status == "APPROVED"


def test_message_metadata_holds_receipts_or_the_pieces_of_an_answer() -> None:
    metadata = event("connect/chat_message_metadata", ChatMessage).message_metadata
    assert metadata is not None
    assert metadata.receipts[0].delivered_timestamp is not None
    assert metadata.receipts[0].read_timestamp is None
    (piece,) = decode_document(
        {**chat(), "MessageMetadata": {"MessageCompleted": False, "ChunkNumber": 2}}
    )
    assert isinstance(piece, Decoded)
    assert isinstance(piece.event, ChatMessage)
    assert piece.event.message_metadata is not None
    assert piece.event.message_metadata.message_completed is False
    assert piece.event.message_metadata.chunk_number == 2


def test_a_contact_record_has_the_customer_and_the_attributes() -> None:
    record = event("connect/contact_record", ContactRecord)
    assert record.customer_endpoint is not None
    assert record.customer_endpoint.address == "+12065550100"
    assert record.attributes == {"greetingPlayed": "true"}
    assert record.agent is not None
    assert record.agent.username == "jane"
    assert record.next_contact_id is None


def test_a_flow_request_is_read_with_nulls_and_with_nested_parameters() -> None:
    request = event("connect/flow_request", ContactFlowRequest)
    assert request.details.parameters["nested"] == {"a": [1, 2]}
    assert request.details.contact_data.segment_attributes == {"connect:Subtype": "connect:SMS"}
    assert request.details.contact_data.queue is not None
    assert event("connect/flow_request_nulls", ContactFlowRequest).details.parameters == {}


def test_a_flow_that_retries_asks_with_the_same_id() -> None:
    document = events.load("connect/flow_request")
    first, again = decode_document([document, document])
    document["Details"]["Parameters"]["ask"] = "something else"
    (other,) = decode_document(document)
    assert isinstance(first, Decoded)
    assert isinstance(again, Decoded)
    assert isinstance(other, Decoded)
    assert first.event_id == again.event_id != other.event_id


def chat() -> dict[str, object]:
    return {
        "AbsoluteTime": "2026-11-20T13:28:24.656Z",
        "Content": "See you at 2",
        "ContentType": "text/plain",
        "Id": "m-1",
        "Type": "MESSAGE",
        "InitialContactId": "c-1",
        "ContactId": "c-2",
    }
