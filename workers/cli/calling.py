"""What the commands about calls share: a worker's tools, and what to say where they fail."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import click

from workers.errors import AccountProblem, SettingsError, SwitchboardError
from workers.handlers.reminders.deps import Deps

EXIT_REFUSED = 1
EXIT_USAGE = 2

Answer = TypeVar("Answer")


async def run_with_calls(work: Callable[[Deps], Awaitable[Answer]]) -> Answer:
    """Do it with a worker's tools; complain and exit where that does not go."""
    from botocore.exceptions import BotoCoreError

    from workers.bootstrap import configured
    from workers.operators import call_tools
    from workers.settings import load

    try:
        settings = load()
        source = await configured(settings.config)
        async with call_tools(settings, source.configuration) as deps:
            return await work(deps)
    except SettingsError as error:
        give_up(str(error), EXIT_USAGE)
    except AccountProblem as error:
        give_up(
            f"AWS refused ({error.reason}): check the account, the region and your permissions on"
            " the table SWITCHBOARD_CALLS_TABLE and the queue `reminders`",
            EXIT_REFUSED,
        )
    except SwitchboardError as error:
        reason = getattr(error, "reason", type(error).__name__)
        give_up(f"AWS did not do it ({reason}); repeating the command does no harm", EXIT_REFUSED)
    except BotoCoreError as error:
        give_up(
            f"the AWS SDK cannot start ({type(error).__name__}): set AWS_DEFAULT_REGION and "
            "credentials, or AWS_PROFILE",
            EXIT_USAGE,
        )


def give_up(says: str, exit_status: int) -> NoReturn:
    """Say so and exit."""
    click.echo(f"switchboard: {says}", err=True)
    sys.exit(exit_status)
