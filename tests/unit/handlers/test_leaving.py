"""Opting out and coming back: recorded, told once, and it stops what it must stop."""

from __future__ import annotations

import pytest

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import THEIRS, Relay, brand_with
from workers.errors import PermanentError, TransientError
from workers.runtime.outcome import DeadLetter, Done, Wait
from workers.stores.protocols import ChatState

GONE = "Clinic: You are unsubscribed and will get no more texts. Reply START to return."
BACK = "Clinic: You are subscribed again. Reply STOP to unsubscribe."
NOTE = "[The customer opted out of texts: replies are not delivered]"
MANAGED = brand_with(opt_out_mode="managed", opt_out_list="list-1")
STAYS = brand_with(end_chat_on_opt_out=False)


async def chat_of(brand: object) -> Relay:
    relay = Relay(brand)  # type: ignore[arg-type] # a Brand
    await relay.text("first")
    return relay


async def is_closed(relay: Relay) -> bool:
    return await relay.worker.performer.gate.closed_for(relay.brand, THEIRS) is not None


@pytest.mark.parametrize("word", ["STOP", "stop please", "Unsubscribe.", "STOPALL", "opt out"])
async def test_stop_is_recorded_confirmed_and_told_and_ends_the_chat(
    chatting: Relay, word: str
) -> None:
    assert await chatting.text(word) == Done()
    assert await is_closed(chatting)
    assert chatting.centre.only_chat.said[1:] == [NOTE]
    assert chatting.centre.running == []
    await chatting.notices()
    assert chatting.carrier.bodies == [GONE]


async def test_the_word_itself_does_not_reach_the_agent_as_a_text(chatting: Relay) -> None:
    await chatting.text("STOP")
    assert "STOP" not in chatting.centre.only_chat.said


async def test_stop_before_any_chat_opens_none(relay: Relay) -> None:
    assert await relay.text("STOP") == Done()
    assert relay.centre.chats == {}
    await relay.notices()
    assert relay.carrier.bodies == [GONE]


async def test_stop_twice_is_confirmed_once(chatting: Relay) -> None:
    await chatting.text("STOP")
    await chatting.text("STOP")
    await chatting.notices()
    assert chatting.carrier.bodies == [GONE]
    assert chatting.meter.effects["opt_out", "again"] == 1


async def test_stop_is_confirmed_although_its_worker_was_killed_right_after_recording_it(
    chatting: Relay,
) -> None:
    chatting.faults.refuse("commands.send", TransientError("server_error"))
    sms = chatting.sms("STOP")
    assert isinstance(await chatting.text(sms), Wait)
    assert await is_closed(chatting)  # It counts at once, whatever follows.
    await chatting.sleep(10)
    assert await chatting.text(sms) == Done()
    await chatting.notices()
    assert chatting.carrier.bodies == [GONE]
    assert chatting.centre.only_chat.said[1:] == [NOTE]


async def test_nothing_is_texted_after_stop_but_its_confirmation_and_help(
    chatting: Relay,
) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "One more thing")
    await chatting.text("STOP")
    assert await chatting.streamed(message) == Done()
    await chatting.text("HELP")
    await chatting.notices()
    assert [body[:20] for body in chatting.carrier.bodies] == [GONE[:20], "Clinic: Text us here"]
    assert chatting.meter.effects["sms", "suppressed"] == 1


async def test_the_agent_is_told_once_however_many_replies_are_refused() -> None:
    relay = await chat_of(STAYS)
    await relay.text("STOP")
    for words in ("one", "two"):
        assert await relay.agent(words) == Done()
    assert relay.centre.only_chat.said[1:] == [NOTE]
    # Not by Connect's memory for tokens alone, which is not for ever.
    assert len(relay.centre.accepted("say")) == 2
    assert relay.carrier.sent == []
    assert len(relay.centre.running) == 1  # The brand lets the chat run on.


async def test_the_agent_is_told_once_although_the_record_of_it_was_lost() -> None:
    relay = await chat_of(STAYS)

    async def the_record_is_lost() -> None:
        relay.faults.refuse("table.update", TransientError("dynamodb_failed"))

    relay.faults.meanwhile("chats.say", the_record_is_lost)
    sms = relay.sms("STOP")
    assert isinstance(await relay.text(sms), Wait)
    await relay.sleep(40)
    assert await relay.text(sms) == Done()
    assert relay.centre.only_chat.said[1:] == [NOTE]


async def test_somebody_who_left_by_another_way_is_told_of_when_the_agent_writes() -> None:
    relay = await chat_of(STAYS)
    await relay.worker.performer.gate.close(STAYS, THEIRS, "form")
    for words in ("one", "two"):
        assert await relay.agent(words) == Done()
    assert relay.centre.only_chat.said[1:] == [NOTE]
    assert relay.carrier.sent == []


async def test_an_opt_out_counts_while_its_lane_is_blocked(relay: Relay) -> None:
    relay.centre.room = 0
    assert isinstance(await relay.text("hello"), Wait)
    assert await relay.text("STOP") == Done()
    assert await is_closed(relay)


