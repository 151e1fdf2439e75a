"""`switchboard replay`: the shell's side."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click

from infra.topology import load_topology
from schemas.event_class import EventClass
from workers.cli.replay.plan import Planner
from workers.cli.replay.progress import OtherReplayError, Progress
from workers.cli.replay.sending import Pace, Record, Replay, Tally, ToQueues, to_nowhere
from workers.cli.replay.shadow import Shadow, shown_key
from workers.cli.replay.source import STATE_SUFFIX, BucketSource, LocalSource, bucket_and_prefix
from workers.clock import Clock, SystemClock
from workers.config import Configuration
from workers.config import load as load_configuration
from workers.errors import SettingsError, SwitchboardError
from workers.log import mask

if TYPE_CHECKING:
    from workers.cli.replay.sending import Dispatch
    from workers.cli.replay.source import Source
    from workers.clients.aws import Aws

EXIT_LEFT: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 3
PROGRESS_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for. `is_dry` also when it is for show."""

    path: str
    rate_per_s: float
    state: Path
    only: frozenset[EventClass]
    even_old: bool
    is_dry: bool


@click.command()
@click.argument("path", metavar="PATH|s3://BUCKET/PREFIX")
@click.option(
    "--rate",
    "rate_per_s",
    type=click.FloatRange(min=0.01, max=10_000),
    default=100.0,
    show_default=True,
    help="Messages a second, over all queues.",
)
@click.option("--state", type=click.Path(dir_okay=False, path_type=Path), help="Where to go on.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([each.value for each in EventClass]),
    help="Only this class, as `switchboard classify` calls it. May be given several times.",
)
@click.option("--even-old", is_flag=True, help="Texts of conversations older than 14 days, too.")
@click.option("--dry-run", is_flag=True, help="Count what would be sent; send and note nothing.")
@click.option("--shadow", is_flag=True, help="Tell for each record what would follow; as dry.")
@click.option(
    "--config",
    "file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="switchboard.toml for --shadow. The default rules without it.",
)
@click.option("--json", "as_json", is_flag=True, help="JSON lines; the last is the summary.")
def replay(  # noqa: PLR0913 - a command's options
    *,
    path: str,
    rate_per_s: float,
    state: Path | None,
    only: tuple[str, ...],
    even_old: bool,
    dry_run: bool,
    shadow: bool,
    file: Path | None,
    as_json: bool,
) -> None:
    """Feed an archive into the queues: each record to the one whose handler takes it.

    PATH is a file, or a folder with all that is below it; files hold what `switchboard classify`
    reads: Firehose objects, JSON lines, lists, with gzip or without. Files go by name.

    After each accepted batch it is noted how far the replay has come; the same command goes on
    from there. A batch may be sent twice, which is harmless: handlers know what they have seen.

    What is not recognised, and what no queue takes, is told with its file and record, and the rest
    goes on. Nobody's number, address or text is printed.

    Needs a worker's wiring in the environment (SWITCHBOARD_QUEUE_URLS, SWITCHBOARD_DLQ_URLS,
    SWITCHBOARD_FLEET_TABLE) and AWS credentials; a dry run of files needs neither.

    \b
    switchboard replay s3://archive/pinpoint/2026/10/ --dry-run
    switchboard replay s3://archive/pinpoint/2026/10/ --rate 200

    Exit status: 0 all was sent, 1 some was left out, 2 the command or the environment is wrong,
    3 AWS did not do it, or it was interrupted: the same command goes on.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    if bucket_and_prefix(path) is None and not Path(path).exists():
        raise click.BadParameter(f"there is no file or folder {path}", param_hint="PATH")
    wanted = Wanted(
        path,
        rate_per_s,
        state or default_state(path),
        frozenset(EventClass(each) for each in only),
        even_old,
        dry_run or shadow,
    )
    clock = SystemClock()
    seen = Shadow(_configuration(file), clock.now()) if shadow else None
    screen = Screen(clock, seen, as_json=as_json, is_dry=wanted.is_dry)
    tally = _run(wanted, clock, screen)
    screen.summary(tally)
    sys.exit(0 if tally.is_whole else EXIT_LEFT)


def default_state(path: str) -> Path:
    """Beside a file or folder; in this directory for a bucket's prefix."""
    if path.startswith("s3://"):
        return Path(f"replay-{hashlib.sha256(path.encode()).hexdigest()[:12]}{STATE_SUFFIX}")
    place = Path(identity(path))
    return place.with_name(place.name + STATE_SUFFIX)


