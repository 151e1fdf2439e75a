from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from workers.clients.checks import (
    check_attributes,
    check_content,
    check_number,
    check_opt_out_list,
    check_start,
    check_text,
    check_token,
)
from workers.clients.protocols import ChatStart, OutgoingText
from workers.errors import PermanentError

TEXT = OutgoingText(
    destination_number="+15550100123",
    body="Hello",
    origination_identity="+15550100999",
    configuration_set="switchboard",
    message_type="TRANSACTIONAL",
    ttl_s=900,
    context={"sb": "abc.def.0"},
)
START = ChatStart(
    client_token="sid.1",
    contact_flow_id="flow-1",
    display_name="+1•••••••0123",
    attributes={"brand": "Acme"},
    duration_min=1_500,
)
FULL = {
    "attributes": {"k": "v" * 32_767},
    "display_name": "d" * 256,
    "duration_min": 10_080,
    "customer_id": "c" * 128,
    "client_token": "t" * 500,
}


@pytest.mark.parametrize("change", [{}, FULL, {"attributes": {}}, {"duration_min": 60}])
def test_a_start_within_its_limits_passes(change: dict[str, Any]) -> None:
    check_start(replace(START, **change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"client_token": ""}, "client_token_length"),
        ({"client_token": "t" * 501}, "client_token_length"),
        ({"contact_flow_id": ""}, "contact_flow_id_length"),
        ({"display_name": ""}, "display_name_length"),
        ({"display_name": "d" * 257}, "display_name_length"),
        ({"display_name": "a\x00"}, "display_name_characters"),
        ({"attributes": {"a b": "c"}}, "attribute_key"),
        ({"attributes": {"": "c"}}, "attribute_key"),
        ({"attributes": {"clé": "c"}}, "attribute_key"),
        ({"attributes": {"k": "\x07"}}, "attribute_characters"),
        ({"attributes": {"k": "v" * 32_768}}, "attributes_size"),
        # Bytes count, not characters: 16,384 x 2 bytes and the key's one.
        ({"attributes": {"k": "é" * 16_384}}, "attributes_size"),
        ({"duration_min": 59}, "chat_duration"),
        ({"duration_min": 10_081}, "chat_duration"),
        ({"customer_id": ""}, "customer_id_length"),
        ({"customer_id": "c" * 129}, "customer_id_length"),
    ],
)
def test_a_start_beyond_a_limit_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PermanentError, match=f"^{reason}$"):
        check_start(replace(START, **change))


MEDIA = {"media_url": "s3://shelf-1/key/plan.png"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"body": "a" * 1_530},
        {"body": "漢" * 630},
        {"ttl_s": 5},
        {"ttl_s": 259_200},
        {"context": {}},
        {"context": {f"k{n}": "v" * 800 for n in range(5)}},
        {"origination_identity": "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1"},
        MEDIA,
        MEDIA | {"body": ""},
        MEDIA | {"body": "漢" * 1_600},
    ],
)
def test_a_text_within_its_limits_passes(change: dict[str, Any]) -> None:
    check_text(replace(TEXT, **change))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"destination_number": "15550100123"}, "number_not_e164"),
        ({"destination_number": "+0550100123"}, "number_not_e164"),
        ({"destination_number": "+1234567890123456"}, "number_not_e164"),
        ({"destination_number": "+1555010٠123"}, "number_not_e164"),
        ({"destination_number": "12345"}, "number_not_e164"),
        ({"destination_number": "+15550100123\n"}, "number_not_e164"),
        ({"origination_identity": ""}, "origination_identity"),
        ({"origination_identity": "a b"}, "origination_identity"),
        ({"configuration_set": "a b"}, "configuration_set"),
        ({"message_type": "OTP"}, "message_type"),
        ({"ttl_s": 4}, "time_to_live"),
        ({"ttl_s": 259_201}, "time_to_live"),
        ({"context": {f"k{n}": "v" for n in range(6)}}, "context_count"),
        ({"context": {"a b": "v"}}, "context_key"),
        ({"context": {"k" * 101: "v"}}, "context_key"),
        ({"context": {"k": "v" * 801}}, "context_value"),
        ({"context": {"k": ""}}, "context_value"),
        ({"context": {"k": " v"}}, "context_value"),
        ({"body": " \n"}, "body_blank"),
        ({"body": "a" * 1_531}, "body_units"),
        ({"body": "€" * 766}, "body_units"),
        ({"body": "漢" * 631}, "body_units"),
        ({"body": "a\x00"}, "body_units|body_characters"),
        ({"body": "\ud83d"}, "body_characters"),
        (MEDIA | {"body": "a" * 1_601}, "body_length"),
        ({"media_url": "https://x.example/a.png"}, "media_url"),
        ({"media_url": "s3://Upper/a.png"}, "media_url"),
        ({"media_url": "s3://shelf-1/" + "k" * 2_048}, "media_url"),
    ],
)
def test_a_text_beyond_a_limit_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PermanentError, match=f"^({reason})$"):
        check_text(replace(TEXT, **change))


def test_content_counts_bytes() -> None:
    check_content("é" * 8_192)
    for content, reason in (
        ("é" * 8_193, "content_size"),
        ("", "content_size"),
        ("a\x1b", "content_characters"),
        ("\udfff", "content_characters"),
    ):
        with pytest.raises(PermanentError, match=f"^{reason}$"):
            check_content(content)


def test_other_checks_refuse_what_aws_would() -> None:
    check_token("t")
    check_attributes({})
    check_opt_out_list("Default")
    check_number("+15550100123")
    with pytest.raises(PermanentError, match=r"^opt_out_list_name$"):
        check_opt_out_list("no spaces")
