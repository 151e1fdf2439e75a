"""What customers do with what is sent to them, over the real queues, to what their profiles say.

Representative shapes of every source; addresses are put anew into each, so tests share a world.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from schemas.own import Remind, encode_command
from simulator.contact_centre.voice.callee import CalleePlan
from simulator.contact_centre.voice.client import Telephones
from simulator.services.customer_profiles.client import ProfilesView, SeenProfile
from tests.e2e.account import DOMAIN, REMINDING
from tests.e2e.sources import enqueue, in_a_pipe, publish, retold, somebody
from tests.e2e.stage import SOON_S, Stage, utc_now
from tests.e2e.theatre import scene
from tests.events import load

OFFER_WINDOW_H = 72


def mail(
    event: str, to: str, *, sent: datetime, message: str, at: datetime | None = None, **tags: str
) -> dict[str, Any]:
    """An SES event as a configuration set publishes it."""
    about: dict[str, Any] = {} if event == "Send" else {"timestamp": (at or sent).isoformat()}
    if event == "Delivery":
        about["recipients"] = [to]
    return {
        "eventType": event,
        event.lower(): about,
        "mail": {
            "messageId": message,
            "timestamp": sent.isoformat(),
            "destination": [to],
            "tags": {name: [value] for name, value in tags.items()},
        },
    }


def on_the_bus(event: Mapping[str, Any], detail_type: str) -> dict[str, Any]:
    """The same as EventBridge brings it."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": detail_type,
        "source": "aws.ses",
        "account": "111122223333",
        "time": utc_now().isoformat(),
        "region": "us-east-1",
        "resources": [],
        "detail": event,
    }


def record(kind: str, address: str, attributes: Mapping[str, str]) -> dict[str, Any]:
    """A campaign's or journey's record, with its endpoint."""
    endpoint = {"ChannelType": "EMAIL", "Address": address, "User": {"UserId": f"u-{address}"}}
    at_ms = int(utc_now().timestamp() * 1000)
    return {
        "event_type": kind,
        "event_timestamp": at_ms,
        "arrival_timestamp": at_ms,
        "event_version": "3.1",
        "application": {"app_id": "a" * 32, "sdk": {}},
        "client": {"client_id": "ep-1"},
        "attributes": dict(attributes),
        "client_context": {"custom": {"endpoint": json.dumps(endpoint)}},
        "awsAccountId": "111122223333",
    }


async def profiles_of(stage: Stage, key: str, value: str) -> list[SeenProfile]:
    async with ProfilesView(stage.world.simulator_url) as view:
        return await view.profiles(DOMAIN, key=key, value=value)


def objects(profile: SeenProfile) -> dict[str, Mapping[str, Any]]:
    """A profile's objects by their kind."""
    return {one.type.removeprefix("switchboard-"): one.content for one in profile.objects}


async def until_written(
    stage: Stage,
    address: str,
    says: Callable[[Mapping[str, Mapping[str, Any]]], bool],
    *,
    key: str = "_email",
    timeout_s: float = SOON_S,
) -> SeenProfile:
    """The one profile of somebody, once its objects say so."""

    async def look() -> SeenProfile | None:
        found = await profiles_of(stage, key, address)
        assert len(found) <= 1, f"{len(found)} profiles of one person"
        return found[0] if found and says(objects(found[0])) else None

    found = await stage.until(look, "the profile does not say so", timeout_s)
    assert isinstance(found, SeenProfile)
    return found


