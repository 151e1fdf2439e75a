"""The provider's lists and an operator's word, over the real queues, to who is left alone."""

from __future__ import annotations

import asyncio
import json
import uuid

from aiobotocore.session import get_session

from infra.local.ticks import tick_of
from infra.topology import load_topology
from simulator.ledger import Entry
from simulator.services.ses.client import Mailroom
from simulator.services.ses.mailboxes import MailboxPlan
from tests.e2e.account import MANAGED
from tests.e2e.sources import somebody
from tests.e2e.stage import QUIET_S, Stage, utc_now
from tests.e2e.suppressions import causes, suppressions, until_held
from tests.e2e.theatre import scene


async def sent_mail(stage: Stage, to: str, **tags: str) -> str:
    """SendEmail, by the SDK, as an application would."""
    session = get_session()
    async with session.create_client("sesv2", **stage.world.aws.client_arguments("SESv2")) as ses:
        answer = await ses.send_email(
            FromEmailAddress="Clinic <no-reply@example.org>",
            Destination={"ToAddresses": [to]},
            Content={"Simple": {"Subject": {"Data": "Hi"}, "Body": {"Text": {"Data": "At 2"}}}},
            ConfigurationSetName="mail",
            EmailTags=[{"Name": name, "Value": value} for name, value in tags.items()],
        )
    return str(answer["MessageId"])


async def listed_at_ses(stage: Stage, address: str) -> list[Entry]:
    """Our own writes to SES's list about this address."""
    entries = await stage.simulator.ledger(operation="PutSuppressedDestination")
    return [entry for entry in entries if entry.params["EmailAddress"] == address]


@scene()
async def test_a_mail_from_its_send_to_its_bounce_to_ses_own_list(stage: Stage) -> None:
    """Each event comes by topic, by bus and as a notification: one fact."""
    gone, angry, fine = somebody(), somebody(), somebody()
    async with Mailroom(stage.world.simulator_url) as mailroom:
        await mailroom.plan(MailboxPlan(behaviour="bounce"), address=gone)
        await mailroom.plan(MailboxPlan(behaviour="complaint"), address=angry)
    await sent_mail(stage, gone)
    await sent_mail(stage, angry, message_class="promotional")
    await sent_mail(stage, fine)
    found = await until_held(stage, gone, angry)
    assert (found[gone][0]["state"], found[gone][0]["words"]) == ("invalid", "Permanent/General")
    assert found[angry][0]["message_class"] == "promotional"

    async def look() -> bool:
        return bool(await listed_at_ses(stage, gone))

    await stage.until(look, "the bounce is on SES's list")
    await asyncio.sleep(QUIET_S)
    # The three ways may be worked on at the same moment: what they write is the same.
    assert {e.params["Reason"] for e in await listed_at_ses(stage, gone)} == {"BOUNCE"}
    assert await listed_at_ses(stage, angry) == [], "SES's list knows no classes"
    assert fine not in await causes(stage)


@scene()
async def test_who_told_end_user_messaging_to_stop_is_left_alone_after_a_tick(
    stage: Stage,
) -> None:
    """With managed opt-outs a STOP reaches nobody but the list."""
    customer = stage.customer(MANAGED)
    chat = await stage.begin(customer)
    await stage.text(customer, "STOP")
    schedule = next(s for s in load_topology().schedules if s.name == "opt-out-sync")
    tick = tick_of(schedule, utc_now())
    for _ in range(2):  # Scheduler sends at least once.
        await stage.enqueue(schedule.queue, tick)
    found = await until_held(stage, customer.number)
    (row,) = found[customer.number]
    assert (row["cause"], row["opt_out_list"], row["words"]) == ("opted_out", "Managed", "eum_list")
    await stage.desk.say(chat.contact_id, "are you there?")
    await asyncio.sleep(QUIET_S)
    assert await stage.sends(customer) == []
    refused = await stage.refused("SendTextMessage", DestinationPhoneNumber=customer.number)
    assert refused == [], "the gate knew"
    lines = [
        line
        for log in stage.world.worker_logs()
        for line in log.read_text("utf-8").splitlines()
        if "opt_out_list_read" in line and json.loads(tick)["tick"] in line
    ]
    assert len(lines) == 1, "one owner worked the tick off"


@scene()
async def test_an_operator_adds_lists_and_removes_and_all_is_written_down(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    number, why = customer.number, f"ported {uuid.uuid4().hex[:8]}"
    added = await suppressions(stage, "add", number, "--reason", why, "--by", "anna on ops-1")
    assert added.status == 0, added.err
    assert number not in added.out
    act = json.loads(added.err.splitlines()[-1])
    assert (act["event"], act["by"], act["reason"]) == ("suppression_added", "anna on ops-1", why)
    again = await suppressions(stage, "add", number, "--reason", why)
    assert "was suppressed" in again.out

    masked = await suppressions(stage, "list", "--cause", "added")
    assert "•••" in masked.out
    assert number not in masked.out + masked.err
    await stage.desk.say(chat.contact_id, "not to be heard")
    await asyncio.sleep(QUIET_S)
    assert await stage.on_phone(customer) == []

    exported = await suppressions(stage, "export", "--full", "--format", "csv")
    assert any(
        line.startswith(f"sms,{number},suppressed,added") for line in exported.out.splitlines()
    )
    removed = await suppressions(stage, "remove", number, "--reason", why, "--by", "anna on ops-1")
    assert removed.status == 0, removed.err
    await stage.desk.say(chat.contact_id, "heard again")
    await stage.until_on_phone(customer, "heard again")

    trail = await suppressions(stage, "audit", "--json", "--full")
    acts = [act for act in json.loads(trail.out)["acts"] if act["reason"] == why]
    assert [(act["act"], act["address"]) for act in acts] == [
        ("suppression_added", number),
        ("suppression_added", number),
        ("suppression_removed", number),
    ]
    assert any(act["act"] == "suppressions_exported" for act in json.loads(trail.out)["acts"])
