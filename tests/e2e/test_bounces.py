"""What carriers and mail servers say, over the real queues, to what follows from it.

Every relevant shape of `tests/events` is taken to its effect, as `switchboard suppressions` shows
it. Addresses are put anew into each, so that tests share a world.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from aiobotocore.session import get_session

from infra.local.ticks import tick_of
from infra.local.world import Said
from infra.topology import load_topology
from simulator.ledger import Entry
from simulator.services.ses.client import Mailroom
from simulator.services.ses.mailboxes import MailboxPlan
from tests.e2e.account import MANAGED
from tests.e2e.sources import enqueue, in_a_pipe, publish, retold, somebody
from tests.e2e.stage import QUIET_S, Customer, Stage, utc_now
from tests.e2e.theatre import scene
from tests.events import load

MAIL_EVENTS_BOUNCED = (
    "ses/bounce_eventbridge",
    "ses/bounce_identity_notification",
    "ses/bounce_sns",
)


async def switchboard(stage: Stage, *arguments: str) -> Said:
    """Run `switchboard suppressions` in a shell that has a worker's wiring."""
    return await stage.world.switchboard("suppressions", *arguments)


Held = dict[str, list[dict[str, str]]]


class Looks:
    """What holds, by address in full. A start of the command serves all who wait for one."""

    def __init__(self) -> None:
        self._next: asyncio.Task[Held] | None = None

    async def look(self, stage: Stage) -> Held:
        """As it is at some time after this call."""
        if self._next is None:
            self._next = asyncio.create_task(self._list(stage))
        return await asyncio.shield(self._next)

    async def _list(self, stage: Stage) -> Held:
        await asyncio.sleep(1.0)
        self._next = None  # Whoever comes now may have done something that this one misses.
        answer = await switchboard(stage, "list", "--json", "--full")
        assert answer.status == 0, answer.err
        found: Held = {}
        for row in json.loads(answer.out)["suppressions"]:
            found.setdefault(row["address"], []).append(row)
        return found


_looks = Looks()


async def causes(stage: Stage) -> Held:
    """What holds now."""
    return await _looks.look(stage)


async def until_held(stage: Stage, *addresses: str) -> Held:
    """Until each of these is left alone for some reason."""
    found: Held = {}

    async def look() -> bool:
        found.clear()
        found.update(await causes(stage))
        return all(address in found for address in addresses)

    try:
        await stage.until(look, "the addresses are suppressed", 45)
    except AssertionError:
        missing = [place for place, address in enumerate(addresses) if address not in found]
        raise AssertionError(f"nothing holds of addresses {missing}") from None
    return found


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


# --- mail -----------------------------------------------------------------------------------------


@scene()
async def test_one_bounce_over_every_way_is_one_invalid_address(stage: Stage) -> None:
    pat, sam, message = somebody(), somebody(), uuid.uuid4().hex
    changes = {
        "pat@example.com": pat,
        "Pat@Example.com": pat,
        "sam@example.com": sam,
        "0100019-bbbb-000000": message,
    }
    before = await stage.metric("address_facts_total", kind="hard_bounce", result="new")
    for name in MAIL_EVENTS_BOUNCED:
        document = retold(load(name), changes)
        if name.endswith("eventbridge"):
            await enqueue(stage, document)
        else:
            await publish(stage, "ses-events", json.loads(document["Message"]))
    found = await until_held(stage, pat, sam)
    for address in (pat, sam):
        (row,) = found[address]
        assert (row["state"], row["cause"]) == ("invalid", "hard_bounce")
        assert row["words"].startswith("Permanent/")
        assert row["message_class"] == "all"
    assert await stage.metric("address_facts_total", kind="hard_bounce", result="new") > before


@scene()
async def test_every_other_event_of_a_mail_does_what_it_does(stage: Stage) -> None:
    """Complaint, unsubscription and list bounce hold; delivery, delay, reject, open do not."""
    complains, leaves, listed, fine = (somebody() for _ in range(4))

    def told(name: str, address: str) -> Any:
        changes = {"pat@example.com": address, "Pat@Example.com": address}
        return retold(load(name), changes | {"0100019-bbbb-000000": uuid.uuid4().hex})

    await publish(stage, "ses-events", told("ses/complaint", complains))
    await enqueue(stage, told("ses/subscription_eventbridge", leaves))
    on_list = json.loads(told("ses/bounce_sns", listed)["Message"])
    on_list["bounce"]["bounceSubType"] = "OnAccountSuppressionList"
    on_list["bounce"]["bouncedRecipients"] = [{"emailAddress": listed}]
    await publish(stage, "ses-events", on_list)
    for name in ("ses/delivery", "ses/send"):
        await publish(stage, "ses-events", json.loads(told(name, fine)["Message"]))
    for name in ("reject", "open", "click", "rendering_failure", "new_event_type"):
        await publish(stage, "ses-events", told(f"ses/{name}", fine))
    await enqueue(stage, told("ses/delivery_delay_eventbridge", fine))
    not_spam = told("ses/complaint", fine)
    not_spam["complaint"]["complaintFeedbackType"] = "not-spam"
    await publish(stage, "ses-events", not_spam)
    found = await until_held(stage, complains, leaves, listed)
    held = {a: (found[a][0]["state"], found[a][0]["cause"]) for a in (complains, leaves, listed)}
    assert held == {
        complains: ("suppressed", "complaint"),
        leaves: ("suppressed", "opted_out"),
        listed: ("suppressed", "suppression_list"),
    }
    await asyncio.sleep(QUIET_S)
    assert fine not in await causes(stage)