def email_of(written: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = written.get("engagement", {}).get("email", {})
    return found


@scene(world="profiles")
async def test_a_mails_life_over_both_ways_is_counted_once_in_bounces_and_profile(
    stage: Stage,
) -> None:
    pat, message, sent = somebody(), uuid.uuid4().hex, utc_now() - timedelta(minutes=5)
    facts = await stage.metric("address_facts_total", kind="delivered", result="new")
    words = {
        "Send": "Email Sent",
        "Delivery": "Email Delivered",
        "Open": "Email Opened",
        "Click": "Email Clicked",
    }
    for event, detail_type in words.items():
        at = sent + timedelta(minutes=1)
        document = mail(event, pat, sent=sent, at=at, message=message, journey="j-1", activity="a")
        await publish(stage, "ses-events", document)
        await enqueue(stage, on_the_bus(document, detail_type))
    stages = ("sent", "delivered", "opened", "clicked", "replied")

    def says_all(written: Mapping[str, Mapping[str, Any]]) -> bool:
        counts = [email_of(written).get(each) for each in stages]
        return counts == [1, 1, 1, 1, 0] and "paths" in written

    found = await until_written(stage, pat, says_all)
    assert objects(found)["paths"]["last"]["id"] == "j-1"
    assert found.fields["Attributes"]["emailScore"] == "4.0"
    # The delivery was bounce tracking's too, once over both ways.
    assert await stage.metric("address_facts_total", kind="delivered", result="new") >= facts + 1
    for log in stage.world.worker_logs():
        assert pat not in log.read_text("utf-8")


@scene(world="profiles")
async def test_events_of_a_stranger_on_two_workers_make_one_profile(stage: Stage) -> None:
    sent = utc_now() - timedelta(minutes=5)
    people = [somebody() for _ in range(5)]
    await asyncio.gather(
        *(
            publish(stage, "ses-events", mail("Open", pat, sent=sent, message=uuid.uuid4().hex))
            for pat in people
            for _ in range(6)
        )
    )
    for pat in people:
        await until_written(
            stage, pat, lambda written: email_of(written).get("opened") == 6, timeout_s=30
        )


@scene(world="profiles")
async def test_pinpoints_records_say_the_same(stage: Stage) -> None:
    pat = somebody()
    changes = {"Pat@example.com": pat, "pat@example.com": pat, "u-4": f"u-{pat}"}
    for name in ("pinpoint/email_delivered", "pinpoint/email_open", "pinpoint/campaign_send"):
        await enqueue(stage, in_a_pipe(retold(load(name), changes)))
    journey = {"journey_id": "j-9", "journey_activity_id": "a-1", "journey_send_status": "SUCCESS"}
    await enqueue(stage, in_a_pipe(record("_journey.send", pat, journey)))
    found = await until_written(
        stage,
        pat,
        lambda written: (
            email_of(written).get("opened") == 1
            and email_of(written)["delivered"] == 1
            and len(written.get("paths", {}).get("all", [])) == 2
        ),
    )
    assert objects(found)["paths"]["last"] | {"at": ""} == {
        "kind": "journey",
        "id": "j-9",
        "activity": "a-1",
        "status": "SUCCESS",
        "at": "",
    }
    assert objects(found)["engagement"]["customer_id"] == f"u-{pat}"


@scene(world="profiles")
async def test_a_receipt_of_a_text_and_its_answer_are_counted(stage: Stage) -> None:
    customer, message = stage.customer(), str(uuid.uuid4())
    now_ms = int(utc_now().timestamp() * 1000)
    receipt = {
        "eventType": "TEXT_DELIVERED",
        "eventVersion": "1.0",
        "eventTimestamp": now_ms,
        "isFinal": True,
        "originationPhoneNumber": customer.ours,
        "destinationPhoneNumber": customer.number,
        "messageId": message,
        "messageRequestTimestamp": now_ms - 2_000,
        "messageType": "PROMOTIONAL",
        "messageStatus": "DELIVERED",
    }
    await publish(stage, "delivery-receipts", receipt)
    answer = {
        "originationNumber": customer.number,
        "destinationNumber": customer.ours,
        "messageKeyword": "KEYWORD_111122223333",
        "messageBody": "yes, that suits me",
        "inboundMessageId": str(uuid.uuid4()),
        "previousPublishedMessageId": message,
    }
    await publish(stage, "inbound-sms", answer)
    found = await until_written(
        stage,
        customer.number,
        lambda written: written.get("engagement", {}).get("sms", {}).get("replied") == 1,
        key="_phone",
    )
    assert objects(found)["engagement"]["sms"]["delivered"] == 1
    # An agent has the answer, too, and no later for it.
    chat = await stage.chat(customer)
    assert await stage.from_customer(chat) == ["yes, that suits me"]


@scene(world="profiles")
async def test_a_bounced_address_is_invalid_in_the_profile(stage: Stage) -> None:
    pat, sent = somebody(), utc_now() - timedelta(minutes=5)
    await publish(stage, "ses-events", mail("Send", pat, sent=sent, message=uuid.uuid4().hex))
    await until_written(stage, pat, lambda written: email_of(written).get("sent") == 1)
    bounced = {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "NoEmail",
            "feedbackId": uuid.uuid4().hex,
            "timestamp": utc_now().isoformat(),
            "bouncedRecipients": [{"emailAddress": pat}],
        },
        "mail": {"messageId": uuid.uuid4().hex, "destination": [pat]},
    }
    await publish(stage, "ses-events", bounced)
    found = await until_written(stage, pat, lambda written: "addresses" in written)
    word = objects(found)["addresses"]["email"]
    assert (word["address"], word["state"], word["cause"]) == (pat, "invalid", "hard_bounce")
    assert word["words"] == "Permanent/NoEmail"
    assert found.fields["Attributes"]["emailState"] == "invalid"


