"""Who works a session off, when, and what becomes of the message that brought the work."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import structlog

from schemas.sms_voice import InboundSms
from tests.fakes.wire import Faults
from tests.unit.handlers.relay import KEY, OURS, Relay, Worker, make_world
from workers.errors import Fenced, PermanentError, Throttled, TransientError
from workers.handlers.chat_relay.entries import text_entry
from workers.handlers.chat_relay.holder import ATTEMPTS_MAX, NEIGHBOURS_MAX
from workers.runtime.delivery import Delivery
from workers.runtime.outcome import DeadLetter, Discard, Done, Outcome, Wait
from workers.stores.protocols import Lane, NewEntry, Stage


async def handled(
    relay: Relay, worker: Worker, sms: InboundSms, delivery: Delivery | None = None
) -> Outcome:
    delivery = delivery or relay.world.delivery()
    return await worker.inbound.handle(sms, delivery.sent_at, delivery)


def entry_of(relay: Relay, sms: InboundSms) -> NewEntry:
    return text_entry(
        sms.inbound_message_id, sms.message_body, relay.clock.now(), relay.clock.now_ms()
    )


async def left_behind(relay: Relay, sms: InboundSms) -> None:
    """A worker journalled this text, took the lease, and is gone."""
    now = relay.clock.now_ms()
    await relay.world.worker("gone").journal.append(
        KEY, entry_of(relay, sms), nonce="gone", until_ms=now + 30_000, now_ms=now
    )


# --- one ground for a delete ---------------------------------------------------------------------


async def test_a_message_is_done_when_its_id_is_recorded_and_not_before(chatting: Relay) -> None:
    sms = chatting.sms("hello")

    async def somebody_looks() -> None:
        assert entry_of(chatting, sms).id not in (await chatting.session()).done

    chatting.faults.meanwhile("chats.say", somebody_looks)
    assert await handled(chatting, chatting.worker, sms) == Done()
    assert entry_of(chatting, sms).id in (await chatting.session()).done


async def test_who_finds_the_lease_taken_leaves_its_message_to_come_back(chatting: Relay) -> None:
    await left_behind(chatting, chatting.sms("one"))
    outcome = await chatting.text("two")
    assert isinstance(outcome, Wait)
    assert outcome.reason == "session_taken"
    assert 0.5 <= outcome.after_s <= 1.5
    session = await chatting.session()
    assert [entry.failures for entry in session.entries] == [0, 0]
    assert chatting.centre.only_chat.said == ["first"]


async def test_the_longer_a_holder_is_silent_the_less_often_its_lease_is_asked_for(
    chatting: Relay,
) -> None:
    """A killed worker's conversation may have many messages: they must not burn receives."""
    sms = chatting.sms("one")
    await left_behind(chatting, sms)
    passed_s, looks = 0.0, 0
    while True:
        looks += 1
        delivery = chatting.world.delivery(receive_count=looks + 1)
        outcome = await handled(chatting, chatting.worker, sms, delivery)
        if not isinstance(outcome, Wait):
            break
        await chatting.sleep(outcome.after_s)
        passed_s += outcome.after_s
    assert outcome == Done()
    assert looks <= 10
    assert passed_s <= 32.5  # The lease and the clocks' skew, and next to nothing more.


async def test_a_message_that_comes_again_while_another_holds_costs_no_write(
    chatting: Relay,
) -> None:
    sms = chatting.sms("one")
    await left_behind(chatting, sms)
    chatting.faults.calls.clear()
    outcome = await handled(
        chatting, chatting.worker, sms, chatting.world.delivery(receive_count=3)
    )
    assert isinstance(outcome, Wait)
    assert chatting.faults.calls == ["table.get"]


async def test_a_message_that_comes_again_but_was_never_journalled_is_worked(
    chatting: Relay,
) -> None:
    """Killed before W1: the look at the journal finds nothing, and that is not done."""
    delivery = chatting.world.delivery(receive_count=2)
    assert await handled(chatting, chatting.worker, chatting.sms("one"), delivery) == Done()
    assert chatting.centre.only_chat.said == ["first", "one"]


