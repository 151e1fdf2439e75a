"""The participant service's calls on the wire, and what is concluded from what comes back."""

from __future__ import annotations

import asyncio
import traceback
from datetime import UTC, datetime

import pytest

from tests.contract.clients.connect_chats import (
    SECRET,
    START,
    STARTED,
    TOKEN,
    chats_over,
    refuse,
)
from tests.contract.clients.wire import (
    Behaviour,
    WireServer,
    answer,
    hang_up,
    raw,
)
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats
from workers.errors import (
    PermanentError,
    QuotaFull,
    Throttled,
    TokenRefused,
    TransientError,
)
from workers.testing import FakeClock


@pytest.fixture
def policy() -> AwsPolicy:
    """One attempt, so that a failing call fails at once."""
    return AwsPolicy(connect_timeout_s=0.5, read_timeout_s=0.8, max_attempts=1)


@pytest.fixture
async def chats(sdk: Aws, caller: Caller) -> ConnectChats:
    return await chats_over(sdk, caller)


CONNECTED = {
    "ConnectionCredentials": {"ConnectionToken": "ct-1", "Expiry": "2026-11-24T21:00:00.000Z"}
}


async def test_the_customer_connects_with_the_token_and_no_signature(
    chats: ConnectChats, wire: WireServer
) -> None:
    wire.script = [answer(200, CONNECTED)]
    connection = await chats.connect(TOKEN)
    assert connection.token == "ct-1"
    assert connection.expires_at == datetime(2026, 11, 24, 21, tzinfo=UTC)
    [request] = wire.requests
    assert request.path == "/participant/connection"
    assert request.headers["x-amz-bearer"] == TOKEN
    assert "authorization" not in request.headers
    assert request.json() == {"Type": ["CONNECTION_CREDENTIALS"], "ConnectParticipant": True}


async def test_the_participant_service_needs_no_credentials(
    sdk: Aws, caller: Caller, wire: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    wire.script = [answer(200, {"Id": "m-1"})]
    client = await sdk.connectparticipant()
    answered = await client.send_message(
        ContentType="text/plain", Content="x", ConnectionToken="ct-1"
    )
    assert answered["Id"] == "m-1"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ConnectionCredentials": {"ConnectionToken": "ct-1", "Expiry": "tomorrow"}},
        {"ConnectionCredentials": {"Expiry": "2026-11-24T21:00:00.000Z"}},
    ],
)
async def test_a_connection_without_its_credentials_is_tried_again(
    chats: ConnectChats, wire: WireServer, body: object
) -> None:
    wire.script = [answer(200, body)]
    with pytest.raises(TransientError, match=r"^unreadable_answer$"):
        await chats.connect(TOKEN)


async def test_a_message_is_said_in_the_chat(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [
        answer(200, {"Id": "m-1", "MessageMetadata": {"MessageProcessingStatus": "PROCESSING"}})
    ]
    assert await chats.say(TOKEN, f"{SECRET} 😀", "sid.1.e.0") == "m-1"
    [request] = wire.requests
    assert request.path == "/participant/message"
    assert request.headers["x-amz-bearer"] == TOKEN
    assert request.json() == {
        "ContentType": "text/plain",
        "Content": f"{SECRET} 😀",
        "ClientToken": "sid.1.e.0",
    }


@pytest.mark.parametrize("status", ["REJECTED", "FAILED"])
async def test_a_message_the_chat_rejects_is_told(
    chats: ConnectChats, wire: WireServer, status: str
) -> None:
    wire.script = [
        answer(200, {"Id": "m-1", "MessageMetadata": {"MessageProcessingStatus": status}})
    ]
    with pytest.raises(PermanentError, match=r"^message_rejected$"):
        await chats.say(TOKEN, "hi", "t")


async def test_a_refused_token_is_told_without_the_token(
    chats: ConnectChats, wire: WireServer
) -> None:
    wire.script = [refuse(403, "AccessDeniedException")]
    for call in (
        chats.connect(TOKEN),
        chats.say(TOKEN, SECRET, "t"),
        chats.delivered(TOKEN, "m-1", "t"),
        chats.attachment(TOKEN, "a-1", "plan.png"),
    ):
        with pytest.raises(TokenRefused) as caught:
            await call
        shown = "".join(traceback.format_exception(caught.value))
        assert TOKEN not in shown
        assert SECRET not in shown


async def test_delivered_is_an_event_of_the_customer(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, {"Id": "e-1"})]
    await chats.delivered(TOKEN, "m-9", "t")
    assert wire.requests[0].json() == {
        "ContentType": "application/vnd.amazonaws.connect.event.message.delivered",
        "Content": '{"messageId": "m-9"}',
        "ClientToken": "t",
    }


async def test_a_receipt_in_a_chat_of_three_is_ignored(
    chats: ConnectChats, wire: WireServer
) -> None:
    wire.script = [refuse(409, "ConflictException")]
    await chats.delivered(TOKEN, "m-9", "t")
    wire.script = [refuse(400, "ValidationException")]
    with pytest.raises(PermanentError):
        await chats.delivered(TOKEN, "m-9", "t")


