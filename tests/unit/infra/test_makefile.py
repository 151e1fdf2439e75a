"""The entry point explains itself."""

from __future__ import annotations

import re
import subprocess

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
    parts = re.search(r"^PARTS := (.*)$", MAKEFILE, flags=re.MULTILINE)
    assert parts
    for part in parts[1].split():
        assert re.search(rf"^{part}:", MAKEFILE, flags=re.MULTILINE), part
