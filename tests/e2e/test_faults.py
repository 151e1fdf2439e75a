"""Services that throttle, fail, hang up after doing, or are full: late, but once and in order."""

from __future__ import annotations

import asyncio

from tests.e2e.account import ONE_A_MINUTE, SHORT_LIMITS
from tests.e2e.stage import QUIET_S, SOON_S, Stage
from tests.e2e.theatre import scene
from workers.clock import SystemClock

UNCERTAIN = "[Delivery of your last message could not be confirmed]"
LONGER_THAN_ANY_COUNT = 18
"""Refusals in a row, where a queue would give up after five receives."""


@scene(slow=True)
async def test_texts_wait_in_order_while_connect_throttles_and_fails(stage: Stage) -> None:
    customer = stage.customer()
    await stage.spoil_start(customer, "throttle", LONGER_THAN_ANY_COUNT)
    for body in ("one", "two"):
        await stage.text(customer, body)
    chat = await stage.chat(customer, timeout_s=60)
    await stage.until_in_chat(chat, "one", "two")
    await stage.spoil_saying("three", "error_500", LONGER_THAN_ANY_COUNT)
    for body in ("three", "four"):
        await stage.text(customer, body)
    await stage.desk.say(chat.contact_id, "the other way is open")
    await stage.until_on_phone(customer, "the other way is open")
    said = await stage.until_in_chat(chat, "three", "four", timeout_s=60)
    assert said == ["one", "two", "three", "four"]
    assert await stage.chats_opened(customer) == 1


