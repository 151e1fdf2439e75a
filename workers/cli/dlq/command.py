"""`switchboard dlq`: the shell's side."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

import click

from workers.cli.audit import author, log_act, shown
from workers.cli.dlq import looks
from workers.cli.dlq.copy import Copy, Look, UnreadableCopyError
from workers.cli.dlq.letters import Letter, UnknownNameError, chosen
from workers.cli.dlq.queues import Pair, Tally, Work, looked_at
from workers.cli.dlq.trial import Fate, tried
from workers.cli.replay.shadow import Shadow
from workers.clock import SystemClock
from workers.errors import AccountProblem, SettingsError, SwitchboardError

if TYPE_CHECKING:
    from workers.config import Configuration
    from workers.operators import DeadLetterTools
    from workers.settings import Settings

EXIT_LEFT: Final = 1
EXIT_USAGE: Final = 2
EXIT_STOPPED: Final = 3

Answer = TypeVar("Answer")

_json = click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
_yes = click.option("--yes", is_flag=True, help="Do not ask.")
_by = click.option("--by", default=None, help="Who says so. You, on this host, by default.")
_names = click.argument("names", metavar="GROUP|ID ...", nargs=-1, required=True)


@dataclass(frozen=True, slots=True)
class Desk:
    """What every command has: the wiring, the rules of today, and the copy."""

    settings: Settings
    shadow: Shadow
    copy: Copy
    tools: DeadLetterTools


@click.group()
@click.option(
    "--copies",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the local copy. By default this user's folder for programs' data.",
)
@click.pass_context
def dlq(context: click.Context, copies: Path | None) -> None:
    """Look at what was dead-lettered; send it back, drop it, or forget it.

    `ls` looks into every dead-letter queue once, gives each message back at once, and keeps a copy
    on this machine that only you may read. Later looks read the copy: an alarm on the queues' depth
    does not flap, and nobody takes a message from another. `ls --fresh` looks again.

    Each letter is tried with the code and the configuration at hand, without any effect: so that
    you see whether a fix helps before you send anything back. What is shown is masked.

    The commands need a worker's environment (docs/configuration.md lists it) and AWS credentials.

    Exit status: 0 done, 1 something was left, 2 the command or the environment is wrong, 3 AWS did
    not do it: the same command goes on.
    """
    context.obj = copies or Path(click.get_app_dir("switchboard"))


@dlq.command("ls")
@click.argument("queues", metavar="[QUEUE]...", nargs=-1)
@click.option("--fresh", is_flag=True, help="Look into the queues again.")
@click.option(
    "--limit",
    type=click.IntRange(1, 100_000),
    default=1_000,
    show_default=True,
    help="At most so many letters of each queue.",
)
@_json
@click.pass_obj
def ls(folder: Path, queues: tuple[str, ...], *, fresh: bool, limit: int, as_json: bool) -> None:
    """Show dead letters by queue, reason and schema path, and what would become of them now.

    \b
    switchboard dlq ls
    switchboard dlq ls inbound-sms --fresh
    """  # noqa: D301 - click reads the backspace as "do not wrap this"

    async def work(desk: Desk) -> tuple[Look, Shadow]:
        wanted = _known(desk, queues)
        look = _read(desk.copy)
        if look is None or fresh:
            look = await _look(desk, limit)
        shown_ones = tuple(each for each in look.letters if each.queue in wanted)
        cut_short = tuple(name for name in look.cut_short if name in wanted)
        return Look(look.at, shown_ones, cut_short), desk.shadow

    look, shadow = _run(folder, work)
    looks.groups(look, partial(tried, shadow=shadow), SystemClock().now(), as_json=as_json)


@dlq.command()
@_names
@click.option("--reveal", is_flag=True, help="Bodies and attributes in full.")
@_json
@click.pass_obj
def show(folder: Path, names: tuple[str, ...], *, reveal: bool, as_json: bool) -> None:
    """Show letters of the copy, one by one: why, since when, what would be tried now.

    Bodies are shown by their shape only, until you say --reveal.
    """

    async def work(desk: Desk) -> tuple[list[Letter], Shadow]:
        return _chosen(desk.copy, names), desk.shadow

    letters, shadow = _run(folder, work)
    if reveal:
        log_act("dead_letters_revealed", by=author(None), count=str(len(letters)))
    looks.letters(letters, partial(tried, shadow=shadow), reveal=reveal, as_json=as_json)


@dlq.command()
@_names
@click.option(
    "--rate",
    "rate_per_s",
    type=click.FloatRange(0.1, 300),
    default=5.0,
    show_default=True,
    help="Messages a second.",
)
@_yes
@_by
@_json
@click.pass_obj
def redrive(
    folder: Path,
    names: tuple[str, ...],
    *,
    rate_per_s: float,
    yes: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Send letters back to their queue, as their sender sent them, and take them off the DLQ.

    The body goes byte for byte, with the attributes that it had. Attributes that had no room in
    the dead-letter queue are lost (the worker's log told how many).

    Each is sent first and deleted then. Killed in between, the same command finishes what it had
    sent; what it cannot know to be sent it sends again, and says so: nothing is lost, and handlers
    know for 15 days what they have seen.

    \b
    switchboard dlq redrive g3f9a1c --rate 20
    """  # noqa: D301 - as above
    who = author(by)

    async def work(desk: Desk) -> Tally:
        letters = _chosen(desk.copy, names)
        trials = [tried(letter, desk.shadow) for letter in letters]
        again = sum(trial.fate is Fate.DEAD_LETTERED for trial in trials)
        _ask(looks.question("send back", letters, SystemClock().now(), again), yes=yes)
        return await _work_off(desk, letters, who, "", rate_per_s)

    _end("redrive", _run(folder, work), as_json=as_json)