async def test_an_event_finds_and_does_what_another_worker_left(chatting: Relay) -> None:
    one, two = chatting.sms("one"), chatting.sms("two")
    await left_behind(chatting, one)
    await chatting.sleep(33)
    assert await handled(chatting, chatting.worker, two) == Done()
    assert chatting.centre.only_chat.said == ["first", "one", "two"]
    assert await handled(chatting, chatting.worker, one) == Done()


async def test_a_lease_is_not_taken_before_it_is_surely_over(chatting: Relay) -> None:
    sms = chatting.sms("one")
    await left_behind(chatting, sms)
    await chatting.sleep(31)  # Over by our clock, but the holder's may be two seconds behind.
    assert isinstance(await handled(chatting, chatting.worker, sms), Wait)
    assert chatting.centre.only_chat.said == ["first"]


async def test_a_holder_that_lost_its_lease_says_and_records_nothing_more(chatting: Relay) -> None:
    one, two = chatting.sms("one"), chatting.sms("two")
    other = chatting.world.worker("b", Faults())

    async def paused_for_long() -> None:
        await chatting.stand_still(33)
        assert await handled(chatting, other, two) == Done()

    chatting.faults.meanwhile("chats.say", paused_for_long)
    assert await handled(chatting, chatting.worker, one) == Done()  # The other did it.
    assert chatting.centre.only_chat.said == ["first", "one", "two"]


async def test_a_call_that_takes_longer_than_the_lease_does_not_lose_it(chatting: Relay) -> None:
    one, two = chatting.sms("one"), chatting.sms("two")
    other = chatting.world.worker("b", Faults())
    others: list[Outcome] = []

    async def slow() -> None:
        for _ in range(4):
            await chatting.sleep(11)
            others.append(await handled(chatting, other, two))

    chatting.faults.meanwhile("chats.say", slow)
    assert await handled(chatting, chatting.worker, one) == Done()
    assert [getattr(outcome, "reason", "") for outcome in others] == ["session_taken"] * 4
    assert chatting.centre.only_chat.said == ["first", "one", "two"]


async def test_one_renewal_may_fail(chatting: Relay) -> None:
    one = chatting.sms("one")
    other = chatting.world.worker("b", Faults())

    async def slow() -> None:
        chatting.faults.refuse("table.update", TransientError("dynamodb_failed"))
        await chatting.sleep(13)
        assert isinstance(await handled(chatting, other, one), Wait)

    chatting.faults.meanwhile("chats.say", slow)
    assert await handled(chatting, chatting.worker, one) == Done()
    assert chatting.centre.only_chat.said == ["first", "one"]


async def test_a_lease_that_cannot_be_renewed_is_anothers(chatting: Relay) -> None:
    """Nobody waits for a worker that has lost the table."""
    one = chatting.sms("one")
    other = chatting.world.worker("b", Faults())

    async def cut_off() -> None:
        chatting.faults.down("table.update", TransientError("dynamodb_failed"))
        await chatting.sleep(13)
        assert await handled(chatting, other, one) == Done()
        chatting.faults.up("table.update")

    chatting.faults.meanwhile("chats.say", cut_off)
    assert await handled(chatting, chatting.worker, one) == Done()  # By the other.
    assert chatting.centre.only_chat.said == ["first", "one"]


async def test_nothing_is_renewed_after_a_turn(chatting: Relay) -> None:
    assert await chatting.text("hello") == Done()
    chatting.faults.calls.clear()
    await chatting.sleep(60)
    assert chatting.faults.calls == []


async def test_a_lost_lease_with_the_entry_not_done_is_a_wait(chatting: Relay) -> None:
    """Fenced: whoever took the session may fail; only a recorded id lets the message go."""
    one = chatting.sms("one")
    other = chatting.world.worker("b", broken := Faults())
    broken.down("chats.say", TransientError("server_error"))

    async def paused_for_long() -> None:
        await chatting.stand_still(33)
        assert isinstance(await handled(chatting, other, one), Wait)

    chatting.faults.meanwhile("chats.say", paused_for_long)
    outcome = await handled(chatting, chatting.worker, one)
    assert outcome == Wait("lease_lost", 1.0)


