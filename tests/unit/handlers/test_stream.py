"""The chat's door: what the agent says becomes texts, once and in order, and the end is an end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from schemas.connect import ChatMessage
from tests.fakes.contact_centre import V
from tests.unit.handlers.relay import OURS, THEIRS, Relay, only
from workers.errors import TransientError
from workers.handlers.chat_relay.stream import MAP_WAIT_S
from workers.runtime.outcome import DeadLetter, Discard, Done, Wait
from workers.stores.protocols import ChatState, Stage

WORDS = {"Type": "MESSAGE", "ContentType": "text/plain", "Content": "Hi"}


def item(relay: Relay, **keys: Any) -> ChatMessage:
    """An item of the newest chat, of the agent's and for all unless told otherwise."""
    chat = relay.centre.newest_chat
    return ChatMessage.model_validate(
        {
            "Id": "i1",
            "AbsoluteTime": relay.clock.now().isoformat(),
            "InitialContactId": chat.contact_id,
            "ParticipantRole": "AGENT",
            "Visibility": "ALL",
            **WORDS,
            **keys,
        }
    )


async def test_an_agents_message_becomes_a_text(chatting: Relay) -> None:
    assert await chatting.agent("Good day") == Done()
    [sent] = chatting.carrier.sent
    assert (sent.text.body, sent.text.destination_number) == ("Good day", THEIRS)
    assert sent.text.origination_identity == OURS


async def test_a_reply_of_one_part_costs_three_writes_and_no_read_of_the_session(
    chatting: Relay,
) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    chatting.faults.calls.clear()
    await chatting.streamed(message)
    writes = [call for call in chatting.faults.calls if call.startswith("table.")]
    assert writes == ["table.update"] * 3


async def test_a_message_delivered_twice_is_one_text(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "once")
    assert await chatting.streamed(message) == Done()
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["once"]


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        pytest.param({"ParticipantRole": "CUSTOMER"}, "own_echo", id="our_own_participant"),
        pytest.param({"Visibility": None}, "visibility_missing", id="mark_lost"),
        pytest.param({"Visibility": "MANAGER"}, "not_visible", id="between_agents"),
        pytest.param({"Content": "  "}, "empty_message", id="blank"),
        pytest.param({"ContentType": "image/png"}, "unsupported_content_type", id="other_kind"),
        pytest.param(
            {"Type": "EVENT", "ContentType": f"{V}event.typing"}, "chat_event", id="typing"
        ),
        pytest.param(
            {"Type": "EVENT", "ContentType": f"{V}event.participant.left"},
            "chat_event",
            id="an_agent_who_leaves_is_no_end",
        ),
        pytest.param(
            {"Type": "EVENT", "ContentType": f"{V}event.transfer.succeeded"},
            "chat_event",
            id="a_transfer_is_no_end",
        ),
        pytest.param({"Type": "MESSAGEMETADATA"}, "not_a_message", id="receipt"),
        pytest.param(
            {"Type": "ATTACHMENT", "Attachments": [{"AttachmentId": "f", "Status": "REJECTED"}]},
            "attachment_not_approved",
            id="refused_file",
        ),
    ],
)
async def test_what_is_not_for_the_customer_is_counted_and_not_sent(
    chatting: Relay, keys: dict[str, Any], reason: str
) -> None:
    assert await chatting.streamed(item(chatting, **keys)) == Discard(reason)
    assert chatting.carrier.sent == []
    assert (await chatting.session()).state is ChatState.OPEN


async def test_a_note_of_ours_in_the_chat_is_never_texted(chatting: Relay) -> None:
    echoes: list[ChatMessage] = []
    chatting.centre.stream = echoes.append
    await chatting.worker.performer.line.tell_agent(
        chatting.sid, chatting.ref.gen, "[a note]", "cause"
    )
    [echo] = echoes
    assert await chatting.streamed(echo) == Discard("own_echo")
    assert chatting.carrier.sent == []


async def test_a_message_ahead_of_the_record_of_its_contact_waits(chatting: Relay) -> None:
    unknown = item(chatting, InitialContactId="not-yet-recorded")
    outcome = await chatting.streamed(unknown)
    assert isinstance(outcome, Wait)
    assert outcome.reason == "contact_not_known_yet"


async def test_a_message_of_a_contact_that_nobody_knows_is_a_dead_letter_in_the_end(
    chatting: Relay,
) -> None:
    unknown = item(chatting, InitialContactId="somebody-elses")
    since = chatting.clock.now() - timedelta(seconds=MAP_WAIT_S)
    delivery = chatting.world.delivery(since=since, receive_count=90)
    outcome = await chatting.worker.stream.handle(unknown, delivery)
    assert outcome == DeadLetter("unknown_contact", event_id="i1")


