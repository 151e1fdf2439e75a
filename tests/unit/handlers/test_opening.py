"""Opening a chat: one for each generation, whoever starts it, however often, and whatever fails."""

from __future__ import annotations

import pytest

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import THEIRS, Relay, brand_with
from workers.errors import (
    AccountProblem,
    ContactEnded,
    PermanentError,
    SwitchboardError,
    Throttled,
    TransientError,
)
from workers.handlers.chat_relay.opening import QUICK_END_MS, TRANSCRIPT_READY_MS
from workers.runtime.outcome import DeadLetter, Done, Wait
from workers.stores.protocols import ChatState, Stage

BUSY = "Clinic: All our agents are busy. Your message is kept and will be answered."
STEPS = ["chats.start", "chats.stream", "chats.connect", "commands.send"]


async def test_the_chat_carries_who_writes_and_to_whom(relay: Relay) -> None:
    await relay.text()
    start = relay.centre.only_chat.start
    assert start.attributes == {
        "sb_customer_number": THEIRS,
        "sb_our_number": "+12065550190",
        "sb_brand": "Clinic",
        "sb_session": relay.sid,
        "sb_language": "en-US",
        "sb_channel": "SMS",
    }
    assert THEIRS not in start.display_name
    assert (start.contact_flow_id, start.customer_id) == ("flow", relay.sid)


async def test_the_token_is_the_session_and_the_generation(relay: Relay) -> None:
    await relay.text()
    gen = (await relay.session()).gen
    assert relay.centre.accepted("start") == [f"{relay.sid}.{gen}"]
    assert relay.centre.accepted("stream") == [f"{relay.sid}.{gen}.stream"]


async def test_who_is_behind_a_contact_is_recorded_before_it_streams(relay: Relay) -> None:
    async def somebody_asks() -> None:
        contact_id = relay.centre.only_chat.contact_id
        assert await relay.world.worker("b").journal.contact(contact_id) == relay.ref
        tokens = await relay.world.worker("b").journal.tokens(relay.sid, relay.ref.gen)
        assert tokens is not None

    relay.faults.meanwhile("chats.stream", somebody_asks)
    assert await relay.text() == Done()


@pytest.mark.parametrize("call", STEPS)
@pytest.mark.parametrize("is_accepted", [False, True], ids=["refused", "answer_lost"])
async def test_whatever_fails_on_the_way_it_is_one_chat_and_one_text(
    relay: Relay, call: str, is_accepted: bool
) -> None:
    if is_accepted:
        relay.faults.lose_answer(call, TransientError("timeout"))
    else:
        relay.faults.refuse(call, TransientError("server_error"))
    sms = relay.sms("hello")
    assert isinstance(await relay.text(sms), Wait)
    assert (await relay.session()).entries[0].failures == 0
    await relay.sleep(60)
    assert await relay.text(sms) == Done()
    assert relay.centre.only_chat.said == ["hello"]


@pytest.mark.parametrize("brings_token", [True, False])
async def test_another_worker_goes_on_with_the_same_chat(relay: Relay, brings_token: bool) -> None:
    """The starter vanished with the participant token; the replay may bring none."""
    relay.centre.replay_brings_token = brings_token
    relay.faults.refuse("chats.stream", TransientError("server_error"))
    sms = relay.sms("hello")
    await relay.text(sms)
    await relay.sleep(60)
    other = relay.world.worker("b")
    assert await other.inbound.handle(sms, relay.clock.now(), relay.world.delivery()) == Done()
    assert relay.centre.only_chat.said == ["hello"]
    assert len(set(relay.centre.accepted("start"))) == 1


async def test_whichever_text_goes_on_with_it_it_is_the_same_chat(relay: Relay) -> None:
    relay.faults.refuse("chats.connect", TransientError("server_error"))
    first, second = relay.sms("first"), relay.sms("second")
    await relay.text(first)
    await relay.sleep(60)
    assert await relay.text(second) == Done()
    assert relay.centre.only_chat.said == ["first", "second"]
    assert await relay.text(first) == Done()


async def test_a_chat_whose_token_is_lost_for_good_is_stopped_and_another_opened(
    relay: Relay,
) -> None:
    """Killed between StartChatContact and its record, and the replay brings no token."""
    relay.centre.replay_brings_token = False
    relay.faults.lose_answer("chats.start", TransientError("timeout"))
    sms = relay.sms("hello")
    await relay.text(sms)
    await relay.sleep(60)
    assert await relay.text(sms) == Done()
    orphan, chat = relay.centre.chats.values()
    assert (orphan.is_ended, orphan.said) == (True, [])
    assert (chat.is_ended, chat.said) == (False, ["hello"])
    assert relay.meter.effects["chat_started", "orphan_stopped"] == 1


