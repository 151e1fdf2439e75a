"""`make compose-test`: the end-to-end tests against docker-compose.localstack.yml, where Docker is.

Builds the images, brings everything up and waits until it is healthy, runs a command with the
stack's endpoints in its environment, and takes everything down again, volumes included. By default
the command is the end-to-end suite, whose own worlds use the stack's emulators, and one of whose
tests talks through the stack's own workers.

Exit status: the command's; 1 when the stack did not come up, 2 when there is no Docker.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Final

from infra.local.endpoints import REGION
from infra.local.localstack import BESIDE_IT
from infra.local.process import LOOPBACK
from infra.local.toolroom import ROOT

COMPOSE: Final = ("docker", "compose", "--file", str(ROOT / "docker-compose.localstack.yml"))
UP_WITHIN_S: Final = 600
LOCALSTACK: Final = f"http://{LOOPBACK}:4566"
MINISTACK: Final = f"http://{LOOPBACK}:4567"
SIMULATOR: Final = f"http://{LOOPBACK}:4570"
SUITE: Final = (
    *(sys.executable, "-m", "pytest", "-q", str(ROOT / "tests" / "e2e")),
    *("-m", "not faults", "--backend", "given"),
)


def main() -> int:
    """Parse the command line, bring it up, run, take it down."""
    parser = argparse.ArgumentParser(
        prog="make compose-test",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", nargs="*", default=SUITE, help="what to run meanwhile")
    given = parser.parse_args()
    if shutil.which("docker") is None or _run([*COMPOSE, "version"], quiet=True):
        sys.stderr.write(
            "There is no Docker with Compose here: `docker compose version` does not answer."
            " Without it, `make e2e-localstack` runs the same tests on LocalStack.\n"
        )
        return 2
    try:
        up = ("up", "--build", "--detach", "--wait", "--wait-timeout", str(UP_WITHIN_S))
        if _run([*COMPOSE, *up]):
            sys.stderr.write("The stack did not come up. The end of what it said:\n")
            _run([*COMPOSE, "logs", "--tail", "40"])
            return 1
        return _run(list(given.command), env={**os.environ, **environment()})
    finally:
        _run([*COMPOSE, "down", "--volumes", "--timeout", "40"])


def environment() -> dict[str, str]:
    """Where the stack is, as any AWS SDK reads it, and its contact centre."""
    return {
        "AWS_ENDPOINT_URL": LOCALSTACK,
        **{f"AWS_ENDPOINT_URL_{service}": MINISTACK for service in BESIDE_IT},
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "SIMULATOR_URL": SIMULATOR,
    }


def _run(
    command: Sequence[str], *, env: Mapping[str, str] | None = None, quiet: bool = False
) -> int:
    out = subprocess.DEVNULL if quiet else None
    return subprocess.run(command, env=env, stdout=out, stderr=out, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
