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
    joined = MAKEFILE.replace("\\\n", " ")
    lists = re.findall(r"^(PARTS|MEANWHILE) := (.*)$", joined, flags=re.MULTILINE)
    assert len(lists) == 2
    for given in " ".join(parts for _, parts in lists).split():
        part, _, seconds = given.partition("=")
        assert re.search(rf"^{part}:", MAKEFILE, flags=re.MULTILINE), part
        assert int(seconds) > 0, part


def run_parts(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Parts that say two words, far apart; `bad` fails."""
    say = "\t@echo $@ begins; sleep 0.3; echo $@ ends"
    text = f"one two aside:\n{say}\nbad:\n{say}; false\nslow:\n\t@sleep 1.1\n"
    (folder / "Makefile").write_text(text, "utf-8")
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


def test_a_parts_time_is_told_beside_its_budget(tmp_path: Path) -> None:
    done = run_parts(tmp_path, "one=9", "two=0", "--", "aside=9")
    assert done.returncode == 0
    assert re.search(r"^one +passed +\d s of 9 s$", done.stdout, flags=re.MULTILINE)
    assert re.search(r"^aside +passed +\d s of 9 s$", done.stdout, flags=re.MULTILINE)
    late = run_parts(tmp_path, "slow=0")
    assert re.search(r"^slow +passed +\d s of 0 s, over its budget$", late.stdout, re.MULTILINE)