async def test_orphans_that_we_stop_ourselves_are_no_flow_that_closes_at_once(relay: Relay) -> None:
    async def the_next_answer_is_lost() -> None:
        relay.faults.lose_answer("chats.start", TransientError("timeout"))

    relay.centre.replay_brings_token = False
    sms = relay.sms("hello")
    await the_next_answer_is_lost()
    for _ in range(2):
        assert isinstance(await relay.text(sms), Wait)
        relay.faults.meanwhile("chats.stop", the_next_answer_is_lost)
        await relay.sleep(12)
    assert isinstance(await relay.text(sms), Wait)
    await relay.sleep(12)
    assert await relay.text(sms) == Done()
    *orphans, chat = relay.centre.chats.values()
    assert len(orphans) == 3
    assert all(orphan.is_ended for orphan in orphans)
    assert chat.said == ["hello"]


@pytest.mark.parametrize("call", ["chats.stream", "chats.connect"])
async def test_a_chat_that_ends_while_it_is_set_up_makes_room_for_the_next(
    relay: Relay, call: str
) -> None:
    async def the_flow_hangs_up() -> None:
        relay.centre.end(relay.centre.newest_chat)

    relay.faults.meanwhile(call, the_flow_hangs_up)
    assert await relay.text("hello") == Done()
    first, second = relay.centre.chats.values()
    assert (first.is_ended, first.said) == (True, [])
    assert (second.is_ended, second.said) == (False, ["hello"])


async def test_a_flow_that_closes_every_chat_at_once_is_not_fed_for_ever(relay: Relay) -> None:
    relay.faults.down("chats.stream", ContactEnded("contact_not_found"))
    outcome = await relay.text("hello")
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "chat_closed_at_once"
    assert len(relay.centre.chats) == 2


async def test_a_chat_that_lasted_a_while_is_no_quick_end(chatting: Relay) -> None:
    for _ in range(4):
        await chatting.sleep(QUICK_END_MS / 1000 + 1)
        chatting.centre.end(chatting.centre.newest_chat)
        assert await chatting.text("again") == Done()
    assert (await chatting.session()).marks["quick_end_n"] == 0


# --- no room -------------------------------------------------------------------------------------


async def test_when_connect_is_full_the_customer_is_told_once_and_the_text_waits(
    relay: Relay,
) -> None:
    relay.centre.room = 0
    sms = relay.sms("hello")
    sent_at = relay.clock.now()
    for _ in range(20):
        outcome = await relay.worker.inbound.handle(sms, sent_at, relay.world.delivery())
        assert isinstance(outcome, Wait)
        assert 0 < outcome.after_s <= 30
        await relay.sleep(outcome.after_s)
    assert relay.clock.now_ms() - sent_at.timestamp() * 1000 > 120_000
    assert relay.commands.kinds == ["busy"]
    await relay.notices()
    assert relay.carrier.bodies == [BUSY]  # Although its chat is being set up all the while.
    relay.centre.room = 1
    await relay.sleep(60)
    assert await relay.text(sms) == Done()
    assert relay.centre.only_chat.said == ["hello"]


async def test_nobody_is_told_that_we_are_busy_before_its_time(relay: Relay) -> None:
    relay.centre.room = 0
    sms, sent_at = relay.sms("hello"), relay.clock.now()
    while relay.clock.now_ms() < sent_at.timestamp() * 1000 + 118_000:
        await relay.worker.inbound.handle(sms, sent_at, relay.world.delivery())
        await relay.sleep(5)
    assert relay.commands.kinds == []


async def test_who_was_told_before_the_claim_is_not_told_again_after_it() -> None:
    """First the brand's own cap holds the start back, then Connect has no room: one start."""
    relay = Relay(brand_with(limits={"chat_starts_per_minute": 1, "busy_after_s": 0}))
    await relay.text(relay.sms("another's", originationNumber="+12065550101"))
    relay.centre.room = 0
    sms, sent_at = relay.sms("hello"), relay.clock.now()
    for _ in range(4):
        await relay.worker.inbound.handle(sms, sent_at, relay.world.delivery())
        await relay.sleep(61)
    assert (await relay.session()).state is ChatState.STARTING
    assert relay.commands.kinds == ["busy"]


async def test_who_waits_for_the_next_chat_is_told_again() -> None:
    relay = Relay(brand_with(limits={"chat_starts_per_minute": 1, "busy_after_s": 0}))
    relay.centre.room = 0
    sms = relay.sms("hello")
    await relay.text(sms)
    relay.centre.room = 1
    await relay.sleep(61)
    assert await relay.text(sms) == Done()
    await relay.streamed(relay.centre.end(relay.centre.only_chat))
    await relay.sleep(60)
    await relay.text(relay.sms("another's", originationNumber="+12065550101"))
    assert isinstance(await relay.text("again"), Wait)
    assert relay.commands.kinds == ["busy", "busy"]


async def test_while_connect_is_full_texts_gather_in_order(relay: Relay) -> None:
    relay.centre.room = 0
    texts = [relay.sms(f"text {n}") for n in range(3)]
    for sms in texts:
        assert isinstance(await relay.text(sms), Wait)
        await relay.sleep(1)
    relay.centre.room = 1
    await relay.sleep(60)
    assert await relay.text(texts[2]) == Done()
    assert relay.centre.only_chat.said == ["text 0", "text 1", "text 2"]


