"""A conversation whose entries, calls and stores fail."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import (
    OURS,
    Relay,
    entry_of,
    handled,
    make_world,
)
from workers.errors import PermanentError, Throttled, TransientError
from workers.handlers.chat_relay.holder import ATTEMPTS_MAX
from workers.runtime.outcome import DeadLetter, Discard, Done, Wait
from workers.stores.protocols import Stage


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
