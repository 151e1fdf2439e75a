"""`make compose-test` with a Docker that only writes down what it is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.local.toolroom import ROOT

SAYS = "import json, os; print(json.dumps(dict(os.environ)))"


def compose_test(path: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.local.compose", *(["--", *command] if command else [])],
        cwd=ROOT,
        env={"PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def a_docker(folder: Path, *, fails: str = "") -> str:
    """A PATH whose docker writes down its arguments, and fails when one of them is this."""
    script = folder / "docker"
    script.write_text(
        f"#!{sys.executable}\nimport sys\n"
        f"open({str(folder / 'told')!r}, 'a').write(' '.join(sys.argv[4:]) + '\\n')\n"
        f"sys.exit({fails!r} in sys.argv)\n"
    )
    script.chmod(0o755)
    return f"{folder}{os.pathsep}{os.defpath}"


def told(folder: Path) -> list[str]:
    return [line.split()[0] for line in (folder / "told").read_text().splitlines()]


@pytest.mark.parametrize("is_there", [True, False])
def test_without_docker_it_says_so_and_what_to_do_instead(tmp_path: Path, is_there: bool) -> None:
    path = a_docker(tmp_path, fails="version") if is_there else str(tmp_path)
    done = compose_test(path)
    assert done.returncode == 2
    assert "There is no Docker with Compose here" in done.stderr
    assert "make e2e-localstack" in done.stderr


def test_the_command_is_told_where_the_stack_is_and_all_is_taken_down(tmp_path: Path) -> None:
    done = compose_test(a_docker(tmp_path), sys.executable, "-c", SAYS)
    assert done.returncode == 0, done.stderr
    environment = json.loads(done.stdout)
    assert environment["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4566"
    assert environment["AWS_ENDPOINT_URL_DYNAMODB"] == "http://127.0.0.1:4567"
    assert environment["SIMULATOR_URL"] == "http://127.0.0.1:4570"
    assert told(tmp_path) == ["version", "up", "down"]


def test_a_failed_command_is_told_and_all_is_taken_down(tmp_path: Path) -> None:
    done = compose_test(a_docker(tmp_path), sys.executable, "-c", "raise SystemExit(5)")
    assert done.returncode == 5
    assert told(tmp_path) == ["version", "up", "down"]


def test_a_stack_that_does_not_come_up_shows_its_logs_and_runs_nothing(tmp_path: Path) -> None:
    done = compose_test(a_docker(tmp_path, fails="up"), sys.executable, "-c", "print('ran')")
    assert done.returncode == 1
    assert "ran" not in done.stdout
    assert told(tmp_path) == ["version", "up", "logs", "down"]
