"""`switchboard suppressions`: who is not written to, and an operator's word on it."""

from __future__ import annotations

import asyncio
import csv
import json
import sys
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from workers.addresses import Channel, channel_of, mask, normalise
from workers.brands import MessageClass
from workers.cli.audit import author, log_act, shown
from workers.clock import SystemClock
from workers.errors import AccountProblem, SettingsError, SwitchboardError

if TYPE_CHECKING:
    from workers.handlers.bounce_tracking.desk import Suppressed
    from workers.operators import OperatorTools

EXIT_REFUSED = 1
EXIT_USAGE = 2
FIELDS = (
    *("channel", "address", "state", "cause", "words", "message_class", "opt_out_list"),
    *("since", "until"),
)

Answer = TypeVar("Answer")

_channel = click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    help="email, sms or voice. By default what the address looks like: mail, or texts.",
)
_by = click.option("--by", default=None, help="Who says so. You, on this host, by default.")
_reason = click.option(
    "--reason", required=True, help="Why, for the next who looks. No customer's data."
)
_full = click.option("--full", is_flag=True, help="Addresses in full. It is written to the audit.")
_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


@click.group()
def suppressions() -> None:
    """List, add, remove and export who is not written to.

    An address is left alone because mail servers or carriers said that nobody is there, because
    its owner complained or opted out, because it failed too often lately, or because you said so.
    docs/bounces.md has the rules. Addresses are shown masked (+1206•••0100) unless you ask.

    The commands need a worker's environment (docs/configuration.md lists it) and AWS credentials.
    Every change is kept with who, when and why (`switchboard suppressions audit`), and is written
    to stderr as one JSON line besides.

    Exit status: 0 done, 1 AWS refused or did not answer, 2 the command or the environment is wrong.
    """


