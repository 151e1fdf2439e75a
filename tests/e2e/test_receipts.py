"""What carriers say of texts, over the real queues, to who gets no more of them."""

from __future__ import annotations

import asyncio
import uuid

from tests.e2e.sources import enqueue, publish, receipt, retold
from tests.e2e.stage import QUIET_S, Stage
from tests.e2e.suppressions import causes, until_held
from tests.e2e.theatre import scene
from tests.events import load


@scene()
async def test_a_number_that_its_carrier_calls_invalid_gets_no_reply_and_the_agent_reads_why(
    stage: Stage,
) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await publish(stage, "delivery-receipts", receipt(customer, "INVALID"))
    await until_held(stage, customer.number)
    await stage.desk.say(chat.contact_id, "can you hear me?")

    async def look() -> bool:
        return any("invalid number" in said for said in await stage.from_customer(chat))

    await stage.until(look, "the agent reads that the number is invalid")
    assert await stage.sends(customer) == []


@scene()
async def test_carriers_answers_are_told_apart(stage: Stage) -> None:
    kinds = {
        "INVALID": ("invalid", "invalid_number"),
        "BLOCKED": ("suppressed", "blocked"),
        "UNREACHABLE landline": ("suppressed", "landline"),
        "UNREACHABLE thrice": ("suppressed", "unreachable"),
    }
    people = {said: stage.customer() for said in kinds}
    fine = {
        said: stage.customer() for said in ("SPAM", "CARRIER_BLOCKED", "TTL_EXPIRED", "UNKNOWN")
    }
    for said, customer in (people | fine).items():
        status, _, how = said.partition(" ")
        words = {"messageStatusDescription": "Phone is a landline"} if how == "landline" else {}
        for _ in range(3 if how == "thrice" else 1):
            await publish(stage, "delivery-receipts", receipt(customer, status, **words))
    found = await until_held(stage, *(customer.number for customer in people.values()))
    held = {
        said: (found[who.number][0]["state"], found[who.number][0]["cause"])
        for said, who in people.items()
    }
    assert held == kinds
    await asyncio.sleep(QUIET_S)
    known = await causes(stage)
    assert [said for said, who in fine.items() if who.number in known] == []


@scene()
async def test_late_and_repeated_receipts_take_nothing_back(stage: Stage) -> None:
    customer = stage.customer()
    message = {"messageId": str(uuid.uuid4())}
    before = await stage.metric("address_facts_total", channel="sms", result="upgraded")
    for status in ("UNREACHABLE", "DELIVERED", "SUCCESSFUL", "UNREACHABLE", "INVALID"):
        await publish(stage, "delivery-receipts", receipt(customer, status, **message))
        await asyncio.sleep(0.2)

    async def look() -> bool:
        facts = await stage.metric("address_facts_total", channel="sms", result="upgraded")
        return facts > before

    await stage.until(look, "DELIVERED upgraded what was known")
    await asyncio.sleep(QUIET_S)
    assert customer.number not in await causes(stage)


@scene()
async def test_receipts_of_calls_say_nothing_of_texts(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    for name in ("eum/voice_completed", "eum/voice_busy_eventbridge"):
        document = retold(load(name), {"+12065550100": customer.number})
        await enqueue(stage, document)
    await stage.desk.say(chat.contact_id, "still here")
    await stage.until_on_phone(customer, "still here")