async def test_a_greeting_that_comes_before_its_chat_is_open_waits_and_is_texted(
    relay: Relay,
) -> None:
    """The stream begins before the chat is recorded as open: its first message is not dropped."""
    other = relay.world.worker("b")
    early: list[ChatMessage] = []

    async def the_flow_greets() -> None:
        greeting = relay.centre.agent_says(relay.centre.only_chat, "Welcome!")
        outcome = await other.stream.handle(greeting, relay.world.delivery())
        assert isinstance(outcome, Wait)
        early.append(greeting)

    relay.faults.meanwhile("chats.connect", the_flow_greets)
    await relay.text("hello")
    assert await relay.streamed(early[0]) == Done()
    assert relay.carrier.bodies == ["Welcome!"]


async def test_an_agents_message_waits_for_its_chat_to_be_open(relay: Relay) -> None:
    """The worker that started the chat died: its lane stays shut until another opens it."""
    relay.faults.refuse("chats.connect", TransientError("server_error"))
    first = relay.sms("hello")
    assert isinstance(await relay.text(first), Wait)
    assert (await relay.session()).state is ChatState.STARTING
    greeting = relay.centre.agent_says(relay.centre.only_chat, "Welcome!")
    assert isinstance(await relay.streamed(greeting), Wait)
    assert relay.carrier.sent == []
    await relay.sleep(10)
    await relay.text(first)
    await relay.streamed(greeting)
    assert relay.carrier.bodies == ["Welcome!"]
    assert relay.centre.only_chat.said == ["hello"]


async def test_the_end_of_a_chat_is_told_to_the_customer_once(chatting: Relay) -> None:
    ended = chatting.centre.end(chatting.centre.only_chat)
    assert await chatting.streamed(ended) == Done()
    assert await chatting.streamed(ended) == Done()
    assert chatting.carrier.bodies == [
        "Clinic: This conversation has ended. Text us again any time."
    ]
    assert (await chatting.session()).state is ChatState.ENDED


async def test_a_text_after_the_end_starts_anew_with_the_earlier_chat_attached(
    chatting: Relay,
) -> None:
    first = chatting.centre.only_chat
    await chatting.streamed(chatting.centre.end(first))
    await chatting.sleep(120)
    assert await chatting.text("again") == Done()
    second = chatting.centre.newest_chat
    assert second.said == ["again"]
    assert second.start.source_contact_id == first.contact_id


async def test_the_end_of_an_older_chat_does_not_close_the_newer_one(chatting: Relay) -> None:
    ended = chatting.centre.end(chatting.centre.only_chat)
    await chatting.text("again")  # Its chat is over: a new one is opened.
    assert len(chatting.centre.chats) == 2
    assert await chatting.streamed(ended) == Done()
    assert (await chatting.session()).state is ChatState.OPEN
    assert chatting.carrier.sent == []
    await chatting.text("and again")
    assert chatting.centre.newest_chat.said == ["again", "and again"]


async def test_a_message_of_the_chat_before_is_still_texted(chatting: Relay) -> None:
    first = chatting.centre.only_chat
    trailing = chatting.centre.agent_says(first, "One more thing")
    chatting.centre.end(first)
    await chatting.text("again")
    assert await chatting.streamed(trailing) == Done()
    assert chatting.carrier.bodies == ["One more thing"]


async def test_two_messages_within_the_hold_are_texted_in_the_order_of_their_time() -> None:
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(60)
    chat = relay.centre.only_chat
    older = relay.centre.agent_says(chat, "older")
    await relay.sleep(0.1)
    newer = relay.centre.agent_says(chat, "newer")
    other = relay.world.worker("b")

    async def the_older_one_comes() -> None:
        await other.stream.handle(older, relay.world.delivery())

    # The hold is over and the intent on its way: this refuses it, for the journal grew.
    relay.faults.meanwhile("texting.admit", the_older_one_comes)
    await relay.streamed(newer)
    assert relay.carrier.bodies == ["older", "newer"]
    gap_s = relay.carrier.sent[1].at_s - relay.carrier.sent[0].at_s
    assert gap_s >= 1  # One text a second to one recipient.


async def test_a_message_too_old_for_the_customer_is_a_note_to_the_agent(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "You are next")
    await chatting.sleep(16 * 60)
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.sent == []
    assert chatting.centre.only_chat.said[1:] == [chatting.brand.texts.note_expired]


async def test_a_message_that_cannot_go_out_stays_the_agents_message(chatting: Relay) -> None:
    """What waits in the journal knows its chat: generation, Connect's id, words."""
    chatting.faults.down("texting.admit", TransientError("server_error"))
    message = chatting.centre.agent_says(chatting.centre.only_chat, "soon")
    assert isinstance(await chatting.streamed(message), Wait)
    entry = only(await chatting.session())
    assert (entry.gen, entry.stage) == (chatting.ref.gen, Stage.NEW)
    assert entry.payload == {"m": message.id, "body": "soon"}
