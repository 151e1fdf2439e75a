"""Amazon SES: whether mail goes out at all, and whether bounces are kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workers.cli.doctor.check import Catalogue, NotConcerned, Problem
from workers.cli.doctor.site import Site

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
