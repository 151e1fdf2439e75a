"""SES: what SendEmail refuses, what mailboxes do, and the account's suppression list."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.control_channel import ControlError
from simulator.services.ses.client import Mailroom
from simulator.services.ses.mailboxes import MailboxPlan
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import Running, refusal

ANN = "ann@example.com"
HTML = '<p>Hi</p><a href="https://example.org/a">a</a> <a href="https://example.org/b">b</a>'
MAIL: dict[str, Any] = {
    "FromEmailAddress": "Clinic <no-reply@example.org>",
    "Destination": {"ToAddresses": [ANN]},
    "Content": {
        "Simple": {
            "Subject": {"Data": "Reminder"},
            "Body": {"Text": {"Data": "Hi"}, "Html": {"Data": HTML}},
            "Headers": [{"Name": "List-Unsubscribe", "Value": "<https://example.org/u>"}],
        }
    },
    "ConfigurationSetName": "events",
    "EmailTags": [{"Name": "profile", "Value": "p-1"}],
}
WORLD: dict[str, Any] = {
    "configuration_sets": [{"name": "events"}],
    "identities": [{"name": "example.org"}, {"name": "boss@example.net"}],
    "templates": {"visit": {"subject": "Hi {{name}}", "text": "At {{visit.time}}"}},
}


@dataclass
class Posting:
    """The simulator, the SDK's client and the mailboxes."""

    simulator: Running
    ses: Any
    mailroom: Mailroom

    async def send(self, **changes: Any) -> str:
        """SendEmail; answers the message id."""
        made = await self.ses.send_email(**MAIL | changes)
        return str(made["MessageId"])

    async def told(self, message_id: str) -> list[str]:
        """The event types of one mail, once nothing more happens."""
        await self.simulator.world.tasks.settle()
        return [
            entry.params["event_type"]
            for entry in await self.simulator.control.ledger(operation="email_event")
            if entry.params["message_id"] == message_id
        ]


@pytest.fixture
async def post() -> AsyncIterator[Posting]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(running(SimulatorSettings(world={"ses": WORLD})))
        simulator = Running(world, await enter(SimulatorClient(world.url)), stack)
        ses = await simulator.sdk("sesv2", app="worker-1")
        yield Posting(simulator, ses, await enter(Mailroom(world.url)))
        assert world.tasks.failures == []


def to(*addresses: str) -> dict[str, Any]:
    return {"Destination": {"ToAddresses": list(addresses)}}


def templated(**template: Any) -> dict[str, Any]:
    return {"Content": {"Template": template}}


async def test_a_mail_arrives_as_it_was_sent(post: Posting) -> None:
    message_id = await post.send()
    [mail] = await post.mailroom.arrived("ANN@example.com", wait_s=2)
    assert (mail.message_id, mail.subject, mail.text, mail.html) == (
        message_id,
        "Reminder",
        "Hi",
        HTML,
    )
    assert ("List-Unsubscribe", "<https://example.org/u>") in mail.headers
    assert await post.told(message_id) == ["Send", "Delivery"]


async def test_the_same_request_twice_is_two_mails(post: Posting) -> None:
    assert await post.send() != await post.send()
    await post.simulator.world.tasks.settle()
    assert len(await post.mailroom.arrived(ANN)) == 2


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("success", ["Send", "Delivery"]),
        ("success+run-7", ["Send", "Delivery"]),
        ("ooto", ["Send", "Delivery", "Bounce"]),
        ("bounce", ["Send", "Bounce"]),
        ("bounce+any", ["Send", "Bounce"]),
        ("complaint", ["Send", "Delivery", "Complaint"]),
        ("suppressionlist", ["Send", "Bounce"]),
    ],
)
async def test_the_mailbox_simulator_behaves_as_documented(
    post: Posting, local: str, expected: list[str]
) -> None:
    message_id = await post.send(**to(f"{local}@simulator.amazonses.com"))
    assert await post.told(message_id) == expected
    # Its addresses never get onto the account's list: the next mail goes the same way.
    listed = await post.ses.list_suppressed_destinations()
    assert listed["SuppressedDestinationSummaries"] == []


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param(MailboxPlan(behaviour="bounce"), ["Send", "Bounce"], id="bounce"),
        pytest.param(
            MailboxPlan(behaviour="delayed"), ["Send", "DeliveryDelay", "Delivery"], id="delayed"
        ),
        pytest.param(
            MailboxPlan(behaviour="delayed", then="bounce", bounce_sub_type="MailboxFull"),
            ["Send", "DeliveryDelay", "Bounce"],
            id="given_up",
        ),
        pytest.param(MailboxPlan(behaviour="reject"), ["Reject"], id="reject"),
        pytest.param(MailboxPlan(behaviour="silent"), ["Send"], id="silent"),
        pytest.param(
            MailboxPlan(opens=2, clicks=3),
            ["Send", "Delivery", "Open", "Open", "Click", "Click", "Click"],
            id="read",
        ),
        pytest.param(
            MailboxPlan(behaviour="complaint", opens=1),
            ["Send", "Delivery", "Open", "Complaint"],
            id="read_and_complained_of",
        ),
    ],
)
async def test_a_mailbox_behaves_as_it_was_told(
    post: Posting, plan: MailboxPlan, expected: list[str]
) -> None:
    await post.mailroom.plan(plan, address=ANN)
    assert await post.told(await post.send()) == expected


