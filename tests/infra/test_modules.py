"""Each module's own tests (`terraform test`), its form, and its validity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.infra.conftest import terraform_or_skip

MODULES = ("topology", "fleet", "watch")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_valid_and_keeps_its_own_tests(module: str, tmp_path: Path) -> None:
    terraform = terraform_or_skip(f"modules/{module}", tmp_path)
    terraform.init()
    terraform.run("validate")
    terraform.run("fmt", "-check", "-recursive")
    said = terraform.run("test")
    runs = sum(
        len(re.findall(r"^run ", file.read_text("utf-8"), flags=re.MULTILINE))
        for file in (terraform.folder / "tests").glob("*.tftest.hcl")
    )
    assert f"Success! {runs} passed, 0 failed" in said


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_of_a_variable_is_tried(module: str, tmp_path: Path) -> None:
    """A validation that nothing breaks may as well not be there."""
    terraform = terraform_or_skip(f"modules/{module}", tmp_path)
    ruled = re.findall(
        r'^variable "(\w+)" \{(?:(?!^\}).)*?validation \{',
        (terraform.folder / "variables.tf").read_text("utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    tests = "".join(f.read_text("utf-8") for f in (terraform.folder / "tests").glob("*.tftest.hcl"))
    assert set(ruled) == set(re.findall(r"expect_failures = \[var\.(\w+)\]", tests))
