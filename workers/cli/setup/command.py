"""`switchboard setup`: the plan, the question, and every change as it is made."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from infra.shipped import FLOWS, OBJECT_TYPES, object_types
from infra.topology import load_topology
from workers.cli.audit import author, log_act
from workers.cli.one_shot import OneShotAws, code_of
from workers.cli.setup.flows import FlowsPlanner, FlowWishes, FunctionsPlanner
from workers.cli.setup.plan import Act, Planner, Step
from workers.cli.setup.profiles import ObjectTypesPlanner
from workers.cli.setup.texts import NumbersPlanner, ReceiptsPlanner, TextsWiring
from workers.cli.topics import INBOUND, RECEIPTS, topic_arns
from workers.config import Configuration, locate
from workers.errors import SettingsError

EXIT_REFUSED: Final = 1
EXIT_USAGE: Final = 2
PARTS: Final = ("receipts", "numbers", "profiles", "flows", "functions")
_COLOURS: Final = {Act.CREATE: "green", Act.UPDATE: "yellow", Act.BLOCKED: "red"}


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line says."""

    parts: tuple[str, ...]
    instance_id: str | None
    chat_topic: str | None
    inbound_topic: str | None
    receipts_topic: str | None
    two_way_role: str | None
    routing_queue: str | None
    flow_prefix: str
    flows_from: Path
    object_types_from: Path
    functions: tuple[str, ...]
    is_replacing: bool


