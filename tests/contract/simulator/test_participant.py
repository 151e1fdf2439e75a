"""The participant service: tokens, messages, events, transcripts, the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator.contact_centre.content import INTERACTIVE_RESPONSE, JSON, SUPPORTABLE, TEXT_MARKDOWN
from tests.contract.simulator.chatting import INSTANCE, TOPIC, VENDOR, Chatting, chatting
from tests.contract.simulator.conftest import refusal

TYPING = f"{VENDOR}event.typing"
READ = f"{VENDOR}event.message.read"
DELIVERED = f"{VENDOR}event.message.delivered"
METADATA = f"{VENDOR}event.message.metadata"


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting() as found:
        yield found


async def code_of(call: Any) -> tuple[str, int]:
    response = await refusal(call)
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


DENIED = ("AccessDeniedException", 403)
INVALID = ("ValidationException", 400)


async def test_connect_participant_needs_streaming_to_be_on(chats: Chatting) -> None:
    customer = await chats.start()
    asked = {
        "ParticipantToken": customer.participant_token,
        "Type": ["CONNECTION_CREDENTIALS"],
        "ConnectParticipant": True,
    }
    create = chats.participant.create_participant_connection
    assert await code_of(create(**asked)) == INVALID
    assert (await chats.desk.chat(customer.contact_id)).state == "started"
    stream = await chats.connect.start_contact_streaming(
        **INSTANCE,
        ContactId=customer.contact_id,
        ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC},
        ClientToken="s",
    )
    assert stream["StreamingId"]
    await chats.control.set_knobs(publications={"chat": {"lose": 1}})
    await create(**asked)
    await chats.desk.wait_for_chat(state="queued")
    await create(**asked)
    joined = [i for i in await chats.desk.items(customer.contact_id) if i.is_from_customer]
    assert len(joined) == 1


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="nothing_asked"),
        pytest.param({"Type": ["WEBRTC_CONNECTION"]}, id="webrtc"),
    ],
)
async def test_connection_of_no_kind_is_refused(chats: Chatting, asked: dict[str, Any]) -> None:
    customer = await chats.start()
    create = chats.participant.create_participant_connection
    assert await code_of(create(ParticipantToken=customer.participant_token, **asked)) == INVALID


async def test_tokens_are_not_interchangeable(chats: Chatting) -> None:
    customer = await chats.open()
    create = chats.participant.create_participant_connection
    assert await code_of(create(ParticipantToken="made-up", Type=["WEBSOCKET"])) == DENIED
    assert await code_of(create(ParticipantToken=customer.token, Type=["WEBSOCKET"])) == DENIED
    customer.token = customer.participant_token
    assert await code_of(chats.send(customer)) == DENIED


async def test_request_without_a_token_is_denied(chats: Chatting) -> None:
    url = f"{chats.world.url}/participant/message"
    async with chats.http.post(url, json={"ContentType": "text/plain", "Content": "x"}) as answer:
        assert answer.status == 403
        assert answer.headers["x-amzn-errortype"] == "AccessDeniedException"


async def test_connection_token_lives_a_day_and_the_participant_token_renews_it(
    chats: Chatting,
) -> None:
    customer = await chats.with_agent(ChatDurationInMinutes=10_080)
    await chats.control.advance_clock(86_399)
    await chats.send(customer)
    await chats.control.advance_clock(2)
    assert await code_of(chats.send(customer)) == DENIED
    renewed = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token, Type=["CONNECTION_CREDENTIALS"]
    )
    customer.token = renewed["ConnectionCredentials"]["ConnectionToken"]
    await chats.send(customer)


async def test_token_can_be_expired_now_and_the_participant_refused(chats: Chatting) -> None:
    customer = await chats.with_agent()
    other = await chats.open()
    assert await chats.desk.expire_tokens(customer.contact_id) == 1
    assert await code_of(chats.send(customer)) == DENIED
    await chats.send(other)
    await chats.desk.turn(participant_tokens_refused=True)
    create = chats.participant.create_participant_connection
    asked = {"ParticipantToken": customer.participant_token, "Type": ["WEBSOCKET"]}
    assert await code_of(create(**asked)) == DENIED
    await chats.desk.turn(participant_tokens_refused=False)
    await create(**asked)


async def test_ended_chat_refuses_everything_like_an_expired_token(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.participant.disconnect_participant(ConnectionToken=customer.token)
    chat = await chats.desk.chat(customer.contact_id)
    assert (chat.state, chat.disconnect_reason) == ("ended", "CUSTOMER_DISCONNECT")
    token = {"ConnectionToken": customer.token}
    calls = [
        chats.send(customer),
        chats.participant.send_event(ContentType=TYPING, **token),
        chats.participant.get_transcript(**token),
        chats.participant.disconnect_participant(**token),
        chats.participant.create_participant_connection(
            ParticipantToken=customer.participant_token, Type=["WEBSOCKET"]
        ),
    ]
    assert [await code_of(call) for call in calls] == [DENIED] * len(calls)


async def test_client_token_makes_one_message_even_across_a_reconnect(chats: Chatting) -> None:
    customer = await chats.with_agent()
    first = await chats.send(customer, "one", ClientToken="t-1")
    renewed = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token, Type=["CONNECTION_CREDENTIALS"]
    )
    customer.token = renewed["ConnectionCredentials"]["ConnectionToken"]
    again = await chats.send(customer, "one", ClientToken="t-1")
    other = await chats.send(customer, "one", ClientToken="t-2")
    assert again["Id"] == first["Id"] != other["Id"]
    assert again["AbsoluteTime"] == first["AbsoluteTime"] < other["AbsoluteTime"]
    said = [item for item in await chats.transcript(customer) if item.get("Content") == "one"]
    assert len(said) == 2


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"ContentType": "text/html"}, id="unknown_type"),
        pytest.param({"ContentType": TEXT_MARKDOWN}, id="type_this_chat_does_not_support"),
        pytest.param({"Content": "\u00e9" * 8_193}, id="two_bytes_too_long"),
    ],
)
async def test_message_is_refused(chats: Chatting, message: dict[str, Any]) -> None:
    customer = await chats.with_agent()
    before = await chats.transcript(customer)
    asked = {"ContentType": "text/plain", "Content": "x"} | message
    assert await code_of(chats.send(customer, asked.pop("Content"), **asked)) == INVALID
    assert await chats.transcript(customer) == before


async def test_message_may_fill_its_bytes(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.send(customer, "\u00e9" * 8_192)


async def test_half_a_character_is_refused(chats: Chatting) -> None:
    customer = await chats.with_agent()
    url = f"{chats.world.url}/participant/message"
    body = '{"ContentType":"text/plain","Content":"\\ud83d"}'
    headers = {"x-amz-bearer": customer.token, "content-type": "application/json"}
    async with chats.http.post(url, data=body, headers=headers) as answer:
        assert answer.status == 400
        assert answer.headers["x-amzn-errortype"] == "ValidationException"


async def test_some_releases_limit_of_text_can_be_switched_on(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.desk.turn(text_max_chars=1_024)
    await chats.send(customer, "x" * 1_024)
    assert await code_of(chats.send(customer, "x" * 1_025)) == INVALID


@pytest.mark.parametrize("content_type", [JSON, INTERACTIVE_RESPONSE])
async def test_json_must_be_json(chats: Chatting, content_type: str) -> None:
    customer = await chats.with_agent(SupportedMessagingContentTypes=sorted(SUPPORTABLE))
    await chats.send(customer, "{}", ContentType=content_type)
    assert await code_of(chats.send(customer, "{", ContentType=content_type)) == INVALID


async def test_typing_and_receipts_are_events_and_only_receipts_are_kept(chats: Chatting) -> None:
    customer = await chats.with_agent()
    said = await chats.desk.say(customer.contact_id, "hello")
    send_event = chats.participant.send_event
    token = {"ConnectionToken": customer.token}
    await send_event(ContentType=TYPING, **token)
    for kind in (DELIVERED, READ):
        content = json.dumps({"messageId": said.id, "disableThrottle": True})
        await send_event(ContentType=kind, Content=content, **token)
    *_, delivered, read = await chats.transcript(customer)
    assert delivered["ContentType"] == read["ContentType"] == METADATA
    [receipt] = read["MessageMetadata"]["Receipts"]
    assert receipt.keys() == {"DeliveredTimestamp", "ReadTimestamp", "RecipientParticipantId"}
    assert receipt["RecipientParticipantId"] == customer.participant_id
    typed = [i for i in await chats.desk.items(customer.contact_id) if i.content_type == TYPING]
    assert len(typed) == 1


async def test_constant_client_token_of_chat_clients_swallows_no_receipt(chats: Chatting) -> None:
    customer = await chats.with_agent()
    ids = set()
    for word in ("one", "two", "two"):
        item = await chats.desk.say(customer.contact_id, word)
        answer = await chats.participant.send_event(
            ContentType=READ,
            Content=json.dumps({"messageId": item.id}),
            ClientToken="INCOMING_READ_RECEIPT",
            ConnectionToken=customer.token,
        )
        ids.add(answer["Id"])
        again = await chats.participant.send_event(
            ContentType=READ,
            Content=json.dumps({"messageId": item.id}),
            ClientToken="INCOMING_READ_RECEIPT",
            ConnectionToken=customer.token,
        )
        assert again["Id"] == answer["Id"]
    assert len(ids) == 3


@pytest.mark.parametrize(
    "event",
    [
        pytest.param({"ContentType": f"{VENDOR}event.connection.acknowledged"}, id="retired"),
        pytest.param({"ContentType": READ}, id="receipt_of_nothing"),
        pytest.param({"ContentType": READ, "Content": "m"}, id="receipt_without_json"),
        pytest.param({"ContentType": READ, "Content": '{"messageId":"m"}'}, id="unknown_message"),
    ],
)
async def test_event_is_refused(chats: Chatting, event: dict[str, Any]) -> None:
    customer = await chats.with_agent()
    call = chats.participant.send_event(ConnectionToken=customer.token, **event)
    assert await code_of(call) == INVALID


async def test_receipts_conflict_with_more_than_two_people(chats: Chatting) -> None:
    customer = await chats.with_agent()
    item = await chats.desk.say(customer.contact_id, "hello")
    await chats.desk.join(customer.contact_id)
    call = chats.participant.send_event(
        ContentType=READ,
        Content=json.dumps({"messageId": item.id}),
        ConnectionToken=customer.token,
    )
    assert await code_of(call) == ("ConflictException", 409)


async def test_transcript_is_paged_to_its_end_with_an_empty_token(chats: Chatting) -> None:
    customer = await chats.with_agent()
    for number in range(5):
        await chats.send(customer, str(number))
    asked: dict[str, Any] = {"ConnectionToken": customer.token, "MaxResults": 4}
    first = await chats.participant.get_transcript(**asked, StartPosition={})
    assert [item["Content"] for item in first["Transcript"]] == ["4", "3", "2", "1"]
    last = await chats.participant.get_transcript(**asked, NextToken=first["NextToken"])
    while last["NextToken"]:
        last = await chats.participant.get_transcript(**asked, NextToken=last["NextToken"])
    assert last["NextToken"] == ""
    assert last["Transcript"][-1]["ContentType"].endswith("participant.joined")
    bad = chats.participant.get_transcript(**asked, StartPosition={"Id": "none"})
    assert await code_of(bad) == INVALID


async def test_transcript_of_a_foreign_contact_is_empty_and_of_the_chain_is_whole(
    chats: Chatting,
) -> None:
    customer, other = await chats.with_agent(), await chats.open()
    chat = await chats.desk.transfer(customer.contact_id)
    whole = await chats.transcript(customer)
    assert await chats.transcript(customer, ContactId=other.contact_id) == []
    assert await chats.transcript(customer, ContactId=chat.current_contact_id) == whole != []


@pytest.mark.parametrize("origin", ["https://chat.example"])
async def test_browsers_may_call_from_any_origin(chats: Chatting, origin: str) -> None:
    wanted = "content-type,authorization,x-amz-bearer,x-amz-user-agent,x-amz-date"
    async with chats.http.options(
        f"{chats.world.url}/participant/message",
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": wanted,
        },
    ) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        allowed = answer.headers["Access-Control-Allow-Headers"].split(",")
        assert set(wanted.split(",")) <= set(allowed)


async def test_messages_and_events_share_one_quota(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.control.set_knobs(rates=True)
    taken, refused = 0, ""
    while not refused and taken < 100:
        calls = (
            chats.send(customer),
            chats.participant.send_event(ContentType=TYPING, ConnectionToken=customer.token),
        )
        try:
            for call in calls:
                await call
                taken += 1
        except ClientError as error:
            refused = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            assert status == 429
        finally:
            calls[1].close()
    # 15 at once, and 10 more for each second that the calls take.
    assert refused == "ThrottlingException"
    assert 15 <= taken < 60


async def test_starting_chats_too_fast_is_told_from_having_no_room(chats: Chatting) -> None:
    await chats.control.set_knobs(rates=True)
    codes = set()
    for _ in range(40):
        try:
            await chats.start()
        except ClientError as error:
            codes.add(error.response["Error"]["Code"])
    assert codes == {"TooManyRequestsException"}
