"""The customer's door: texts come in, and each is in the chat once, in the order of its time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.handlers.relay import OURS, Relay, brand_with
from workers.errors import Throttled, TransientError
from workers.handlers.chat_relay.entries import CLOCK_ERROR_MS, Kind
from workers.runtime.outcome import DeadLetter, Done, Wait
from workers.stores.protocols import ChatState, SessionKey
from workers.stores.steps import ENTRIES_MAX

SHORT_CODE = "72345"


async def test_first_text_opens_a_chat_and_is_said_in_it(relay: Relay) -> None:
    assert await relay.text("I need help with my bill") == Done()
    chat = relay.centre.only_chat
    assert chat.said == ["I need help with my bill"]
    assert chat.is_streaming
    assert (await relay.session()).state is ChatState.OPEN


async def test_second_text_joins_the_open_chat(chatting: Relay) -> None:
    assert await chatting.text("second") == Done()
    assert chatting.centre.only_chat.said == ["first", "second"]


async def test_a_text_into_an_open_chat_costs_two_writes(chatting: Relay) -> None:
    chatting.faults.calls.clear()
    await chatting.text("second")
    assert chatting.faults.calls == ["table.update", "chats.say", "table.update"]


async def test_a_text_delivered_again_is_not_said_again(chatting: Relay) -> None:
    sms = chatting.sms("once")
    assert await chatting.text(sms) == Done()
    assert await chatting.text(sms) == Done()
    assert chatting.centre.only_chat.said == ["first", "once"]


async def test_a_redelivered_text_that_is_done_costs_a_read_and_no_write(chatting: Relay) -> None:
    sms = chatting.sms("once")
    await chatting.text(sms)
    chatting.faults.calls.clear()
    delivery = chatting.world.delivery(receive_count=2)
    assert await chatting.worker.inbound.handle(sms, delivery.sent_at, delivery) == Done()
    assert chatting.faults.calls == ["table.get"]


@pytest.mark.parametrize("spelling", ["+1 206 555 0100", "+1 (206) 555-0100"])
async def test_a_number_in_another_spelling_is_the_same_person(
    chatting: Relay, spelling: str
) -> None:
    assert await chatting.text(chatting.sms("me again", originationNumber=spelling)) == Done()
    assert chatting.centre.only_chat.said == ["first", "me again"]


async def test_a_text_to_a_number_that_is_not_ours_is_a_dead_letter(relay: Relay) -> None:
    outcome = await relay.text(relay.sms(destinationNumber="+12065550999"))
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "unknown_our_number"
    assert relay.faults.calls == []


async def test_a_text_from_no_number_is_a_dead_letter(relay: Relay) -> None:
    outcome = await relay.text(relay.sms(originationNumber="not a number"))
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "invalid_customer_number"
    assert outcome.event_id == "in-1"
    assert relay.faults.calls == []


async def test_a_short_code_may_text_us(relay: Relay) -> None:
    assert await relay.text(relay.sms("from a code", originationNumber=SHORT_CODE)) == Done()
    assert relay.centre.only_chat.start.attributes["sb_customer_number"] == SHORT_CODE


async def test_a_text_without_a_time_has_that_of_the_queue(chatting: Relay) -> None:
    sent_at = chatting.clock.now() - timedelta(hours=26)
    delivery = chatting.world.delivery(since=sent_at)
    await chatting.worker.inbound.handle(chatting.sms("old"), None, delivery)
    assert chatting.centre.only_chat.said[-1] == "[Sent 26 h ago] old"


async def test_a_text_from_the_future_is_not_believed(relay: Relay) -> None:
    relay.faults.down("chats.start", TransientError("server_error"))
    await relay.text("early", age_s=-3600)
    [entry] = (await relay.session()).entries
    assert entry.time_ms <= relay.clock.now_ms() + CLOCK_ERROR_MS


async def test_two_texts_within_the_hold_are_said_in_the_order_of_their_time() -> None:
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(60)
    older, newer = relay.sms("older"), relay.sms("newer")
    at = relay.clock.now()
    other = relay.world.worker("b")

    async def the_older_one_comes() -> None:
        then = at - timedelta(milliseconds=100)
        outcome = await other.inbound.handle(older, then, relay.world.delivery())
        assert isinstance(outcome, Wait)

    relay.faults.meanwhile("table.get", the_older_one_comes)  # The look after the hold.
    assert await relay.worker.inbound.handle(newer, at, relay.world.delivery()) == Done()
    assert relay.centre.only_chat.said == ["first", "older", "newer"]
    assert await other.inbound.handle(older, at, relay.world.delivery()) == Done()


async def test_a_text_that_comes_after_its_turn_is_relayed_at_once_and_counted(
    chatting: Relay,
) -> None:
    await chatting.sleep(60)
    await chatting.text("newer")
    assert await chatting.text("older", age_s=30) == Done()
    assert chatting.centre.only_chat.said == ["first", "newer", "older"]
    assert chatting.meter.lates == {"in": 1}


async def test_a_text_too_old_to_open_a_chat_is_a_dead_letter_and_then_done(relay: Relay) -> None:
    sms = relay.sms("two days ago")
    outcome = await relay.text(sms, age_s=48 * 3600)
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "too_old"
    assert relay.centre.chats == {}
    # Before its copy is in the DLQ it is not done: a worker killed here must find it again.
    assert (await relay.session()).done == ()
    assert outcome.before_delete is not None
    await outcome.before_delete()
    assert await relay.text(sms, age_s=48 * 3600) == Done()


async def test_a_conversation_is_told_by_both_numbers() -> None:
    brand = brand_with(numbers=(OURS, "+12065550191"))
    relay = Relay(brand)
    await relay.text("one")
    await relay.text(relay.sms("two", destinationNumber="+12065550191"))
    assert [chat.said for chat in relay.centre.chats.values()] == [["one"], ["two"]]


async def test_a_store_that_is_away_makes_the_text_wait(relay: Relay) -> None:
    relay.faults.refuse("table.update", TransientError("dynamodb_failed"))
    assert isinstance(await relay.text(), Wait)
    relay.faults.refuse("table.update", Throttled("dynamodb_throttled", after_s=7))
    assert await relay.text() == Wait("throttled", 7)


async def test_a_flood_from_one_number_waits_and_is_not_lost(relay: Relay) -> None:
    relay.centre.room = 0
    bodies = [f"text {n}" for n in range(ENTRIES_MAX + 2)]
    texts = [relay.sms(body) for body in bodies]
    outcomes = [await relay.text(sms) for sms in texts]
    assert isinstance(outcomes[-1], Wait)
    assert outcomes[-1].reason == "journal_full"
    relay.centre.room = 1
    await relay.sleep(60)
    for _ in range(2):
        for sms in texts:
            await relay.text(sms)
    assert sorted(relay.centre.only_chat.said) == sorted(bodies)


async def test_two_first_texts_at_once_open_one_chat(relay: Relay) -> None:
    """The second comes while the first one's worker is starting the chat."""
    other = relay.world.worker("b")
    second = relay.sms("second")
    outcomes = []

    async def the_second_comes() -> None:
        delivery = relay.world.delivery()
        outcomes.append(await other.inbound.handle(second, delivery.sent_at, delivery))

    relay.faults.meanwhile("chats.start", the_second_comes)
    assert await relay.text("first") == Done()
    assert [type(outcome) for outcome in outcomes] == [Wait]
    assert relay.centre.only_chat.said == ["first", "second"]
    assert await relay.text(second) == Done()
    assert relay.centre.only_chat.said == ["first", "second"]


async def test_an_older_text_that_comes_while_the_chat_starts_goes_first(relay: Relay) -> None:
    other = relay.world.worker("b")

    async def the_older_one_comes() -> None:
        sent_at = relay.clock.now() - timedelta(seconds=1)
        await other.inbound.handle(relay.sms("older"), sent_at, relay.world.delivery())

    relay.faults.meanwhile("chats.start", the_older_one_comes)
    await relay.text("newer")
    assert relay.centre.only_chat.said == ["older", "newer"]


async def test_what_is_journalled_is_the_kind_and_the_body_and_nothing_of_the_sender(
    relay: Relay,
) -> None:
    relay.faults.down("chats.start", TransientError("server_error"))
    await relay.text("my secret")
    [entry] = (await relay.session()).entries
    assert (entry.kind, entry.payload) == (Kind.TEXT, {"body": "my secret"})
    assert relay.journal.session_id(SessionKey(OURS, "+12065550100")) == relay.sid
    assert b"my secret" not in repr(relay.world.sessions.items).encode()
    assert "2065550100" not in repr(relay.world.sessions.items)
