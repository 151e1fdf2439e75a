"""`switchboard config`: is `switchboard.toml` right, what does it come to, what may stand in it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from infra.topology import load_topology
from workers.cli.reference import schema_text
from workers.config import (
    Finding,
    Inspection,
    RuntimeShape,
    inspect_content,
    locate,
    read,
)
from workers.errors import SettingsError
from workers.runtime.config import ConsumerConfig

EXIT_PROBLEMS = 1
EXIT_UNREADABLE = 2

_file_argument = click.argument(
    "file",
    default="switchboard.toml",
    envvar="SWITCHBOARD_CONFIG",
)


@click.group()
def config() -> None:
    """Check and show switchboard.toml.

    FILE is a path, or a version of an S3 object: s3://BUCKET/KEY?versionId=VERSION. When it is not
    given it is $SWITCHBOARD_CONFIG, or switchboard.toml in this directory.
    """


@config.command()
@_file_argument
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option("--strict", is_flag=True, help="Warnings count as problems.")
@click.pass_context
def check(ctx: click.Context, file: str, as_json: bool, strict: bool) -> None:
    """Name each key that is wrong, and warn of what cannot work.

    Exit status: 0 usable, 1 problems (with --strict also warnings), 2 FILE cannot be read.
    """
    inspection = _inspected(ctx, file, as_json=as_json)
    if as_json:
        click.echo(_as_json(file, inspection))
    else:
        _print(file, inspection)
    if inspection.problems or (strict and inspection.warnings):
        ctx.exit(EXIT_PROBLEMS)


@config.command()
@_file_argument
@click.pass_context
def show(ctx: click.Context, file: str) -> None:
    """Print FILE with every default filled in, as JSON. There are no secrets in it."""
    inspection = _inspected(ctx, file, as_json=False)
    if inspection.configuration is None:
        _print(file, inspection, err=True)
        ctx.exit(EXIT_PROBLEMS)
    shown = inspection.configuration.model_dump(mode="json")
    shown["runtime"] = _consumption(inspection.configuration.runtime)
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False))


@config.command()
def schema() -> None:
    """Print the JSON Schema of switchboard.toml, for editors and other tools."""
    click.echo(schema_text(), nl=False)


def _inspected(ctx: click.Context, file: str, *, as_json: bool) -> Inspection:
    try:
        return inspect_content(_content(file), file, RuntimeShape(ConsumerConfig, _queue_names()))
    except SettingsError as exc:
        if as_json:
            click.echo(json.dumps({"file": str(file), "ok": False, "unreadable": str(exc)}))
        else:
            click.secho(str(exc), fg="red", err=True)
        ctx.exit(EXIT_UNREADABLE)


def _content(file: str) -> bytes:
    try:
        location = locate(file)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    if isinstance(location, Path):
        return read(location)
    from workers.bootstrap import content_of

    return asyncio.run(content_of(location))


def _consumption(overrides: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, object]]:
    """How each queue is consumed, whether the file speaks of it or not."""
    return {
        queue: ConsumerConfig.model_validate(overrides.get(queue, {})).model_dump()
        for queue in sorted(_queue_names())
    }


def _queue_names() -> frozenset[str]:
    return frozenset(queue.name for queue in load_topology().queues)


def _as_json(file: str, inspection: Inspection) -> str:
    return json.dumps(
        {
            "file": str(file),
            "ok": not inspection.problems,
            "problems": [_as_fields(finding) for finding in inspection.problems],
            "warnings": [_as_fields(finding) for finding in inspection.warnings],
        },
        ensure_ascii=False,
    )


def _as_fields(finding: Finding) -> dict[str, str | int | None]:
    return {"key": finding.key, "line": finding.line, "says": finding.says}


def _print(file: str, inspection: Inspection, *, err: bool = False) -> None:
    """Colours only on a terminal: click takes them out elsewhere."""
    _print_findings("error", "red", inspection.problems, err=err)
    _print_findings("warning", "yellow", inspection.warnings, err=err)
    if inspection.configuration is None:
        click.secho(f"{file}: {_counted(len(inspection.problems), 'problem')}", bold=True, err=err)
        return
    count = len(inspection.configuration.brands)
    warned = f", {_counted(len(inspection.warnings), 'warning')}" if inspection.warnings else ""
    click.secho(f"{file}: usable, {_counted(count, 'brand')}{warned}", bold=True, err=err)


def _print_findings(kind: str, colour: str, findings: Iterable[Finding], *, err: bool) -> None:
    for finding in findings:
        line = f" (line {finding.line})" if finding.line else ""
        head = click.style(kind, fg=colour, bold=True)
        click.echo(f"{head} {finding.key or 'the file'}{line}", err=err)
        text = finding.says[:1].upper() + finding.says[1:]
        text += "" if text.endswith(("?", ".")) else "."
        wrapped = click.wrap_text(text, width=88, initial_indent="    ", subsequent_indent="    ")
        click.echo(wrapped + "\n", err=err)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
