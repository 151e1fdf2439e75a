"""`switchboard doctor`: what breaks deployments, named, with what to do."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import click

from infra.topology import load_topology
from workers.cli.doctor.check import Check, Finding, Status
from workers.cli.doctor.checks import CHECKS
from workers.cli.doctor.page import page, policy
from workers.errors import SettingsError

if TYPE_CHECKING:
    from workers.cli.doctor.site import Site

EXIT_FAILED: Final = 1
EXIT_NOT_RUN: Final = 2
_COLOURS: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "red"}
_WIDTH: Final = 88


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@click.option("--strict", is_flag=True, help="A warning counts as a failure.")
@click.option(
    "--only",
    multiple=True,
    metavar="CHECK",
    type=click.Choice([check.name for check in CHECKS]),
    help="Only this check, and those it builds on. Repeat for more.",
)
@click.option(
    "--service",
    metavar="NAME",
    help="The service of infra/topology.json whose task this is: only its queues are looked at, and"
    " what its role may do by what they need. All of them by default.",
)
@click.option("--list", "as_list", is_flag=True, help="Print every check, as docs/doctor.md.")
@click.option("--policy", "as_policy", is_flag=True, help="Print the IAM policy it may look by.")
def doctor(
    *,
    as_json: bool,
    strict: bool,
    only: tuple[str, ...],
    service: str | None,
    as_list: bool,
    as_policy: bool,
) -> None:
    """Look, from inside a task, at what breaks deployments. Nothing is changed.

    It reads a worker's environment and switchboard.toml, and asks AWS with the credentials that it
    finds: in a task the task's role, so that what a worker may not do is seen here. What the role
    may not look at is a warning; --policy prints what lets it look at everything.

    \b
    switchboard doctor
    switchboard doctor --service conversations --strict --json
    switchboard doctor --only two_way --only opt_out_mode

    Exit status: 0 all is well, 1 something failed (with --strict also a warning), 2 it could not
    run.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    if as_list:
        click.echo(page(CHECKS), nl=False)
        return
    if as_policy:
        click.echo(json.dumps(policy(CHECKS), indent=2))
        return
    from workers.cli.doctor.run import examine

    findings: list[Finding] = []
    try:
        for finding in examine(_site(service), chosen(only)):
            findings.append(finding)
            if not as_json:
                _print(finding)
    except SettingsError as exc:
        click.echo(f"switchboard doctor: {exc}", err=True)
        sys.exit(EXIT_NOT_RUN)
    if as_json:
        click.echo(json.dumps(_as_document(findings), ensure_ascii=False))
    else:
        click.secho(_summary(findings), bold=True)
    bad = {Status.FAILED, Status.WARNING} if strict else {Status.FAILED}
    if any(finding.status in bad for finding in findings):
        sys.exit(EXIT_FAILED)


def chosen(names: Sequence[str]) -> list[Check]:
    """The checks of these names, and those that they build on; all for no name."""
    if not names:
        return list(CHECKS)
    by_name = {check.name: check for check in CHECKS}
    wanted: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in wanted:
            wanted.add(name)
            waiting += by_name[name].after
    return [check for check in CHECKS if check.name in wanted]


def _site(service: str | None) -> Site:
    """Raises SettingsError: the environment, the configuration or the service's name is wrong."""
    from workers.bootstrap import configured
    from workers.cli.doctor.site import Site
    from workers.cli.one_shot import OneShotAws
    from workers.settings import load

    topology = load_topology()
    services = {one.name: one.queues for one in topology.services}
    if service is not None and service not in services:
        raise SettingsError(f"there is no service {service}: there are {', '.join(services)}")
    settings = load()
    source = asyncio.run(configured(settings.config))
    taken = services[service] if service is not None else ()
    return Site(settings, source.configuration, topology, OneShotAws(), taken)


def _print(finding: Finding) -> None:
    """One line, and for what is wrong what to do. Colours only on a terminal."""
    status = click.style(f"{finding.status.value:8}", fg=_COLOURS.get(finding.status))
    about = f"{finding.subject}: {finding.says}" if finding.subject else finding.says
    click.echo(f"{status} {finding.check:22} {about}".rstrip())
    if finding.remedy:
        indent = " " * 9
        click.echo(
            click.wrap_text(
                f"-> {finding.remedy}",
                width=_WIDTH,
                initial_indent=indent,
                subsequent_indent=f"{indent}   ",
            )
        )


def _summary(findings: Sequence[Finding]) -> str:
    counted = Counter(finding.status for finding in findings)
    told = ", ".join(f"{counted[status]} {status.value}" for status in Status if counted[status])
    return f"{told}."


def _as_document(findings: Sequence[Finding]) -> dict[str, object]:
    counted = Counter(finding.status for finding in findings)
    return {
        "ok": not counted[Status.FAILED],
        **{status.value: counted[status] for status in Status if status is not Status.OK},
        "findings": [
            {
                "check": finding.check,
                "status": finding.status.value,
                "subject": finding.subject or None,
                "says": finding.says or None,
                "remedy": finding.remedy or None,
            }
            for finding in findings
        ],
    }
