"""Slots of one process that want the same conversation."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.unit.handlers.relay import (
    Relay,
    handled,
)
from workers.errors import TransientError
from workers.handlers.chat_relay.holder import NEIGHBOURS_MAX
from workers.runtime.outcome import Done, Outcome, Wait
from workers.stores.protocols import Lane


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
