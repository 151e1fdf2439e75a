"""Workers that die at the worst moment, and workers that are asked to go."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from simulator.gates import GateOrder
from tests.e2e.account import CONFIG, contact_centre
from tests.e2e.conftest import OpenWorld
from tests.e2e.stage import TAKEN_OVER_S, Stage, staged
from tests.e2e.theatre import scene

HELD_WITHIN_S = 55.0


@asynccontextmanager
async def killed_in(stage: Stage, order: GateOrder) -> AsyncIterator[None]:
    """Hold the call that the block leads to, kill its worker before the answer, start it again."""
    async with stage.kill_lock:
        await stage.simulator.arm_gate(order)
        yield
        held = await stage.simulator.wait_gate(HELD_WITHIN_S)
        assert held is not None, f"{order.operation} was never called"
        assert held.app is not None
        worker = int(held.app.rpartition("-")[2])
        await stage.world.kill(worker)
        await stage.simulator.clear_gates()
        await stage.world.restart(worker)


@scene(world="kills", slow=True)
async def test_a_worker_killed_while_it_starts_a_chat_leaves_one_chat(stage: Stage) -> None:
    customer = stage.customer()
    order = GateOrder(
        service="connect",
        operation="StartChatContact",
        match={"Attributes": {"sb_customer_number": customer.number}},
    )
    async with killed_in(stage, order):
        await stage.text(customer, "hello")
    await stage.text(customer, "is anybody there?")
    chat = await stage.chat(customer, timeout_s=TAKEN_OVER_S)
    said = await stage.until_in_chat(chat, "hello", "is anybody there?", timeout_s=TAKEN_OVER_S)
    assert said == ["hello", "is anybody there?"]
    assert len(await stage.starts(customer)) >= 2
    assert await stage.chats_opened(customer) == 1


@scene(world="kills", slow=True)
async def test_a_worker_killed_while_it_starts_the_stream_leaves_one_stream(stage: Stage) -> None:
    customer = stage.customer()
    order = GateOrder(service="connect", operation="StartContactStreaming")
    async with killed_in(stage, order):
        await stage.text(customer, "hello")
    chat = await stage.chat(customer, timeout_s=TAKEN_OVER_S)
    await stage.until_in_chat(chat, "hello", timeout_s=TAKEN_OVER_S)
    assert len((await stage.desk.chat(chat.contact_id)).streams) == 1
    await stage.desk.say(chat.contact_id, "good morning")
    # Another scene's kill may take the worker that has it in hand.
    texts = await stage.until_on_phone(customer, "good morning", timeout_s=TAKEN_OVER_S)
    assert texts == ["good morning"]


@scene(world="kills", slow=True)
async def test_a_worker_killed_after_a_text_was_accepted_sends_it_once(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer, timeout_s=TAKEN_OVER_S)
    order = GateOrder(
        service="pinpoint-sms-voice-v2",
        operation="SendTextMessage",
        match={"DestinationPhoneNumber": customer.number},
    )
    async with killed_in(stage, order):
        await stage.desk.say(chat.contact_id, "once and only once")
    await stage.desk.say(chat.contact_id, "and this after it")
    texts = await stage.until_on_phone(
        customer, "once and only once", "and this after it", timeout_s=TAKEN_OVER_S
    )
    assert texts == ["once and only once", "and this after it"]
    assert len(await stage.sends(customer)) == 2


@scene(world="kills", slow=True)
async def test_a_worker_killed_after_it_said_a_text_in_the_chat_says_it_once(
    stage: Stage,
) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer, timeout_s=TAKEN_OVER_S)
    order = GateOrder(
        service="connectparticipant",
        operation="SendMessage",
        match={"Content": "said by a dying worker"},
    )
    async with killed_in(stage, order):
        await stage.text(customer, "said by a dying worker")
    await stage.text(customer, "and this after it")
    said = await stage.until_in_chat(chat, "and this after it", timeout_s=TAKEN_OVER_S)
    assert said == ["hello", "said by a dying worker", "and this after it"]


async def test_a_worker_that_is_told_to_stop_finishes_and_leaves_a_receipt(
    open_world: OpenWorld,
) -> None:
    world = open_world(config=CONFIG, contact_centre=contact_centre, worker_count=1)
    async with world, staged(world) as stage:
        customer = stage.customer()
        chat = await stage.begin(customer)
        order = GateOrder(service="connectparticipant", operation="SendMessage", hold_ms=1_500)
        await stage.simulator.arm_gate(order)
        await stage.text(customer, "in hand when the signal comes")
        assert await stage.simulator.wait_gate(HELD_WITHIN_S) is not None
        [exited] = await world.stop_workers()
        assert exited.code == 0
        assert exited.receipt is not None
        assert exited.receipt["abandoned"] == 0
        assert exited.receipt["forced"] is False
        done = exited.receipt["done"]
        assert isinstance(done, int)
        assert done >= 1
        said = await stage.from_customer(chat)
        assert said == ["hello", "in hand when the signal comes"]
