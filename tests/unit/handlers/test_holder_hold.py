"""The window in which what arrives is put in order."""

from __future__ import annotations

import asyncio

from tests.unit.handlers.relay import (
    Relay,
    handled,
)
from workers.runtime.outcome import Done, Wait


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
