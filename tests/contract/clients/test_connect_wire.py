"""Connect's calls on the wire, and what is concluded from what comes back."""

from __future__ import annotations

import traceback
from dataclasses import replace

import pytest

from tests.contract.clients.conftest import CountingMeter
from tests.contract.clients.connect_chats import (
    INSTANCE,
    SECRET,
    START,
    STARTED,
    TOKEN,
    TOPIC,
    chats_over,
    refuse,
)
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
from workers.clients.connect import ConnectChats
from workers.clients.protocols import ContactState, SourceRefused, StartedChat
from workers.errors import (
    ContactEnded,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TransientError,
)


@pytest.fixture
def policy() -> AwsPolicy:
    """One attempt, so that a failing call fails at once."""
    return AwsPolicy(connect_timeout_s=0.5, read_timeout_s=0.8, max_attempts=1)


@pytest.fixture
async def chats(sdk: Aws, caller: Caller) -> ConnectChats:
    return await chats_over(sdk, caller)


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
