"""Amazon SES: whether mail goes out at all, and whether bounces are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import Site
from workers.cli.one_shot import is_not_found
from workers.cli.topics import MAIL

CATALOGUE: Final = Catalogue()
_ASKS: Final = ("ses:GetAccount",)


@CATALOGUE.add(
    looks_at="whether SES may send: out of the sandbox, not paused, not under review. Switchboard"
    " sends no mail itself, it follows what others send",
    remedy="SES console, Account dashboard: request production access, or answer the review",
    asks=_ASKS,
    after=("credentials",),
)
def mail_account(site: Site) -> Iterator[Problem]:
    """Conversations go on without mail: the sandbox is a warning."""
    account = site.aws.client("sesv2").get_account()
    if not account.get("ProductionAccessEnabled"):
        yield Problem("SES", "the account is in the sandbox", is_warning=True)
    if not account.get("SendingEnabled", True):
        yield Problem("SES", "sending is paused", is_warning=True)
    status = account.get("EnforcementStatus", "HEALTHY")
    if status != "HEALTHY":
        yield Problem("SES", f"the account's status is {status}", is_warning=True)


@CATALOGUE.add(
    looks_at="the SES configuration sets of `bounces.email_classes`: there, with an enabled"
    " destination for bounces and complaints, to our topic or to EventBridge",
    remedy="add an event destination with BOUNCE and COMPLAINT to the configuration set (Terraform:"
    " aws_sesv2_configuration_set_event_destination)",
    asks=("ses:GetConfigurationSetEventDestinations",),
    after=("credentials", "chat_stream_region"),
)
def mail_events(site: Site) -> Iterator[Problem]:
    """Mail of other sets is followed as well, but nobody told us which."""
    names = sorted(site.configuration.bounces.email_classes)
    if not names:
        raise NotConcerned("bounces.email_classes names no configuration set")
    for name in names:
        try:
            found = site.aws.client("sesv2").get_configuration_set_event_destinations(
                ConfigurationSetName=name
            )
        except ClientError as refusal:
            if not is_not_found(refusal):
                raise
            yield Problem(name, "there is no such configuration set in SES")
            continue
        ours = [one for one in found["EventDestinations"] if _is_ours(site, one)]
        told = {kind for one in ours for kind in one.get("MatchingEventTypes", ())}
        lacking = {"BOUNCE", "COMPLAINT"} - told
        if lacking:
            yield Problem(name, f"no enabled destination brings us {' and '.join(sorted(lacking))}")


def _is_ours(site: Site, destination: dict[str, Any]) -> bool:
    topic = destination.get("SnsDestination", {}).get("TopicArn")
    is_bus = "EventBridgeDestination" in destination
    is_topic = topic is not None and topic == site.topics.get(MAIL, topic)
    return bool(destination.get("Enabled")) and (is_bus or is_topic)


@CATALOGUE.add(
    looks_at="whether SES's own suppression list takes bounces and complaints, where"
    " `bounces.ses_suppression_list` relies on it",
    remedy="SES console, Suppression list, Account-level settings: enable it for bounces and"
    " complaints",
    asks=_ASKS,
    after=("credentials",),
)
def mail_suppressions(site: Site) -> Iterator[Problem]:
    """An address that is put there counts only for the reasons that are enabled."""
    if not site.configuration.bounces.ses_suppression_list:
        raise NotConcerned("bounces.ses_suppression_list is off")
    found = site.aws.client("sesv2").get_account().get("SuppressionAttributes", {})
    lacking = {"BOUNCE", "COMPLAINT"} - set(found.get("SuppressedReasons", ()))
    for reason in sorted(lacking):
        says = f"the list does not hold for {reason}: SES writes to such addresses again"
        yield Problem("suppression list", says, is_warning=True)
