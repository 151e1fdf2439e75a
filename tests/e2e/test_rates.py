"""Connect and End User Messaging keep their documented quotas: the fleet stays within them."""

from __future__ import annotations

import asyncio

from tests.e2e.stage import Stage
from tests.e2e.theatre import scene

CROWD = 24
"""Three bursts of StartChatContact: the rest has to wait, at five a second for both workers."""
IN_TIME_S = 90.0


@scene(world="busy", slow=True)
async def test_a_crowd_gets_its_chats_within_the_quota_and_a_stop_is_heard_meanwhile(
    stage: Stage,
) -> None:
    leaver = stage.customer()
    await stage.begin(leaver)
    await stage.simulator.set_knobs(rates=True)
    crowd = [stage.customer() for _ in range(CROWD)]
    before = await stage.metric("received_total", queue="inbound-sms")
    await asyncio.gather(*(stage.text(customer, "is anybody there?") for customer in crowd))
    await stage.text(leaver, "STOP")

    async def is_heard() -> bool:
        return any("unsubscribed" in body for body in await stage.on_phone(leaver))

    await stage.until(is_heard, "the STOP is confirmed", IN_TIME_S)
    for customer in crowd:
        opened = await stage.chat(customer, timeout_s=IN_TIME_S)
        await stage.until_in_chat(opened, "is anybody there?", timeout_s=IN_TIME_S)
        assert await stage.chats_opened(customer) == 1
    received = await stage.metric("received_total", queue="inbound-sms") - before
    assert received <= 5 * (CROWD + 1), "what waits for a quota is not received again and again"
    for operation in ("StartChatContact", "StartContactStreaming", "CreateParticipantConnection"):
        assert len(await stage.refused(operation)) <= 3, operation
