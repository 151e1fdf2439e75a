from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from multidict import CIMultiDict, MultiDict

from simulator.request_reader import read_params
from simulator.wire import AwsError, Router, Target, app_name, credential_scope

ROUTER = Router(("pinpoint-sms-voice-v2", "connect", "connectparticipant"))


def sms(operation: str) -> Target:
    return ROUTER.find(
        "POST", "/", CIMultiDict({"X-Amz-Target": f"PinpointSMSVoiceV2.{operation}"})
    )


def read(body: bytes, operation: str = "SendTextMessage") -> dict[str, Any]:
    return read_params(sms(operation), MultiDict(), CIMultiDict(), body)


def test_unknown_members_are_ignored_and_nulls_count_as_absent() -> None:
    body = b'{"DestinationPhoneNumber":"+1","NoSuchMember":1,"Keyword":null}'
    assert read(body) == {"DestinationPhoneNumber": "+1"}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'"text"',
        b'{"TimeToLive":"60"}',
        b'{"TimeToLive":true}',
        b'{"TimeToLive":1.5}',
        b'{"MessageBody":5}',
        b'{"DryRun":"true"}',
        b'{"Context":[]}',
        b'{"TimeToLive":NaN}',
        b"[" * 100_000,
        b'{"MessageBody":"\xff"}',
    ],
)
def test_a_body_of_another_shape_is_a_serialization_exception(body: bytes) -> None:
    with pytest.raises(AwsError) as refused:
        read(body)
    assert refused.value.code == "SerializationException"


def test_labels_are_read_from_the_path_unquoted() -> None:
    target = ROUTER.find("GET", "/contacts/i%2F1/c-1", CIMultiDict())
    assert target.operation.name == "DescribeContact"
    assert read_params(target, MultiDict(), CIMultiDict(), b"") == {
        "InstanceId": "i/1",
        "ContactId": "c-1",
    }


def test_query_lists_and_numbers_are_typed() -> None:
    target = ROUTER.find("GET", "/contact/references/i/c", CIMultiDict())
    query = MultiDict([("referenceTypes", "URL"), ("referenceTypes", "EMAIL")])
    assert read_params(target, query, CIMultiDict(), b"")["ReferenceTypes"] == ["URL", "EMAIL"]


def test_a_header_member_is_read_from_its_header() -> None:
    target = ROUTER.find("POST", "/participant/message", CIMultiDict())
    body = b'{"ContentType":"text/plain","Content":"hi"}'
    headers = CIMultiDict({"x-amz-bearer": "token"})
    assert read_params(target, MultiDict(), headers, body)["ConnectionToken"] == "token"


def test_timestamps_come_as_numbers_or_iso_text() -> None:
    target = ROUTER.find("POST", "/search-contacts", CIMultiDict())
    body = b'{"TimeRange":{"Type":"X","StartTime":0,"EndTime":"2026-11-24T00:00:00Z"}}'
    found = read_params(target, MultiDict(), CIMultiDict(), body)["TimeRange"]
    assert found["StartTime"] == datetime(1970, 1, 1, tzinfo=UTC)
    assert found["EndTime"] == datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/no/such/path", {}),
        ("/", {"X-Amz-Target": "PinpointSMSVoiceV2.NoSuchOperation"}),
        ("/", {"X-Amz-Target": "Other.SendTextMessage"}),
    ],
)
def test_what_no_service_knows_is_an_unknown_operation(path: str, headers: dict[str, str]) -> None:
    with pytest.raises(AwsError) as refused:
        ROUTER.find("POST", path, CIMultiDict(headers))
    assert refused.value.code == "UnknownOperationException"


def test_region_and_app_are_read_from_the_headers() -> None:
    authorization = (
        "AWS4-HMAC-SHA256 Credential=AKID/20261124/eu-west-2/sms-voice/aws4_request, SignedHeaders="
    )
    assert credential_scope({"Authorization": authorization}) == ("eu-west-2", "sms-voice")
    assert credential_scope({}) == (None, None)
    assert app_name({"User-Agent": "Boto3/1.43 md/x#y app/worker-2"}) == "worker-2"
    assert app_name({}) is None
