"""Flows, agents, transfers, disconnect flows, persistent chats: what happens around the API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from simulator.contact_centre.content import Visibility
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID
from simulator.control_channel import ControlError
from tests.contract.simulator.chatting import (
    INSTANCE,
    START,
    SUBSCRIBE,
    TOPIC,
    Chatting,
    Customer,
    chatting,
    item_with,
    next_item,
)
from tests.contract.simulator.conftest import refusal

AGENTS = [
    {"id": "agent-1", "display_name": "Jane"},
    {"id": "agent-2", "display_name": "Joe"},
]


def _block(kind: str, parameters: dict[str, Any], then: str | None) -> dict[str, Any]:
    transitions = {"NextAction": then} if then else {}
    return {"Type": kind, "Parameters": parameters, "Transitions": transitions}


def _flow(*actions: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    names = [*(f"step-{place}" for place in range(len(actions))), None]
    return {
        "Version": "2019-10-30",
        "StartAction": "step-0",
        "Actions": [
            {"Identifier": names[place], **_block(kind, parameters, names[place + 1])}
            for place, (kind, parameters) in enumerate(actions)
        ],
    }


MAIN = _flow(
    ("UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": "queue-flow"}}),
    ("UpdateContactEventHooks", {"EventHooks": {"CustomerRemaining": "after-flow"}}),
    ("TransferContactToQueue", {}),
)
WAITING = _flow(("MessageParticipantIteratively", {"Messages": [{"Text": "please wait"}]}))
AFTERWARDS = _flow(
    ("MessageParticipant", {"Text": "how was it?"}),
    ("Wait", {"TimeLimitSeconds": "600", "Events": ["CustomerReturned"]}),
    ("DisconnectParticipant", {}),
)
HOOKED = {
    "id": DEFAULT_INSTANCE_ID,
    "agents": AGENTS,
    "flows": [
        {"id": DEFAULT_FLOW_ID, "content": MAIN},
        {"id": "queue-flow", "content": WAITING},
        {"id": "after-flow", "content": AFTERWARDS},
    ],
}


@pytest.fixture
async def chats() -> AsyncIterator[Chatting]:
    async with chatting(instances=[{"id": DEFAULT_INSTANCE_ID, "agents": AGENTS}]) as found:
        yield found


@pytest.fixture
async def hooked() -> AsyncIterator[Chatting]:
    async with chatting(instances=[HOOKED]) as found:
        yield found


async def connected(chats: Chatting, **asked: Any) -> Customer:
    """A customer connected the way a relay does it: streaming, then ConnectParticipant."""
    customer = await chats.start(**asked)
    await chats.connect.start_contact_streaming(
        **INSTANCE,
        ContactId=customer.contact_id,
        ChatStreamingConfiguration={"StreamingEndpointArn": TOPIC},
        ClientToken="stream",
    )
    made = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token,
        Type=["CONNECTION_CREDENTIALS"],
        ConnectParticipant=True,
    )
    customer.token = made["ConnectionCredentials"]["ConnectionToken"]
    return customer


async def said(chats: Chatting, contact_id: str) -> list[tuple[str | None, str]]:
    items = await chats.desk.items(contact_id)
    return [(i.role, (i.content or i.content_type or "").rpartition("event.")[2]) for i in items]


async def test_relays_way_in_reaches_the_queue_and_the_agent(chats: Chatting) -> None:
    await chats.control.set_knobs(publications={"chat": {"lose": 1}})
    customer = await connected(chats)
    await chats.send(customer, "before the agent")
    await chats.desk.join(customer.contact_id)
    await chats.desk.say(customer.contact_id, "hello")
    assert await said(chats, customer.contact_id) == [
        ("CUSTOMER", "participant.joined"),
        ("SYSTEM", "participant.joined"),
        ("SYSTEM", "Thanks for your message. An agent will be with you shortly."),
        ("CUSTOMER", "before the agent"),
        ("AGENT", "participant.joined"),
        ("AGENT", "hello"),
    ]


@pytest.mark.parametrize(
    ("knobs", "last_words"),
    [
        pytest.param({"is_open": False}, "We are closed.", id="closed"),
        pytest.param({"is_staffed": False}, "All our agents are busy.", id="no_agent"),
        pytest.param({"queue_capacity": 0}, "All our agents are busy.", id="queue_full"),
    ],
)
async def test_flow_ends_the_chat_when_nobody_can_come(
    chats: Chatting, knobs: dict[str, Any], last_words: str
) -> None:
    await chats.desk.turn(**knobs)
    await chats.control.set_knobs(publications={"chat": {"lose": 1}})
    customer = await connected(chats)
    chat = await chats.desk.wait_for_chat(state="ended")
    assert chat.disconnect_reason == "CONTACT_FLOW_DISCONNECT"
    *_, (role, words), (nobody, ended) = await said(chats, customer.contact_id)
    assert role == "SYSTEM"
    assert words.startswith(last_words)
    assert (nobody, ended) == (None, "chat.ended")
    assert "QUEUED" not in await chats.events(customer.contact_id)


async def test_agent_joins_by_itself_and_answers_each_message_in_order(chats: Chatting) -> None:
    await chats.desk.turn(agent_joins_after_ms=10)
    await chats.desk.answer_by_itself("{number}: {content}", after_ms=5)
    customer = await chats.open()
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        await socket.send_str(SUBSCRIBE)
        for word in ("one", "two", "three"):
            await chats.send(customer, word)
        answers = [
            await item_with(socket, f"{n}: {w}") for n, w in ((1, "one"), (2, "two"), (3, "three"))
        ]
    assert {answer["ParticipantRole"] for answer in answers} == {"AGENT"}


async def test_what_is_for_agents_never_reaches_the_customer(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.desk.say(customer.contact_id, "secret", visibility=Visibility.AGENT)
    await chats.desk.say(customer.contact_id, "open", visibility=Visibility.CUSTOMER)
    shown = [item.get("Content") for item in await chats.transcript(customer)]
    assert "open" in shown
    assert "secret" not in shown
    assert ("AGENT", "secret") in await said(chats, customer.contact_id)


async def test_without_disconnect_flow_the_agents_leave_is_the_end(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.desk.join(customer.contact_id, "Joe")
    still = await chats.desk.leave(customer.contact_id, "Jane")
    assert (still.state, still.agents) == ("with_agent", ("Joe",))
    chat = await chats.desk.leave(customer.contact_id)
    assert (chat.state, chat.disconnect_reason) == ("ended", "AGENT_DISCONNECT")


async def test_agents_leave_is_no_end_while_a_disconnect_flow_runs(hooked: Chatting) -> None:
    customer = await hooked.with_agent()
    async with hooked.http.ws_connect(await renewed(hooked, customer)) as socket:
        await socket.send_str(SUBSCRIBE)
        chat = await hooked.desk.leave(customer.contact_id)
        assert chat.state == "flow"
        assert chat.contact_id == customer.contact_id != chat.current_contact_id
        asked = await item_with(socket, "how was it?")
        assert asked["InitialContactId"] == customer.contact_id
        assert asked["ContactId"] == chat.current_contact_id
        await hooked.send(customer, "good")
        while (item := await next_item(socket))["ContentType"] == "text/plain":
            assert item["Content"] == "good"
    assert item["ContentType"].endswith("chat.ended")
    ends = ["DISCONNECTED", "COMPLETED"]
    events = await hooked.events(customer.contact_id)
    assert events[4:] == [*ends, "INITIATED", "CONNECTED_TO_SYSTEM", *ends]


async def renewed(chats: Chatting, customer: Customer) -> str:
    """Another socket's URL."""
    made = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token, Type=["WEBSOCKET"]
    )
    return str(made["Websocket"]["Url"])