async def test_the_chat_starts_of_a_brand_are_counted_by_the_minute() -> None:
    relay = Relay(brand_with(limits={"chat_starts_per_minute": 1}))
    await relay.text("one")
    other = relay.sms("two", originationNumber="+12065550101")
    assert isinstance(await relay.text(other), Wait)
    assert len(relay.centre.chats) == 1
    await relay.sleep(61)
    assert await relay.text(other) == Done()


async def test_a_number_that_starts_too_many_chats_is_told_once() -> None:
    relay = Relay(brand_with(limits={"chat_starts_per_number_per_hour": 2}))
    for _ in range(5):
        await relay.text("hello")
        await relay.sleep(90)
        if relay.centre.running:
            await relay.streamed(relay.centre.end(relay.centre.newest_chat))
    assert len(relay.centre.chats) == 2
    assert relay.commands.kinds == ["refused"]
    assert relay.meter.effects["text_concluded", "start_refused"] == 2


# --- the earlier chat ----------------------------------------------------------------------------


async def ended_chat(relay: Relay, *, ago_ms: int) -> None:
    await relay.text("first")
    await relay.streamed(relay.centre.end(relay.centre.newest_chat))
    await relay.sleep(ago_ms / 1000)


async def test_a_chat_that_just_ended_is_not_attached(relay: Relay) -> None:
    await ended_chat(relay, ago_ms=TRANSCRIPT_READY_MS - 1_000)
    await relay.text("again")
    assert relay.centre.newest_chat.start.source_contact_id is None


async def test_an_attached_start_is_another_request_with_a_token_of_its_own(relay: Relay) -> None:
    await ended_chat(relay, ago_ms=TRANSCRIPT_READY_MS)
    await relay.text("again")
    gen = (await relay.session()).gen
    assert relay.centre.accepted("start")[-1] == f"{relay.sid}.{gen}.p"


async def test_when_connect_will_not_attach_the_chat_is_started_without(relay: Relay) -> None:
    await ended_chat(relay, ago_ms=TRANSCRIPT_READY_MS)
    relay.centre.is_source_refused = True
    assert await relay.text("again") == Done()
    chat = relay.centre.newest_chat
    assert (chat.start.source_contact_id, chat.said) == (None, ["again"])


async def test_without_is_recorded_before_it_is_tried(relay: Relay) -> None:
    """Else two workers would start one chat with and one without."""
    await ended_chat(relay, ago_ms=TRANSCRIPT_READY_MS)
    relay.centre.is_source_refused = True
    relay.faults.refuse("chats.stream", TransientError("server_error"))
    sms = relay.sms("again")
    await relay.text(sms)
    relay.centre.is_source_refused = False
    await relay.sleep(60)
    other = relay.world.worker("b", Faults())
    await other.inbound.handle(sms, relay.clock.now(), relay.world.delivery())
    assert len(relay.centre.chats) == 2  # The ended one, and this.


# --- who gets none -------------------------------------------------------------------------------


async def test_somebody_who_opted_out_gets_no_chat(relay: Relay) -> None:
    await relay.worker.performer.gate.close(relay.brand, THEIRS, "form")
    assert await relay.text("hello") == Done()
    assert relay.centre.chats == {}
    assert relay.meter.effects["chat_started", "opted_out"] == 1


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        pytest.param(Throttled("throttled", after_s=4), "throttled", id="throttled"),
        pytest.param(TransientError("server_error"), "server_error", id="failing"),
        pytest.param(AccountProblem("access_denied"), "access_denied", id="for_a_person"),
    ],
)
async def test_a_connect_that_is_away_is_outlasted_and_costs_no_attempt(
    relay: Relay, error: SwitchboardError, reason: str
) -> None:
    relay.faults.down("chats.start", error)
    sms = relay.sms("hello")
    for _ in range(60):
        outcome = await relay.text(sms)
        assert isinstance(outcome, Wait)
        await relay.sleep(outcome.after_s)
    assert (await relay.session()).entries[0].failures == 0
    assert relay.meter.effects["openchat", reason] > 10
    relay.faults.up("chats.start")
    await relay.sleep(60)
    assert await relay.text(sms) == Done()
    assert relay.centre.only_chat.said == ["hello"]


async def test_a_start_that_connect_refuses_for_good_is_a_dead_letter_with_its_reason(
    relay: Relay,
) -> None:
    relay.faults.refuse("chats.start", PermanentError("invalid_request"))
    outcome = await relay.text("hello")
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "invalid_request"
    session = await relay.session()
    assert session.entries[0].stage is Stage.DEAD
    assert session.state is ChatState.STARTING
    await relay.sleep(3)
    assert await relay.text("again") == Done()  # The lane passes over it.
    assert relay.centre.only_chat.said == ["again"]
