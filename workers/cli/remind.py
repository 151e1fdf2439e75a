"""`switchboard remind`: one reminder call, from a shell."""

from __future__ import annotations

import asyncio
import secrets
import sys

import click
from pydantic import ValidationError

from schemas.own import Remind
from workers.cli.calling import run_with_calls
from workers.handlers.reminders.deps import Deps
from workers.phone import mask

EXIT_USAGE = 2


@click.command()
@click.argument("number")
@click.option("--brand", required=True, help="The brand that calls.")
@click.option("--at", "appointment_at", help="The appointment: ISO 8601 with an offset.")
@click.option("--until", "useful_until", help="No call from then on, instead of the appointment.")
@click.option("--not-before", help="Call from then on. Now by default.")
@click.option("--id", "reminder_id", help="Your id: the same again is the same reminder.")
@click.option("--name", help="How to address the callee.")
@click.option("--zone", help="The callee's IANA zone. By the number by default.")
@click.option("--language", help="A BCP 47 tag. The brand's by default.")
@click.option(
    "--attribute", "attributes", multiple=True, metavar="KEY=VALUE", help="For the contact flow."
)
def remind(  # noqa: PLR0913 - a command's options
    *,
    number: str,
    brand: str,
    appointment_at: str | None,
    useful_until: str | None,
    not_before: str | None,
    reminder_id: str | None,
    name: str | None,
    zone: str | None,
    language: str | None,
    attributes: tuple[str, ...],
) -> None:
    """Ask for a reminder call to NUMBER, and print its id.

    Workers call as soon as the callee's phone may ring: docs/reminders.md has the rules. Needs a
    worker's environment and AWS credentials.

    \b
    switchboard remind +12065550100 --brand "Example Clinic" --at 2026-12-01T09:30:00-08:00
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    wanted = {
        "id": reminder_id or f"cli:{secrets.token_hex(8)}",
        "brand": brand,
        "number": number,
        "appointment_at": appointment_at,
        "useful_until": useful_until,
        "not_before": not_before,
        "name": name,
        "zone": zone,
        "language": language,
        "attributes": dict(_pair(text) for text in attributes),
    }
    try:
        asked = Remind.model_validate(wanted)
    except ValidationError as error:
        _complain(error)

    async def send(deps: Deps) -> str:
        found = deps.config.find(brand)
        if found is None or found.calls is None:
            names = ", ".join(b.name for b in deps.config.brands if b.calls is not None)
            raise click.UsageError(f"no brand of that name makes calls. There are: {names or '-'}")
        await deps.commands.send(asked)
        return f"{mask(asked.number)} will be called; the reminder is {asked.id}"

    click.echo(asyncio.run(run_with_calls(send)))


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter("write KEY=VALUE", param_hint="--attribute")
    return key, value


def _complain(error: ValidationError) -> None:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"])) or "--at or --until"
    click.echo(f"switchboard remind: {where}: {first['msg']}", err=True)
    sys.exit(EXIT_USAGE)