async def test_queue_flow_speaks_until_the_agent_comes(hooked: Chatting) -> None:
    customer = await hooked.with_agent()
    await hooked.control.advance_clock(120)
    words = [word for _, word in await said(hooked, customer.contact_id)]
    assert words.count("please wait") == 1


async def test_transfer_changes_the_contact_id_and_keeps_the_first(chats: Chatting) -> None:
    customer = await chats.with_agent()
    chat = await chats.desk.transfer(customer.contact_id, "Joe")
    assert chat.state == "queued"
    found = await chats.desk.wait_for_chat(state="with_agent")
    assert found.agents == ("Joe",)
    await chats.send(customer, "still here")
    item = await chats.desk.wait_for_message(customer.contact_id, "still here")
    assert (item.initial_contact_id, item.contact_id) == (
        customer.contact_id,
        chat.current_contact_id,
    )
    assert ("AGENT", "transfer.succeeded") in await said(chats, customer.contact_id)
    described = await chats.connect.describe_contact(**INSTANCE, ContactId=customer.contact_id)
    [following] = described["Contact"]["NextContacts"]
    data = following["NextContactMetadata"]["QuickConnectContactData"]
    assert data["ContactId"] == chat.current_contact_id
    second = await chats.connect.describe_contact(**INSTANCE, ContactId=data["ContactId"])
    assert second["Contact"]["PreviousContactId"] == customer.contact_id
    assert second["Contact"]["InitiationMethod"] == "TRANSFER"
    gone = await refusal(chats.connect.stop_contact(**INSTANCE, ContactId=customer.contact_id))
    assert gone["Error"]["Code"] == "ContactNotFoundException"


