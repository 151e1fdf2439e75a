"""A rolling deploy, small enough for every run, and what the release before is made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from demo.rolling.release import NoReleaseError, Release, release_before, take_out
from demo.rolling.roll import Roll, run
from infra.local.endpoints import LocalAws


def before() -> Release | None:
    """The release before. A clone without history rolls from this release to itself."""
    try:
        return take_out(release_before())
    except NoReleaseError:
        return None


@pytest.mark.faults
@pytest.mark.timeout(400)
async def test_a_rolling_deploy_loses_nothing_and_every_drain_is_clean(
    backend_aws: LocalAws, tmp_path: Path
) -> None:
    outcome = await run(
        Roll(conversations=3, messages=4, back=False), before(), tmp_path, backend_aws
    )
    report: dict[str, Any] = dict(outcome.report)
    said = report["texts"] + report["agent_messages"]
    assert report["texts"] >= 12
    assert report["agent_messages"] >= 12
    assert report["delivered_once"] + report["uncertain"] == said
    assert (report["lost"], report["twice"], report["out_of_order"]) == (0, 0, 0)
    assert report["chats_opened"] == report["chats_expected"] == 3
    assert report["drains"] == report["drained_clean"] == 2
    assert outcome.is_clean, outcome.judgement.faults


@pytest.mark.faults
def test_the_release_before_runs_its_own_code(tmp_path: Path) -> None:
    package = tmp_path / "workers"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "cli.py").write_text(
        "import os, sys\n"
        "def main():\n"
        "    print('the old one', sys.argv[1:], os.environ.get('SWITCHBOARD_CONFIG'),"
        " os.environ.get('HOME'))\n"
    )
    old = Release("old", tmp_path, sys.executable)
    command = old.command(["worker"], {"SWITCHBOARD_CONFIG": "a b.toml", "PATH": "/usr/bin:/bin"})
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    assert said.stdout == "the old one ['worker'] a b.toml None\n"


@pytest.mark.faults
def test_a_commit_that_is_not_here_is_named_with_what_to_do() -> None:
    with pytest.raises(NoReleaseError, match="fetch all of it"):
        take_out("v999.0.0")
