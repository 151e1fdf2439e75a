"""Who may delete a message, and who holds a conversation meanwhile."""

from __future__ import annotations

import pytest

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import (
    Relay,
    entry_of,
    handled,
    left_behind,
)
from workers.errors import Fenced, TransientError
from workers.runtime.outcome import Done, Outcome, Wait


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
