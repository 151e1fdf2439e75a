"""Each module's own tests (`terraform test`), and the form of all modules and examples.

That the root and the examples are valid is shown by their plans (test_root.py).
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from infra.local.toolroom import ROOT
from tests.infra.conftest import terraform_or_skip

TERRAFORM = ROOT / "infra" / "terraform"
MODULES = sorted(folder.name for folder in (TERRAFORM / "modules").iterdir())
FILES = [file for file in sorted(TERRAFORM.rglob("*.tf")) if ".terraform" not in file.parts]
BLOCK = re.compile(r'^(variable|output) "(\w+)" \{\n(.*?)^\}', flags=re.MULTILINE | re.DOTALL)

SWITCH = re.compile(r"^  type *= bool$", flags=re.MULTILINE)


def relative(path: Path) -> str:
    return str(path.relative_to(TERRAFORM))


def trials_of(module: str) -> str:
    files = (TERRAFORM / "modules" / module / "tests").glob("*.tftest.hcl")
    return "".join(file.read_text("utf-8") for file in files)


@pytest.mark.timeout(300)  # Terraform starts the provider twice for each run.
@pytest.mark.parametrize("module", MODULES)
def test_a_module_keeps_its_own_tests(module: str, tmp_path: Path) -> None:
    terraform = terraform_or_skip(f"modules/{module}", tmp_path)
    terraform.init()
    said = terraform.run("test")
    runs = len(re.findall(r"^run ", trials_of(module), flags=re.MULTILINE))
    assert runs
    assert f"Success! {runs} passed, 0 failed" in said


@pytest.mark.parametrize("module", MODULES)
def test_every_variable_but_a_switch_has_a_rule(module: str) -> None:
    """The root and the examples hand theirs to modules, which hold the rules."""
    variables = (TERRAFORM / "modules" / module / "variables.tf").read_text("utf-8")
    switches = {name for _, name, body in BLOCK.findall(variables) if SWITCH.search(body)}
    ruled = {name for _, name, body in BLOCK.findall(variables) if "validation {" in body}
    assert ruled | switches == {name for _, name, _ in BLOCK.findall(variables)}
    assert not ruled & switches


@pytest.mark.parametrize("module", MODULES)
def test_every_rule_of_a_variable_is_tried(module: str) -> None:
    """A validation that nothing breaks may as well not be there."""
    variables = (TERRAFORM / "modules" / module / "variables.tf").read_text("utf-8")
    rules = Counter(
        {name: body.count("validation {") for _, name, body in BLOCK.findall(variables)}
    )
    broken = Counter(
        name
        for expected in re.findall(r"expect_failures = \[(.*)\]", trials_of(module))
        for name in re.findall(r"var\.(\w+)", expected)
    )
    assert +rules - broken == Counter()
    assert set(broken) == set(+rules)


@pytest.mark.parametrize("file", FILES, ids=relative)
def test_every_variable_is_typed_and_every_one_described(file: Path) -> None:
    text = file.read_text("utf-8")
    blocks = BLOCK.findall(text)
    assert len(blocks) == len(re.findall(r"^(?:variable|output) ", text, flags=re.MULTILINE))
    for kind, name, body in blocks:
        described = re.search(r'^  description *= (?:"[^"]{15,}|<<-EOT$)', body, flags=re.MULTILINE)
        assert described, name
        if kind == "variable":
            typed = re.search(r"^  type *= (.+)$", body, flags=re.MULTILINE)
            assert typed, name
            assert not re.search(r"\bany\b", typed[1]), name


def test_all_is_formatted(tmp_path: Path) -> None:
    terraform_or_skip("", tmp_path).run("fmt", "-check", "-recursive")