async def test_an_address_its_domain_and_everybody_are_told_apart(post: Posting) -> None:
    await post.mailroom.plan(MailboxPlan(behaviour="reject"))
    await post.mailroom.plan(MailboxPlan(behaviour="silent"), address="@example.com")
    await post.mailroom.plan(MailboxPlan(), address=ANN)
    assert await post.told(await post.send()) == ["Send", "Delivery"]
    assert await post.told(await post.send(**to("bob@example.com"))) == ["Send"]
    assert await post.told(await post.send(**to("bob@example.net"))) == ["Reject"]
    await post.mailroom.clear()
    assert await post.told(await post.send(**to("bob@example.net"))) == ["Send", "Delivery"]


async def test_a_hard_bounce_suppresses_and_a_soft_one_does_not(post: Posting) -> None:
    soft = MailboxPlan(behaviour="bounce", bounce_sub_type="MailboxFull")
    await post.mailroom.plan(soft, address="full@example.com")
    await post.mailroom.plan(MailboxPlan(behaviour="bounce"), address=ANN)
    await post.told(await post.send(**to("full@example.com")))
    message_id = await post.send()
    await post.told(message_id)
    listed = await post.ses.list_suppressed_destinations()
    [one] = listed["SuppressedDestinationSummaries"]
    assert (one["EmailAddress"], one["Reason"]) == (ANN, "BOUNCE")
    found = await post.ses.get_suppressed_destination(EmailAddress=ANN)
    assert found["SuppressedDestination"]["Attributes"]["MessageId"] == message_id


async def test_a_suppressed_address_is_accepted_and_never_written_to(post: Posting) -> None:
    await post.ses.put_suppressed_destination(EmailAddress=ANN, Reason="BOUNCE")
    message_id = await post.send(**to("Ann@Example.com"))
    assert await post.told(message_id) == ["Send", "Bounce"]
    await post.ses.put_suppressed_destination(EmailAddress=ANN, Reason="COMPLAINT")
    assert await post.told(await post.send()) == ["Send", "Complaint"]
    assert await post.mailroom.arrived(ANN) == []
    await post.ses.delete_suppressed_destination(EmailAddress=ANN)
    assert await post.told(await post.send()) == ["Send", "Delivery"]


async def test_the_list_itself_tells_upper_from_lower_case(post: Posting) -> None:
    await post.ses.put_suppressed_destination(EmailAddress=ANN, Reason="BOUNCE")
    for call in (post.ses.get_suppressed_destination, post.ses.delete_suppressed_destination):
        refused = await refusal(call(EmailAddress="Ann@example.com"))
        assert refused["Error"]["Code"] == "NotFoundException"
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == 404


async def test_which_reasons_count_is_the_accounts_choice_and_the_sets(post: Posting) -> None:
    await post.ses.put_account_suppression_attributes(SuppressedReasons=["COMPLAINT"])
    await post.mailroom.plan(MailboxPlan(behaviour="bounce"), address=ANN)
    await post.told(await post.send())
    listed = await post.ses.list_suppressed_destinations()
    assert listed["SuppressedDestinationSummaries"] == []
    await post.ses.put_suppressed_destination(EmailAddress=ANN, Reason="COMPLAINT")
    await post.mailroom.clear()
    assert await post.told(await post.send()) == ["Send", "Complaint"]
    await post.ses.put_configuration_set_suppression_options(
        ConfigurationSetName="events", SuppressedReasons=[]
    )
    assert await post.told(await post.send()) == ["Send", "Delivery"]


