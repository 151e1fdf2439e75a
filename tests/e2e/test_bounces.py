"""What mail servers and Pinpoint say, over the real queues, to what follows from it.

Every relevant shape of `tests/events` is taken to its effect. Addresses are put anew into each, so
that tests share a world.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

from tests.e2e.sources import enqueue, in_a_pipe, publish, receipt, retold, somebody
from tests.e2e.stage import QUIET_S, Stage, utc_now
from tests.e2e.suppressions import causes, until_held
from tests.e2e.theatre import scene
from tests.events import load

MAIL_EVENTS_BOUNCED = (
    "ses/bounce_eventbridge",
    "ses/bounce_identity_notification",
    "ses/bounce_sns",
)


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
