"""SES's events as they come to the queue, over SNS and the bus, on the emulator."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import boto3
import pytest

from infra.local.endpoints import LocalAws
from infra.local.provision import Provisioned
from infra.topology import TOPOLOGY_PATH
from schemas.decode import decode_body
from schemas.decoded import Decoded
from simulator.application import running
from simulator.client import SimulatorClient
from simulator.services.ses.client import Mailroom
from simulator.services.ses.mailboxes import MailboxPlan
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import Running
from tests.contract.simulator.test_mail import ANN, MAIL, Posting, to

pytestmark = pytest.mark.emulator

QUEUE = "engagement-events"
Bodies = Callable[[int], Any]


@pytest.fixture
async def post(
    aws: LocalAws, topology: Provisioned, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Posting]:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    topic = topology.topic_arns["ses-events"]
    section = {
        "configuration_sets": [
            {"name": "events", "event_destinations": [{"topic_arn": topic}]},
            {
                "name": "bounces",
                "event_destinations": [{"topic_arn": topic, "event_types": ["BOUNCE"]}],
            },
            {"name": "bus", "event_destinations": [{}]},
        ],
        "identities": [
            {"name": "example.org"},
            {"name": "example.net", "topics": {"Bounce": topic}, "with_headers": False},
        ],
    }
    settings = SimulatorSettings(
        world={"ses": section}, topology_path=TOPOLOGY_PATH, queue_prefix=topology.prefix, seed=7
    )
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(running(settings))
        simulator = Running(world, await enter(SimulatorClient(world.url)), stack)
        ses = await simulator.sdk("sesv2")
        yield Posting(simulator, ses, await enter(Mailroom(world.url)))
        assert world.tasks.failures == []


@pytest.fixture
def bodies(aws: LocalAws, topology: Provisioned) -> Bodies:
    """Takes bodies off the queue until `count` have come, or no more do; all must decode."""
    sqs = boto3.client("sqs", **aws.client_arguments("sqs"))
    url = topology.queue_urls[QUEUE]

    def take(count: int) -> list[str]:
        found: list[str] = []
        while len(found) < count:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            if not answer.get("Messages"):
                break
            for message in answer["Messages"]:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    async def taken(count: int) -> list[dict[str, Any]]:
        found = await asyncio.to_thread(take, count)
        for body in found:
            [result] = decode_body(body)
            assert isinstance(result, Decoded), result
        return [json.loads(body) for body in found]

    return taken


def published(envelopes: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Published events by their type."""
    events = [json.loads(envelope["Message"]) for envelope in envelopes]
    return {event["eventType"]: event for event in events}


async def test_a_mails_whole_life_is_published(post: Posting, bodies: Bodies) -> None:
    await post.mailroom.plan(MailboxPlan(behaviour="complaint", opens=1, clicks=1), address=ANN)
    message_id = await post.send()
    found = published(await bodies(5))
    assert found.keys() == {"Send", "Delivery", "Open", "Click", "Complaint"}
    for event in found.values():
        mail = event["mail"]
        assert mail["messageId"] == mail["commonHeaders"]["messageId"] == message_id
        assert mail["source"] == "Clinic <no-reply@example.org>"
        assert mail["destination"] == [ANN]
        assert mail["tags"]["profile"] == ["p-1"]
        assert mail["tags"]["ses:configuration-set"] == ["events"]
        assert mail["sourceArn"] == "arn:aws:ses:us-east-1:000000000000:identity/example.org"
    assert found["Send"]["send"] == {}
    assert found["Delivery"]["delivery"]["recipients"] == [ANN]
    assert found["Click"]["click"]["link"] == "https://example.org/a"
    complaint = found["Complaint"]["complaint"]
    assert (complaint["complaintSubType"], complaint["complaintFeedbackType"]) == (None, "abuse")


async def test_a_bounce_says_what_the_mail_server_said(post: Posting, bodies: Bodies) -> None:
    await post.send(**to("bounce@simulator.amazonses.com"), ConfigurationSetName="bounces")
    [envelope] = await bodies(2)
    bounce = json.loads(envelope["Message"])["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Permanent", "General")
    [recipient] = bounce["bouncedRecipients"]
    assert recipient == {
        "emailAddress": "bounce@simulator.amazonses.com",
        "action": "failed",
        "status": "5.1.1",
        "diagnosticCode": "smtp; 550 5.1.1 user unknown",
    }