@dlq.command()
@_names
@click.option("--reason", required=True, help="Why, for the next who asks. No customer's data.")
@_yes
@_by
@_json
@click.pass_obj
def drop(
    folder: Path,
    names: tuple[str, ...],
    *,
    reason: str,
    yes: bool,
    by: str | None,
    as_json: bool,
) -> None:
    """Delete letters from their DLQ, for good.

    \b
    switchboard dlq drop g3f9a1c --reason "a test of the carrier's, CHG-1042"
    """  # noqa: D301 - as above
    who, why = author(by), shown(reason, "--reason")

    async def work(desk: Desk) -> Tally:
        letters = _chosen(desk.copy, names)
        _ask(looks.question("delete for good", letters, SystemClock().now(), 0), yes=yes)
        return await _work_off(desk, letters, who, why, rate_per_s=300.0)

    _end("drop", _run(folder, work), as_json=as_json)


@dlq.command()
@click.pass_obj
def forget(folder: Path) -> None:
    """Remove the local copy. The queues stay as they are.

    The journal goes too: a redrive that was killed halfway would then send again what it had sent.
    """

    async def work(desk: Desk) -> int:
        return desk.copy.forget()

    count = _run(folder, work)
    click.echo("the local copy is gone" if count else "there was no local copy")


# --- the work ----------------------------------------------------------------------------------


async def _look(desk: Desk, limit: int) -> Look:
    clock = SystemClock()
    at, names = clock.now(), sorted(desk.tools.dlqs)
    found = await asyncio.gather(
        *(looked_at(_pair(desk, name), desk.tools.records, clock, limit=limit) for name in names)
    )
    letters = [letter for of_queue, _ in found for letter in of_queue]
    cut_short = [name for name, (_, is_cut) in zip(names, found, strict=True) if is_cut]
    look = Look(at, letters, cut_short)
    desk.copy.write(look)
    return look


async def _work_off(
    desk: Desk, letters: Sequence[Letter], who: str, why: str, rate_per_s: float
) -> Tally:
    """Redrive, or with a reason drop."""
    from workers.stores.audit import Act

    trail, clock, tally = await desk.tools.trail(), SystemClock(), Tally()
    act = "dead_letter_dropped" if why else "dead_letter_redriven"

    async def record(letter: Letter) -> None:
        about = f"{letter.queue} {letter.message_id} {letter.reason}"
        await trail.record(Act(clock.now(), act, who, f"{about}: {why}" if why else about))
        fields = {"sqs_queue": letter.queue, "sqs_message_id": letter.message_id, "by": who}
        log_act(act, **fields, reason=why or letter.reason)

    work = Work(desk.copy, record, clock, rate_per_s)
    try:
        for name in sorted({letter.queue for letter in letters}):
            of_queue = [letter for letter in letters if letter.queue == name]
            if why:
                await work.drop(_pair(desk, name), of_queue, tally)
            else:
                await work.redrive(_pair(desk, name), of_queue, tally)
    finally:
        desk.copy.without(frozenset(tally.done))
    return tally