def identity(path: str) -> str:
    """The archive's name, the same from every directory and however it is written."""
    return path if path.startswith("s3://") else str(Path(path).resolve())


def _configuration(file: Path | None) -> Configuration | None:
    if file is None:
        return None
    try:
        return load_configuration(file)
    except SettingsError as error:
        _give_up(str(error), EXIT_USAGE)


# --- AWS's side --------------------------------------------------------------------------------


def _run(wanted: Wanted, clock: Clock, screen: Screen) -> Tally:
    """Do it; complain and exit where that does not go."""
    from botocore.exceptions import BotoCoreError

    again = "" if wanted.is_dry else "; the same command goes on from where it was"
    try:
        return asyncio.run(_replay(wanted, clock, screen))
    except SettingsError as error:
        _give_up(str(error), EXIT_USAGE)
    except OtherReplayError:
        _give_up(
            f"{wanted.state} is no state of this replay (another archive, other queues or --only): "
            "name another --state, or remove it to begin anew",
            EXIT_USAGE,
        )
    except OSError as error:
        _give_up(f"{error.filename or wanted.path}: {error.strerror}", EXIT_USAGE)
    except SwitchboardError as error:
        reason = getattr(error, "reason", type(error).__name__)
        _give_up(f"AWS did not do it ({reason}){again}", EXIT_STOPPED)
    except BotoCoreError as error:
        _give_up(
            f"the AWS SDK cannot start ({type(error).__name__}): set AWS_DEFAULT_REGION and "
            "credentials, or AWS_PROFILE",
            EXIT_USAGE,
        )
    except KeyboardInterrupt:
        _give_up(f"interrupted{again}", EXIT_STOPPED)


def _give_up(says: str, exit_status: int) -> NoReturn:
    click.echo(f"switchboard replay: {says}", err=True)
    sys.exit(exit_status)


async def _replay(wanted: Wanted, clock: Clock, screen: Screen) -> Tally:
    from workers.clients.aws import Aws
    from workers.settings import load_fleet

    planner = Planner.over(load_topology(), wanted.only, clock.now(), even_old=wanted.even_old)
    urls = {} if wanted.is_dry else _urls(planner, load_fleet().queue_urls)
    async with Aws() as aws, _source(wanted.path, aws, clock) as source:
        progress = Progress.nowhere() if wanted.is_dry else _progress(wanted, urls)
        try:
            dispatch = await _dispatch(wanted, urls, aws, clock)
            return await Replay(planner, progress, dispatch, screen).run(source)
        finally:
            progress.close()


def _urls(planner: Planner, wired: Mapping[str, str]) -> dict[str, str]:
    """The queues that records may go to. Raises `SettingsError` where one is not wired."""
    missing = sorted(planner.targets - set(wired))
    if missing:
        raise SettingsError(f"SWITCHBOARD_QUEUE_URLS has no {', '.join(missing)}")
    return {name: wired[name] for name in sorted(planner.targets)}


def _progress(wanted: Wanted, urls: Mapping[str, str]) -> Progress:
    targets = {"queues": urls, "only": sorted(wanted.only), "even_old": wanted.even_old}
    return Progress.at(wanted.state, identity(wanted.path), targets)


async def _dispatch(wanted: Wanted, urls: Mapping[str, str], aws: Aws, clock: Clock) -> Dispatch:
    from workers.runtime.sqs import AioSqsQueue

    if wanted.is_dry:
        return to_nowhere
    sqs = await aws.sqs()
    queues = {name: AioSqsQueue(sqs, url, name) for name, url in urls.items()}
    return ToQueues(queues, Pace(wanted.rate_per_s, clock), clock)


