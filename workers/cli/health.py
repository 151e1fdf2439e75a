"""`switchboard health`: is the worker beside us alive? For containers that hold no shell."""

from __future__ import annotations

import http.client
import json
import os
import sys
from typing import Any

import click

ANSWERS_WITHIN_S = 4.0


@click.command()
@click.option("--ready", is_flag=True, help="Ask whether it is ready for its work, not only alive.")
@click.option(
    "--port",
    type=click.IntRange(1, 65_535),
    default=lambda: int(os.environ.get("SWITCHBOARD_HTTP_PORT") or 8080),
    show_default="SWITCHBOARD_HTTP_PORT, else 8080",
    help="Where it listens on this machine.",
)
@click.option("--json", "as_json", is_flag=True, help="Print what it answered, as it is.")
def health(*, ready: bool, port: int, as_json: bool) -> None:
    """Ask the worker on this machine for its health, and say what is wrong.

    \b
    switchboard health            GET /healthz: every queue is polled, or paused on purpose
    switchboard health --ready    GET /readyz: SQS answered for every queue

    A container's health check, where there is neither shell nor curl. Exit status: 0 it is well,
    1 it is not, or does not answer.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    route = "/readyz" if ready else "/healthz"
    try:
        status, body = _ask(port, route)
    except (OSError, http.client.HTTPException, ValueError) as error:
        click.echo(f"no worker answers on port {port}: {type(error).__name__}", err=True)
        sys.exit(1)
    is_well = status == http.HTTPStatus.OK
    if as_json:
        click.echo(json.dumps(body))
    elif is_well:
        click.echo("ready" if ready else "alive")
    else:
        click.echo(f"{route} says {status}: {json.dumps(body)}", err=True)
    sys.exit(0 if is_well else 1)


def _ask(port: int, route: str) -> tuple[int, Any]:
    """Raises OSError, HTTPException or ValueError where no worker answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWERS_WITHIN_S)
    try:
        connection.request("GET", route)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()
