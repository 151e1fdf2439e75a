"""A policy scanner finds nothing in the Terraform but what is excused in place.

An excuse is a comment within the block that it is for, in checkov's own form:
`#checkov:skip=CHECK:why`. It says why, and it goes when the finding has gone. So checkov reads a
copy in which the excuses are blanked, and what it finds there is compared with them.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.local.toolroom import ROOT, InstallError, ensure_venv

pytestmark = pytest.mark.timeout(600)  # The first test may install checkov.

TERRAFORM = ROOT / "infra" / "terraform"
SKIP = re.compile(r"^.*checkov:skip.*$", flags=re.MULTILINE)
EXCUSE = re.compile(r"^ *#checkov:skip=(?P<check>CKV2?_[A-Z]+_\d+):(?P<reason>\S.{19,})$")


@dataclass(frozen=True)
class Finding:
    """A check that failed, and the block it failed on."""

    check: str
    file: str
    lines: range
    resource: str


@dataclass(frozen=True)
class Excuse:
    """A line that excuses a finding of its block."""

    check: str
    file: str
    line: int

    def covers(self, finding: Finding) -> bool:
        """Whether it is for this finding, as checkov understands it."""
        same = (self.check, self.file) == (finding.check, finding.file)
        return same and self.line in finding.lines


def terraform_files() -> list[Path]:
    return [file for file in sorted(TERRAFORM.rglob("*.tf")) if ".terraform" not in file.parts]


def excuse_lines() -> list[tuple[str, int, str]]:
    return [
        (f"/{file.relative_to(TERRAFORM)}", number, line)
        for file in terraform_files()
        for number, line in enumerate(file.read_text("utf-8").splitlines(), start=1)
        if SKIP.fullmatch(line)
    ]


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> frozenset[Finding]:
    """What checkov finds where nothing is excused. It asks no network."""
    workspace = tmp_path_factory.mktemp("scan")
    skipped = shutil.ignore_patterns(".terraform", "*.tfstate*")
    copy = shutil.copytree(TERRAFORM, workspace / "terraform", ignore=skipped)
    for file in copy.rglob("*.tf"):
        file.write_text(SKIP.sub("#", file.read_text("utf-8")), "utf-8")
    report = scan(copy, home=workspace)
    blocks = re.findall(
        r'^resource "', "".join(f.read_text("utf-8") for f in terraform_files()), flags=re.MULTILINE
    )
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["resource_count"] >= len(blocks) > 0, "not all of it was read"
    return frozenset(
        Finding(
            failed["check_id"],
            failed["file_path"],
            range(failed["file_line_range"][0], failed["file_line_range"][1] + 1),
            failed["resource"],
        )
        for failed in report["results"]["failed_checks"]
    )


def scan(folder: Path, home: Path) -> dict[str, Any]:
    try:
        checkov = ensure_venv("checkov", ROOT / "requirements" / "checkov.txt") / "checkov"
    except InstallError as failed:
        left_out = f"the policy scanner could not be installed: {failed}"
        if os.environ.get("CI"):
            pytest.fail(left_out)
        pytest.skip(left_out)
    only = ["--framework", "terraform", "--skip-download", "--quiet", "--compact"]
    done = subprocess.run(
        [checkov, "--directory", folder, *only, "--output", "json"],
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr  # 1: it has found something.
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.fixture(scope="module")
def excuses() -> list[Excuse]:
    parsed = [(file, line, EXCUSE.fullmatch(text)) for file, line, text in excuse_lines()]
    return [Excuse(match["check"], file, line) for file, line, match in parsed if match]


def test_every_excuse_says_why() -> None:
    assert [line for line in excuse_lines() if not EXCUSE.fullmatch(line[2])] == []


def test_nothing_is_found_but_what_is_excused_in_place(
    findings: frozenset[Finding], excuses: list[Excuse]
) -> None:
    left = [one for one in findings if not any(excuse.covers(one) for excuse in excuses)]
    assert left == [], "mend it, or write why not beside it: #checkov:skip=CHECK:why"


def test_every_excuse_is_needed(findings: frozenset[Finding], excuses: list[Excuse]) -> None:
    idle = [excuse for excuse in excuses if not any(excuse.covers(one) for one in findings)]
    assert idle == [], "nothing is found here any more: take the excuse away"
