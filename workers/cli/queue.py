"""`switchboard queue`: what an operator does to a queue of the fleet, from any shell."""

from __future__ import annotations

import asyncio
import difflib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from workers.cli.audit import author, log_act, shown
from workers.clock import SystemClock
from workers.errors import AccountProblem, SettingsError, SwitchboardError
from workers.runtime.breaker import Pause

if TYPE_CHECKING:
    from workers.clients.queue_counts import QueueCounts, QueueInspector
    from workers.settings import FleetSettings
    from workers.stores.pauses import DynamoPauses

EXIT_REFUSED = 1
EXIT_USAGE = 2


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with."""

    settings: FleetSettings
    pauses: DynamoPauses
    inspector: QueueInspector


@dataclass(frozen=True, slots=True)
class Row:
    """One queue as `status` shows it; None for what could not be had."""

    queue: str
    pause: Pause | None
    counts: QueueCounts | None
    oldest_s: int | None
    dead_letters: int | None


@click.group()
def queue() -> None:
    """Pause, resume and look at queues, for every worker of the fleet.

    A pause is kept in DynamoDB: it outlives restarts and deploys, and holds until it is resumed.
    Workers notice within a second or two. They begin no poll, give back what an outstanding one
    still brings, finish what they have begun, and dead-letter nothing. Messages stay on their
    queue, for as long as its retention keeps them.

    The commands need a worker's wiring in the environment (SWITCHBOARD_QUEUE_URLS,
    SWITCHBOARD_DLQ_URLS, SWITCHBOARD_FLEET_TABLE) and AWS credentials. Every change is written to
    stderr as one JSON line, for your records.

    Exit status: 0 done, 1 AWS refused or did not answer, 2 the command or the environment is wrong.
    """


@queue.command()
@click.argument("name", metavar="QUEUE")
@click.option("--reason", required=True, help="Why, for the next who looks. No customer's data.")
@click.option("--by", default=None, help="Who says so. You, on this host, by default.")
def pause(name: str, reason: str, by: str | None) -> None:
    """Stop the polling of QUEUE, until somebody resumes it.

    One that stands already keeps its own time, reason and author.

    \b
    switchboard queue pause chat-stream --reason "numbers are being moved, CHG-1042"
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    wanted = Pause(SystemClock().now(), shown(reason, "--reason"), author(by))

    async def change(desk: Desk) -> str:
        _require_queue(desk, name)
        standing = await desk.pauses.pause(name, wanted)
        if standing is not wanted:
            return f"{name} was paused already: {_told(standing)}"
        log_act("queue_paused", sqs_queue=name, by=wanted.by, reason=wanted.reason)
        return f"{name} is paused: {_told(standing)}"

    click.echo(_run(change))


@queue.command()
@click.argument("name", metavar="QUEUE")
@click.option("--by", default=None, help="Who says so. You, on this host, by default.")
def resume(name: str, by: str | None) -> None:
    """Let QUEUE be polled again, whoever paused it.

    After too many dead letters in a row look at them first: the next run pauses it anew.
    """
    who = author(by)

    async def change(desk: Desk) -> str:
        _require_queue(desk, name)
        ended = await desk.pauses.resume(name)
        if ended is None:
            return f"{name} was not paused"
        log_act("queue_resumed", sqs_queue=name, by=who, reason=ended.reason)
        return f"{name} is polled again. It was {_told(ended)}"

    click.echo(_run(change))


@queue.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
def status(as_json: bool) -> None:
    """Show every queue: polled or paused, how much waits, how old, how much is in its DLQ.

    Counts are SQS's approximate ones. OLDEST comes from CloudWatch, a minute or two late, and is
    "-" where it cannot be had. Exit status 1 also when SQS could not tell about a queue.
    """
    rows = _run(_rows)
    if as_json:
        click.echo(json.dumps({"queues": [_as_fields(row) for row in rows]}))
    else:
        _print(rows)
    if any(row.counts is None or row.dead_letters is None for row in rows):
        click.echo(
            "switchboard queue: SQS did not tell about every queue: check the URLs in "
            "SWITCHBOARD_QUEUE_URLS and SWITCHBOARD_DLQ_URLS, and sqs:GetQueueAttributes",
            err=True,
        )
        sys.exit(EXIT_REFUSED)


# --- the shell's side --------------------------------------------------------------------------


def _run(work: Callable[[Desk], Awaitable[Any]]) -> Any:
    """Do it with AWS; complain and exit where that does not go."""
    from botocore.exceptions import BotoCoreError

    from workers.settings import load_fleet

    async def at_desk() -> Any:
        async with _desk(settings) as desk:
            return await work(desk)

    try:
        settings = load_fleet()
        return asyncio.run(at_desk())
    except SettingsError as error:
        _give_up(str(error), EXIT_USAGE)
    except SwitchboardError as error:
        _give_up(_advice(error), EXIT_REFUSED)
    except BotoCoreError as error:  # Before any call: no region, a wrong profile.
        _give_up(
            f"the AWS SDK cannot start ({type(error).__name__}): set AWS_DEFAULT_REGION and "
            "credentials, or AWS_PROFILE",
            EXIT_USAGE,
        )


