"""What each event says of customers: one row for each shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.handlers.profile_updates.updating import decoded
from workers.addresses import Channel
from workers.config import PersonKey, ProfileRules
from workers.handlers.profile_updates.facts import Lens, OfferWord, Reading, Touch
from workers.handlers.profile_updates.reading import may_concern, read
from workers.stores.person_records import PathStep, Stage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AT_MS = int(datetime(2026, 11, 19, tzinfo=UTC).timestamp() * 1000)
MAIL, PHONE = "pat@example.com", "+12065550100"


def reading(document: dict[str, Any]) -> Reading:
    event = decoded(document)
    at = event.time or NOW
    return read(event.event, Lens(ProfileRules(domain="d"), at, NOW, event.event_id or "e"))


def record(kind: str, attributes: dict[str, str], **more: Any) -> dict[str, Any]:
    return {
        "event_type": kind,
        "event_timestamp": AT_MS,
        "arrival_timestamp": AT_MS + 500,
        "event_version": "3.1",
        "application": {"app_id": "a" * 32, "sdk": {}},
        "client": {"client_id": "ep-1"},
        "device": {"platform": {}},
        "session": {},
        "attributes": attributes,
        "awsAccountId": "111122223333",
        **more,
    }


def endpoint(channel: str = "EMAIL", address: str = MAIL) -> dict[str, Any]:
    told = {"ChannelType": channel, "Address": address, "User": {"UserId": "u-4"}}
    return {"client_context": {"custom": {"endpoint": json.dumps(told)}}}


def mail_event(**about: Any) -> dict[str, Any]:
    mail = {"message_id": "m-1", "destination": [MAIL]}
    return {"facets": {"email_channel": {"mail_event": {"mail": mail, **about}}}}


def receipt(status: str, kind: str = "TEXT", **more: Any) -> dict[str, Any]:
    return {
        "eventType": f"{kind}_{status}",
        "messageStatus": status,
        "messageId": "t-1",
        "isFinal": True,
        "eventTimestamp": AT_MS + 2_000,
        "messageRequestTimestamp": AT_MS,
        "destinationPhoneNumber": PHONE,
        "originationPhoneNumber": "+12065550199",
        **more,
    }


def touch(channel: Channel, stage: Stage, at_ms: int, message: str = "t-1") -> Touch:
    return Touch(channel, stage, message, at_ms)


SMS, EMAIL, VOICE = Channel.SMS, Channel.EMAIL, Channel.VOICE
BY_PHONE = {PersonKey.PHONE: PHONE}
BY_MAIL = {PersonKey.EMAIL: MAIL}
BY_USER_MAIL = {PersonKey.CUSTOMER_ID: "u-4", PersonKey.EMAIL: MAIL}

ROWS = [
    pytest.param(
        receipt("DELIVERED"),
        BY_PHONE,
        (touch(SMS, Stage.SENT, AT_MS), touch(SMS, Stage.DELIVERED, AT_MS + 2_000)),
        id="a text that arrived",
    ),
    pytest.param(
        receipt("UNREACHABLE"), BY_PHONE, (touch(SMS, Stage.SENT, AT_MS),), id="one that did not"
    ),
    pytest.param(
        receipt("READ", "RCS"),
        BY_PHONE,
        (
            touch(SMS, Stage.SENT, AT_MS),
            touch(SMS, Stage.DELIVERED, AT_MS + 2_000),
            touch(SMS, Stage.OPENED, AT_MS + 2_000),
        ),
        id="an RCS message that was read",
    ),
    pytest.param(
        receipt("COMPLETED", "VOICE"),
        BY_PHONE,
        (touch(VOICE, Stage.SENT, AT_MS), touch(VOICE, Stage.DELIVERED, AT_MS + 2_000)),
        id="a voice message that was played",
    ),
    pytest.param(
        record(
            "_SMS.SUCCESS",
            {
                "destination_phone_number": PHONE,
                "record_status": "DELIVERED",
                "message_id": "t-1",
                "journey_id": "j-1",
                "journey_activity_id": "a-1",
            },
        ),
        BY_PHONE,
        (
            touch(SMS, Stage.SENT, AT_MS),
            touch(SMS, Stage.DELIVERED, AT_MS),
            PathStep("journey", "j-1", AT_MS, activity="a-1"),
        ),
        id="Pinpoint's record of a journey's text",
    ),
    pytest.param(
        record("_email.open", {"campaign_id": "c-1", "offer": "Spring"}, **mail_event(open={})),
        BY_MAIL,
        (
            touch(EMAIL, Stage.OPENED, AT_MS + 500, "m-1"),
            OfferWord("Spring", "offered", AT_MS),
            OfferWord("Spring", "viewed", AT_MS + 500),
            PathStep("campaign", "c-1", AT_MS),
        ),
        id="Pinpoint's record of an open, by its arrival",
    ),
    pytest.param(
        record(
            "_campaign.send",
            {
                "campaign_id": "c-1",
                "campaign_activity_id": "a-1",
                "treatment_id": "0",
                "campaign_send_status": "SUCCESS",
            },
            **endpoint(),
        ),
        BY_USER_MAIL,
        (PathStep("campaign", "c-1", AT_MS, "a-1", "0", "SUCCESS"),),
        id="a campaign's step",
    ),
    pytest.param(
        record(
            "_journey.send",
            {"journey_id": "j-1", "journey_activity_id": "a-1", "journey_send_status": "SUCCESS"},
            **endpoint("SMS", PHONE),
        ),
        {PersonKey.CUSTOMER_ID: "u-4", **BY_PHONE},
        (PathStep("journey", "j-1", AT_MS, "a-1", "", "SUCCESS"),),
        id="a journey's step",
    ),
]


@pytest.mark.parametrize(("document", "keys", "changes"), ROWS)
def test_what_an_event_says(
    document: dict[str, Any], keys: dict[PersonKey, str], changes: tuple[object, ...]
) -> None:
    [fact] = reading(document).facts
    assert fact.keys == keys
    assert fact.changes == changes
    assert may_concern(decoded(document).event)


UNNEEDED = [
    pytest.param(receipt("PROTECT_BLOCKED"), "event_type_not_needed", id="never sent"),
    pytest.param(
        {k: v for k, v in receipt("DELIVERED").items() if k != "destinationPhoneNumber"},
        "event_names_nobody",
        id="a receipt of EventBridge's, which names no number",
    ),
    pytest.param(record("_session.start", {}), "event_type_not_needed", id="an app's event"),
    pytest.param(
        record("_SMS.OPTOUT", {"destination_phone_number": PHONE}),
        "event_type_not_needed",
        id="an opt-out, which is bounce tracking's",
    ),
    pytest.param(
        record("_email.hardbounce", {}, **mail_event(bounce={"bounced_recipients": []})),
        "event_type_not_needed",
        id="a bounce",
    ),
    pytest.param(
        record("_campaign.opened_notification", {"campaign_id": "c"}),
        "event_type_not_needed",
        id="a push message",
    ),
]


@pytest.mark.parametrize(("document", "why"), UNNEEDED)
def test_what_says_nothing_of_a_customer(document: dict[str, Any], why: str) -> None:
    assert reading(document) == Reading(unneeded=why)


def test_a_conversations_own_text_stays_with_the_conversation() -> None:
    assert not may_concern(decoded(receipt("DELIVERED", context={"sb": "1"})).event)


def test_a_time_to_come_is_not_believed() -> None:
    ahead = int(NOW.timestamp() * 1000) + 86_400_000
    [fact] = reading(receipt("DELIVERED", eventTimestamp=ahead)).facts
    assert fact.at_ms == int(NOW.timestamp() * 1000) + 5_000
