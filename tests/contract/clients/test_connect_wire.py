"""Connect's calls on the wire, and what is concluded from what comes back."""

from __future__ import annotations

import asyncio
import traceback
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.contract.clients.conftest import CountingMeter
from tests.contract.clients.wire import (
    Behaviour,
    WireServer,
    answer,
    closed_port,
    hang,
    hang_up,
    raw,
)
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats, Instance
from workers.clients.connect_participant import AttachmentPolicy
from workers.clients.protocols import ChatStart, ContactState, SourceRefused, StartedChat
from workers.errors import (
    ContactEnded,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TokenRefused,
    TransientError,
)
from workers.testing import FakeClock

SECRET = "the lab result is in"
TOKEN = "token-that-nobody-may-see"
TOPIC = "arn:aws:sns:us-east-1:111122223333:chat"
INSTANCE = Instance("11111111-2222-3333-4444-555555555555", TOPIC)
START = ChatStart(
    client_token="sid.1",
    contact_flow_id="flow-1",
    display_name="+1•••••••0123",
    attributes={"brand": "Acme"},
    duration_min=1_500,
)
STARTED = {"ContactId": "c-1", "ParticipantId": "p-1", "ParticipantToken": "pt-1"}


@pytest.fixture
def policy() -> AwsPolicy:
    """One attempt, so that a failing call fails at once."""
    return AwsPolicy(connect_timeout_s=0.5, read_timeout_s=0.8, max_attempts=1)


async def chats_over(sdk: Aws, caller: Caller) -> ConnectChats:
    return ConnectChats(
        connect=await sdk.connect(),
        participant=await sdk.connectparticipant(),
        http=await sdk.http(),
        instance=INSTANCE,
        caller=caller,
        attachments=AttachmentPolicy(max_bytes=1_000),
    )


@pytest.fixture
async def chats(sdk: Aws, caller: Caller) -> ConnectChats:
    return await chats_over(sdk, caller)


def refuse(status: int, code: str) -> Behaviour:
    return answer(status, {"Message": f"{SECRET} {TOKEN}"}, x_amzn_errortype=code)


async def test_a_chat_is_started_as_connect_wants_it(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, STARTED)]
    start = replace(START, customer_id="cust-1", source_contact_id="c-0")
    assert await chats.start(start) == StartedChat("c-1", "p-1", "pt-1")
    [request] = wire.requests
    assert (request.method, request.path) == ("PUT", "/contact/chat")
    assert request.json() == {
        "InstanceId": INSTANCE.instance_id,
        "ContactFlowId": "flow-1",
        "Attributes": {"brand": "Acme"},
        "ParticipantDetails": {"DisplayName": "+1•••••••0123"},
        "ClientToken": "sid.1",
        "ChatDurationInMinutes": 1_500,
        "SupportedMessagingContentTypes": list(INSTANCE.content_types),
        "CustomerId": "cust-1",
        "PersistentChat": {
            "RehydrationType": "ENTIRE_PAST_SESSION",
            "SourceContactId": "c-0",
        },
    }


async def test_a_plain_start_sends_no_empty_members(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, STARTED)]
    await chats.start(START)
    assert not {"CustomerId", "PersistentChat"} & set(wire.requests[0].json())


async def test_a_replayed_start_may_bring_no_token(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, {"ContactId": "c-1", "ParticipantId": "p-1"})]
    assert (await chats.start(START)).participant_token is None


@pytest.mark.parametrize(
    "behaviour",
    [
        refuse(400, "InvalidRequestException"),
        refuse(400, "InvalidParameterException"),
        refuse(404, "ResourceNotFoundException"),
    ],
)
async def test_only_with_a_source_may_the_source_be_the_trouble(
    chats: ConnectChats, wire: WireServer, behaviour: Behaviour
) -> None:
    wire.script = [behaviour]
    with pytest.raises(SourceRefused):
        await chats.start(replace(START, source_contact_id="c-0"))
    with pytest.raises(PermanentError):
        await chats.start(START)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        pytest.param(refuse(429, "LimitExceededException"), QuotaFull, id="no_room"),
        pytest.param(refuse(402, "ServiceQuotaExceededException"), QuotaFull, id="quota"),
        pytest.param(refuse(429, "TooManyRequestsException"), Throttled, id="rate"),
        pytest.param(answer(429, b"slow down"), Throttled, id="rate_without_words"),
        pytest.param(refuse(500, "InternalServiceException"), TransientError, id="500"),
        pytest.param(hang, TransientError, id="hangs"),
        pytest.param(hang_up, TransientError, id="closes"),
        pytest.param(
            raw(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"), TransientError, id="half"
        ),
        pytest.param(raw(b"what\r\n\r\n"), TransientError, id="not_http"),
        pytest.param(answer(200, b"<html>"), TransientError, id="not_json"),
        pytest.param(answer(200, b"\xff"), TransientError, id="not_utf8"),
        pytest.param(answer(200, {"ContactId": "c-1"}), TransientError, id="half_the_members"),
        pytest.param(answer(307, b"", Location="/elsewhere"), TransientError, id="redirect"),
    ],
)
async def test_a_start_that_fails_may_be_repeated_with_its_token(
    chats: ConnectChats, wire: WireServer, behaviour: Behaviour, error: type[SwitchboardError]
) -> None:
    wire.script = [behaviour]
    with pytest.raises(SwitchboardError) as caught:
        await chats.start(replace(START, source_contact_id="c-0"))
    assert type(caught.value) is error
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert TOKEN not in shown