async def test_a_delivery_whose_visibility_is_gone_causes_no_effect(chatting: Relay) -> None:
    with pytest.raises(Fenced):
        await handled(
            chatting, chatting.worker, chatting.sms("one"), chatting.world.delivery(lasts_s=0)
        )
    assert chatting.centre.only_chat.said == ["first"]


async def test_no_step_is_begun_that_the_lease_may_not_outlast(chatting: Relay) -> None:
    """A call and the write after it must fit; else the lease is given back first."""

    async def slow() -> None:
        await chatting.sleep(16)

    chatting.faults.meanwhile("table.update", slow)  # W1 took the lease 16 s ago.
    sms = chatting.sms("hello")
    outcome = await handled(chatting, chatting.worker, sms)
    assert isinstance(outcome, Wait)
    assert (await chatting.session()).nonce is None
    assert chatting.centre.only_chat.said == ["first"]
    assert await handled(chatting, chatting.worker, sms) == Done()
    assert chatting.centre.only_chat.said == ["first", "hello"]


# --- failures ------------------------------------------------------------------------------------


async def test_a_poison_entry_is_given_up_after_five_tries_and_the_lane_goes_on(
    chatting: Relay,
) -> None:
    chatting.faults.refuse("chats.say", *[RuntimeError("secret words")] * ATTEMPTS_MAX)
    poison, healthy = chatting.sms("poison"), chatting.sms("healthy")
    outcomes = []
    for _ in range(ATTEMPTS_MAX):
        outcomes.append(await handled(chatting, chatting.worker, poison))
        await chatting.sleep(17)
    assert [type(outcome) for outcome in outcomes] == [Wait] * 4 + [DeadLetter]
    dead = outcomes[-1]
    assert isinstance(dead, DeadLetter)
    assert dead.reason == "bug_RuntimeError"
    assert await handled(chatting, chatting.worker, healthy) == Done()
    assert chatting.centre.only_chat.said == ["first", "healthy"]


async def test_a_failing_entry_backs_off_longer_each_time(chatting: Relay) -> None:
    chatting.faults.refuse("chats.say", *[RuntimeError()] * 4)
    sms, waits = chatting.sms("poison"), []
    for _ in range(4):
        outcome = await handled(chatting, chatting.worker, sms)
        assert isinstance(outcome, Wait)
        waits.append(round((await chatting.session()).not_before_in_ms - chatting.clock.now_ms()))
        await chatting.sleep(17)
    assert waits == [2_000, 4_000, 8_000, 16_000]


async def test_a_failure_is_logged_with_its_place_and_not_with_its_words(chatting: Relay) -> None:
    chatting.faults.refuse("chats.say", RuntimeError("call me on +12065550100"))
    with structlog.testing.capture_logs() as lines:
        await chatting.text("hello")
    [line] = [line for line in lines if line["event"] == "step_failed"]
    assert (line["step"], line["reason"]) == ("Say", "bug_RuntimeError")
    assert line["place"].startswith("carry:")
    assert "2065550100" not in repr(lines)


async def test_a_dead_letter_is_done_once_its_copy_is_out(chatting: Relay) -> None:
    """Killed before: the message comes again, and is buried again."""
    chatting.faults.refuse("chats.say", PermanentError("message_rejected"))
    sms = chatting.sms("poison")
    assert isinstance(await handled(chatting, chatting.worker, sms), DeadLetter)
    outcome = await handled(chatting, chatting.worker, sms)
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "message_rejected"
    assert [entry.stage for entry in (await chatting.session()).entries] == [Stage.DEAD]
    assert outcome.before_delete is not None
    await outcome.before_delete()
    session = await chatting.session()
    assert (session.entries, session.done[-1]) == ((), entry_of(chatting, sms).id)
    assert await handled(chatting, chatting.worker, sms) == Done()


async def test_an_entry_whose_workers_keep_dying_is_given_up(chatting: Relay) -> None:
    killer = chatting.sms("killer")
    for number in range(9):
        faults = Faults()
        faults.refuse("chats.say", asyncio.CancelledError())  # type: ignore[arg-type] # a kill
        worker = chatting.world.worker(f"victim{number}", faults)
        with pytest.raises(asyncio.CancelledError):
            await handled(chatting, worker, killer)
        await chatting.sleep(33)
        if (await chatting.session()).entries[0].takeovers == 7:
            break
    outcome = await handled(chatting, chatting.worker, killer)
    assert isinstance(outcome, DeadLetter)
    assert outcome.reason == "kills_its_worker"