_folder = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("parts", nargs=-1, metavar="[PART]...", type=click.Choice(PARTS))
@click.option(
    "--config",
    "config_file",
    envvar="SWITCHBOARD_CONFIG",
    default="switchboard.toml",
    show_default="$SWITCHBOARD_CONFIG, or switchboard.toml",
    help="Brands, numbers, configuration sets, the profiles' domain: a file, or a version of an"
    " S3 object.",
)
@click.option(
    "--instance-id", envvar="SWITCHBOARD_CONNECT_INSTANCE_ID", help="The Connect instance."
)
@click.option(
    "--chat-topic",
    envvar="SWITCHBOARD_CHAT_STREAM_TOPIC_ARN",
    help="ARN of the chat stream's topic: the other topics are named by its prefix.",
)
@click.option("--inbound-topic", help="ARN of the topic for customers' texts, if named otherwise.")
@click.option("--receipts-topic", help="ARN of the topic for receipts, if named otherwise.")
@click.option("--two-way-role", help="ARN of a role that publishes texts. The topic's policy does.")
@click.option("--routing-queue", help="Name, id or ARN of the Connect queue that chats wait in.")
@click.option("--flow-prefix", default="", help="Put before the flows' names.")
@click.option(
    "--flows-from", type=_folder, default=FLOWS, help="Flow files of your own, named as ours."
)
@click.option(
    "--object-types-from", type=_folder, default=OBJECT_TYPES, help="Object types of your own."
)
@click.option("--function", "functions", multiple=True, help="ARN of a Lambda for flows. Repeat.")
@click.option(
    "--replace-flows", "is_replacing", is_flag=True, help="Overwrite flows that differ from files."
)
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object. Needs --yes or --dry-run.")
@click.pass_context
def setup(
    ctx: click.Context,
    /,
    *,
    config_file: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    **given: Any,
) -> None:
    """Make in the account what Terraform's AWS provider cannot. Run it as often as you like.

    \b
    receipts   configuration sets, and the SNS event destination that brings receipts
    numbers    opt-out lists; numbers and pools two-way to our topic, opt-outs as the brand has
    profiles   the object types of Customer Profiles that switchboard.toml writes to
    flows      contact flows from infra/connect/, the queue's and each other's ARNs filled in
    functions  lets flows call the Lambda functions named by --function

    Without PART it does all for which it is told enough. The plan is shown first, then a question,
    then each change as it is made; a second run finds nothing to do. Nothing is ever deleted, and a
    flow that is there and differs is left alone without --replace-flows.

    Run it with an administrator's credentials: the workers' own role may do none of this.

    \b
    switchboard setup --dry-run
    switchboard setup receipts numbers --yes
    switchboard setup flows --routing-queue BasicQueue

    Exit status: 0 done, or nothing to do; 1 AWS refused, or something is blocked; 2 it could not
    begin.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    from botocore.exceptions import BotoCoreError, ClientError

    if as_json and not (yes or dry_run):
        raise click.UsageError("--json asks nothing: give --yes or --dry-run with it")
    wishes = Wishes(**given)
    aws = OneShotAws()
    try:
        steps = [step for planner in _planners(aws, wishes, config_file) for step in planner()]
        outcome = _carry_out(steps, dry_run=dry_run, yes=yes, as_json=as_json)
    except SettingsError as exc:
        _give_up(str(exc), EXIT_USAGE)
    except ClientError as exc:
        _give_up(_refusal(exc), EXIT_REFUSED)
    except BotoCoreError as exc:
        says = (
            f"the AWS SDK cannot go on ({type(exc).__name__}): check Region, credentials, network"
        )
        _give_up(says, EXIT_USAGE)
    ctx.exit(outcome)


# --- what is planned ---------------------------------------------------------------------------


def _planners(aws: OneShotAws, wishes: Wishes, config_file: str) -> list[Planner]:
    """A planner for each part; of parts that nobody named, those for which enough is told.

    Raises:
        SettingsError: a part that was named lacks something.
    """
    configuration = _configuration(config_file)
    made: list[Planner] = []
    for part in PARTS:
        if wishes.parts and part not in wishes.parts:
            continue
        lacking = _lacking(part, wishes)
        if not lacking:
            made.append(_planner(part, aws, wishes, configuration))
        elif wishes.parts:
            raise SettingsError(f"{part}: {lacking} is not given")
        else:
            made.append(_left_out(part, lacking))
    return made


def _configuration(written: str) -> Configuration:
    """Raises SettingsError: it cannot be had, or says what cannot be."""
    from workers.bootstrap import configured

    try:
        location = locate(written)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return asyncio.run(configured(location)).configuration


def _lacking(part: str, wishes: Wishes) -> str:
    """The option without which a part cannot be planned; empty when it can."""
    lacks: dict[str, tuple[tuple[object, str], ...]] = {
        "receipts": ((_topics(wishes).get(RECEIPTS), "--chat-topic or --receipts-topic"),),
        "numbers": ((_topics(wishes).get(INBOUND), "--chat-topic or --inbound-topic"),),
        "profiles": (),
        "flows": ((wishes.instance_id, "--instance-id"), (wishes.routing_queue, "--routing-queue")),
        "functions": ((wishes.instance_id, "--instance-id"), (wishes.functions, "--function")),
    }
    return next((option for value, option in lacks[part] if not value), "")


def _left_out(part: str, lacking: str) -> Planner:
    return lambda: iter([Step(part, "all", Act.LEAVE, f"not looked at: give {lacking}")])


def _planner(part: str, aws: OneShotAws, wishes: Wishes, configuration: Configuration) -> Planner:
    topics = _topics(wishes)
    wiring = TextsWiring(topics.get(INBOUND, ""), topics.get(RECEIPTS, ""), wishes.two_way_role)
    instance_id = wishes.instance_id or ""
    made: dict[str, Callable[[], Planner]] = {
        "receipts": lambda: ReceiptsPlanner(aws, wiring, configuration.brands).steps,
        "numbers": lambda: NumbersPlanner(aws, wiring, configuration.brands).steps,
        "profiles": lambda: (
            ObjectTypesPlanner(
                aws, configuration.profiles, object_types(wishes.object_types_from)
            ).steps
        ),
        "flows": lambda: (
            FlowsPlanner(
                aws,
                FlowWishes(
                    instance_id,
                    wishes.routing_queue or "",
                    wishes.flows_from,
                    wishes.flow_prefix,
                    wishes.is_replacing,
                ),
            ).steps
        ),
        "functions": lambda: FunctionsPlanner(aws, instance_id, wishes.functions).steps,
    }
    return made[part]()


def _topics(wishes: Wishes) -> dict[str, str]:
    found = topic_arns(wishes.chat_topic, load_topology()) if wishes.chat_topic else {}
    given = {INBOUND: wishes.inbound_topic, RECEIPTS: wishes.receipts_topic}
    return found | {name: arn for name, arn in given.items() if arn}


# --- what is done ------------------------------------------------------------------------------


def _carry_out(steps: Sequence[Step], *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Show the plan, ask, do it; the exit status."""
    changes = [step for step in steps if step.is_change]
    blocked = any(step.act is Act.BLOCKED for step in steps)
    if not as_json:
        _print(steps)
    is_going_on = bool(changes) and not dry_run
    if is_going_on and not yes:
        _ask(len(changes))
    done: dict[int, str] = {}
    problem = _do(changes, done, quiet=as_json) if is_going_on else ""
    if as_json:
        click.echo(json.dumps(_as_document(steps, done, problem), ensure_ascii=False))
    elif problem:
        click.echo(f"switchboard setup: {problem}", err=True)
    elif is_going_on:
        click.secho(f"{_counted(len(done))} made.", bold=True)
    return EXIT_REFUSED if problem or blocked else 0


