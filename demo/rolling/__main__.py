"""`make rolling-test`: a rolling deploy, and its rollback, while conversations go on.

Two workers of the release before are at work. One by one they are replaced, as ECS does it: a new
one is started, and when it is ready an old one gets SIGTERM and drains. When only new ones are
left it all goes back. Whoever takes over reads what the other release has written. The last line on
stdout is one JSON object:

    texts, agent_messages   what people said, each way
    delivered_once          of these, what came out whole
    lost, twice, out_of_order   the rest, by the judge
    uncertain               its fate is unknown, and the agent was told so: neither lost nor twice
    chats_opened, chats_expected    distinct contacts; one for each customer
    old, new                the commits; `new` is what lies here, with changes if there are any
    drains, drained_clean   workers that got SIGTERM, and that ended with 0 and abandoned nothing
    seconds                 from the first word to the last

What is judged is read from what people said and from the simulator's ledger, nothing else. Exit
status 1 when anything is lost, twice, out of order, unexpected, in a chat too many or too few, or
when a drain was not clean; 2 when there is no release before to be had.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
from pathlib import Path

from demo.rolling.release import NoReleaseError, release_before, take_out
from demo.rolling.roll import Roll, run
from infra.local.emulator import running_emulator
from infra.local.process import StartError
from infra.local.toolroom import InstallError

CONVERSATIONS_MAX = 900


def main() -> int:
    """Parse the command line, roll, print."""
    parser = argparse.ArgumentParser(
        prog="make rolling-test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    usual = Roll()
    parser.add_argument("--old", metavar="COMMIT", help="the release before; a tag or commit")
    parser.add_argument(
        "--conversations", type=int, default=usual.conversations, help="how many at once"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs and ledger there")
    given = parser.parse_args()
    if not 1 <= given.conversations <= CONVERSATIONS_MAX:
        parser.error(f"--conversations: 1 to {CONVERSATIONS_MAX}")
    try:
        old = take_out(given.old or release_before())
        roll = Roll(conversations=given.conversations)
        with contextlib.ExitStack() as stack:
            folder = given.keep or Path(
                stack.enter_context(tempfile.TemporaryDirectory(prefix="switchboard-rolling-"))
            )
            aws = stack.enter_context(running_emulator(folder / "ministack.log"))
            outcome = asyncio.run(run(roll, old, folder, aws))
    except NoReleaseError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except (StartError, InstallError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps(outcome.report) + "\n")
    return 0 if outcome.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