async def test_the_list_is_filtered_and_paged(post: Posting) -> None:
    for number in range(3):
        reason = "COMPLAINT" if number == 2 else "BOUNCE"
        address = f"a{number}@example.com"
        await post.ses.put_suppressed_destination(EmailAddress=address, Reason=reason)
    first = await post.ses.list_suppressed_destinations(PageSize=2)
    rest = await post.ses.list_suppressed_destinations(NextToken=first["NextToken"])
    pages = (first, rest)
    found = [one["EmailAddress"] for p in pages for one in p["SuppressedDestinationSummaries"]]
    assert found == ["a0@example.com", "a1@example.com", "a2@example.com"]
    only = await post.ses.list_suppressed_destinations(Reasons=["COMPLAINT"])
    assert len(only["SuppressedDestinationSummaries"]) == 1


async def test_everyone_of_a_domain_is_named_when_one_complains(post: Posting) -> None:
    """Only the complainer is suppressed all the same."""
    message_id = await post.send(**to(ANN, "bob@example.com", "cy@example.net"))
    await post.simulator.world.tasks.settle()
    await post.mailroom.complain(message_id, ANN)
    assert (await post.told(message_id))[-1] == "Complaint"
    await refusal(post.ses.get_suppressed_destination(EmailAddress="bob@example.com"))
    found = await post.ses.get_suppressed_destination(EmailAddress=ANN)
    assert found["SuppressedDestination"]["Reason"] == "COMPLAINT"


async def test_opens_need_html_and_tracking(post: Posting) -> None:
    await post.mailroom.plan(MailboxPlan(opens=1, clicks=1), address=ANN)
    plain = {"Simple": {"Subject": {"Data": "s"}, "Body": {"Text": {"Data": "t"}}}}
    assert await post.told(await post.send(Content=plain)) == ["Send", "Delivery"]
    tracking = {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}
    untracked = await post.send(ConfigurationOverrides={"Tracking": tracking})
    assert await post.told(untracked) == ["Send", "Delivery"]


async def test_a_template_is_filled_or_fails_to_render(post: Posting) -> None:
    good = await post.send(
        **templated(TemplateName="visit", TemplateData='{"name":"Ann","visit":{"time":"9"}}')
    )
    [mail] = await post.mailroom.arrived(ANN, wait_s=2)
    assert (mail.message_id, mail.subject, mail.text) == (good, "Hi Ann", "At 9")
    bad = await post.send(**templated(TemplateName="visit", TemplateData='{"name":"Ann"}'))
    assert await post.told(bad) == ["Rendering Failure"]
    inline = {"Subject": "Hi {{name}}", "Text": "t"}
    await post.send(**templated(TemplateContent=inline, TemplateData='{"name":"Bo"}'))
    await post.simulator.world.tasks.settle()
    assert [one.subject for one in await post.mailroom.arrived(ANN)] == ["Hi Ann", "Hi Bo"]


async def test_a_raw_mail_brings_its_own_addresses(post: Posting) -> None:
    raw = (
        b"From: no-reply@example.org\r\nTo: Ann <ann@example.com>\r\nSubject: Raw\r\n"
        b"Content-Type: text/plain\r\n\r\nHello"
    )
    made = await post.ses.send_email(Content={"Raw": {"Data": raw}})
    [mail] = await post.mailroom.arrived(ANN, wait_s=2)
    assert (mail.message_id, mail.subject, mail.text) == (made["MessageId"], "Raw", "Hello")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param({"ConfigurationSetName": "none"}, "NotFoundException", id="set"),
        pytest.param(templated(TemplateName="none"), "NotFoundException", id="template"),
        pytest.param({"FromEmailAddress": "x@other.example"}, "MessageRejected", id="sender"),
        pytest.param({"FromEmailAddress": "x"}, "BadRequestException", id="bad_sender"),
        pytest.param(to(), "BadRequestException", id="nobody"),
        pytest.param(to("ann"), "BadRequestException", id="no_address"),
        pytest.param(to("änn@example.com"), "BadRequestException", id="not_ascii"),
        pytest.param(
            to(*[f"a{n}@example.com" for n in range(51)]), "BadRequestException", id="too_many"
        ),
        pytest.param(
            {"EmailTags": [{"Name": "profile", "Value": "p.1"}]}, "BadRequestException", id="tag"
        ),
        pytest.param({"Content": {}}, "BadRequestException", id="no_content"),
        pytest.param(
            templated(TemplateName="visit", TemplateData="{"), "BadRequestException", id="no_json"
        ),
    ],
)
async def test_what_the_service_refuses_is_refused(
    post: Posting, change: dict[str, Any], code: str
) -> None:
    refused = await refusal(post.ses.send_email(**MAIL | change))
    assert refused["Error"]["Code"] == code
    assert await post.simulator.control.ledger(operation="SendEmail") == []