def _give_up(says: str, exit_status: int) -> None:
    click.echo(f"switchboard queue: {says}", err=True)
    sys.exit(exit_status)


def _advice(error: SwitchboardError) -> str:
    reason = getattr(error, "reason", type(error).__name__)
    if isinstance(error, AccountProblem):
        return (
            f"AWS refused ({reason}): check that SWITCHBOARD_FLEET_TABLE names a table of this "
            "account and region, and that you may read and write it"
        )
    return (
        f"nothing was changed for sure, AWS did not do it ({reason}): check the network, the "
        "credentials and AWS_DEFAULT_REGION, then repeat the command; repeating does no harm"
    )


def _require_queue(desk: Desk, name: str) -> None:
    known = sorted(desk.settings.queue_urls)
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]}?" if close else f"There are {', '.join(known)}."
    raise SettingsError(f"there is no queue {name}. {hint}")


# --- AWS's side --------------------------------------------------------------------------------


@asynccontextmanager
async def _desk(settings: FleetSettings) -> AsyncIterator[Desk]:
    from workers.clients.aws import Aws, AwsPolicy
    from workers.clients.queue_counts import QueueInspector
    from workers.stores.pauses import DynamoPauses

    async with Aws(AwsPolicy(sqs_read_timeout_s=10.0)) as aws:
        yield Desk(
            settings,
            DynamoPauses(await aws.dynamodb(), settings.fleet_table),
            QueueInspector(await aws.sqs(), await aws.cloudwatch(), SystemClock()),
        )


async def _rows(desk: Desk) -> list[Row]:
    pauses = await desk.pauses.find_all()
    names = sorted(desk.settings.queue_urls)
    return list(await asyncio.gather(*(_row(desk, name, pauses) for name in names)))


async def _row(desk: Desk, name: str, pauses: Mapping[str, Pause]) -> Row:
    url = desk.settings.queue_urls[name]
    counts, dead, oldest_s = await asyncio.gather(
        _counts(desk, url),
        _counts(desk, desk.settings.dlq_urls[name]),
        desk.inspector.oldest_s(url),
    )
    return Row(name, pauses.get(name), counts, oldest_s, dead.visible if dead else None)


async def _counts(desk: Desk, url: str) -> QueueCounts | None:
    try:
        return await desk.inspector.counts(url)
    except SwitchboardError:
        return None


# --- how it looks ------------------------------------------------------------------------------


def _as_fields(row: Row) -> dict[str, Any]:
    pause = row.pause
    counts = (
        asdict(row.counts) if row.counts else dict.fromkeys(("visible", "in_flight", "delayed"))
    )
    return {
        "queue": row.queue,
        "state": "paused" if pause else "polled",
        "since": _iso(pause.since) if pause else None,
        "reason": pause.reason if pause else None,
        "by": pause.by if pause else None,
        **counts,
        "oldest_s": row.oldest_s,
        "dead_letters": row.dead_letters,
    }


_HEAD = ("QUEUE", "STATE", "VISIBLE", "IN FLIGHT", "DELAYED", "OLDEST", "DLQ")


def _print(rows: list[Row]) -> None:
    """Colours only on a terminal: click takes them out elsewhere."""
    table = [_HEAD, *(_cells(row) for row in rows)]
    widths = [max(len(cells[column]) for cells in table) for column in range(len(_HEAD))]
    for row, cells in zip([None, *rows], table, strict=True):
        padded = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        if row is not None:
            padded[1] = click.style(padded[1], fg="yellow" if row.pause else "green")
            if row.dead_letters:
                padded[-1] = click.style(padded[-1], fg="red", bold=True)
        click.echo("  ".join(padded).rstrip(), color=None)
        if row is not None and row.pause is not None:
            click.echo(f"    {_told(row.pause)}")


def _cells(row: Row) -> tuple[str, ...]:
    counts = row.counts
    numbers = (counts.visible, counts.in_flight, counts.delayed) if counts else (None,) * 3
    return (
        row.queue,
        "paused" if row.pause else "polled",
        *(_number(number) for number in numbers),
        "-" if row.oldest_s is None else _age(row.oldest_s),
        _number(row.dead_letters),
    )


def _number(number: int | None) -> str:
    return "-" if number is None else str(number)


def _age(seconds: int) -> str:
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _told(pause: Pause) -> str:
    return f"paused since {_iso(pause.since)} by {pause.by}: {pause.reason}"


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
