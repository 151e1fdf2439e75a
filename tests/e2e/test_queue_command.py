"""An operator pauses a queue from a shell; the workers that run notice, and so do new ones."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from tests.e2e.stage import QUIET_S, TAKEN_OVER_S, Stage, slowness
from tests.e2e.theatre import scene

NOTICED_S = 2.0


async def switchboard_queue(stage: Stage, *arguments: str) -> tuple[int, str, str]:
    """Run the command in a shell that has a worker's wiring; returns status, stdout, stderr."""
    said = await stage.world.switchboard("queue", *arguments)
    return said.status, said.out, said.err


async def health(stage: Stage, worker: int) -> tuple[int, dict[str, Any]]:
    """The status of /healthz, and what it says of inbound-sms."""
    async with stage.http.get(f"{stage.world.worker_url(worker)}/healthz") as answer:
        return answer.status, (await answer.json())["queues"]["inbound-sms"]


async def until_state(stage: Stage, worker: int, state: str) -> None:
    async def look() -> bool:
        return bool((await health(stage, worker))[1]["state"] == state)

    await stage.until(look, f"worker {worker} says {state}", NOTICED_S + 1.0)


@scene(world="paused", slow=True)
async def test_an_operator_pauses_a_queue_for_every_worker_and_no_restart_re_arms_it(
    stage: Stage,
) -> None:
    reason = "numbers are being moved"
    status, out, err = await switchboard_queue(
        stage, "pause", "inbound-sms", "--reason", reason, "--by", "anna on ops-1"
    )
    paused_at = time.monotonic()
    assert status == 0, err
    assert f"by anna on ops-1: {reason}" in out
    audit = json.loads(err)
    assert (audit["event"], audit["sqs_queue"], audit["by"]) == (
        "queue_paused",
        "inbound-sms",
        "anna on ops-1",
    )
    for worker in (0, 1):
        await until_state(stage, worker, "paused")
    assert time.monotonic() - paused_at < (NOTICED_S + 1.0) * slowness()
    for worker in (0, 1):
        healthz, described = await health(stage, worker)
        assert healthz == 200
        assert (described["reason"], described["by"]) == (reason, "anna on ops-1")
        assert described["alive"]
    assert await stage.metric("paused", queue="inbound-sms") == 2
    assert await stage.metric("paused", queue="chat-stream") == 0

    await stage.world.restart(0)
    await until_state(stage, 0, "paused")
    customer = stage.customer()
    await stage.text(customer, "is anybody there?")
    # Worker 1 may have a long poll out from before: what it brings is given back.
    await asyncio.sleep(QUIET_S)
    assert await stage.starts(customer) == []

    status, out, _ = await switchboard_queue(stage, "status", "--json")
    assert status == 0
    rows = {row["queue"]: row for row in json.loads(out)["queues"]}
    assert rows["inbound-sms"]["state"] == "paused"
    assert rows["inbound-sms"]["visible"] + rows["inbound-sms"]["in_flight"] == 1
    assert rows["inbound-sms"]["dead_letters"] == 0
    assert rows["chat-stream"]["state"] == "polled"
    status, out, _ = await switchboard_queue(stage, "status")
    assert status == 0
    assert "\x1b" not in out, "colours are for terminals"
    assert f"by anna on ops-1: {reason}" in out

    status, out, err = await switchboard_queue(stage, "pause", "inbound-sms", "--reason", "again")
    assert (status, err) == (0, "")
    assert f"was paused already: paused since {rows['inbound-sms']['since']}" in out

    status, out, err = await switchboard_queue(stage, "resume", "inbound-sms")
    assert status == 0
    assert json.loads(err)["event"] == "queue_resumed"
    # The killed worker's last long poll may have taken the text with it, for as long as its lease.
    await stage.chat(customer, timeout_s=TAKEN_OVER_S)
    for worker in (0, 1):
        await until_state(stage, worker, "polling")
