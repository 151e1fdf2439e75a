"""The chat's WebSocket, with the frames that real clients send, in their order."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from simulator.contact_centre.content import Visibility
from tests.contract.simulator.chatting import (
    SUBSCRIBE,
    VENDOR,
    Chatting,
    Customer,
    chatting,
    item_with,
    next_item,
)

PING, HEARTBEAT = '{"topic":"aws/ping"}', '{"topic":"aws/heartbeat"}'


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting() as found:
        yield found


async def another_url(chats: Chatting, customer: Customer) -> str:
    made = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token, Type=["WEBSOCKET"]
    )
    return str(made["Websocket"]["Url"])


async def status_of_refusal(chats: Chatting, url: str) -> int:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await chats.http.ws_connect(url)
    return refused.value.status


async def test_client_subscribes_beats_and_hears_the_chat_as_strings_of_json(
    chats: Chatting,
) -> None:
    customer = await chats.open()
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        for frame in (SUBSCRIBE, PING, HEARTBEAT):
            await socket.send_str(frame)
        frames = [json.loads(await socket.receive_str(timeout=5)) for _ in range(6)]
        by_topic = {frame["topic"]: frame for frame in frames}
        assert by_topic["aws/subscribe"]["content"] == {
            "status": "success",
            "topics": ["aws/chat"],
        }
        assert by_topic["aws/heartbeat"] == {"topic": "aws/heartbeat"}
        assert by_topic["aws/ping"]["statusCode"] == 200
        assert by_topic["aws/ping"]["statusContent"] == "OK"
        assert isinstance(by_topic["aws/chat"]["content"], str)
        sent = await chats.send(customer, "hi")
        echo = await item_with(socket, "hi")
        assert (echo["Id"], echo["ParticipantRole"]) == (sent["Id"], "CUSTOMER")
        assert echo["InitialContactId"] == echo["ContactId"] == customer.contact_id


async def test_nothing_comes_before_subscribing_and_subscribing_starts_the_flow(
    chats: Chatting,
) -> None:
    customer = await chats.open()
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        await chats.send(customer, "too early")
        await socket.send_str(HEARTBEAT)
        assert json.loads(await socket.receive_str())["topic"] == "aws/heartbeat"
        assert (await chats.desk.chat(customer.contact_id)).state == "started"
        await socket.send_str(SUBSCRIBE + ")")
        first = await next_item(socket)
        assert first["ContentType"] == f"{VENDOR}event.participant.joined"
        assert first["ParticipantRole"] == "CUSTOMER"


async def test_every_socket_of_the_participant_hears_and_one_closing_changes_nothing(
    chats: Chatting,
) -> None:
    customer = await chats.with_agent()
    first = await chats.http.ws_connect(await another_url(chats, customer))
    second = await chats.http.ws_connect(await another_url(chats, customer))
    for socket in (first, second):
        await socket.send_str(SUBSCRIBE)
        await socket.receive_str()
    await chats.desk.say(customer.contact_id, "to both")
    assert (await item_with(first, "to both"))["Id"] == (await item_with(second, "to both"))["Id"]
    await first.close()
    await chats.desk.say(customer.contact_id, "to one")
    await item_with(second, "to one")
    await second.close()


async def test_typing_of_others_comes_and_ones_own_does_not(chats: Chatting) -> None:
    customer = await chats.with_agent()
    async with chats.http.ws_connect(await another_url(chats, customer)) as socket:
        await socket.send_str(SUBSCRIBE)
        await chats.participant.send_event(
            ContentType=f"{VENDOR}event.typing", ConnectionToken=customer.token
        )
        await chats.desk.type_on(customer.contact_id)
        item = await next_item(socket)
    assert (item["ContentType"], item["ParticipantRole"]) == (f"{VENDOR}event.typing", "AGENT")


async def test_what_is_for_agents_never_comes_over_the_customers_socket(chats: Chatting) -> None:
    customer = await chats.with_agent()
    async with chats.http.ws_connect(await another_url(chats, customer)) as socket:
        await socket.send_str(SUBSCRIBE)
        await chats.desk.say(customer.contact_id, "secret", visibility=Visibility.AGENT)
        await chats.desk.say(customer.contact_id, "open", visibility=Visibility.CUSTOMER)
        assert (await next_item(socket))["Content"] == "open"


async def test_agents_receipt_reaches_the_sender(chats: Chatting) -> None:
    customer = await chats.with_agent()
    async with chats.http.ws_connect(await another_url(chats, customer)) as socket:
        await socket.send_str(SUBSCRIBE)
        sent = await chats.send(customer, "hi")
        await chats.desk.receive(customer.contact_id, sent["Id"])
        await item_with(socket, "hi")
        item = await next_item(socket)
    assert item["Type"] == "MESSAGEMETADATA"
    assert item["MessageMetadata"]["MessageId"] == sent["Id"]


async def test_chat_ended_is_the_last_item(chats: Chatting) -> None:
    customer = await chats.with_agent()
    async with chats.http.ws_connect(await another_url(chats, customer)) as socket:
        await socket.send_str(SUBSCRIBE)
        await chats.desk.end(customer.contact_id)
        left, ended = await next_item(socket), await next_item(socket)
    assert (left["ContentType"], left["ParticipantRole"]) == (
        f"{VENDOR}event.participant.left",
        "AGENT",
    )
    assert ended["ContentType"] == f"{VENDOR}event.chat.ended"
    assert "ParticipantRole" not in ended


async def test_unknown_frames_get_the_gateways_error_and_the_socket_stays(chats: Chatting) -> None:
    customer = await chats.open()
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        for frame in ("no json", '{"topic":"aws/other"}', "[1]"):
            await socket.send_str(frame)
            error = json.loads(await socket.receive_str())
            assert error["message"] == "Forbidden"
            assert error.keys() == {"message", "connectionId", "requestId"}
        await socket.send_bytes(b"binary is passed over")
        await socket.ping()
        await socket.send_str(HEARTBEAT)
        assert json.loads(await socket.receive_str()) == {"topic": "aws/heartbeat"}


async def test_url_must_be_opened_soon(chats: Chatting) -> None:
    customer = await chats.open()
    await chats.control.advance_clock(101)
    assert await status_of_refusal(chats, customer.websocket_url) == 403


async def test_url_of_an_ended_chat_and_a_made_up_one_are_refused(chats: Chatting) -> None:
    customer = await chats.with_agent()
    url = await another_url(chats, customer)
    await chats.desk.end(customer.contact_id)
    assert await status_of_refusal(chats, url) == 403
    assert await status_of_refusal(chats, url + "x") == 403


async def test_a_participant_has_five_sockets_at_most(chats: Chatting) -> None:
    customer = await chats.open()
    sockets = [await chats.http.ws_connect(customer.websocket_url) for _ in range(5)]
    assert await status_of_refusal(chats, customer.websocket_url) == 429
    await sockets[0].close()
    sockets.append(await reopened(chats, customer))
    for socket in sockets:
        await socket.close()


async def reopened(chats: Chatting, customer: Customer) -> aiohttp.ClientWebSocketResponse:
    """A socket, once the server has noticed that there is room."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await chats.http.ws_connect(customer.websocket_url)
            except aiohttp.WSServerHandshakeError:
                await asyncio.sleep(0)


async def test_socket_is_closed_when_its_life_is_over(chats: Chatting) -> None:
    customer = await chats.open(ChatDurationInMinutes=10_080)
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        await socket.send_str(SUBSCRIBE)
        await next_item(socket)
        await chats.control.advance_clock(3_601)
        async with asyncio.timeout(20):
            while not socket.closed:
                await socket.receive()
    assert socket.close_code == aiohttp.WSCloseCode.GOING_AWAY