@pytest.mark.parametrize(
    ("knobs", "code", "status"),
    [
        ({"sending_paused": True}, "SendingPausedException", 400),
        ({"account_suspended": True}, "AccountSuspendedException", 400),
        ({"sends_per_day": 0}, "LimitExceededException", 400),
        ({"sandbox": True}, "MessageRejected", 400),
    ],
)
async def test_an_account_may_be_unable_to_send(
    post: Posting, knobs: dict[str, Any], code: str, status: int
) -> None:
    await post.simulator.control.set_knobs(ses=knobs)
    refused = await refusal(post.ses.send_email(**MAIL))
    assert refused["Error"]["Code"] == code
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == status


async def test_a_sandboxed_account_reaches_the_mailbox_simulator(post: Posting) -> None:
    await post.simulator.control.set_knobs(ses={"sandbox": True})
    await post.send(**to("success@simulator.amazonses.com", "boss@example.net"))


async def test_recipients_are_paced_while_rates_are_on(post: Posting) -> None:
    await post.simulator.control.set_knobs(rates=True, ses={"sends_per_s": 2})
    await post.send(**to(ANN, "bob@example.com"))
    refused = await refusal(post.ses.send_email(**MAIL))
    assert refused["Error"]["Code"] == "TooManyRequestsException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    await post.simulator.control.advance_clock(1)
    await post.send()


async def test_the_daily_quota_is_of_the_last_24_hours(post: Posting) -> None:
    await post.simulator.control.set_knobs(ses={"sends_per_day": 2})
    await post.send(**to(ANN, "bob@example.com"))
    refused = await refusal(post.ses.send_email(**MAIL))
    assert refused["Error"]["Code"] == "LimitExceededException"
    await post.simulator.control.advance_clock(24 * 3600)
    await post.send()


async def test_a_set_is_made_with_its_destinations(post: Posting) -> None:
    await post.ses.create_configuration_set(ConfigurationSetName="more")
    refused = await refusal(post.ses.create_configuration_set(ConfigurationSetName="more"))
    assert refused["Error"]["Code"] == "AlreadyExistsException"
    destination = {
        "Enabled": True,
        "MatchingEventTypes": ["BOUNCE"],
        "SnsDestination": {"TopicArn": "arn:aws:sns:us-east-1:000000000000:t"},
    }
    of_set = {"ConfigurationSetName": "more"}
    make = post.ses.create_configuration_set_event_destination
    await make(**of_set, EventDestinationName="sns", EventDestination=destination)
    for bad in ({**destination, "MatchingEventTypes": []}, {"MatchingEventTypes": ["BOUNCE"]}):
        await refusal(make(**of_set, EventDestinationName="x", EventDestination=bad))
    shown = await post.ses.get_configuration_set_event_destinations(**of_set)
    assert shown["EventDestinations"] == [{"Name": "sns", **destination}]
    await post.ses.delete_configuration_set_event_destination(**of_set, EventDestinationName="sns")
    await post.ses.delete_configuration_set(**of_set)
    refused = await refusal(post.ses.delete_configuration_set(**of_set))
    assert refused["Error"]["Code"] == "NotFoundException"


async def test_identities_and_templates_are_made_once(post: Posting) -> None:
    made = await post.ses.create_email_identity(EmailIdentity="new.example")
    assert made["VerifiedForSendingStatus"] is True
    await post.send(FromEmailAddress="x@mail.new.example")
    await refusal(post.ses.create_email_identity(EmailIdentity="new.example"))
    content = {"Subject": "s", "Text": "t"}
    await post.ses.create_email_template(TemplateName="t", TemplateContent=content)
    await refusal(post.ses.create_email_template(TemplateName="t", TemplateContent=content))


async def test_a_mail_that_was_never_sent_cannot_be_read(post: Posting) -> None:
    with pytest.raises(ControlError, match="404"):
        await post.mailroom.open("none")


async def test_boto3_sends_too(post: Posting) -> None:
    client = boto3.client(
        "sesv2",
        endpoint_url=post.simulator.world.url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    made = await asyncio.to_thread(client.send_email, **MAIL)
    [mail] = await post.mailroom.arrived(ANN, wait_s=2)
    assert mail.message_id == made["MessageId"]


async def test_an_account_says_whether_it_may_send(simulator: Running) -> None:
    ses = await simulator.sdk("sesv2")
    account = await ses.get_account()
    assert (account["ProductionAccessEnabled"], account["SendingEnabled"]) == (True, True)
    assert account["SuppressionAttributes"]["SuppressedReasons"] == ["BOUNCE", "COMPLAINT"]
    await simulator.control.set_knobs(ses={"sandbox": True, "account_suspended": True})
    account = await ses.get_account()
    assert account["ProductionAccessEnabled"] is False
    assert account["EnforcementStatus"] == "SHUTDOWN"