def _do(changes: Iterable[Step], done: dict[int, str], *, quiet: bool) -> str:
    """Make the changes in their order; what AWS refused, which ends it, or nothing."""
    from botocore.exceptions import BotoCoreError, ClientError

    by = author(None)
    for step in changes:
        try:
            told = step.do()
        except (ClientError, BotoCoreError) as exc:
            says = _refusal(exc) if isinstance(exc, ClientError) else type(exc).__name__
            return (
                f"{step.kind} {step.subject} was not made: {says}; what stands before it was."
                " Run the command again once that is mended"
            )
        done[id(step)] = told
        log_act("setup_changed", by=by, kind=step.kind, subject=step.subject, act=step.act.value)
        if not quiet:
            _print_step(step, told)
    return ""


def _ask(count: int) -> None:
    try:
        is_yes = click.confirm(f"Make {_counted(count)}?")
    except click.Abort:
        is_yes = False
    if not is_yes:
        _give_up("nothing was changed; --yes makes the plan without asking", EXIT_USAGE)


def _refusal(exc: Exception) -> str:
    """What AWS said, in words that name no number."""
    from botocore.exceptions import ClientError

    from workers.log import mask

    if not isinstance(exc, ClientError):
        return type(exc).__name__
    message = mask(str(exc.response.get("Error", {}).get("Message", "")))
    advice = "" if code_of(exc) != "AccessDeniedException" else "; use an administrator's role"
    return f"AWS refused {exc.operation_name} ({code_of(exc)}: {message}){advice}"


def _give_up(says: str, status: int) -> NoReturn:
    click.echo(f"switchboard setup: {says}", err=True)
    sys.exit(status)


# --- how it looks ------------------------------------------------------------------------------


def _print(steps: Sequence[Step]) -> None:
    """The plan as a table, and what it comes to. Colours only on a terminal."""
    width = max((len(step.kind) for step in steps), default=0)
    for step in steps:
        act = click.style(f"{step.act.value:7}", fg=_COLOURS.get(step.act))
        says = f"  ({step.says})" if step.says else ""
        click.echo(f"{act}  {step.kind.ljust(width)}  {step.subject}{says}")
    changes = sum(step.is_change for step in steps)
    blocked = sum(step.act is Act.BLOCKED for step in steps)
    says = f"Plan: {_counted(changes)}." if changes else "Nothing to do."
    if blocked:
        says += f" {blocked} blocked: see above."
    click.secho(says, bold=True)


def _print_step(step: Step, told: str) -> None:
    verb = "made" if step.act is Act.CREATE else "changed"
    click.echo(f"{verb} {step.kind} {step.subject}{f': {told}' if told else ''}")


def _as_document(steps: Sequence[Step], done: dict[int, str], problem: str) -> dict[str, object]:
    return {
        "changes": sum(step.is_change for step in steps),
        "made": len(done),
        "problem": problem or None,
        "steps": [
            {
                "kind": step.kind,
                "subject": step.subject,
                "act": step.act.value,
                "says": done.get(id(step)) or step.says,
                "done": id(step) in done,
            }
            for step in steps
        ],
    }


def _counted(count: int) -> str:
    return f"{count} change{'' if count == 1 else 's'}"