@asynccontextmanager
async def _source(path: str, aws: Aws, clock: Clock) -> AsyncIterator[Source]:
    where = bucket_and_prefix(path)
    if where is None:
        yield LocalSource(Path(path))
        return
    from workers.clients.archive_bucket import ArchiveBucket
    from workers.clients.call import Caller
    from workers.limits import Limits
    from workers.meter import Meter
    from workers.metrics import Metrics

    bucket, prefix = where
    caller = Caller(Meter(Metrics()), Limits(clock))
    yield BucketSource(ArchiveBucket(await aws.s3(), bucket, caller), prefix)


# --- how it looks ------------------------------------------------------------------------------


class Screen:
    """Progress and complaints on stderr; what was asked for on stdout."""

    def __init__(self, clock: Clock, shadow: Shadow | None, *, as_json: bool, is_dry: bool) -> None:
        self._clock = clock
        self._shadow = shadow
        self._as_json = as_json
        self._is_dry = is_dry
        self._started_s = self._told_s = clock.monotonic()

    def planned(self, record: Record) -> None:
        """With --shadow a line for each event."""
        if self._shadow is None:
            return
        for event in record.planned.events:
            line = {
                "file": record.file,
                "record": record.number,
                "class": event.event_class.value,
                "type": _printable(mask(event.event_type)),
                "queue": record.planned.queue,
                "keys": [shown_key(event.event_class, key) for key in event.keys],
                "would": self._shadow.told(event),
            }
            click.echo(json.dumps(line, ensure_ascii=False) if self._as_json else _row(line))

    def left(self, file: str, number: int, reason: str) -> None:
        """A document that goes nowhere, where it stands."""
        if self._as_json:
            click.echo(json.dumps({"file": file, "record": number, "left_out": reason}))
        else:
            click.echo(f"{_printable(file)} record {number}: left out, {reason}", err=True)

    def moved(self, tally: Tally, file: str) -> None:
        """Every two seconds how far it has come."""
        now_s = self._clock.monotonic()
        if now_s - self._told_s < PROGRESS_EVERY_S:
            return
        self._told_s = now_s
        count = sum(tally.accepted.values())
        click.echo(
            f"{tally.records} records: {self._sent(tally)}, {sum(tally.left.values())} left out, "
            f"{count / (now_s - self._started_s):.0f} a second, in {_printable(file)}",
            err=True,
        )

    def summary(self, tally: Tally) -> None:
        """What came of it."""
        if self._as_json:
            click.echo(json.dumps(_as_fields(tally, is_dry=self._is_dry)))
            return
        click.echo(
            f"{tally.files} files, {tally.records} records: {self._sent(tally)}, "
            f"{sum(tally.left.values())} left out, {sum(tally.skipped.values())} not needed"
        )
        for queue, count in sorted(tally.accepted.items()):
            click.echo(f"  {queue:<20}{count:>9}")
        for reason, count in sorted(tally.left.items()):
            click.echo(f"  left out: {reason}: {count}")
        if tally.records_before:
            click.echo(
                f"  earlier runs had been through {tally.records_before} records and left out "
                f"{tally.left_before}"
            )

    def _sent(self, tally: Tally) -> str:
        return f"{sum(tally.accepted.values())} {'would be sent' if self._is_dry else 'sent'}"


def _as_fields(tally: Tally, *, is_dry: bool) -> dict[str, Any]:
    return {
        "dry_run": is_dry,
        "files": tally.files,
        "records": tally.records,
        "sent": dict(sorted(tally.accepted.items())),
        "by_class": dict(sorted(tally.classes.items())),
        "left_out": dict(sorted(tally.left.items())),
        "not_needed": dict(sorted(tally.skipped.items())),
        "records_before": tally.records_before,
        "left_out_before": tally.left_before,
    }


def _row(line: Mapping[str, Any]) -> str:
    return (
        f"{_printable(line['file'])} record {line['record']}: {line['class']} {line['type']}"
        f" -> {line['queue']} {','.join(line['keys']) or '-'}: {'; '.join(line['would'])}"
    )


def _printable(text: str) -> str:
    """What a terminal may be shown: it could hold its control sequences."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