async def test_after_contact_work_delays_completed(chats: Chatting) -> None:
    await chats.desk.turn(after_contact_work_ms=60_000)
    customer = await chats.with_agent()
    await chats.desk.end(customer.contact_id)
    assert (await chats.events(customer.contact_id))[-1] == "DISCONNECTED"
    before = len(await chats.control.ledger())
    await chats.control.advance_clock(61)
    [event] = await chats.control.ledger(after=before, operation="contact_event", wait_s=5)
    assert event.params["event_type"] == "COMPLETED"


@pytest.mark.parametrize("kind", ["ENTIRE_PAST_SESSION", "FROM_SEGMENT"])
async def test_persistent_chat_goes_on_from_the_earlier_one(chats: Chatting, kind: str) -> None:
    earlier = await chats.with_agent(Attributes={"kept": "yes", "changed": "no"})
    await chats.send(earlier, "then")
    past = {"SourceContactId": earlier.contact_id, "RehydrationType": kind}
    running = await refusal(chats.connect.start_chat_contact(**START, PersistentChat=past))
    assert running["Error"]["Code"] == "InvalidRequestException"
    await chats.connect.stop_contact(**INSTANCE, ContactId=earlier.contact_id)
    early = await refusal(chats.connect.start_chat_contact(**START, PersistentChat=past))
    assert early["Error"]["Code"] == "InvalidRequestException"
    await chats.control.advance_clock(31)
    made = await chats.connect.start_chat_contact(
        **START, PersistentChat=past, Attributes={"changed": "yes"}
    )
    assert made["ContinuedFromContactId"] == earlier.contact_id
    contact_id = made["ContactId"]
    described = await chats.connect.describe_contact(**INSTANCE, ContactId=contact_id)
    assert described["Contact"]["RelatedContactId"] == earlier.contact_id
    assert described["Contact"]["Attributes"] == {"kept": "yes", "changed": "yes"}
    customer = Customer(contact_id, made["ParticipantId"], made["ParticipantToken"])
    customer.websocket_url = await renewed(chats, customer)
    connection = await chats.participant.create_participant_connection(
        ParticipantToken=customer.participant_token, Type=["CONNECTION_CREDENTIALS"]
    )
    customer.token = connection["ConnectionCredentials"]["ConnectionToken"]
    async with chats.http.ws_connect(customer.websocket_url) as socket:
        await socket.send_str(SUBSCRIBE)
        kinds = [(await next_item(socket))["ContentType"] for _ in range(2)]
    assert kinds[1].endswith("chat.rehydrated")
    items = await chats.transcript(customer)
    [then] = [item for item in items if item.get("Content") == "then"]
    assert then["RelatedContactId"] == earlier.contact_id
    assert "ContactId" not in then


async def test_desk_refuses_what_the_state_forbids(chats: Chatting) -> None:
    customer = await chats.open()
    for move in (
        chats.desk.join(customer.contact_id, timeout_s=0),
        chats.desk.say(customer.contact_id, "x"),
        chats.desk.transfer(customer.contact_id),
    ):
        with pytest.raises(ControlError) as refused:
            await move
        assert refused.value.status == 409
    with pytest.raises(ControlError) as unknown:
        await chats.desk.chat("none")
    assert unknown.value.status == 404


async def test_desk_finds_a_chat_by_attribute_and_watches_it(chats: Chatting) -> None:
    await chats.start(Attributes={"session": "other"})
    customer = await chats.with_agent(Attributes={"session": "s-1"})
    found = await chats.desk.wait_for_chat(attributes={"session": "s-1"})
    assert found.contact_id == customer.contact_id
    await chats.send(customer, "hi")
    seen = []
    async for change in chats.desk.watch(contact_id=customer.contact_id):
        seen.append(change.item.content if change.item else change.state)
        if seen[-1] == "hi":
            break
    assert seen[0] == "started"
    assert "queued" in seen


async def test_flow_that_cannot_be_walked_is_refused_and_the_world_stays(chats: Chatting) -> None:
    flow = {"id": "broken", "content": {"Version": "2019-10-30", "Actions": []}}
    world = {"connect": {"instances": [{"id": "new", "flows": [flow]}]}}
    with pytest.raises(ControlError) as refused:
        await chats.control.put_world(world)
    assert refused.value.status == 400
    assert refused.value.reason.startswith("instances.0.flows.0.content")
    await chats.start()


async def test_world_can_be_replaced_while_chats_go_on(chats: Chatting) -> None:
    customer = await chats.with_agent()
    await chats.control.put_world({"connect": {"instances": [{"id": "new"}]}})
    gone = await refusal(chats.connect.start_chat_contact(**START))
    assert gone["Error"]["Code"] == "ResourceNotFoundException"
    await chats.connect.start_chat_contact(**START | {"InstanceId": "new"})
    await chats.send(customer, "still here")