@scene()
async def test_agents_messages_wait_in_order_while_eum_throttles(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.spoil_sends(customer, "throttle", 7)
    for body in ("one", "two"):
        await stage.desk.say(chat.contact_id, body)
    texts = await stage.until_on_phone(customer, "one", "two", timeout_s=40)
    assert texts == ["one", "two"]
    assert await stage.from_customer(chat) == ["hello"]


@scene()
async def test_a_slow_connect_only_makes_texts_late(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.spoil_saying("slowly", "error_500_after_doing")
    await stage.text(customer, "slowly")
    await stage.text(customer, "surely")
    said = await stage.until_in_chat(chat, "surely")
    assert said == ["hello", "slowly", "surely"]


@scene()
async def test_a_dropped_start_is_repeated_and_opens_one_chat(stage: Stage) -> None:
    customer = stage.customer()
    await stage.spoil_start(customer, "drop_after_doing", 2)
    await stage.text(customer, "hello")
    chat = await stage.chat(customer, timeout_s=SOON_S + 10)
    assert await stage.until_in_chat(chat, "hello") == ["hello"]
    assert await stage.chats_opened(customer) == 1
    assert len({start.params["ClientToken"] for start in await stage.starts(customer)}) == 1


@scene()
async def test_a_text_in_doubt_is_settled_by_its_receipt(stage: Stage) -> None:
    """EUM sends the text and answers 500, or nothing: the receipt tells that it is out."""

    async def one(action: str) -> None:
        customer = stage.customer()
        chat = await stage.begin(customer)
        await stage.spoil_sends(customer, action)
        await stage.desk.say(chat.contact_id, "out or not")
        await stage.desk.say(chat.contact_id, "the next")
        texts = await stage.until_on_phone(customer, "out or not", "the next", timeout_s=40)
        assert texts == ["out or not", "the next"]
        assert await stage.from_customer(chat) == ["hello"]

    await asyncio.gather(one("error_500_after_doing"), one("drop_after_doing"))


@scene(slow=True)
async def test_a_text_whose_receipt_is_lost_too_is_not_sent_again_and_the_agent_is_told(
    stage: Stage,
) -> None:
    customer = stage.customer(SHORT_LIMITS)
    chat = await stage.begin(customer)
    await stage.simulator.set_carrier("silent", number=customer.number)
    await stage.spoil_sends(customer, "drop_after_doing")
    await stage.desk.say(chat.contact_id, "out or not")
    await stage.until_in_chat(chat, UNCERTAIN, timeout_s=60)
    await stage.desk.say(chat.contact_id, "the next")
    texts = await stage.until_on_phone(customer, "the next")
    assert [text for text in texts if "still there" not in text] == ["out or not", "the next"]


@scene()
async def test_a_refused_text_becomes_one_note(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.spoil_sends(customer, "refuse:ValidationException:INVALID_PARAMETER")
    await stage.desk.say(chat.contact_id, "cannot be sent")
    await stage.desk.say(chat.contact_id, "can be")
    await stage.until_on_phone(customer, "can be")
    notes = [said for said in await stage.from_customer(chat) if said.startswith("[")]
    assert len(notes) == 1
    assert notes[0].startswith("[Not delivered to the customer: ")


@scene()
async def test_a_text_that_the_carrier_refuses_is_told_once_and_kept_as_an_attribute(
    stage: Stage,
) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.simulator.set_carrier("unreachable", number=customer.number)
    await stage.desk.say(chat.contact_id, "can you hear me?")
    note = "[Not delivered to the customer: unreachable]"
    await stage.until_in_chat(chat, note)

    async def look() -> bool:
        return (await stage.desk.chat(chat.contact_id)).attributes.get("sb_last_text") == (
            "unreachable"
        )

    await stage.until(look, "the contact attribute tells the fate of the last text")
    await asyncio.sleep(QUIET_S)
    assert await stage.from_customer(chat) == ["hello", note]


@scene()
async def test_a_delivered_text_gets_its_receipt_in_the_chat(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    said = await stage.desk.say(chat.contact_id, "got it?")

    async def look() -> list[str]:
        items = await stage.desk.items(chat.contact_id)
        return [i.receipt["MessageId"] for i in items if i.receipt]

    assert await stage.until(look, "the agent's message has a receipt") == [said.id]


@scene()
async def test_an_expired_connection_token_is_renewed(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    assert await stage.desk.expire_tokens(chat.contact_id) >= 1
    await stage.text(customer, "still me")
    assert await stage.until_in_chat(chat, "still me") == ["hello", "still me"]
    assert await stage.chats_opened(customer) == 1


@scene()
async def test_a_refused_participant_token_opens_a_new_chat_and_loses_no_text(
    stage: Stage,
) -> None:
    customer = stage.customer()
    first = await stage.begin(customer)
    await stage.desk.expire_tokens(first.contact_id, "connection")
    await stage.desk.expire_tokens(first.contact_id, "participant")
    await stage.text(customer, "can you hear me?")

    async def look() -> bool:
        return len(await stage.chats(customer)) == 2

    await stage.until(look, "a second chat is opened")
    second = await stage.chat(customer)
    assert second.contact_id != first.contact_id
    assert await stage.until_in_chat(second, "can you hear me?") == ["can you hear me?"]
    assert await stage.from_customer(first) == ["hello"]


@scene(slow=True)
async def test_when_connect_is_full_the_customer_is_told_once_and_no_text_is_lost(
    stage: Stage,
) -> None:
    customer = stage.customer(SHORT_LIMITS)
    await stage.spoil_start(customer, "refuse:LimitExceededException", 6)
    # The SDK takes it for a throttle and makes three calls of each.
    await stage.text(customer, "anybody there?")
    busy = "Short Limits: All our agents are busy. Your message is kept and will be answered."
    await stage.until_on_phone(customer, busy, timeout_s=30)
    chat = await stage.chat(customer, timeout_s=100)
    assert await stage.until_in_chat(chat, "anybody there?") == ["anybody there?"]
    assert await stage.on_phone(customer) == [busy]


@scene(slow=True)
async def test_a_brands_chat_starts_are_capped_and_whoever_is_over_it_waits(stage: Stage) -> None:
    # Starts are counted by the clock's minute: a new one within these seconds has room for both.
    await _with_a_minute_before_us(at_least_s=20)
    customers = [stage.customer(ONE_A_MINUTE) for _ in range(2)]
    for customer in customers:
        await stage.text(customer, "hello")

    async def opened() -> list[bool]:
        return [bool(await stage.chats(customer)) for customer in customers]

    async def look() -> bool:
        return any(await opened())

    await stage.until(look, "one of them has a chat")
    await asyncio.sleep(QUIET_S)
    is_first = await opened()
    assert sorted(is_first) == [False, True]
    later = customers[is_first.index(False)]
    chat = await stage.chat(later, timeout_s=100)
    assert await stage.until_in_chat(chat, "hello") == ["hello"]
    busy = [text for text in await stage.on_phone(later) if "busy" in text]
    assert len(busy) == 1


@scene(world="spend", slow=True)
async def test_a_spent_month_pauses_sending_and_dead_letters_nothing(stage: Stage) -> None:
    customer, other = stage.customer(), stage.customer()
    chats = [await stage.begin(one) for one in (customer, other)]
    await stage.simulator.set_knobs(sms_voice={"text_spend_limit_reached": True})
    for chat in chats:
        await stage.desk.say(chat.contact_id, "one")
        await stage.desk.say(chat.contact_id, "two")

    async def look() -> bool:
        return await stage.metric("effects_total", kind="sms", result="spend_limit") >= 1

    await stage.until(look, "the limit is counted")
    await asyncio.sleep(QUIET_S)
    assert len(await stage.refused("SendTextMessage")) <= 2  # It pauses, it does not hammer.
    await stage.simulator.set_knobs(sms_voice={"text_spend_limit_reached": False})
    for one in (customer, other):
        texts = await stage.until_on_phone(one, "one", "two", timeout_s=90)
        assert texts == ["one", "two"]
    assert await stage.dead_letters("chat-stream") == []


async def _with_a_minute_before_us(*, at_least_s: float) -> None:
    left_s = 60 - SystemClock().now().timestamp() % 60
    if left_s < at_least_s:
        await asyncio.sleep(left_s)