async def test_what_time_heals_closes_its_own_lane_alone(chatting: Relay) -> None:
    chatting.faults.down("chats.say", Throttled("throttled", after_s=20))
    assert isinstance(await chatting.text("hello"), Wait)
    session = await chatting.session()
    assert session.not_before_in_ms == chatting.clock.now_ms() + 20_000
    assert session.not_before_out_ms == 0
    assert await chatting.agent("Good day") == Done()
    assert chatting.carrier.bodies == ["Good day"]


async def test_the_message_comes_back_when_its_lane_opens(chatting: Relay) -> None:
    chatting.faults.refuse("chats.say", Throttled("throttled", after_s=20))
    outcome = await chatting.text("hello")
    assert isinstance(outcome, Wait)
    assert (outcome.reason, round(outcome.after_s)) == ("not_its_turn", 20)


async def test_behind_a_dry_quota_a_message_comes_back_more_and_more_seldom_and_writes_nothing(
    chatting: Relay,
) -> None:
    chatting.faults.down("chats.say", Throttled("throttled", after_s=300))
    sms = chatting.sms("hello")
    assert isinstance(await handled(chatting, chatting.worker, sms), Wait)
    chatting.faults.calls.clear()
    waits: list[float] = []
    receives = 1
    while sum(waits) < 200:
        receives += 1
        delivery = chatting.world.delivery(receive_count=receives)
        outcome = await handled(chatting, chatting.worker, sms, delivery)
        assert isinstance(outcome, Wait)
        waits.append(outcome.after_s)
        await chatting.sleep(outcome.after_s)
    assert len(waits) <= 10
    assert set(chatting.faults.calls) == {"table.get"}


async def test_a_stop_behind_a_dry_quota_is_heard_at_once(chatting: Relay) -> None:
    chatting.faults.down("chats.say", Throttled("throttled", after_s=300))
    assert isinstance(await chatting.text("hello"), Wait)
    await chatting.text("STOP")  # Its note to the agent has to wait. That is all.
    await chatting.agent("Good day")
    assert chatting.carrier.bodies == []
    assert chatting.world.commands.kinds == ["opt_out_confirmed"]


async def test_a_store_that_fails_when_a_failure_is_recorded_is_a_wait(chatting: Relay) -> None:
    async def the_store_goes_too() -> None:
        chatting.faults.down("table.update", TransientError("dynamodb_failed"))

    chatting.faults.meanwhile("chats.say", the_store_goes_too)
    chatting.faults.refuse("chats.say", RuntimeError())
    sms = chatting.sms("hello")
    assert isinstance(await handled(chatting, chatting.worker, sms), Wait)
    chatting.faults.up("table.update")
    await chatting.sleep(33)
    assert await handled(chatting, chatting.worker, sms) == Done()


async def test_a_number_that_was_taken_out_of_the_configuration_is_a_permanent_error(
    chatting: Relay,
) -> None:
    config = make_world(chatting.brand.model_copy(update={"numbers": ("+12065550191",)})).config
    chatting.world.config = config
    ended = chatting.centre.end(chatting.centre.only_chat)
    worker = chatting.world.worker("b")
    with pytest.raises(PermanentError, match="unknown_number"):
        await worker.stream.handle(ended, chatting.world.delivery())
    assert chatting.world.config.brand_of(OURS) is None


async def test_a_session_that_nobody_knows_is_counted_and_gone(relay: Relay) -> None:
    async def append(nonce: str, until_ms: int, now_ms: int) -> object:
        return await relay.journal.append_known(
            relay.sid,
            entry_of(relay, relay.sms()),
            nonce=nonce,
            until_ms=until_ms,
            now_ms=now_ms,
        )

    outcome = await relay.worker.holder.work(append, relay.sid, "e", relay.world.delivery())  # type: ignore[arg-type] # a Look
    assert outcome == Discard("unknown_session")


# --- the hold ------------------------------------------------------------------------------------


async def test_a_young_text_is_held_until_the_window_is_over() -> None:
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(10)
    before = relay.clock.monotonic()
    await relay.text("young")
    assert relay.clock.monotonic() - before >= 0.5


