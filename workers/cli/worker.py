"""`switchboard worker`: consume queues until told to stop."""

from __future__ import annotations

import asyncio
import sys

import click

from workers.errors import SettingsError


@click.command()
@click.option(
    "--queues",
    default="",
    metavar="NAME,NAME",
    help="Take only these queues, so that each can scale alone. All that are wired by default.",
)
@click.option(
    "--log-format",
    type=click.Choice(["json", "console"]),
    help="json for machines, console for people. SWITCHBOARD_LOG_FORMAT or json by default.",
)
def worker(queues: str, log_format: str | None) -> None:
    """Consume the queues and relay conversations, until SIGTERM or Ctrl-C.

    Wiring comes from the environment (SWITCHBOARD_QUEUE_URLS and its like: docs/configuration.md
    lists them, `python -m infra.local.provision` prints those of a local world), behaviour from
    what SWITCHBOARD_CONFIG names: a file, or a version of an S3 object. AWS endpoints, region and
    credentials are the SDK's own variables.

    \b
    GET /healthz   alive: every queue is polled, or paused on purpose
    GET /readyz    ready: SQS answered for every queue
    GET /metrics   Prometheus

    On SIGTERM it stops polling, gives back what has not started, finishes the rest and prints a
    receipt. A second signal forces. Exit status: 0 drained, 1 something was abandoned (it comes
    again), 2 it could not start.
    """  # noqa: D301 - click reads the backspace as "do not wrap this"
    from workers import bootstrap
    from workers.log import LogFormat, configure_logging
    from workers.settings import load

    try:
        settings = load()
        configure_logging(LogFormat(log_format or settings.log_format), settings.log_level)
        names = [name.strip() for name in queues.split(",") if name.strip()]
        status = asyncio.run(bootstrap.run(settings, names))
    except SettingsError as error:
        click.echo(f"switchboard worker: {error}", err=True)
        sys.exit(2)
    sys.exit(status)
