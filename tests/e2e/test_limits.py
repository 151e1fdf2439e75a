"""Loops and floods: few texts of our own, and few chats, for one number."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from simulator.ledger import Entry
from tests.e2e.account import PLAIN, SHORT_LIMITS
from tests.e2e.stage import QUIET_S, Customer, Stage
from tests.e2e.theatre import scene

ENDED = "Plain: This conversation has ended. Text us again any time."
REFUSED = "Short Limits: We cannot take a new conversation right now. Please try again later."


@scene()
async def test_at_most_three_texts_of_our_own_an_hour_go_to_one_number(stage: Stage) -> None:
    customer = stage.customer()
    for _ in range(5):
        await stage.text(customer, "HELP")
        await asyncio.sleep(0.3)

    async def look() -> bool:
        return len(await stage.on_phone(customer)) >= 3

    await stage.until(look, "three were answered")
    await asyncio.sleep(QUIET_S)
    assert len(await stage.on_phone(customer)) == 3
    chat = await stage.begin(customer, "a person, please")
    await stage.desk.say(chat.contact_id, "here I am")
    await stage.until_on_phone(customer, "here I am")  # A person's words are not capped.


@scene()
async def test_no_text_of_our_own_goes_to_a_short_code(stage: Stage) -> None:
    short_code = Customer("72345", PLAIN)
    await stage.text(short_code, "HELP")

    async def look() -> bool:
        capped = {"kind": "notice_concluded", "result": "automatic_texts_capped"}
        return await stage.metric("effects_total", **capped) >= 1

    await stage.until(look, "the answer is left out and counted")
    assert await stage.sends(short_code) == []


@scene()
async def test_whoever_answers_within_two_seconds_three_times_is_taken_for_a_machine(
    stage: Stage,
) -> None:
    machine = stage.customer()
    chat = await stage.begin(machine)
    await stage.text(machine, "HELP")

    async def answered() -> list[Entry]:
        return await stage.sends(machine)

    [ours] = await stage.until(answered, "HELP is answered")
    said = [f"I am out of office {n}" for n in range(3)]
    for n, body in enumerate(said, 1):
        # By its own clock the machine is quick, however busy this one is.
        at = datetime.fromisoformat(ours.at) + timedelta(milliseconds=100 * n)
        await stage.enqueue_text(machine, body, at)
    await stage.until_in_chat(chat, *said)
    await stage.desk.end(chat.contact_id)
    await asyncio.sleep(QUIET_S)
    assert ENDED not in await stage.on_phone(machine)


@scene()
async def test_chat_starts_of_one_number_are_capped_and_the_refusal_is_told_once(
    stage: Stage,
) -> None:
    customer = stage.customer(SHORT_LIMITS)
    chat = await stage.begin(customer)
    await stage.desk.end(chat.contact_id)
    ended = "Short Limits: This conversation has ended. Text us again any time."
    await stage.until_on_phone(customer, ended)
    await stage.text(customer, "another chat, please")
    await stage.until_on_phone(customer, REFUSED)
    await stage.text(customer, "and another")
    await asyncio.sleep(QUIET_S)
    assert await stage.on_phone(customer) == [ended, REFUSED]
    assert await stage.chats_opened(customer) == 1