async def test_what_was_delivered_late_is_held_no_shorter() -> None:
    """A busy fleet delivers everything late: that must not take the window away."""
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(10)
    younger = asyncio.create_task(relay.text("younger", age_s=0.4))
    await relay.sleep(0.3)
    await relay.text("older", age_s=0.75)
    await younger
    assert relay.centre.only_chat.said == ["first", "older", "younger"]


async def test_two_texts_out_of_a_backlog_come_in_the_order_they_were_written() -> None:
    """After an outage SQS hands out at once, in any order, what was written long before."""
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(10)
    younger = asyncio.create_task(relay.text("younger", age_s=3))
    await relay.sleep(0.01)
    await relay.text("older", age_s=4)
    await younger
    await relay.sleep(2)
    assert relay.centre.only_chat.said == ["first", "older", "younger"]


async def test_while_it_is_held_the_lease_is_kept() -> None:
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(10)
    task = asyncio.create_task(relay.text("young"))
    await relay.sleep(0.2)
    assert (await relay.session()).nonce is not None
    other = relay.world.worker("b")
    assert isinstance(await handled(relay, other, relay.sms("younger")), Wait)
    assert await task == Done()
    assert relay.centre.only_chat.said == ["first", "young", "younger"]


async def test_a_lease_lost_during_the_hold_says_nothing() -> None:
    relay = Relay(hold_ms=5_000)
    await relay.text("first")
    await relay.sleep(10)
    sms = relay.sms("young")
    now = relay.clock.now_ms()

    async def stolen() -> None:
        session = await relay.session()
        far = now + 60_000
        await relay.journal.acquire(
            session, session.entries[0].id, nonce="thief", until_ms=far + 9_000, now_ms=far
        )

    relay.faults.meanwhile("table.get", stolen)
    assert await handled(relay, relay.worker, sms) == Wait("lease_lost", 1.0)
    assert relay.centre.only_chat.said == ["first"]


async def test_a_look_from_before_the_window_ended_does_not_count_as_one_from_after_it() -> None:
    """The append was early and its answer late: an older text may have come in between."""
    relay = Relay(hold_ms=500)
    await relay.text("first")
    await relay.sleep(10)
    other = relay.world.worker("b")
    older = relay.sms("older")
    older_at = relay.clock.now()
    await relay.sleep(0.05)

    async def the_older_one_comes_and_then_the_answer() -> None:
        await relay.sleep(0.4)
        outcome = await other.inbound.handle(older, older_at, relay.world.delivery())
        assert isinstance(outcome, Wait)
        await relay.sleep(0.2)

    relay.faults.before_the_answer("table.update", the_older_one_comes_and_then_the_answer)
    assert await relay.text("newer") == Done()
    assert relay.centre.only_chat.said == ["first", "older", "newer"]


# --- what only this turn knows -------------------------------------------------------------------


async def test_a_part_that_is_out_is_not_in_doubt_because_the_journal_grew(
    chatting: Relay,
) -> None:
    other = chatting.world.worker("b", Faults())

    async def a_text_comes() -> None:
        await handled(chatting, other, chatting.sms("meanwhile"))

    async def after_the_first_part() -> None:
        chatting.faults.meanwhile("texting.admit", a_text_comes)

    chatting.faults.meanwhile("texting.send", after_the_first_part)
    assert await chatting.agent("word " * 400) == Done()
    parts = [sent.text.context["sb"].rsplit(".", 1)[1] for sent in chatting.carrier.sent]
    assert parts == ["0", "1"]
    assert "[Delivery of your last message could not be confirmed]" not in (
        chatting.centre.only_chat.said
    )
    assert chatting.meter.effects["agent_concluded", "uncertain"] == 0


# --- neighbours: slots of one process ------------------------------------------------------------


async def test_another_slot_of_the_process_waits_in_memory_and_not_on_the_queue(
    relay: Relay,
) -> None:
    """A text that comes while its neighbour opens the chat is done with it, at one write."""
    second = relay.sms("second")
    tasks: list[asyncio.Task[Outcome]] = []

    async def the_second_comes() -> None:
        tasks.append(asyncio.create_task(handled(relay, relay.worker, second)))
        await relay.sleep(0.1)

    relay.faults.meanwhile("chats.start", the_second_comes)
    assert await relay.text("first") == Done()
    assert await tasks[0] == Done()
    assert relay.centre.only_chat.said == ["first", "second"]