async def test_an_out_of_office_reply_looks_like_a_soft_bounce(
    post: Posting, bodies: Bodies
) -> None:
    await post.send(**to("ooto@simulator.amazonses.com"))
    found = published(await bodies(3))
    assert found.keys() == {"Send", "Delivery", "Bounce"}
    bounce = found["Bounce"]["bounce"]
    assert (bounce["bounceType"], bounce["bounceSubType"]) == ("Transient", "General")
    assert bounce["bouncedRecipients"] == [{"emailAddress": "ooto@simulator.amazonses.com"}]
    assert "reportingMTA" not in bounce


@pytest.mark.parametrize(
    ("reason", "event_type", "member", "sub_type"),
    [
        ("BOUNCE", "Bounce", "bounce", "bounceSubType"),
        ("COMPLAINT", "Complaint", "complaint", "complaintSubType"),
    ],
)
async def test_a_suppressed_address_shows_by_the_sub_type(
    post: Posting, bodies: Bodies, reason: str, event_type: str, member: str, sub_type: str
) -> None:
    await post.ses.put_suppressed_destination(EmailAddress=ANN, Reason=reason)
    await post.send()
    found = published(await bodies(2))
    assert found[event_type][member][sub_type] == "OnAccountSuppressionList"


async def test_a_complaint_names_everyone_of_the_domain(post: Posting, bodies: Bodies) -> None:
    message_id = await post.send(**to(ANN, "bob@example.com", "cy@example.net"))
    await post.simulator.world.tasks.settle()
    await post.mailroom.complain(message_id, ANN, feedback_type="not-spam")
    complaint = published(await bodies(5))["Complaint"]["complaint"]
    named = [one["emailAddress"] for one in complaint["complainedRecipients"]]
    assert named == [ANN, "bob@example.com"]
    assert complaint["complaintFeedbackType"] == "not-spam"
    # Who says that it is no spam is not suppressed for it.
    listed = await post.ses.list_suppressed_destinations()
    assert listed["SuppressedDestinationSummaries"] == []


async def test_events_on_the_bus_have_their_own_detail_types(post: Posting, bodies: Bodies) -> None:
    await post.mailroom.plan(MailboxPlan(behaviour="delayed", then="bounce"), address=ANN)
    await post.send(ConfigurationSetName="bus")
    events = await bodies(3)
    kinds = {event["detail-type"]: event["detail"]["eventType"] for event in events}
    assert kinds == {
        "Email Sent": "Send",
        "Email Delivery Delayed": "DeliveryDelay",
        "Email Bounced": "Bounce",
    }
    assert {event["source"] for event in events} == {"aws.ses"}
    assert events[0]["resources"] == ["arn:aws:ses:us-east-1:000000000000:configuration-set/bus"]


async def test_an_identitys_notification_has_no_tags(post: Posting, bodies: Bodies) -> None:
    """Both systems at once tell one bounce twice, under one feedback id."""
    await post.mailroom.plan(MailboxPlan(behaviour="bounce"), address=ANN)
    await post.send(FromEmailAddress="x@example.net", ConfigurationSetName="bounces")
    messages = [json.loads(envelope["Message"]) for envelope in await bodies(2)]
    [notified] = [message for message in messages if "notificationType" in message]
    [event] = [message for message in messages if "eventType" in message]
    assert notified["notificationType"] == "Bounce"
    assert notified["bounce"]["feedbackId"] == event["bounce"]["feedbackId"]
    assert not {"tags", "headers"} & notified["mail"].keys()
    assert notified["mail"]["callerIdentity"]


async def test_a_mail_without_a_set_tells_nobody(post: Posting, bodies: Bodies) -> None:
    request = {name: value for name, value in MAIL.items() if name != "ConfigurationSetName"}
    await post.ses.send_email(**request)
    await post.simulator.world.tasks.settle()
    assert await bodies(1) == []


async def test_events_are_lost_and_doubled_by_the_knobs(post: Posting, bodies: Bodies) -> None:
    await post.simulator.control.set_knobs(publications={"email_event": {"duplicate": 1}})
    await post.told(await post.send())
    assert len(await bodies(4)) == 4
    await post.simulator.control.set_knobs(publications={"email_event": {"lose": 1}})
    await post.told(await post.send())
    assert await bodies(1) == []
