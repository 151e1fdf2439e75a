"""The customer's line into a chat: a refused token is renewed once, and then the chat is over."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import Relay
from workers.errors import ContactEnded, Throttled, TokenRefused
from workers.handlers.chat_relay.line import RENEWALS_MAX, Line


@pytest.fixture
def line(chatting: Relay) -> Line:
    chatting.faults.calls.clear()
    return chatting.worker.performer.line


async def test_a_token_that_works_is_used_without_a_read(chatting: Relay, line: Line) -> None:
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.faults.calls == ["chats.say"]
    assert chatting.centre.only_chat.said == ["first", "hi"]


async def test_a_refused_token_is_renewed_once_and_the_message_keeps_its_own_token(
    chatting: Relay, line: Line
) -> None:
    chatting.centre.expire_connections()
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.faults.calls == ["chats.say", "chats.connect", "table.put", "chats.say"]
    assert chatting.centre.only_chat.said == ["first", "hi"]
    assert chatting.centre.accepted("say")[-1] == "t"


async def test_a_token_near_its_end_is_renewed_before_it_is_refused(
    chatting: Relay, line: Line
) -> None:
    await chatting.sleep(timedelta(hours=23, minutes=56).total_seconds())
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.faults.calls == ["chats.connect", "table.put", "chats.say"]


async def test_a_renewed_token_serves_every_worker(chatting: Relay, line: Line) -> None:
    chatting.centre.expire_connections()
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t1")
    faults = Faults()
    other = chatting.world.worker("b", faults).performer.line
    await other.say(chatting.sid, chatting.ref.gen, "ho", "t2")
    assert "chats.connect" not in faults.calls


async def test_a_worker_with_a_token_of_yesterday_renews_it(chatting: Relay, line: Line) -> None:
    """Another worker's renewal is not seen while ours is cached: it costs one call, no text."""
    other = chatting.world.worker("b").performer.line
    await other.say(chatting.sid, chatting.ref.gen, "ho", "t1")
    chatting.centre.expire_connections()
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t2")
    await other.say(chatting.sid, chatting.ref.gen, "ha", "t3")
    assert chatting.centre.only_chat.said == ["first", "ho", "hi", "ha"]


async def test_a_token_that_ran_out_once_more_is_no_end_of_the_chat(
    chatting: Relay, line: Line
) -> None:
    """Found by simulation, seed 3089: a second chat was opened beside the one that lived."""
    chatting.faults.refuse("chats.say", TokenRefused("403"), TokenRefused("403"))
    await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.centre.only_chat.said == ["first", "hi"]


async def test_refused_after_every_renewal_means_that_the_chat_is_over(
    chatting: Relay, line: Line
) -> None:
    refusals = [TokenRefused("403") for _ in range(RENEWALS_MAX + 1)]
    chatting.faults.refuse("chats.say", *refusals)
    with pytest.raises(ContactEnded):
        await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.faults.calls.count("chats.connect") == RENEWALS_MAX


async def test_a_refused_participant_token_means_that_the_chat_is_over(
    chatting: Relay, line: Line
) -> None:
    chatting.centre.expire_connections()
    chatting.centre.only_chat.is_participant_refused = True
    with pytest.raises(ContactEnded):
        await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert chatting.faults.calls == ["chats.say", "chats.connect"]


async def test_a_chat_without_tokens_is_over(chatting: Relay, line: Line) -> None:
    with pytest.raises(ContactEnded):
        await line.say(chatting.sid, chatting.ref.gen + 1, "hi", "t")


async def test_what_time_heals_is_not_taken_for_the_end(chatting: Relay, line: Line) -> None:
    chatting.faults.refuse("chats.say", Throttled("throttled"))
    with pytest.raises(Throttled):
        await line.say(chatting.sid, chatting.ref.gen, "hi", "t")
    assert "chats.connect" not in chatting.faults.calls


async def test_a_note_is_told_once_for_each_cause(chatting: Relay, line: Line) -> None:
    for cause in ("one", "one", "two"):
        await line.tell_agent(chatting.sid, chatting.ref.gen, "[note]", cause)
    assert chatting.centre.only_chat.said == ["first", "[note]", "[note]"]


async def test_an_empty_note_is_not_told(chatting: Relay, line: Line) -> None:
    await line.tell_agent(chatting.sid, chatting.ref.gen, "", "one")
    assert chatting.faults.calls == []


async def test_a_note_into_a_chat_that_is_over_is_counted(chatting: Relay, line: Line) -> None:
    chatting.centre.end(chatting.centre.only_chat)
    await line.tell_agent(chatting.sid, chatting.ref.gen, "[note]", "one")
    assert chatting.meter.effects["note", "chat_over"] == 1


async def test_hanging_up_ends_the_chat_and_twice_is_once(chatting: Relay, line: Line) -> None:
    await line.hang_up(chatting.sid, chatting.ref.gen)
    await line.hang_up(chatting.sid, chatting.ref.gen)
    assert chatting.centre.accepted("disconnect") == [chatting.centre.only_chat.contact_id]


async def test_hanging_up_on_a_chat_that_nobody_can_join_is_counted(
    chatting: Relay, line: Line
) -> None:
    await line.hang_up(chatting.sid, chatting.ref.gen + 1)
    assert chatting.meter.effects["disconnect", "chat_over"] == 1