def _pair(desk: Desk, name: str) -> Pair:
    return Pair(desk.tools.queues[name], desk.tools.dlqs[name])


def _read(copy: Copy) -> Look | None:
    try:
        return copy.read()
    except UnreadableCopyError:
        raise SettingsError(
            f"{copy.path} is no copy that this version reads: `switchboard dlq forget` removes it"
        ) from None


def _chosen(copy: Copy, names: Sequence[str]) -> list[Letter]:
    look = _read(copy)
    if look is None:
        raise SettingsError("there is no local copy yet: `switchboard dlq ls` makes one")
    try:
        return chosen(look.letters, names)
    except UnknownNameError as error:
        raise SettingsError(
            f"{error}: `switchboard dlq ls` has the groups, `show GROUP` the ids"
        ) from None


def _known(desk: Desk, queues: Sequence[str]) -> frozenset[str]:
    known = frozenset(desk.tools.dlqs)
    unknown = sorted(set(queues) - known)
    if unknown:
        raise SettingsError(
            f"there is no queue {', '.join(unknown)}. There are {', '.join(sorted(known))}."
        )
    return frozenset(queues) or known


def _ask(question: str, *, yes: bool) -> None:
    click.echo(question, err=True)
    if not yes and not click.confirm("Go on?", err=True):
        raise click.Abort


def _end(verb: str, tally: Tally, *, as_json: bool) -> None:
    looks.outcome(verb, tally, as_json=as_json)
    sys.exit(EXIT_LEFT if tally.refused or tally.missing else 0)


# --- AWS's side --------------------------------------------------------------------------------


def _run(folder: Path, work: Callable[[Desk], Awaitable[Answer]]) -> Answer:
    """Do it with AWS; complain and exit where that does not go."""
    from botocore.exceptions import BotoCoreError

    from workers.bootstrap import configured
    from workers.log import configure_logging
    from workers.operators import dead_letter_tools
    from workers.settings import load

    async def at_desk() -> Answer:
        configuration: Configuration = (await configured(settings.config)).configuration
        async with dead_letter_tools(settings) as tools:
            shadow = Shadow(configuration, SystemClock().now())
            return await work(Desk(settings, shadow, Copy.of(settings.dlq_urls, folder), tools))

    configure_logging(stream=sys.stderr)
    try:
        settings = load()
        return asyncio.run(at_desk())
    except SettingsError as error:
        _give_up(str(error), EXIT_USAGE)
    except OSError as error:
        _give_up(f"{error.filename or folder}: {error.strerror}", EXIT_USAGE)
    except SwitchboardError as error:
        _give_up(_advice(error), EXIT_STOPPED)
    except BotoCoreError as error:  # Before any call: no region, a wrong profile.
        _give_up(f"the AWS SDK cannot start ({type(error).__name__})", EXIT_USAGE)
    except KeyboardInterrupt:
        _give_up("interrupted; the same command goes on", EXIT_STOPPED)


def _give_up(says: str, exit_status: int) -> NoReturn:
    click.echo(f"switchboard dlq: {says}", err=True)
    sys.exit(exit_status)


def _advice(error: SwitchboardError) -> str:
    reason = getattr(error, "reason", type(error).__name__)
    if isinstance(error, AccountProblem):
        return (
            f"AWS refused ({reason}): looking needs sqs:ReceiveMessage and "
            "sqs:ChangeMessageVisibility on the DLQs; sending back and dropping need "
            "sqs:DeleteMessage there, sqs:SendMessage on the queues, and the audit's table and key"
        )
    return f"AWS did not do all of it ({reason}); the same command goes on from where it was"
