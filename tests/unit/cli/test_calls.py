"""`switchboard calls` and `switchboard remind` where no AWS is asked: help, refusals, usage."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from workers.cli import main

AT = "2026-12-01T09:30:00-08:00"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), env={})


@pytest.mark.parametrize("command", ["", "start", "status", "report", "pause", "resume", "cancel"])
def test_help_teaches(command: str) -> None:
    result = run("calls", *([command] if command else []), "--help")
    assert result.exit_code == 0
    if not command:
        assert "Exit status: 0 done, 1 AWS refused" in " ".join(result.output.split())


def test_without_its_wiring_it_names_what_lacks() -> None:
    result = run("calls", "status", "march")
    assert result.exit_code == 2
    assert "SWITCHBOARD_CALLS_TABLE: Field required" in result.output


def test_broken_rows_are_named_and_strict_starts_nothing(tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(f"number,appointment_at\n+12065550100,{AT}\n12,{AT}\n")
    result = run("calls", "start", str(file), "--brand", "Clinic", "--strict")
    assert result.exit_code == 2
    assert "line 3: number: write it in E.164" in result.output
    assert "1 rows to call, 1 broken: nothing was started" in result.output


@pytest.mark.parametrize("at", ["tomorrow", "2026-12-01T09:00:00"])
def test_a_start_needs_an_offset(tmp_path: Path, at: str) -> None:
    file = tmp_path / "march.csv"
    file.write_text(f"number,appointment_at\n+12065550100,{AT}\n")
    result = run("calls", "start", str(file), "--brand", "Clinic", "--at", at)
    assert result.exit_code == 2
    assert "--at" in result.output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at", "soon"], "appointment_at"),
        ([], "appointment_at or useful_until"),
        (["--at", AT, "--attribute", "x"], "KEY=VALUE"),
        (["--at", AT, "--attribute", "sb_x=1"], "attributes"),
    ],
)
def test_a_reminder_that_cannot_be_is_refused_before_aws_is_asked(
    arguments: list[str], says: str
) -> None:
    result = run("remind", "+12065550100", "--brand", "Clinic", *arguments)
    assert result.exit_code == 2
    assert says in result.output