async def test_a_managed_word_that_eum_does_not_know_is_put_on_its_list() -> None:
    relay = await chat_of(MANAGED)
    assert await relay.text("stopall please") == Done()
    assert relay.carrier.opted_out == {("list-1", THEIRS)}
    assert relay.commands.notices == []  # EUM would refuse our confirmation.


async def test_a_managed_opt_out_is_not_done_before_eum_has_it() -> None:
    relay = await chat_of(MANAGED)
    relay.faults.refuse("texting.opt_out", TransientError("server_error"))
    sms = relay.sms("STOP")
    assert isinstance(await relay.text(sms), Wait)
    await relay.sleep(10)
    assert await relay.text(sms) == Done()
    assert relay.carrier.opted_out == {("list-1", THEIRS)}


async def test_start_reopens_and_is_confirmed(chatting: Relay) -> None:
    await chatting.text("STOP")
    await chatting.notices()
    assert await chatting.text("START") == Done()
    assert not await is_closed(chatting)
    await chatting.notices()
    assert chatting.carrier.bodies == [GONE, BACK]
    assert ("Default", THEIRS) not in chatting.carrier.opted_out


async def test_start_from_somebody_who_never_left_is_an_answer(chatting: Relay) -> None:
    assert await chatting.text("YES") == Done()
    assert chatting.centre.only_chat.said == ["first", "YES"]
    assert chatting.commands.notices == []


@pytest.mark.parametrize("call", ["texting.opt_in", "commands.send", "table.update"])
async def test_a_return_is_confirmed_although_its_worker_was_killed_half_way(
    chatting: Relay, call: str
) -> None:
    await chatting.text("STOP")
    await chatting.notices()

    async def half_way() -> None:
        chatting.faults.refuse(call, TransientError("server_error"))

    chatting.faults.meanwhile("suppressions.delete", half_way)
    sms = chatting.sms("START")
    await chatting.text(sms)
    await chatting.sleep(40)
    other = chatting.world.worker("b", Faults())
    delivery = chatting.world.delivery()
    assert await other.inbound.handle(sms, delivery.sent_at, delivery) == Done()
    await chatting.notices()
    assert chatting.carrier.bodies == [GONE, BACK]


async def test_a_return_that_eum_refuses_is_told_to_the_agent_and_not_confirmed() -> None:
    relay = await chat_of(STAYS)
    await relay.text("STOP")
    await relay.notices()
    relay.faults.refuse("texting.opt_in", PermanentError("not_allowed"))
    assert await relay.text("START") == Done()
    assert relay.commands.notices == []
    assert relay.centre.only_chat.said[1:] == [
        NOTE,
        "[Not delivered to the customer: not allowed]",
    ]
    assert relay.meter.effects["opt_in", "refused"] == 1


async def test_after_a_return_the_next_text_opens_a_chat_and_the_next_stop_is_told_again(
    chatting: Relay,
) -> None:
    await chatting.text("STOP")
    await chatting.text("START")
    assert await chatting.text("hello again") == Done()
    assert chatting.centre.newest_chat.said == ["hello again"]
    await chatting.text("STOP")
    assert chatting.centre.newest_chat.said == ["hello again", NOTE]


async def test_stop_and_return_in_one_chat_may_be_told_of_again() -> None:
    relay = await chat_of(STAYS)
    for word in ("STOP", "START"):
        await relay.text(word)
    assert await relay.agent("welcome back") == Done()
    assert "welcome back" in relay.carrier.bodies


async def test_the_chat_of_somebody_who_left_ends_without_a_text(chatting: Relay) -> None:
    chat = chatting.centre.only_chat
    await chatting.text("STOP")
    await chatting.notices()
    assert await chatting.streamed(chatting.centre.end(chat)) == Done()
    assert chatting.carrier.bodies == [GONE]
    assert (await chatting.session()).state is ChatState.ENDED


async def test_a_doubtful_word_goes_to_the_agent_flagged_and_opts_nobody_out(
    chatting: Relay,
) -> None:
    await chatting.text("stop by at 2 tomorrow")
    assert not await is_closed(chatting)
    assert chatting.centre.only_chat.said[1:] == [
        "[This may be an opt-out request] stop by at 2 tomorrow"
    ]


async def test_an_opt_out_that_cannot_be_recorded_waits_and_is_never_dropped(
    chatting: Relay,
) -> None:
    chatting.faults.down("suppressions.put", TransientError("dynamodb_failed"))
    sms = chatting.sms("STOP")
    for _ in range(30):
        outcome = await chatting.text(sms)
        assert isinstance(outcome, Wait)
        assert not isinstance(outcome, DeadLetter)
        await chatting.sleep(outcome.after_s)
    chatting.faults.up("suppressions.put")
    await chatting.sleep(30)
    assert await chatting.text(sms) == Done()
    assert await is_closed(chatting)
