"""The raw protocol, where an SDK would not let one make the mistake."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.contract.simulator.conftest import Running

TARGET = {"X-Amz-Target": "PinpointSMSVoiceV2.SendTextMessage"}
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=A/20261124/us-east-1/sms-voice/aws4_request"
}


@pytest.fixture
async def http(simulator: Running) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.world.url) as session:
        yield session


async def post(http: aiohttp.ClientSession, body: bytes, headers: dict[str, str]) -> Any:
    async with http.post("/", data=body, headers=headers) as answer:
        return answer.status, answer.headers, await answer.json(content_type=None)


async def test_a_body_that_is_not_json_is_a_serialization_exception(
    simulator: Running, http: aiohttp.ClientSession
) -> None:
    status, headers, document = await post(http, b"{", {**TARGET, **SIGNED})
    assert (status, headers["x-amzn-errortype"]) == (400, "SerializationException")
    assert document["__type"] == "SerializationException"
    assert headers["Content-Type"].startswith("application/x-amz-json-1.0")
    [refused] = await simulator.control.refused("SendTextMessage")
    assert refused.error == {"code": "SerializationException", "status": 400}


async def test_a_request_without_a_signature_is_refused(http: aiohttp.ClientSession) -> None:
    status, headers, _ = await post(http, b"{}", TARGET)
    assert (status, headers["x-amzn-errortype"]) == (403, "MissingAuthenticationTokenException")


async def test_a_path_of_no_service_is_an_unknown_operation(http: aiohttp.ClientSession) -> None:
    async with http.post("/no/such/path", json={}) as answer:
        assert answer.status == 404
        assert answer.headers["x-amzn-errortype"] == "UnknownOperationException"


async def test_every_answer_has_its_request_id(http: aiohttp.ClientSession) -> None:
    ids = {(await post(http, b"{", {**TARGET, **SIGNED}))[1]["x-amzn-RequestId"] for _ in "ab"}
    assert len(ids) == 2


async def test_a_browser_may_ask_from_any_page(http: aiohttp.ClientSession) -> None:
    async with http.options("/participant/connection") as answer:
        allowed = answer.headers["Access-Control-Allow-Headers"].split(",")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert {"x-amz-bearer", "authorization", "x-amz-user-agent"} <= set(allowed)


async def test_characters_that_json_escapes_arrive_unharmed(
    simulator: Running, http: aiohttp.ClientSession
) -> None:
    body = (
        b'{"DestinationPhoneNumber":"+12065550100","MessageBody":'
        b'"a\\u0000b \\ud83d\\ude00 \\u2028 \\ud800"}'
    )
    status, _, _ = await post(http, body, {**TARGET, **SIGNED})
    assert status == 200
    [text] = await simulator.control.handset("+12065550100", wait_s=2)
    assert text.body == "a\x00b 😀 \u2028 \ud800"