async def test_messages_and_events_draw_on_one_quota(
    chats: ConnectChats, wire: WireServer, clock: FakeClock
) -> None:
    wire.script = [answer(200, {"Id": "x"})]
    for _ in range(8):
        await chats.say(TOKEN, "hi", "t")
        await chats.delivered(TOKEN, "m", "t")
    assert clock.monotonic() == pytest.approx(0.1)  # 16 calls: the burst is 15, then 10 a second


async def test_a_message_goes_before_a_receipt_that_came_first(
    chats: ConnectChats, wire: WireServer, caller: Caller
) -> None:
    wire.script = [answer(200, {"Id": "x"})]
    assert caller.limits.bucket("participant.message").try_take(15)
    receipt = asyncio.ensure_future(chats.delivered(TOKEN, "m", "receipt"))
    await asyncio.sleep(0)  # It waits for its token, the bucket being empty.
    await chats.say(TOKEN, "hi", "message")
    await receipt
    sent = [request.json()["ClientToken"] for request in wire.requests]
    assert sent == ["message", "receipt"]


async def test_a_throttle_slows_the_calls_that_share_the_quota_and_no_others(
    chats: ConnectChats, wire: WireServer, caller: Caller
) -> None:
    wire.script = [refuse(429, "ThrottlingException")]
    with pytest.raises(Throttled):
        await chats.delivered(TOKEN, "m", "t")
    assert caller.limits.learned() == {"participant.message": pytest.approx(0.7)}
    assert caller.limits.bucket("participant.message").wait_s() == pytest.approx(1 / 7)


async def test_a_throttle_that_the_sdk_repeats_by_itself_is_learned_from_too(
    sdk: Aws, caller: Caller, wire: WireServer
) -> None:
    wire.script = [refuse(429, "TooManyRequestsException"), answer(200, STARTED)]
    async with Aws(AwsPolicy(read_timeout_s=0.5, max_attempts=2)) as patient:
        await (await chats_over(patient, caller)).start(START)
    assert len(wire.requests) == 2
    assert caller.limits.learned() == {"connect.start_chat": pytest.approx(0.7)}


async def test_a_failure_that_is_no_throttle_slows_nothing(
    sdk: Aws, caller: Caller, wire: WireServer
) -> None:
    wire.script = [refuse(500, "InternalServiceException"), answer(200, STARTED)]
    async with Aws(AwsPolicy(read_timeout_s=0.5, max_attempts=2)) as patient:
        chats = await chats_over(patient, caller)
        await chats.start(START)
        wire.script = [refuse(429, "LimitExceededException")]
        with pytest.raises(QuotaFull):
            await chats.start(START)
    assert caller.limits.learned() == {}


@pytest.mark.parametrize("behaviour", [answer(200, {}), refuse(403, "AccessDeniedException")])
async def test_disconnecting_from_what_is_gone_is_a_success(
    chats: ConnectChats, wire: WireServer, behaviour: Behaviour
) -> None:
    wire.script = [behaviour]
    await chats.disconnect(TOKEN)
    assert wire.requests[0].path == "/participant/disconnect"


def located(wire: WireServer, size_bytes: int) -> Behaviour:
    url = f"{wire.url}/file?X-Amz-Signature={TOKEN}"
    return answer(200, {"Url": url, "UrlExpiry": "x", "AttachmentSizeInBytes": size_bytes})


async def test_an_attachment_brings_its_bytes(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [located(wire, 4), answer(200, b"\x89PNG", Content_Type="image/png")]
    attachment = await chats.attachment(TOKEN, "a-1", "plan.png")
    assert (attachment.name, attachment.content_type) == ("plan.png", "image/png")
    assert (attachment.size_bytes, attachment.content) == (4, b"\x89PNG")
    located_by, fetched_by = wire.requests
    assert located_by.json() == {"AttachmentId": "a-1", "UrlExpiryInSeconds": 60}
    assert "x-amz-bearer" not in fetched_by.headers


async def test_a_file_that_says_it_is_too_large_is_not_fetched(
    chats: ConnectChats, wire: WireServer
) -> None:
    wire.script = [located(wire, 1_001)]
    with pytest.raises(PermanentError, match=r"^attachment_too_large$"):
        await chats.attachment(TOKEN, "a-1", "plan.png")
    assert len(wire.requests) == 1


async def test_a_file_that_is_larger_than_it_says_is_dropped(
    chats: ConnectChats, wire: WireServer
) -> None:
    wire.script = [located(wire, 4), answer(200, b"x" * 1_001)]
    with pytest.raises(PermanentError, match=r"^attachment_too_large$"):
        await chats.attachment(TOKEN, "a-1", "plan.png")


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(403, b"expired"),
        answer(302, b"", Location="/elsewhere"),
        hang_up,
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
    ],
)
async def test_a_file_that_does_not_come_is_asked_for_again_later(
    chats: ConnectChats, wire: WireServer, behaviour: Behaviour
) -> None:
    wire.script = [located(wire, 4), behaviour]
    with pytest.raises(TransientError) as caught:
        await chats.attachment(TOKEN, "a-1", "plan.png")
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
