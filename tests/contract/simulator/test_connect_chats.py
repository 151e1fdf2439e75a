"""StartChatContact, StopContact, DescribeContact, CreateParticipant: life of a contact."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator.contact_centre.content import SUPPORTABLE
from tests.contract.simulator.chatting import INSTANCE, START, TOPIC, Chatting, chatting
from tests.contract.simulator.conftest import refusal

BOT = {"ParticipantRole": "CUSTOM_BOT", "DisplayName": "Robo"}


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting() as found:
        yield found


async def test_started_chat_is_described_with_its_attributes(chats: Chatting) -> None:
    customer = await chats.start(
        Attributes={"customer_number": "n-1"}, CustomerId="c-1", ChatDurationInMinutes=60
    )
    found = await chats.connect.describe_contact(**INSTANCE, ContactId=customer.contact_id)
    contact = found["Contact"]
    assert contact["Id"] == contact["InitialContactId"] == customer.contact_id
    assert contact["Attributes"] == {"customer_number": "n-1"}
    assert contact["CustomerId"] == "c-1"
    assert (contact["Channel"], contact["InitiationMethod"]) == ("CHAT", "API")
    assert "ConnectedToSystemTimestamp" not in contact
    assert await chats.events(customer.contact_id) == ["INITIATED"]


@pytest.mark.parametrize(
    ("asked", "code", "status"),
    [
        pytest.param({"InstanceId": "none"}, "ResourceNotFoundException", 404, id="no_instance"),
        pytest.param({"ContactFlowId": "none"}, "ResourceNotFoundException", 404, id="no_flow"),
        pytest.param({"Attributes": {"a b": "c"}}, "InvalidParameterException", 400, id="bad_key"),
        pytest.param(
            # Two bytes each: 16,384 characters and a key of one byte are one byte too many.
            {"Attributes": {"k": "\u00e9" * 16_384}},
            "InvalidRequestException",
            400,
            id="attributes_one_byte_too_long",
        ),
        pytest.param(
            {"SupportedMessagingContentTypes": ["text/markdown"]},
            "InvalidRequestException",
            400,
            id="without_text_plain",
        ),
        pytest.param(
            {"SupportedMessagingContentTypes": ["text/plain", "text/html"]},
            "InvalidRequestException",
            400,
            id="unsupported_type",
        ),
        pytest.param(
            {"InitialMessage": {"ContentType": "text/markdown", "Content": "x"}},
            "InvalidRequestException",
            400,
            id="initial_message_of_another_type",
        ),
        pytest.param(
            {"PersistentChat": {"SourceContactId": "s", "RehydrationType": "FROM_SEGMENT"}},
            "ResourceNotFoundException",
            404,
            id="no_source_contact",
        ),
        pytest.param(
            {"PersistentChat": {"SourceContactId": "s"}},
            "InvalidRequestException",
            400,
            id="no_rehydration_type",
        ),
        pytest.param(
            {
                "RelatedContactId": "r",
                "PersistentChat": {"SourceContactId": "s", "RehydrationType": "FROM_SEGMENT"},
            },
            "InvalidRequestException",
            400,
            id="related_and_persistent",
        ),
    ],
)
async def test_start_is_refused(
    chats: Chatting, asked: dict[str, Any], code: str, status: int
) -> None:
    response = await refusal(chats.connect.start_chat_contact(**START | asked))
    assert response["Error"]["Code"] == code
    assert response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == code
    assert await chats.desk.chats() == []


async def test_attributes_may_fill_their_bytes(chats: Chatting) -> None:
    customer = await chats.start(Attributes={"k": "x" * 32_767})
    found = await chats.connect.get_contact_attributes(
        **INSTANCE, InitialContactId=customer.contact_id
    )
    assert len(found["Attributes"]["k"]) == 32_767


async def test_same_client_token_is_the_same_chat_even_after_its_end(chats: Chatting) -> None:
    asked = START | {"ClientToken": "token-1"}
    first = await chats.connect.start_chat_contact(**asked)
    await chats.connect.stop_contact(**INSTANCE, ContactId=first["ContactId"])
    again = await chats.connect.start_chat_contact(**asked)
    other = await chats.connect.start_chat_contact(**START | {"ClientToken": "token-2"})
    assert again["ContactId"] == first["ContactId"] != other["ContactId"]
    assert again["ParticipantToken"] == first["ParticipantToken"]
    assert len(await chats.desk.chats()) == 2


async def test_replay_may_bring_no_participant_token(chats: Chatting) -> None:
    await chats.desk.turn(replay_brings_participant_token=False)
    asked = START | {"ClientToken": "token-1"}
    first = await chats.connect.start_chat_contact(**asked)
    again = await chats.connect.start_chat_contact(**asked)
    assert again["ContactId"] == first["ContactId"]
    assert "ParticipantToken" not in again


async def test_client_token_is_forgotten_at_the_end_of_its_life(chats: Chatting) -> None:
    await chats.desk.turn(client_token_life_s=60)
    asked = START | {"ClientToken": "token-1"}
    first = await chats.connect.start_chat_contact(**asked)
    await chats.control.advance_clock(61)
    later = await chats.connect.start_chat_contact(**asked)
    assert later["ContactId"] != first["ContactId"]


async def test_without_room_the_quota_refuses_and_an_end_makes_room(chats: Chatting) -> None:
    await chats.desk.turn(concurrent_chats=1)
    customer = await chats.start()
    response = await refusal(chats.connect.start_chat_contact(**START))
    assert response["Error"]["Code"] == "LimitExceededException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    await chats.connect.stop_contact(**INSTANCE, ContactId=customer.contact_id)
    await chats.start()


async def test_start_brings_connection_and_stream_when_asked(chats: Chatting) -> None:
    made = await chats.connect.start_chat_contact(
        **START,
        ConnectionTypes=["WEBSOCKET", "CONNECTION_CREDENTIALS"],
        ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC},
    )
    assert made["Websocket"]["Url"].startswith("ws://127.0.0.1:")
    token = made["ConnectionCredentials"]["ConnectionToken"]
    await chats.participant.send_message(
        ConnectionToken=token, ContentType="text/plain", Content="hi"
    )
    await chats.connect.stop_contact_streaming(
        **INSTANCE, ContactId=made["ContactId"], StreamingId=made["StreamingId"]
    )


async def test_initial_message_stands_first_in_the_transcript(chats: Chatting) -> None:
    customer = await chats.open(
        InitialMessage={"ContentType": "text/markdown", "Content": "*hi*"},
        SupportedMessagingContentTypes=sorted(SUPPORTABLE),
    )
    [item] = await chats.transcript(customer)
    assert (item["Content"], item["ParticipantRole"]) == ("*hi*", "CUSTOMER")


async def test_chat_that_nobody_connects_to_dies_in_five_minutes(chats: Chatting) -> None:
    customer = await chats.open()
    await chats.control.advance_clock(299)
    await chats.send(customer)
    await chats.control.advance_clock(2)
    chat = await chats.desk.wait_for_chat(state="ended")
    assert chat.disconnect_reason == "CUSTOMER_CONNECTION_NOT_ESTABLISHED"
    assert (await refusal(chats.send(customer)))["Error"]["Code"] == "AccessDeniedException"


async def test_chat_ends_when_its_duration_is_over(chats: Chatting) -> None:
    await chats.with_agent(ChatDurationInMinutes=60)
    await chats.control.advance_clock(3_601)
    assert (await chats.desk.wait_for_chat(state="ended")).disconnect_reason == "EXPIRED"


async def test_stop_contact_ends_the_chat_once(chats: Chatting) -> None:
    customer = await chats.with_agent()
    named = {**INSTANCE, "ContactId": customer.contact_id}
    await chats.connect.stop_contact(**named)
    response = await refusal(chats.connect.stop_contact(**named))
    assert response["Error"]["Code"] == "ContactNotFoundException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 410
    described = await chats.connect.describe_contact(**named)
    assert described["Contact"]["DisconnectReason"] == "API"
    items = await chats.desk.items(customer.contact_id)
    assert [i.content_type for i in items][-1] == (
        "application/vnd.amazonaws.connect.event.chat.ended"
    )
    assert await chats.events(customer.contact_id) == [
        "INITIATED",
        "CONNECTED_TO_SYSTEM",
        "QUEUED",
        "CONNECTED_TO_AGENT",
        "DISCONNECTED",
        "COMPLETED",
    ]


@pytest.mark.parametrize("operation", ["stop_contact", "describe_contact", "create_participant"])
async def test_unknown_contact_is_not_found(chats: Chatting, operation: str) -> None:
    named: dict[str, Any] = {**INSTANCE, "ContactId": "none"}
    if operation == "create_participant":
        named["ParticipantDetails"] = BOT
    response = await refusal(getattr(chats.connect, operation)(**named))
    assert response["Error"]["Code"] == "ResourceNotFoundException"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404


async def test_attributes_merge_and_an_empty_value_clears_even_after_the_end(
    chats: Chatting,
) -> None:
    customer = await chats.start(Attributes={"a": "1", "b": "2"})
    named = {**INSTANCE, "InitialContactId": customer.contact_id}
    await chats.connect.stop_contact(**INSTANCE, ContactId=customer.contact_id)
    await chats.connect.update_contact_attributes(**named, Attributes={"b": "", "c": "3"})
    found = await chats.connect.get_contact_attributes(**named)
    assert found["Attributes"] == {"a": "1", "c": "3"}
    assert (await chats.events(customer.contact_id))[-1] == "CONTACT_DATA_UPDATED"


async def test_attributes_together_have_a_limit(chats: Chatting) -> None:
    customer = await chats.start(Attributes={"a": "x" * 32_000})
    named = {**INSTANCE, "InitialContactId": customer.contact_id}
    response = await refusal(
        chats.connect.update_contact_attributes(**named, Attributes={"b": "x" * 768})
    )
    assert response["Error"]["Code"] == "InvalidRequestException"
    found = await chats.connect.get_contact_attributes(**named)
    assert found["Attributes"].keys() == {"a"}


async def test_custom_bot_joins_and_goes_when_an_agent_comes(chats: Chatting) -> None:
    customer = await chats.open()
    asked = {**INSTANCE, "ContactId": customer.contact_id, "ParticipantDetails": BOT}
    made = await chats.connect.create_participant(**asked, ClientToken="bot")
    again = await chats.connect.create_participant(**asked, ClientToken="bot")
    assert again["ParticipantId"] == made["ParticipantId"]
    second = await refusal(chats.connect.create_participant(**asked))
    assert second["Error"]["Code"] == "ConflictException"
    connected = await chats.participant.create_participant_connection(
        ParticipantToken=made["ParticipantCredentials"]["ParticipantToken"],
        Type=["CONNECTION_CREDENTIALS"],
    )
    bot = connected["ConnectionCredentials"]["ConnectionToken"]
    await chats.participant.send_message(
        ConnectionToken=bot, ContentType="text/plain", Content="beep"
    )
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        await socket.send_str('{"topic":"aws/subscribe","content":{"topics":["aws/chat"]}}')
        await chats.desk.join(customer.contact_id)
    items = await chats.desk.items(customer.contact_id)
    told = [
        (item.role, (item.content or item.content_type or "").rpartition(".")[2]) for item in items
    ]
    assert told.index(("CUSTOM_BOT", "beep")) < told.index(("CUSTOM_BOT", "left"))
    gone = await refusal(
        chats.participant.send_message(
            ConnectionToken=bot, ContentType="text/plain", Content="beep"
        )
    )
    assert gone["Error"]["Code"] == "AccessDeniedException"
    late = await refusal(chats.connect.create_participant(**asked))
    assert late["Error"]["Code"] == "ConflictException"


async def test_custom_bot_that_does_not_connect_makes_room_for_another(chats: Chatting) -> None:
    customer = await chats.open()
    asked = {**INSTANCE, "ContactId": customer.contact_id, "ParticipantDetails": BOT}
    made = await chats.connect.create_participant(**asked)
    await chats.control.advance_clock(16)
    late = await refusal(
        chats.participant.create_participant_connection(
            ParticipantToken=made["ParticipantCredentials"]["ParticipantToken"],
            Type=["CONNECTION_CREDENTIALS"],
        )
    )
    assert late["Error"]["Code"] == "AccessDeniedException"
    await chats.connect.create_participant(**asked)


async def test_only_bots_can_be_added(chats: Chatting) -> None:
    customer = await chats.open()
    response = await refusal(
        chats.connect.create_participant(
            **INSTANCE,
            ContactId=customer.contact_id,
            ParticipantDetails={"ParticipantRole": "AGENT", "DisplayName": "Eve"},
        )
    )
    assert response["Error"]["Code"] == "InvalidRequestException"
