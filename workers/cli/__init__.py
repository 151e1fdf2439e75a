"""The `switchboard` command. Each subcommand lives in its own module and is loaded when asked for.

Starting fast matters: `switchboard classify` on a pipe should not wait for an AWS SDK.
"""

from __future__ import annotations

import importlib
from typing import Final

import click

_COMMANDS: Final = {
    "worker": ("workers.cli.worker", "worker", "Consume the queues and relay conversations."),
    "health": ("workers.cli.health", "health", "Ask the worker on this machine how it is."),
    "queue": ("workers.cli.queue", "queue", "Pause, resume and look at queues."),
    "dlq": ("workers.cli.dlq.command", "dlq", "Look at dead letters; send back, drop, forget."),
    "remind": ("workers.cli.remind", "remind", "Ask for one reminder call."),
    "calls": ("workers.cli.calls", "calls", "Call lists: start, status, report, pause, cancel."),
    "suppressions": (
        "workers.cli.suppressions",
        "suppressions",
        "Who is not written to: list, add, remove, export.",
    ),
    "erase": ("workers.cli.erase", "erase", "Take away all that is kept of one person."),
    "setup": ("workers.cli.setup.command", "setup", "Make in AWS what Terraform cannot."),
    "doctor": ("workers.cli.doctor.command", "doctor", "Look at what breaks deployments."),
    "config": ("workers.cli.config", "config", "Check and show switchboard.toml."),
    "metrics": ("workers.cli.metrics", "metrics", "List what /metrics tells."),
    "replay": ("workers.cli.replay.command", "replay", "Feed an archive into the queues."),
    "classify": ("workers.cli.classify", "classify", "Tell what each payload is."),
}


class _LazyGroup(click.Group):
    """Lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """All commands, in the order in which a newcomer meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the one that is asked for."""
        if cmd_name not in _COMMANDS:
            return None
        module, name, _ = _COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{module}.{name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """One line each."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in _COMMANDS.items()])


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="switchboard-contact-centre", prog_name="switchboard")
def main() -> None:
    """Join messaging channels to a contact centre.

    Workers read SQS queues that SNS and EventBridge feed and relay each conversation between a
    customer's phone and an agent's chat. Start with `switchboard config check`, then run
    `switchboard worker`; docs/runtime.md and docs/configuration.md tell the rest.
    """
