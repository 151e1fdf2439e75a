"""Makes the checks, one after the other, and turns what AWS refuses into findings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from workers.cli.doctor.check import Check, Finding, NotConcerned, Status
from workers.cli.doctor.site import Site
from workers.cli.one_shot import code_of, is_denied

_NETWORK: Final = (
    "check the subnet's route to AWS (NAT gateway or VPC endpoint), the security group, and"
    " AWS_ENDPOINT_URL if it is set"
)
_PERMISSION: Final = (
    "give the role the actions that `switchboard doctor --policy` prints, at least for this run"
)


def examine(site: Site, checks: Iterable[Check]) -> Iterator[Finding]:
    """Every check's findings, in order: at least one for each.

    One that builds on a failed one is skipped, and so is one that builds on that.
    """
    unsound: dict[str, str] = {}
    for check in checks:
        cause = next((unsound[name] for name in check.after if name in unsound), None)
        if cause is not None:
            unsound[check.name] = cause
            yield Finding(check.name, Status.SKIPPED, says=f"waits for {cause}")
            continue
        findings = list(_findings(site, check))
        if any(finding.status is Status.FAILED for finding in findings):
            unsound[check.name] = check.name
        yield from findings


def _findings(site: Site, check: Check) -> Iterator[Finding]:
    is_clean = True
    try:
        for problem in check.look(site):
            is_clean = False
            status = Status.WARNING if problem.is_warning else Status.FAILED
            remedy = problem.remedy or check.remedy
            yield Finding(check.name, status, problem.subject, problem.says, remedy)
    except NotConcerned as reason:
        yield Finding(check.name, Status.SKIPPED, says=str(reason))
    except ClientError as refusal:
        yield _refused(check, refusal)
    except BotoCoreError as failure:
        says = f"AWS could not be asked ({type(failure).__name__})"
        yield Finding(check.name, Status.FAILED, says=says, remedy=_NETWORK)
    else:
        if is_clean:
            yield Finding(check.name, Status.OK)


def _refused(check: Check, refusal: ClientError) -> Finding:
    call, code = refusal.operation_name, code_of(refusal)
    if is_denied(refusal):
        says = f"could not be looked at: {call} is not allowed here"
        return Finding(check.name, Status.WARNING, says=says, remedy=_PERMISSION)
    says = f"AWS answered {code} to {call}"
    return Finding(check.name, Status.FAILED, says=says, remedy=check.remedy)
