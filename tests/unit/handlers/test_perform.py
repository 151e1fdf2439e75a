"""Each step is carried out by what it names, and ends in a write that says so."""

from __future__ import annotations

import pytest

from tests.unit.handlers.relay import Relay, brand_with
from workers.brands import Texts
from workers.errors import TransientError
from workers.handlers.chat_relay.decide import View
from workers.handlers.chat_relay.entries import text_entry
from workers.handlers.chat_relay.steps import (
    Answer,
    AwaitReceipt,
    Conclude,
    GiveUp,
    Hold,
    Rest,
    Step,
)
from workers.runtime.outcome import Done, Wait
from workers.stores.protocols import ChatState, Entry, Lane, Session, Stage


async def held(relay: Relay) -> tuple[Session, Entry]:
    session = await relay.held(
        text_entry("in", "hello", relay.clock.now(), relay.clock.now_ms()), nonce="me"
    )
    return session, session.entries[0]


async def performed(relay: Relay, step: Step, session: Session) -> Session:
    view = View(session, relay.brand, relay.clock.now_ms())
    return await relay.worker.performer.perform(step, view)


async def test_an_answer_is_asked_for_before_its_text_is_done(relay: Relay) -> None:
    """The other way round a kill between the two would leave the person without it."""
    session, entry = await held(relay)
    relay.faults.calls.clear()
    after = await performed(relay, Answer(entry, "help", {"la": 7}), session)
    assert relay.faults.calls == ["commands.send", "table.update"]
    assert (after.done, after.nonce, after.marks) == ((entry.id,), None, {"la": 7})


async def test_an_answer_that_could_not_be_asked_for_leaves_its_text_pending(relay: Relay) -> None:
    session, entry = await held(relay)
    relay.faults.refuse("commands.send", TransientError("server_error"))
    with pytest.raises(TransientError):
        await performed(relay, Answer(entry, "help"), session)
    assert (await relay.session()).done == ()


async def test_what_is_given_up_is_dead_and_not_done(relay: Relay) -> None:
    session, entry = await held(relay)
    after = await performed(relay, GiveUp(entry, "too_old"), session)
    assert (after.entries[0].stage, after.entries[0].reason) == (Stage.DEAD, "too_old")
    assert (after.done, after.nonce) == ((), None)


async def test_a_rest_gives_the_lease_back(relay: Relay) -> None:
    session, _ = await held(relay)
    after = await performed(relay, Rest(99), session)
    assert (after.nonce, len(after.entries)) == (None, 1)


async def test_waiting_is_the_holders_and_a_hold_that_gets_here_is_a_rest(relay: Relay) -> None:
    session, _ = await held(relay)
    assert (await performed(relay, Hold(Lane.IN, 99), session)).nonce is None


async def test_awaiting_a_receipt_closes_that_lane_until_the_next_look(relay: Relay) -> None:
    session, entry = await held(relay)
    after = await performed(relay, AwaitReceipt(entry, 99), session)
    assert (after.nonce, after.not_before_in_ms) == (None, 99)


async def test_a_conclusion_is_counted_by_its_reason(relay: Relay) -> None:
    session, entry = await held(relay)
    after = await performed(relay, Conclude(entry, "no_match"), session)
    assert after.done == (entry.id,)
    assert relay.meter.effects["text_concluded", "no_match"] == 1


# --- saying --------------------------------------------------------------------------------------


async def test_each_message_has_the_token_of_its_cause(chatting: Relay) -> None:
    chatting.centre.ledger.clear()
    await chatting.text("漢字 " * 6_000)
    gen = chatting.ref.gen
    entry_id = (await chatting.session()).done[-1]
    tokens = chatting.centre.accepted("say")
    assert len(tokens) > 1
    assert tokens == [f"{chatting.sid}.{gen}.{entry_id}.{n}" for n in range(len(tokens))]


async def test_a_text_said_whose_record_is_lost_is_not_in_the_chat_twice(chatting: Relay) -> None:
    """The kill between SendMessage and W7: its successor says it again with the same token."""

    async def the_record_is_lost() -> None:
        chatting.faults.refuse("table.update", TransientError("dynamodb_failed"))

    chatting.faults.meanwhile("chats.say", the_record_is_lost)
    sms = chatting.sms("once")
    assert isinstance(await chatting.text(sms), Wait)
    await chatting.sleep(40)
    other = chatting.world.worker("b")
    delivery = chatting.world.delivery()
    assert await other.inbound.handle(sms, delivery.sent_at, delivery) == Done()
    assert len(chatting.centre.accepted("say")) == 3
    assert chatting.centre.only_chat.said == ["first", "once"]


async def test_a_text_into_a_chat_that_is_over_opens_the_next(chatting: Relay) -> None:
    chatting.centre.end(chatting.centre.only_chat)
    assert await chatting.text("hello?") == Done()
    first, second = chatting.centre.chats.values()
    assert (first.said, second.said) == (["first"], ["hello?"])
    session = await chatting.session()
    assert (session.state, session.contact_id) == (ChatState.OPEN, second.contact_id)


async def test_help_in_a_chat_is_answered_and_shown_even_when_the_agent_is_slow(
    chatting: Relay,
) -> None:
    await chatting.text("HELP")
    assert chatting.centre.only_chat.said == ["first", "HELP"]
    assert chatting.commands.kinds == ["help"]


async def test_a_throttled_chat_makes_texts_wait_in_order(chatting: Relay) -> None:
    chatting.faults.down("chats.say", TransientError("server_error"))
    one, two = chatting.sms("one"), chatting.sms("two")
    assert isinstance(await chatting.text(one), Wait)
    await chatting.sleep(1)
    assert isinstance(await chatting.text(two), Wait)
    chatting.faults.up("chats.say")
    await chatting.sleep(30)
    assert await chatting.text(two) == Done()
    assert await chatting.text(one) == Done()
    assert chatting.centre.only_chat.said == ["first", "one", "two"]


async def test_a_text_that_matches_no_keyword_is_answered_where_the_brand_has_words() -> None:
    start = {
        "start": brand_with().start.model_copy(update={"on": "keyword", "keywords": ("chat",)})
    }
    relay = Relay(brand_with(**start, texts=Texts(no_match="Text CHAT to talk to us.")))
    assert await relay.text("hello") == Done()
    assert relay.centre.chats == {}
    assert relay.commands.kinds == ["no_match"]
    await relay.text("chat please")
    assert relay.centre.only_chat.said == ["chat please"]