@scene(world="profiles")
async def test_an_offer_is_denied_when_its_window_closes_and_a_late_open_corrects_it(
    stage: Stage,
) -> None:
    pat, message = somebody(), uuid.uuid4().hex
    sent = utc_now() - timedelta(hours=OFFER_WINDOW_H) + timedelta(seconds=15)

    def viewed(written: Mapping[str, Mapping[str, Any]]) -> str | None:
        said: str | None = written.get("offers", {}).get("last", {}).get("viewed")
        return said

    await publish(stage, "ses-events", mail("Send", pat, sent=sent, message=message, offer="Spr"))
    await until_written(stage, pat, lambda w: "offers" in w and viewed(w) is None)
    await until_written(stage, pat, lambda written: viewed(written) == "false", timeout_s=40)
    opened = mail("Open", pat, sent=sent, at=utc_now(), message=message, offer="Spr")
    await publish(stage, "ses-events", opened)
    found = await until_written(stage, pat, lambda written: viewed(written) == "true")
    assert found.fields["Attributes"]["offerViewed"] == "true"


@scene(world="profiles")
async def test_the_offer_channels_calls_are_written(stage: Stage) -> None:
    pat = somebody()
    call = load("pinpoint_custom_channel/campaign")
    call["Data"] = json.dumps({"offerName": "30% Renewal", "offerViewed": "false"})
    call["Endpoints"] = {
        "ep-1": {"ChannelType": "EMAIL", "Address": pat, "User": {"UserId": f"u-{pat}"}}
    }
    await enqueue(stage, call)
    found = await until_written(stage, pat, lambda written: "offers" in written)
    last = objects(found)["offers"]["last"]
    assert (last["name"], last["viewed"]) == ("30% Renewal", "false")


@scene(world="profiles", slow=True)
async def test_an_address_is_well_again_when_its_suppression_ends(stage: Stage) -> None:
    pat, message = somebody(), uuid.uuid4().hex
    at = utc_now() - timedelta(days=1) + timedelta(seconds=20)
    bounced = mail("Send", pat, sent=at, message=message) | {
        "eventType": "Bounce",
        "bounce": {
            "bounceType": "Transient",
            "bounceSubType": "MailboxFull",
            "bouncedRecipients": [{"emailAddress": pat}],
            "timestamp": at.isoformat(),
            "feedbackId": uuid.uuid4().hex,
        },
    }
    await publish(stage, "ses-events", bounced)

    def state(written: Mapping[str, Mapping[str, Any]]) -> str:
        return str(written.get("addresses", {}).get("email", {}).get("state", ""))

    await until_written(stage, pat, lambda written: state(written) == "suppressed")
    found = await until_written(stage, pat, lambda w: state(w) == "ok", timeout_s=60)
    assert found.fields["Attributes"]["emailState"] == "ok"


@scene(world="profiles")
async def test_a_reminders_result_is_in_the_profile(stage: Stage) -> None:
    customer = stage.customer(REMINDING)
    asked = Remind(
        id=f"visit-{uuid.uuid4().hex}",
        brand="Reminding",
        number=customer.number,
        appointment_at=utc_now() + timedelta(days=3),
    )
    async with Telephones(stage.world.simulator_url) as phones:
        await phones.plan(CalleePlan(keys="1"), number=customer.number)
    await stage.enqueue("reminders", encode_command(asked))
    found = await until_written(
        stage,
        customer.number,
        lambda written: written.get("reminder", {}).get("result") == "confirmed",
        key="_phone",
        timeout_s=40,
    )
    assert objects(found)["reminder"]["id"] == asked.id
    assert found.fields["Attributes"]["reminderResult"] == "confirmed"
