"""A chat through the simulated contact centre, as the customer's participant lives it."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID
from simulator.faults import FaultOrder
from simulator.settings import SimulatorSettings
from tests.contract.clients.wire import closed_port
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.connect import ConnectChats, Instance
from workers.clients.connect_participant import AttachmentPolicy
from workers.clients.protocols import ChatStart, Connection, SourceRefused
from workers.errors import (
    AccountProblem,
    ContactEnded,
    PermanentError,
    QuotaFull,
    SwitchboardError,
    Throttled,
    TokenRefused,
    TransientError,
)
from workers.sms_text import split_for_chat

START = ChatStart(
    client_token="sid.1",
    contact_flow_id=DEFAULT_FLOW_ID,
    display_name="+1•••••••0123",
    attributes={"brand": "Acme"},
    duration_min=1_500,
    customer_id="cust-1",
)


@pytest.fixture
async def simulator(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatorClient]:
    # What the simulator publishes is not looked at here, and must not leave this machine.
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    async with (
        running(SimulatorSettings(world={"connect": {}})) as world,
        SimulatorClient(world.url) as client,
    ):
        await client.set_knobs(rates=False)
        yield client


@pytest.fixture
async def chats(
    simulator: SimulatorClient, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[ConnectChats]:
    url = (await simulator.status())["url"]
    for service in ("CONNECT", "CONNECTPARTICIPANT"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", url)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    async with Aws(AwsPolicy(read_timeout_s=2, max_attempts=1)) as aws:
        yield ConnectChats(
            connect=await aws.connect(),
            participant=await aws.connectparticipant(),
            http=await aws.http(),
            instance=Instance(DEFAULT_INSTANCE_ID, "arn:aws:sns:us-east-1:000000000000:chat"),
            caller=caller,
            attachments=AttachmentPolicy(max_bytes=1_000),
        )


async def opened(chats: ConnectChats, start: ChatStart = START) -> tuple[str, Connection]:
    started = await chats.start(start)
    assert started.participant_token is not None
    await chats.stream(started.contact_id, f"{start.client_token}.stream")
    return started.contact_id, await chats.connect(started.participant_token)


async def desk(simulator: SimulatorClient, contact_id: str, move: str, **document: Any) -> Any:
    return await simulator.channel.call("POST", f"connect/chats/{contact_id}/{move}", document)


async def test_a_chat_from_its_start_to_its_end(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    contact_id, connection = await opened(chats)
    message_id = await chats.say(connection.token, "Hello 😀", "sid.1.e.0")
    assert await chats.say(connection.token, "Hello 😀", "sid.1.e.0") == message_id
    await chats.set_attributes(contact_id, {"lastTextFate": "delivered"})
    state = await chats.describe(contact_id)
    assert (state.initial_contact_id, state.is_ended, state.has_next) == (contact_id, False, False)
    await chats.disconnect(connection.token)
    await chats.disconnect(connection.token)
    assert (await chats.describe(contact_id)).is_ended
    names = [entry.name for entry in await simulator.ledger() if entry.kind == "request"]
    assert names[:3] == ["StartChatContact", "StartContactStreaming", "CreateParticipantConnection"]


async def test_a_repeated_start_is_the_same_chat(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    first = await chats.start(START)
    assert await chats.start(START) == first
    await simulator.set_knobs(contact_centre={"replay_brings_participant_token": False})
    again = await chats.start(START)
    assert (again.contact_id, again.participant_token) == (first.contact_id, None)


async def test_every_piece_of_a_long_message_is_accepted(chats: ConnectChats) -> None:
    _, connection = await opened(chats)
    pieces = split_for_chat("漢字 " * 6_000)
    assert len(pieces) > 1
    for number, piece in enumerate(pieces):
        assert await chats.say(connection.token, piece, f"sid.1.e.{number}")


async def test_stopping_a_chat_ends_its_tokens(chats: ConnectChats) -> None:
    contact_id, connection = await opened(chats)
    await chats.stop(contact_id)
    await chats.stop(contact_id)
    with pytest.raises(TokenRefused):
        await chats.say(connection.token, "still there?", "t")


async def test_an_expired_connection_is_renewed_with_the_participant_token(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    started = await chats.start(START)
    assert started.participant_token is not None
    await chats.stream(started.contact_id, "s")
    old = await chats.connect(started.participant_token)
    await desk(simulator, started.contact_id, "tokens/expire")
    with pytest.raises(TokenRefused):
        await chats.say(old.token, "hi", "t")
    new = await chats.connect(started.participant_token)
    assert await chats.say(new.token, "hi", "t")


async def test_a_receipt_for_an_agents_message_is_taken(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    contact_id, connection = await opened(chats)
    await desk(simulator, contact_id, "join")
    said = await desk(simulator, contact_id, "say", content="How can I help?")
    await chats.delivered(connection.token, said["id"], "t")
    receipts = await simulator.ledger(operation="SendEvent")
    assert [entry.params["ContentType"] for entry in receipts] == [
        "application/vnd.amazonaws.connect.event.message.delivered"
    ]


async def test_an_agents_file_is_fetched(chats: ConnectChats, simulator: SimulatorClient) -> None:
    contact_id, connection = await opened(chats)
    await desk(simulator, contact_id, "join")
    file = await _attach(simulator, contact_id, b"\x89PNG")
    attachment = await chats.attachment(connection.token, file, "plan.png")
    assert (attachment.content, attachment.content_type) == (b"\x89PNG", "image/png")
    too_large = await _attach(simulator, contact_id, b"x" * 1_001)
    with pytest.raises(PermanentError, match=r"^attachment_too_large$"):
        await chats.attachment(connection.token, too_large, "plan.png")


async def test_an_earlier_chat_is_attached_once_its_transcript_is_ready(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    contact_id, connection = await opened(chats)
    await chats.disconnect(connection.token)
    again = replace(START, client_token="sid.2", source_contact_id=contact_id)
    with pytest.raises(SourceRefused):
        await chats.start(again)
    await simulator.advance_clock(60)
    assert (await chats.start(again)).contact_id != contact_id


async def test_a_full_centre_is_a_full_quota(
    chats: ConnectChats, simulator: SimulatorClient
) -> None:
    await simulator.set_knobs(contact_centre={"concurrent_chats": 0})
    with pytest.raises(QuotaFull, match=r"^concurrent_chats$"):
        await chats.start(START)


@pytest.mark.parametrize(
    ("action", "count", "error"),
    [
        ("throttle", 1, Throttled),
        ("error_500", 1, TransientError),
        ("error_500_after_doing", 1, TransientError),
        # aiohttp repeats a PUT once by itself, with the same token, when its connection breaks.
        ("drop_after_doing", 2, TransientError),
    ],
)
async def test_a_start_that_failed_is_repeated_into_one_chat(
    chats: ConnectChats,
    simulator: SimulatorClient,
    action: str,
    count: int,
    error: type[SwitchboardError],
) -> None:
    await simulator.spoil(
        FaultOrder(service="connect", operation="StartChatContact", action=action, count=count)
    )
    with pytest.raises(SwitchboardError) as caught:
        await chats.start(START)
    assert type(caught.value) is error
    started = await chats.start(START)
    contacts = {
        entry.result["ContactId"] for entry in await simulator.ledger(operation="StartChatContact")
    }
    assert contacts == {started.contact_id}


async def test_what_is_unknown_is_told(chats: ConnectChats) -> None:
    nobody = "99999999-9999-4999-8999-999999999999"
    with pytest.raises(ContactEnded):
        await chats.describe(nobody)
    with pytest.raises(ContactEnded):
        await chats.stream(nobody, "t")
    with pytest.raises(ContactEnded):
        await chats.set_attributes(nobody, {"a": "b"})
    await chats.stop(nobody)
    with pytest.raises(AccountProblem):
        await chats.start(replace(START, contact_flow_id=nobody))
    with pytest.raises(TokenRefused):
        await chats.connect("made-up")


async def _attach(simulator: SimulatorClient, contact_id: str, content: bytes) -> str:
    answer = await desk(
        simulator,
        contact_id,
        "attach",
        name="plan.png",
        content_type="image/png",
        content_base64=base64.b64encode(content).decode(),
    )
    return str(answer["attachment_id"])
