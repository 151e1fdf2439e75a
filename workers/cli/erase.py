"""`switchboard erase`: take away all that is kept of one person."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import click

from workers.addresses import Channel, mask, normalise
from workers.cli.audit import author, log_act, shown
from workers.clock import SystemClock
from workers.errors import AccountProblem, SettingsError, SwitchboardError
from workers.stores.audit import Act

if TYPE_CHECKING:
    from workers.handlers.erasure import Found, Person, Piece
    from workers.operators import ErasureTools

EXIT_LEFT: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 3

OUT_OF_REACH: Final = (
    "messages on their way, up to 14 days, and dead letters, 14 days (`switchboard dlq ls`)",
    "deferred messages: schedules, and the bucket for deferred ones, until their time comes",
    "the audit of changes by hand, whose addresses are sealed: the answer to who changed what",
    "logs, metrics and traces: no numbers, addresses or bodies are in them",
    "archives of events in S3, and results that other systems have taken",
    "backups: point-in-time recovery of the tables reaches back 35 days",
)


@click.command()
@click.option("--number", "numbers", multiple=True, help="A number in E.164. May be repeated.")
@click.option("--email", "emails", multiple=True, help="A mail address. May be repeated.")
@click.option("--customer-id", "customer_ids", multiple=True, help="Your own id of the customer.")
@click.option(
    "--with-suppressions",
    is_flag=True,
    help="Opt-outs, complaints and bounces too: they may be written to again.",
)
@click.option("--dry-run", is_flag=True, help="Show what is kept, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", default="asked for", show_default=True, help="Why. No customer's data.")
@click.option("--by", default=None, help="Who says so. You, on this host, by default.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of sentences.")
def erase(  # noqa: PLR0913 - one option each
    numbers: tuple[str, ...],
    emails: tuple[str, ...],
    customer_ids: tuple[str, ...],
    *,
    with_suppressions: bool,
    dry_run: bool,
    yes: bool,
    reason: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Take away all that is kept of one person: conversations, files, reminders, records.

    It looks first, shows what it has found, and asks. What our own records know of the person
    besides (the mail address of a number) is looked for too. That somebody wants no messages is
    kept, as a keyed hash and sealed, unless you say --with-suppressions: else the next mail-out
    would write to them. The act is kept with who, when and why, and without the person
    (`switchboard suppressions audit`).

    What is Connect's own is listed, for you to erase there: contacts with their transcripts and
    recordings, and Customer Profiles.

    Reads three tables whole, so on large ones it takes a while, and costs its reads. The command
    needs a worker's environment (docs/configuration.md lists it), and credentials that may scan and
    query those tables, delete items, and list and delete the media bucket's objects; workers may
    not. Repeating it does no harm.

    \b
    switchboard erase --number +12065550100 --email pat@example.com --dry-run
    switchboard erase --number +12065550100 --reason "request 4711"

    Exit status: 0 done, or nothing is kept, 1 not done (a chat or call is going on, or you said
    no), 2 the command or the environment is wrong, 3 AWS did not do it: the same command goes on.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    wish = _Wish(
        _person(numbers, emails, customer_ids),
        with_suppressions=with_suppressions,
        is_trial=dry_run,
        is_sure=yes,
        as_json=as_json,
        by=author(by),
        reason=shown(reason, "--reason"),
    )
    sys.exit(_run(wish))


@dataclass(frozen=True, slots=True)
class _Wish:
    person: Person
    with_suppressions: bool
    is_trial: bool
    is_sure: bool
    as_json: bool
    by: str
    reason: str


async def _erase(wish: _Wish, tools: ErasureTools) -> int:
    found = await tools.erasure.find(wish.person)
    pieces = _to_erase(found, wish)
    if not wish.as_json:
        _tell(found, wish)
    if found.busy and not wish.is_trial:
        return _end(wish, found, erased=0, status=EXIT_LEFT)
    if wish.is_trial or not pieces:
        return _end(wish, found, erased=0, status=0)
    if not (wish.is_sure or await asyncio.to_thread(_asks, len(pieces))):
        return _end(wish, found, erased=0, status=EXIT_LEFT)
    # Asking takes a person's time, in which a text may have opened a chat.
    found = found if wish.is_sure else await tools.erasure.find(wish.person)
    if found.busy:
        click.echo(f"Not now: {found.busy[0]}", err=True)
        return _end(wish, found, erased=0, status=EXIT_LEFT)
    pieces = _to_erase(found, wish)
    act = Act(SystemClock().now(), "person_erased", wish.by, wish.reason)
    await tools.trail.record(act)  # Before it is done, so that none goes unrecorded.
    log_act("person_erased", by=wish.by, reason=wish.reason, pieces=str(len(pieces)))
    erased = await tools.erasure.erase(found, with_suppressions=wish.with_suppressions)
    return _end(wish, found, erased=erased, status=0)


def _to_erase(found: Found, wish: _Wish) -> list[Piece]:
    return [piece for piece in found.pieces if wish.with_suppressions or not piece.is_kept]


def _asks(count: int) -> bool:
    return click.confirm(f"Erase {count} pieces? They cannot be brought back", err=True)


def _tell(found: Found, wish: _Wish) -> None:
    who = ", ".join(_masked(found.person))
    click.echo(f"Kept of {who}:")
    counts = _counts(found, is_kept=False)
    for kind, count in counts.items():
        click.echo(f"  {count:>5}  {kind.replace('_', ' ')}")
    if not counts:
        click.echo("  nothing that is to be erased")
    for kind, count in _counts(found, is_kept=True).items():
        says = "erased, too" if wish.with_suppressions else "stays, or we would write to them"
        click.echo(f"  {count:>5}  {kind.replace('_', ' ')}: {says}")
    for word in found.busy:
        click.echo(f"Not now: {word}")
    if found.contacts:
        click.echo(f"Erase in Connect, if you must: contacts {', '.join(found.contacts)}")
    for profile in found.profiles:
        click.echo(
            "Erase in Customer Profiles, if you must: aws customer-profiles delete-profile"
            f" --domain-name ... --profile-id {profile}"
        )
    click.echo("Out of reach from here:")
    for place in OUT_OF_REACH:
        click.echo(f"  {place}")


def _end(wish: _Wish, found: Found, *, erased: int, status: int) -> int:
    if wish.as_json:
        told = {
            "found": _counts(found, is_kept=False),
            "suppressions": _counts(found, is_kept=True),
            "erased": erased,
            "busy": list(found.busy),
            "contacts": list(found.contacts),
            "profiles": list(found.profiles),
        }
        click.echo(json.dumps(told))
    elif not wish.is_trial:
        click.echo(f"{erased} erased" if erased else "nothing was erased")
    return status


def _counts(found: Found, *, is_kept: bool) -> dict[str, int]:
    kinds = Counter(piece.kind.value for piece in found.pieces if piece.is_kept == is_kept)
    return dict(sorted(kinds.items()))


def _masked(person: Person) -> list[str]:
    return [
        *(mask(Channel.SMS, number) for number in sorted(person.numbers)),
        *(mask(Channel.EMAIL, mailbox) for mailbox in sorted(person.mailboxes)),
        *(f"customer {each[:2]}•••" for each in sorted(person.customer_ids)),
    ]


def _person(
    numbers: tuple[str, ...], emails: tuple[str, ...], customer_ids: tuple[str, ...]
) -> Person:
    from workers.handlers.erasure import Person

    if not (numbers or emails or customer_ids):
        raise click.UsageError("say who: --number, --email or --customer-id")
    return Person(
        frozenset(_spelled(Channel.SMS, each, "--number") for each in numbers),
        frozenset(_spelled(Channel.EMAIL, each, "--email") for each in emails),
        frozenset(customer_ids),
    )


def _spelled(channel: Channel, written: str, option: str) -> str:
    address = normalise(channel, written)
    if address is None:
        says = "a mail address" if channel is Channel.EMAIL else "a number in E.164 (+12065550100)"
        raise click.BadParameter(says, param_hint=option)
    return address


def _run(wish: _Wish) -> int:
    """Do it with AWS; complain where that does not go."""
    from botocore.exceptions import BotoCoreError

    from workers.bootstrap import configured
    from workers.log import configure_logging
    from workers.operators import erasure_tools
    from workers.settings import load

    async def with_tools() -> int:
        source = await configured(settings.config)
        async with erasure_tools(settings, source.configuration) as tools:
            return await _erase(wish, tools)

    configure_logging(stream=sys.stderr)
    try:
        settings = load()
        return asyncio.run(with_tools())
    except SettingsError as error:
        says, status = str(error), EXIT_USAGE
    except SwitchboardError as error:
        says, status = _advice(error), EXIT_STOPPED
    except BotoCoreError as error:  # Before any call: no region, a wrong profile.
        says, status = f"the AWS SDK cannot start ({type(error).__name__})", EXIT_USAGE
    except KeyboardInterrupt:
        says, status = "interrupted; the same command goes on", EXIT_STOPPED
    click.echo(f"switchboard erase: {says}", err=True)
    return status


def _advice(error: SwitchboardError) -> str:
    reason = getattr(error, "reason", type(error).__name__)
    if isinstance(error, AccountProblem):
        return (
            f"AWS refused ({reason}): it needs dynamodb:Scan, Query, GetItem, PutItem and"
            " DeleteItem on the tables, their key, and s3:ListBucket and s3:DeleteObject on the"
            " media bucket"
        )
    return f"AWS did not do all of it ({reason}); the same command goes on from where it was"
