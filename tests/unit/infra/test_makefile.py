"""The entry point explains itself."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from infra.local.toolroom import ROOT

MAKEFILE = (ROOT / "Makefile").read_text("utf-8")


def test_bare_make_tells_each_target_in_one_line() -> None:
    shown = subprocess.run(
        ["make", "--no-print-directory"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    phony = re.search(r"^\.PHONY: ((?:.*\\\n)*.*)$", MAKEFILE, flags=re.MULTILINE)
    assert phony
    targets = set(phony[1].replace("\\\n", " ").split())
    assert {line.split()[0] for line in shown.splitlines() if line} == {"make"}
    assert {line.split()[1] for line in shown.splitlines()} == targets


def test_every_part_of_the_whole_is_a_target() -> None:
    lists = re.findall(r"^(PARTS|MEANWHILE) := (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert len(lists) == 2
    for part in " ".join(parts for _, parts in lists).split():
        assert re.search(rf"^{part}:", MAKEFILE, flags=re.MULTILINE), part


def run_parts(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Parts that say two words, far apart; `bad` fails."""
    say = "\t@echo $@ begins; sleep 0.3; echo $@ ends"
    (folder / "Makefile").write_text(f"one two aside:\n{say}\nbad:\n{say}; false\n", "utf-8")
    return subprocess.run(
        [ROOT / ".ci" / "parts", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_parts_are_told_in_one_piece_each_though_some_run_meanwhile(tmp_path: Path) -> None:
    done = run_parts(tmp_path, "one", "two", "--", "aside")
    assert done.returncode == 0
    lines = [line for line in done.stdout.splitlines() if line]
    for part, title in (("one", ""), ("two", ""), ("aside", " (run meanwhile)")):
        at = lines.index(f"== {part}{title}")
        assert lines[at + 1 : at + 3] == [f"{part} begins", f"{part} ends"]
    assert [line.split()[:2] for line in lines[-4:]] == [
        ["one", "passed"],
        ["two", "passed"],
        ["aside", "passed"],
        ["in", "all"],
    ]


@pytest.mark.parametrize("arguments", [("bad", "one"), ("one", "bad"), ("one", "--", "bad")])
def test_one_part_that_fails_fails_the_whole_and_the_others_are_run(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    done = run_parts(tmp_path, *arguments)
    assert done.returncode == 1
    assert re.search(r"^bad +FAILED", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^one +passed", done.stdout, flags=re.MULTILINE)
