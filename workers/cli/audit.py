"""Who does something by a command, and why: what operators' commands write down."""

from __future__ import annotations

import getpass
import os
import socket
import sys

import click

REASON_MAX = 200


def author(by: str | None) -> str:
    """Whoever is named, else the user on this host."""
    if by is not None:
        return shown(by, "--by")
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = f"user {os.getuid()}"
    return f"{user} on {socket.gethostname()}"


def shown(text: str, option: str) -> str:
    """Text that goes to logs and health checks: short, printable, and nobody's number."""
    from workers.log import mask

    if not 1 <= len(text) <= REASON_MAX or not text.isprintable():
        raise click.BadParameter(f"1 to {REASON_MAX} printable characters", param_hint=option)
    if mask(text) != text:
        raise click.BadParameter(
            "it is shown in logs and on /healthz: leave out numbers, addresses and tokens",
            param_hint=option,
        )
    return text


def log_act(event: str, **fields: str) -> None:
    """One JSON line on stderr, for the operator's records."""
    import structlog

    from workers.log import configure_logging

    configure_logging(stream=sys.stderr)
    structlog.get_logger().info(event, **fields)