@scene()
async def test_soft_bounces_add_up_and_a_delivery_clears_them(stage: Stage) -> None:
    tired, better = somebody(), somebody()
    now = utc_now().isoformat()

    def mail(word: str, about: dict[str, Any], to: str) -> dict[str, Any]:
        name = word[0].lower() + word[1:]
        about = {"timestamp": now, **about}
        return {
            "eventType": word,
            name: about,
            "mail": {"messageId": uuid.uuid4().hex, "destination": [to]},
        }

    for to in (tired, better):
        for _ in range(3):
            full = {
                "bounceType": "Transient",
                "bounceSubType": "MailboxFull",
                "bouncedRecipients": [{"emailAddress": to}],
            }
            await publish(stage, "ses-events", mail("Bounce", full, to))
    found = await until_held(stage, tired, better)
    (row,) = found[tired]
    assert (row["cause"], row["words"]) == ("soft_bounce", "Transient/MailboxFull")
    assert row["until"] > row["since"]
    now = utc_now().isoformat()
    await publish(stage, "ses-events", mail("Delivery", {"recipients": [better]}, better))

    async def look() -> bool:
        return better not in await causes(stage)

    await stage.until(look, "the delivery cleared the count")
    assert tired in await causes(stage)


@scene()
async def test_pinpoints_stream_says_the_same_in_its_own_words(stage: Stage) -> None:
    gone, full = somebody(), somebody()
    invalid, left = stage.customer(), stage.customer()

    def told(name: str, address: str) -> dict[str, Any]:
        """The mail went to this one address, whatever its server calls it."""
        was = ("pat@example.com", "Pat@example.com", "gone@example.com", "full@example.com")
        changes = dict.fromkeys(was, address) | {"0100019-eeee-000000": uuid.uuid4().hex}
        document: dict[str, Any] = retold(load(name), changes)
        return document | {"arrival_timestamp": int(utc_now().timestamp() * 1000)}

    await enqueue(stage, in_a_pipe(told("pinpoint/email_hardbounce", gone)))
    for _ in range(3):
        await enqueue(stage, in_a_pipe(told("pinpoint/email_softbounce_camel", full)))
    bad = retold(load("pinpoint/sms_failure"), {"+12065550100": invalid.number})
    bad["attributes"] |= {"record_status": "INVALID", "message_id": uuid.uuid4().hex}
    await enqueue(stage, in_a_pipe(bad))
    stop = retold(load("pinpoint/sms_optout_iso_times"), {"+12065550100": left.number})
    await enqueue(stage, in_a_pipe(stop))
    for name in ("sms_first_format", "email_open", "campaign_send", "journey_broken_endpoint"):
        await enqueue(stage, in_a_pipe(load(f"pinpoint/{name}")))
    found = await until_held(stage, gone, full, invalid.number, left.number)
    assert found[gone][0]["cause"] == "hard_bounce"
    assert found[full][0]["cause"] == "soft_bounce"
    assert (found[invalid.number][0]["state"], found[invalid.number][0]["words"]) == (
        "invalid",
        "INVALID",
    )
    assert found[left.number][0]["cause"] == "opted_out"


# --- phones ---------------------------------------------------------------------------------------


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


# --- bad input ------------------------------------------------------------------------------------


@scene()
async def test_an_event_that_names_nobody_is_dead_lettered_and_its_reason_names_nobody(
    stage: Stage,
) -> None:
    mark = uuid.uuid4().hex
    bounce = {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": f"no {mark}"}]}
    bodies = {
        "mail_address_is_none": {"eventType": "Bounce", "bounce": bounce, "mail": {}},
        "number_is_none": {
            **receipt(stage.customer(), "INVALID"),
            "destinationPhoneNumber": f"N{mark}",
        },
        "event_names_no_address": {"event_type": "_email.hardbounce", "attributes": {"x": mark}},
        "undecodable_ses_event_field_missing": {"eventType": "Bounce", "bounce": {"x": mark}},
    }
    for reason, document in bodies.items():
        body = json.dumps(document)
        await stage.enqueue("engagement-events", body)
        letter = await stage.dead_letter("engagement-events", body)
        assert letter.reason == reason
        assert mark not in json.dumps(dict(letter.attributes))


# --- the provider's lists, and an operator's word -------------------------------------------------


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
    added = await switchboard(stage, "add", number, "--reason", why, "--by", "anna on ops-1")
    assert added.status == 0, added.err
    assert number not in added.out
    act = json.loads(added.err.splitlines()[-1])
    assert (act["event"], act["by"], act["reason"]) == ("suppression_added", "anna on ops-1", why)
    again = await switchboard(stage, "add", number, "--reason", why)
    assert "was suppressed" in again.out

    masked = await switchboard(stage, "list", "--cause", "added")
    assert "•••" in masked.out
    assert number not in masked.out + masked.err
    await stage.desk.say(chat.contact_id, "not to be heard")
    await asyncio.sleep(QUIET_S)
    assert await stage.on_phone(customer) == []

    exported = await switchboard(stage, "export", "--full", "--format", "csv")
    assert any(
        line.startswith(f"sms,{number},suppressed,added") for line in exported.out.splitlines()
    )
    removed = await switchboard(stage, "remove", number, "--reason", why, "--by", "anna on ops-1")
    assert removed.status == 0, removed.err
    await stage.desk.say(chat.contact_id, "heard again")
    await stage.until_on_phone(customer, "heard again")

    trail = await switchboard(stage, "audit", "--json", "--full")
    acts = [act for act in json.loads(trail.out)["acts"] if act["reason"] == why]
    assert [(act["act"], act["address"]) for act in acts] == [
        ("suppression_added", number),
        ("suppression_added", number),
        ("suppression_removed", number),
    ]
    assert any(act["act"] == "suppressions_exported" for act in json.loads(trail.out)["acts"])
