"""Signatures made from a specimen, beside botocore's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials

from workers.runtime.lean_specimen import SigningError, Specimen

KEY_ID, SECRET, TOKEN = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "token"
CREDENTIALS = ReadOnlyCredentials(KEY_ID, SECRET, TOKEN)
URL = "https://sqs.us-west-2.amazonaws.com/"


def signed(body: bytes, timestamp: str) -> str:
    """The Authorization header that botocore makes for this body at this time."""
    auth = SigV4Auth(Credentials(KEY_ID, SECRET, TOKEN), "sqs", "us-west-2")
    headers = {"X-Amz-Target": "AmazonSQS.Any", "X-Amz-Date": timestamp}
    request = AWSRequest("POST", URL, headers=headers, data=body)
    request.headers["X-Amz-Security-Token"] = TOKEN
    request.context["timestamp"] = timestamp
    signature = auth.signature(
        auth.string_to_sign(request, auth.canonical_request(request)), request
    )
    names = auth.signed_headers(auth.headers_to_sign(request))
    return (
        f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, SignedHeaders={names},"
        f" Signature={signature}"
    )


def a_specimen(timestamp: str, credentials: ReadOnlyCredentials = CREDENTIALS) -> Specimen:
    headers: Any = {
        "X-Amz-Target": "AmazonSQS.Any",
        "X-Amz-Date": timestamp,
        "X-Amz-Security-Token": TOKEN,
        "Authorization": signed(b"{}", timestamp),
    }
    return Specimen(AWSPreparedRequest("POST", URL, headers, b"{}", False), credentials)


@pytest.mark.parametrize("age", [timedelta(), timedelta(days=1), timedelta(days=400)])
def test_a_specimen_of_another_day_signs_as_botocore_does_today(age: timedelta) -> None:
    specimen = a_specimen((datetime.now(UTC) - age).strftime(SIGV4_TIMESTAMP))
    for body in (b"{}", b'{"QueueUrl": "\xc3\xbc"}'):
        headers = specimen.headers(body)
        assert headers["authorization"] == signed(body, headers["x-amz-date"])
        made_at = datetime.strptime(headers["x-amz-date"], SIGV4_TIMESTAMP).replace(tzinfo=UTC)
        assert abs(datetime.now(UTC) - made_at) < timedelta(seconds=10)


def test_a_specimen_signed_with_another_key_is_refused() -> None:
    other = ReadOnlyCredentials(KEY_ID, "another secret", TOKEN)
    with pytest.raises(SigningError):
        a_specimen("20261126T000000Z", other)
