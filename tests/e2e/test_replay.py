"""An archive through `switchboard replay`, to what follows from it: once, however often it goes."""

from __future__ import annotations

import asyncio
import gzip
import json
import uuid
from pathlib import Path
from typing import Any

from tests.e2e.sources import enqueue, retold, somebody
from tests.e2e.stage import QUIET_S, Stage, inbound_payload, sns_envelope, utc_now
from tests.e2e.suppressions import causes, until_held
from tests.e2e.theatre import scene
from tests.events import load


async def replay(stage: Stage, archive: Path, *arguments: object) -> dict[str, Any]:
    """Run the command with a worker's wiring; its summary."""
    said = await stage.world.switchboard("replay", str(archive), *map(str, arguments), "--json")
    assert said.status == 0, said.err
    summary: dict[str, Any] = json.loads(said.out.splitlines()[-1])
    return summary


def mail_record(name: str, address: str) -> dict[str, Any]:
    """A mail's record of Pinpoint's stream, about this address and a message of its own."""
    was = ("pat@example.com", "Pat@example.com", "gone@example.com", "full@example.com")
    changes = dict.fromkeys(was, address) | {"0100019-eeee-000000": uuid.uuid4().hex}
    document: dict[str, Any] = retold(load(name), changes)
    return document | {"arrival_timestamp": int(utc_now().timestamp() * 1000)}


@scene()
async def test_an_archive_that_is_fed_three_times_counts_once(stage: Stage) -> None:
    """Beside the live feed, too: the archived text had come before."""
    gone, full = somebody(), somebody()
    customer, message = stage.customer(), str(uuid.uuid4())
    sent_at = utc_now()
    await stage.enqueue_text(customer, "is it at two?", sent_at, message)
    chat = await stage.chat(customer)
    soft = "pinpoint/email_softbounce_camel"
    topic = stage.world.provisioned.topic_arns["inbound-sms"]
    text = json.dumps(inbound_payload(customer, "is it at two?", message))
    records = [
        json.loads(sns_envelope(topic, text, sent_at)),
        mail_record(soft, full),
        mail_record(soft, full),
        mail_record("pinpoint/email_hardbounce", gone),
    ]
    archive = stage.world.plan.run_dir / f"archive-{message}.gz"
    archive.write_bytes(gzip.compress("".join(map(json.dumps, records)).encode()))
    assert (await replay(stage, archive, "--shadow"))["sent"] == {
        "inbound-sms": 1,
        "engagement-events": 3,
    }
    assert gone not in await causes(stage)
    for state in ("one", "two", "three"):
        place = stage.world.plan.run_dir / f"{message}-{state}"
        assert sum((await replay(stage, archive, "--state", place))["sent"].values()) == 4
    (row,) = (await until_held(stage, gone))[gone]
    assert row["cause"] == "hard_bounce"
    await asyncio.sleep(QUIET_S)
    assert full not in await causes(stage)  # Two soft bounces, not six.
    await enqueue(stage, mail_record(soft, full))
    (row,) = (await until_held(stage, full))[full]
    assert row["cause"] == "soft_bounce"
    assert await stage.chats_opened(customer) == 1
    assert (await stage.from_customer(chat)).count("is it at two?") == 1