@suppressions.command("list")
@click.option(
    "--channel",
    type=click.Choice([channel.value for channel in Channel]),
    help="Only this channel: email, sms or voice.",
)
@click.option("--cause", help="Only this cause, such as hard_bounce, complaint or opted_out.")
@_full
@_json
def list_(channel: str | None, cause: str | None, full: bool, as_json: bool) -> None:
    """Show every reason that holds now, the newest first.

    Reads the whole table: on a large one this takes a while, and costs its reads.

    \b
    switchboard suppressions list --channel email --cause complaint
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    rows = [
        row
        for row in _all_rows("listed", full=full)
        if channel in (None, row["channel"]) and cause in (None, row["cause"])
    ]
    if as_json:
        click.echo(json.dumps({"suppressions": rows}))
    else:
        _print(rows)


@suppressions.command()
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), default="jsonl")
@_full
def export(form: str, full: bool) -> None:
    """Write every reason that holds now to stdout, as JSON lines or CSV.

    \b
    switchboard suppressions export --full --format csv > suppressed.csv
    """  # noqa: D301 - as above
    rows = _all_rows("exported", full=full)
    if form == "jsonl":
        for row in rows:
            click.echo(json.dumps(row))
        return
    writer = csv.DictWriter(sys.stdout, FIELDS)
    writer.writeheader()
    writer.writerows(rows)


@suppressions.command()
@click.argument("address")
@_channel
@click.option(
    "--class",
    "message_class",
    type=click.Choice([one.value for one in MessageClass]),
    help="Only messages of this class. All by default.",
)
@_reason
@_by
def add(
    address: str, channel: str | None, message_class: str | None, reason: str, by: str | None
) -> None:
    """Leave ADDRESS alone from now on: a mail address, or a number in E.164.

    It holds until it is removed, for every brand. What customers say themselves (STOP) needs no
    help from here.

    \b
    switchboard suppressions add pat@example.com --reason "asked by phone, CHG-1042"
    """  # noqa: D301 - as above
    where, who = _address(address, channel), author(by)
    why = shown(reason, "--reason")
    kind = MessageClass(message_class) if message_class else None

    async def change(tools: OperatorTools) -> str:
        is_new = await tools.desk.add(*where, kind, by=who, reason=why)
        _log("suppression_added", where, by=who, reason=why)
        return f"{mask(*where)} is left alone" if is_new else f"{mask(*where)} was suppressed"

    click.echo(_run(change))


@suppressions.command()
@click.argument("address")
@_channel
@click.option("--opt-outs", is_flag=True, help="Its opt-outs of texts too: only if they asked.")
@click.option("--provider-list", is_flag=True, help="Off SES's account suppression list, too.")
@_reason
@_by
def remove(
    address: str,
    channel: str | None,
    opt_outs: bool,
    provider_list: bool,
    reason: str,
    by: str | None,
) -> None:
    """Forgive ADDRESS everything until now, so that it is written to again.

    What happens from now on counts anew. An opt-out of texts stays unless you say --opt-outs:
    nobody may be texted who has not come back of their own will. End User Messaging keeps a list
    of its own, which only the person or `delete-opted-out-number` changes.
    """
    where, who = _address(address, channel), author(by)
    why = shown(reason, "--reason")
    if provider_list and where[0] is not Channel.EMAIL:
        raise click.BadParameter("SES's list holds mail addresses", param_hint="--provider-list")

    async def change(tools: OperatorTools) -> str:
        lists = tuple(sorted({brand.opt_out_list for brand in tools.configuration.brands}))
        found = await tools.desk.lift(*where, lists, with_opt_outs=opt_outs, by=who, reason=why)
        was_listed = provider_list and await tools.mail_list.release(where[1])
        _log("suppression_removed", where, by=who, reason=why)
        causes = [hold.cause.value for hold in found.before.holds]
        causes += [f"opt-out of {name}" for name in found.opt_outs_removed]
        causes += ["SES's list"] if was_listed else []
        told = ", ".join(causes) or "nothing held"
        left = ", ".join(found.opt_outs_left)
        return f"{mask(*where)}: {told}" + (f"; still opted out of {left}" if left else "")

    click.echo(_run(change))


@suppressions.command()
@click.option("--month", default=None, help="YYYY-MM; this month by default.")
@_full
@_json
def audit(month: str | None, full: bool, as_json: bool) -> None:
    """Show who changed what by hand, when and why."""
    try:
        when = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC) if month else datetime.now(UTC)
    except ValueError:
        raise click.BadParameter("a month such as 2026-11", param_hint="--month") from None

    async def look(tools: OperatorTools) -> list[dict[str, str]]:
        acts = await tools.desk.trail.of_month(when.year, when.month)
        return [
            {
                "at": _iso(act.at),
                "act": act.act,
                "channel": act.channel.value if act.channel else "",
                "address": _masked(act.channel, act.address, full=full),
                "by": act.by,
                "reason": act.reason,
            }
            for act in acts
        ]

    rows = _run(look)
    if as_json:
        click.echo(json.dumps({"acts": rows}))
        return
    for row in rows:
        click.echo(
            "  ".join((row["at"], row["act"], row["address"], f"{row['by']}: {row['reason']}"))
        )


@suppressions.command()
@click.argument("lists", metavar="[LIST]...", nargs=-1)
@click.option("--may-shrink", is_flag=True, help="However many are gone from it, believe the list.")
@_json
def sync(lists: tuple[str, ...], may_shrink: bool, as_json: bool) -> None:
    """Read End User Messaging's opt-out lists back in, now.

    By default those of brands whose opt_out_mode is "managed": there EUM answers STOP and tells
    nobody. Takes a second for each hundred numbers. When more than a tenth of a list (and more than
    25 numbers) is gone at once, those stay suppressed: it may have been cleared by mistake.

    Workers do the same by themselves, by the schedule `opt-out-sync`.
    """

    async def read(tools: OperatorTools) -> list[dict[str, Any]]:
        names = sorted(set(lists or tools.configuration.managed_lists))
        tick = f"operator.{SystemClock().now_ms()}"
        return [
            {"opt_out_list": name, "listed": r.listed, "added": r.added, "removed": r.removed}
            | {"kept": r.kept}
            for name in names
            for r in [await tools.sync.sync(name, tick, may_shrink=may_shrink)]
        ]

    rows = _run(read)
    if as_json:
        click.echo(json.dumps({"lists": rows}))
        return
    for row in rows:
        click.echo(
            f"{row['opt_out_list']}: {row['listed']} listed, {row['added']} new, "
            f"{row['removed']} back, {row['kept']} gone from the list and kept suppressed"
        )
    if not rows:
        click.echo('no brand has opt_out_mode = "managed": name the lists to read')


# --- the shell's side --------------------------------------------------------------------------


def _run(work: Callable[[OperatorTools], Awaitable[Answer]]) -> Answer:
    """Do it with AWS; complain and exit where that does not go."""
    from botocore.exceptions import BotoCoreError

    from workers.bootstrap import configured
    from workers.log import configure_logging
    from workers.operators import operator_tools
    from workers.settings import load

    async def with_tools() -> Answer:
        source = await configured(settings.config)
        async with operator_tools(settings, source.configuration) as tools:
            return await work(tools)

    configure_logging(stream=sys.stderr)
    try:
        settings = load()
        return asyncio.run(with_tools())
    except SettingsError as error:
        says, status = str(error), EXIT_USAGE
    except SwitchboardError as error:
        says, status = _advice(error), EXIT_REFUSED
    except BotoCoreError as error:  # Before any call: no region, a wrong profile.
        says, status = f"the AWS SDK cannot start ({type(error).__name__})", EXIT_USAGE
    click.echo(f"switchboard suppressions: {says}", err=True)
    sys.exit(status)


def _advice(error: SwitchboardError) -> str:
    reason = getattr(error, "reason", type(error).__name__)
    if isinstance(error, AccountProblem):
        return f"AWS refused ({reason}): check the tables' names, the lists', and your permissions"
    return (
        f"AWS did not do all of it ({reason}): check the network, the credentials and "
        "AWS_DEFAULT_REGION, then repeat the command; repeating does no harm"
    )


def _address(written: str, channel: str | None) -> tuple[Channel, str]:
    where = Channel(channel) if channel else channel_of(written)
    address = normalise(where, written) if where else None
    if where is None or address is None:
        raise click.BadParameter(
            "a mail address, or a number in E.164 (+12065550100)", param_hint="ADDRESS"
        )
    return where, address


def _log(event: str, where: tuple[Channel, str], *, by: str, reason: str) -> None:
    # Through the last net too: what looks like an address there is masked.
    log_act(event, channel=where[0].value, by=by, reason=reason)


# --- how it looks ------------------------------------------------------------------------------


def _all_rows(act: str, *, full: bool) -> list[dict[str, str]]:
    async def look(tools: OperatorTools) -> list[Suppressed]:
        if full:
            from workers.stores.audit import Act

            now = SystemClock().now()
            who = author(None)
            await tools.desk.trail.record(Act(now, f"suppressions_{act}", who, "addresses in full"))
        return [one async for one in tools.desk.each()]

    found = sorted(_run(look), key=lambda one: one.since, reverse=True)
    if full:
        log_act(f"suppressions_{act}", by=author(None))
    return [_row(one, full=full) for one in found]


def _row(one: Suppressed, *, full: bool) -> dict[str, str]:
    return {
        "channel": one.channel.value,
        "address": _masked(one.channel, one.address or "", full=full),
        "state": one.state.value,
        "cause": one.cause,
        "words": one.words,
        "message_class": one.message_class.value if one.message_class else "all",
        "opt_out_list": one.opt_out_list or "",
        "since": _iso(one.since),
        "until": _iso(one.until) if one.until else "",
    }


def _masked(channel: Channel | None, address: str, *, full: bool) -> str:
    if not address or channel is None:
        return "-"
    return address if full else mask(channel, address)


_COLUMNS = ("channel", "address", "state", "cause", "words", "message_class", "since", "until")


def _print(rows: Iterable[dict[str, str]]) -> None:
    table = [
        tuple(name.replace("_", " ").upper() for name in _COLUMNS),
        *(tuple(row[name] or "-" for name in _COLUMNS) for row in rows),
    ]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(_COLUMNS))]
    for cells in table:
        padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