async def test_a_refused_connection_is_transient(
    sdk: Aws, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_CONNECT", f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(TransientError, match=r"^connect_failed$"):
        await (await chats_over(sdk, caller)).stop("c-1")


async def test_the_sdk_repeats_what_has_a_token_with_the_same_token(
    sdk: Aws,
    caller: Caller,
    wire: WireServer,
    meter: CountingMeter,
) -> None:
    wire.script = [refuse(500, "InternalServiceException"), answer(200, STARTED)]
    async with Aws(AwsPolicy(read_timeout_s=0.5, max_attempts=2)) as patient:
        await (await chats_over(patient, caller)).start(START)
    assert [request.json()["ClientToken"] for request in wire.requests] == ["sid.1", "sid.1"]
    assert meter.calls == {("StartChatContact", "repeated"): 1, ("StartChatContact", "ok"): 1}


async def test_streaming_goes_to_our_topic(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, {"StreamingId": "s-1"})]
    await chats.stream("c-1", "sid.1.stream")
    assert wire.requests[0].path == "/contact/start-streaming"
    assert wire.requests[0].json() == {
        "InstanceId": INSTANCE.instance_id,
        "ContactId": "c-1",
        "ChatStreamingConfiguration": {"StreamingEndpointArn": TOPIC},
        "ClientToken": "sid.1.stream",
    }


async def test_streaming_of_a_gone_chat_tells_so(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [refuse(404, "ResourceNotFoundException")]
    with pytest.raises(ContactEnded):
        await chats.stream("c-1", "sid.1.stream")


@pytest.mark.parametrize(
    "behaviour",
    [
        answer(200, {}),
        refuse(410, "ContactNotFoundException"),
        refuse(404, "ResourceNotFoundException"),
    ],
)
async def test_stopping_what_is_gone_is_a_success(
    chats: ConnectChats, wire: WireServer, behaviour: Behaviour
) -> None:
    wire.script = [behaviour]
    await chats.stop("c-1")
    assert wire.requests[0].json() == {"InstanceId": INSTANCE.instance_id, "ContactId": "c-1"}


async def test_attributes_are_set(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [answer(200, {})]
    await chats.set_attributes("c-1", {"lastTextFate": "undelivered"})
    assert wire.requests[0].json() == {
        "InstanceId": INSTANCE.instance_id,
        "InitialContactId": "c-1",
        "Attributes": {"lastTextFate": "undelivered"},
    }


@pytest.mark.parametrize(
    ("contact", "state"),
    [
        ({"Id": "c-1", "Channel": "CHAT"}, ContactState("c-1", is_ended=False, has_next=False)),
        (
            {
                "InitialContactId": "c-0",
                "DisconnectTimestamp": 1_790_000_000.0,
                "DisconnectReason": "AGENT_DISCONNECT",
                "NextContacts": [{"Type": "QUICK_CONNECT"}],
            },
            ContactState("c-0", is_ended=True, has_next=True, disconnect_reason="AGENT_DISCONNECT"),
        ),
    ],
)
async def test_a_contact_is_described(
    chats: ConnectChats, wire: WireServer, contact: object, state: ContactState
) -> None:
    wire.script = [answer(200, {"Contact": contact})]
    assert await chats.describe("c-1") == state
    assert wire.requests[0].path == f"/contacts/{INSTANCE.instance_id}/c-1"


async def test_an_unknown_contact_has_ended(chats: ConnectChats, wire: WireServer) -> None:
    wire.script = [refuse(404, "ResourceNotFoundException")]
    with pytest.raises(ContactEnded):
        await chats.describe("c-1")


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


async def test_the_process_names_itself_by_the_standard_variable(
    sdk: Aws, wire: WireServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SDK_UA_APP_ID", "worker-7")
    wire.script = [answer(200, {})]
    async with Aws(AwsPolicy(read_timeout_s=0.5)) as named:
        await (await named.connectparticipant()).disconnect_participant(ConnectionToken="ct")
        await (await named.connect()).stop_contact(ContactId="c", InstanceId="i")
    assert all("app/worker-7" in request.headers["user-agent"] for request in wire.requests)


async def test_a_client_is_made_once(sdk: Aws) -> None:
    assert await sdk.connect() is await sdk.connect()
    assert await sdk.http() is await sdk.http()
    assert {type(await make()).__name__ for make in (sdk.sqs, sdk.dynamodb, sdk.kms, sdk.s3)} == {
        "SQS",
        "DynamoDB",
        "KMS",
        "S3",
    }
