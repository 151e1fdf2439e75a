"""What a message costs at the DynamoDB endpoint when nobody else wants its conversation."""

from __future__ import annotations

import asyncio
from pathlib import Path

from demo.write_counter import WriteCounter
from infra.local.endpoints import LocalAws
from infra.local.world import World, WorldPlan
from tests.e2e.account import CONFIG, contact_centre
from tests.e2e.stage import Stage, staged

SETTLED_S = 1.5
MESSAGES = 4


async def test_a_text_in_costs_two_writes_and_a_one_part_reply_three(
    tmp_path: Path, backend_aws: LocalAws
) -> None:
    async with WriteCounter(backend_aws) as counter:
        plan = WorldPlan(
            run_dir=tmp_path / "run", config=CONFIG, contact_centre=contact_centre, worker_count=1
        )
        async with World(plan, counter.aws) as world, staged(world) as stage:
            customer = stage.customer()
            chat = await stage.begin(customer)
            await _settle(stage)

            before = counter.writes
            for n in range(MESSAGES):
                await stage.text(customer, f"text {n}")
                await stage.until_in_chat(chat, f"text {n}")
            await _settle(stage)
            assert counter.writes - before == 2 * MESSAGES

            before = counter.writes
            for n in range(MESSAGES):
                await stage.desk.say(chat.contact_id, f"reply {n}")
                await stage.until_on_phone(customer, f"reply {n}")
            await _settle(stage)
            assert counter.writes - before == 3 * MESSAGES


async def _settle(stage: Stage) -> None:
    """Until nothing is left in hand, receipts included."""

    async def look() -> bool:
        return await stage.metric("in_flight") == 0

    await stage.until(look, "no message is in the worker's hands")
    await asyncio.sleep(SETTLED_S)
