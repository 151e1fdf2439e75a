"""What carriers and mail servers say, over the real queues, to what follows from it."""

from __future__ import annotations

import json
import uuid
from typing import Any

from tests.e2e.stage import Customer, Stage, utc_now
from tests.e2e.theatre import scene


def receipt(customer: Customer, status: str, **keys: Any) -> dict[str, Any]:
    """A final receipt as a configuration set publishes it."""
    return {
        "eventType": f"TEXT_{status}",
        "eventVersion": "1.0",
        "eventTimestamp": int(utc_now().timestamp() * 1000),
        "isFinal": True,
        "originationPhoneNumber": customer.ours,
        "destinationPhoneNumber": customer.number,
        "messageId": str(uuid.uuid4()),
        "messageType": "TRANSACTIONAL",
        "messageStatus": status,
        **keys,
    }


async def publish(stage: Stage, topic: str, document: dict[str, Any]) -> None:
    arn = stage.world.provisioned.topic_arns[topic]
    await stage.sns.publish(TopicArn=arn, Message=json.dumps(document))


async def until_suppressed(stage: Stage, cause: str, at_least: float) -> None:
    async def look() -> bool:
        return await stage.metric("address_suppressions_total", cause=cause) >= at_least

    await stage.until(look, f"{at_least} addresses are suppressed for {cause}")


@scene()
async def test_a_number_that_its_carrier_calls_invalid_gets_no_reply_and_the_agent_reads_why(
    stage: Stage,
) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    before = await stage.metric("address_suppressions_total", cause="invalid_number")
    await publish(stage, "delivery-receipts", receipt(customer, "INVALID"))
    await until_suppressed(stage, "invalid_number", before + 1)
    await stage.desk.say(chat.contact_id, "can you hear me?")

    async def look() -> bool:
        return any("invalid number" in said for said in await stage.from_customer(chat))

    await stage.until(look, "the agent reads that the number is invalid")
    assert await stage.sends(customer) == []