async def test_a_neighbour_whose_entry_was_left_takes_the_session_itself(relay: Relay) -> None:
    """The first slot's turn ends at a failure; the one that waited goes on with all."""
    second = relay.sms("second")
    tasks: list[asyncio.Task[Outcome]] = []

    async def the_second_comes() -> None:
        tasks.append(asyncio.create_task(handled(relay, relay.worker, second)))
        await relay.sleep(0.1)

    relay.faults.meanwhile("chats.start", the_second_comes)
    relay.faults.refuse("chats.start", TransientError("server_error", after_s=0.001))
    first = relay.sms("first")
    assert isinstance(await handled(relay, relay.worker, first), Wait)
    await tasks[0]
    await relay.sleep(5)
    assert await handled(relay, relay.worker, second) == Done()
    assert await handled(relay, relay.worker, first) == Done()
    assert relay.centre.only_chat.said == ["first", "second"]


async def test_too_many_neighbours_come_back_by_the_queue(relay: Relay) -> None:
    outcomes: list[asyncio.Task[Outcome]] = []

    async def many_come() -> None:
        for number in range(NEIGHBOURS_MAX + 2):
            sms = relay.sms(f"text {number}")
            outcomes.append(asyncio.create_task(handled(relay, relay.worker, sms)))
        await relay.sleep(1)

    relay.faults.meanwhile("chats.start", many_come)
    await relay.text("first")
    settled = [await task for task in outcomes]
    assert settled.count(Done()) == NEIGHBOURS_MAX
    assert sum(isinstance(outcome, Wait) for outcome in settled) == 2
    assert len(relay.centre.only_chat.said) == NEIGHBOURS_MAX + 3


async def test_a_neighbour_does_not_wait_for_ever(relay: Relay) -> None:
    tasks: list[asyncio.Task[Outcome]] = []

    async def the_second_comes() -> None:
        tasks.append(asyncio.create_task(handled(relay, relay.worker, relay.sms("second"))))
        await relay.sleep(14)

    relay.faults.meanwhile("chats.start", the_second_comes)
    await relay.text("first")
    outcome = await tasks[0]
    assert isinstance(outcome, Wait)
    assert outcome.reason == "session_taken"


async def test_a_slot_that_is_cancelled_wakes_its_neighbours_and_writes_nothing(
    relay: Relay,
) -> None:
    second = relay.sms("second")
    tasks: list[asyncio.Task[Outcome]] = []
    gate = asyncio.Event()

    async def stuck() -> None:
        tasks.append(asyncio.create_task(handled(relay, relay.worker, second)))
        await gate.wait()

    relay.faults.meanwhile("chats.start", stuck)
    first = asyncio.create_task(relay.text("first"))
    await relay.sleep(1)
    relay.faults.calls.clear()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert isinstance(await tasks[0], Wait)  # The lease stands until it runs out.
    assert relay.faults.calls == []
    await relay.sleep(33)
    assert await handled(relay, relay.worker, second) == Done()
    assert relay.centre.only_chat.said == ["first", "second"]


async def test_a_late_event_is_counted_by_its_lane(chatting: Relay) -> None:
    chat = chatting.centre.only_chat
    older = chatting.centre.agent_says(chat, "older")
    await chatting.sleep(5)
    await chatting.agent("newer")
    assert await chatting.streamed(older) == Done()
    assert chatting.carrier.bodies == ["newer", "older"]
    assert chatting.meter.lates == {"out": 1}


async def test_how_long_a_hop_took_is_measured_from_the_events_own_time(chatting: Relay) -> None:
    sms = chatting.sms("hello")
    delivery = chatting.world.delivery()
    sent_at = chatting.clock.now() - timedelta(seconds=3)
    await chatting.worker.inbound.handle(sms, sent_at, delivery)
    lane, seconds = chatting.meter.hops[-1]
    assert lane == Lane.IN
    assert seconds == pytest.approx(3, abs=0.1)
