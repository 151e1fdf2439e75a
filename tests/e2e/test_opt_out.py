"""STOP, START and HELP: the last word of the customer counts, and the agent learns of it once."""

from __future__ import annotations

import asyncio

from tests.e2e.account import MANAGED, OPEN_ENDED
from tests.e2e.stage import QUIET_S, Customer, Stage
from tests.e2e.theatre import scene

CONFIRMED = "Plain: You are unsubscribed and will get no more texts. Reply START to return."
RETURNED = "Plain: You are subscribed again. Reply STOP to unsubscribe."
HELP = (
    "Plain: Text us here to reach a person. Msg & data rates may apply. Reply STOP to unsubscribe."
)
NOTE = "[The customer opted out of texts: replies are not delivered]"


@scene()
async def test_stop_in_a_running_chat_is_confirmed_told_and_ends_it(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "Stop please!")
    await stage.until_on_phone(customer, CONFIRMED)
    await _until_ended(stage, chat.contact_id)
    await stage.text(customer, "STOP")
    await asyncio.sleep(QUIET_S)
    assert await stage.on_phone(customer) == [CONFIRMED]
    assert await stage.from_customer(chat) == ["hello", NOTE]
    assert await stage.chats_opened(customer) == 1


@scene()
async def test_a_brand_may_leave_the_chat_open_but_no_text_goes_out(stage: Stage) -> None:
    customer = stage.customer(OPEN_ENDED)
    chat = await stage.begin(customer)
    await stage.text(customer, "stop")
    await stage.until_in_chat(chat, NOTE)
    for body in ("are you sure?", "hello?"):
        await stage.desk.say(chat.contact_id, body)
    await asyncio.sleep(QUIET_S)
    [text] = await stage.on_phone(customer)
    assert text.startswith("Open Ended: You are unsubscribed")
    assert await stage.from_customer(chat) == ["hello", NOTE]
    assert (await stage.desk.chat(chat.contact_id)).state == "with_agent"


@scene()
async def test_start_brings_a_customer_back(stage: Stage) -> None:
    customer = stage.customer()
    await stage.begin(customer)
    await stage.text(customer, "STOP")
    await stage.until_on_phone(customer, CONFIRMED)
    await stage.text(customer, "start")
    await stage.until_on_phone(customer, RETURNED)
    chat = await stage.begin(customer, "I am back")
    await stage.desk.say(chat.contact_id, "Welcome back")
    await stage.until_on_phone(customer, "Welcome back")


@scene()
async def test_every_word_that_the_law_counts_opts_a_stranger_out(stage: Stage) -> None:
    words = ("REVOKE", "opt out", "STOPALL", "Ｓｔｏｐ.", "unsubscribe thanks")

    async def one(word: str) -> Customer:
        customer = stage.customer()
        await stage.text(customer, word)
        await stage.until_on_phone(customer, CONFIRMED)
        return customer

    customers = await asyncio.gather(*(one(word) for word in words))
    for customer in customers:
        assert await stage.on_phone(customer) == [CONFIRMED]
        assert await stage.chats_opened(customer) == 0


@scene()
async def test_what_only_begins_like_an_opt_out_goes_to_the_agent_flagged(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "stop by at 2")
    await stage.until_in_chat(chat, "[This may be an opt-out request] stop by at 2")
    await stage.desk.say(chat.contact_id, "ok, at 2")
    assert await stage.until_on_phone(customer, "ok, at 2") == ["ok, at 2"]


@scene()
async def test_yes_is_an_answer_to_somebody_who_never_left(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "Yes")
    assert await stage.until_in_chat(chat, "Yes") == ["hello", "Yes"]
    assert await stage.on_phone(customer) == []


@scene()
async def test_help_is_answered_even_after_an_opt_out(stage: Stage) -> None:
    customer = stage.customer()
    await stage.text(customer, "HELP")
    await stage.until_on_phone(customer, HELP)
    await stage.text(customer, "STOP")
    await stage.until_on_phone(customer, CONFIRMED)
    await stage.text(customer, "Info")
    assert await stage.until_on_phone(customer, HELP, HELP) == [HELP, CONFIRMED, HELP]
    assert await stage.chats_opened(customer) == 0


@scene()
async def test_help_in_a_chat_is_answered_and_shown_to_the_agent(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.text(customer, "help")
    await stage.until_on_phone(customer, HELP)
    await stage.until_in_chat(chat, "help")


@scene()
async def test_a_send_refused_as_opted_out_is_the_opt_out_we_never_heard(stage: Stage) -> None:
    """With managed opt-outs EUM answers STOP itself; its refusal is our only sign."""
    customer = stage.customer(MANAGED)
    chat = await stage.begin(customer)
    await stage.text(customer, "STOP")
    for body in ("how can I help?", "are you there?"):
        await stage.desk.say(chat.contact_id, body)
    await stage.until_in_chat(chat, NOTE)
    await asyncio.sleep(QUIET_S)
    assert await stage.from_customer(chat) == ["hello", NOTE]
    assert await stage.sends(customer) == []
    refusals = await stage.refused("SendTextMessage", DestinationPhoneNumber=customer.number)
    assert len(refusals) == 1  # What we know, we do not ask again.


@scene()
async def test_an_opt_out_holds_for_one_list_and_not_for_the_next_brands(stage: Stage) -> None:
    customer = stage.customer()
    other = Customer(customer.number, OPEN_ENDED)
    await stage.text(customer, "STOP")
    await stage.until_on_phone(customer, CONFIRMED)
    chat = await stage.begin(other, "hello to you")
    await stage.desk.say(chat.contact_id, "hello back")
    await stage.until_on_phone(other, "hello back")


async def _until_ended(stage: Stage, contact_id: str) -> None:
    async def look() -> bool:
        return (await stage.desk.chat(contact_id)).state == "ended"

    await stage.until(look, "the chat is over")
