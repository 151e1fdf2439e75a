"""The locks: complete, hashed, without addresses, and each direct dependency has its reason."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from infra.local.toolroom import ROOT

REQUIREMENTS = ROOT / "requirements"
LOCKS = sorted(REQUIREMENTS.glob("*.txt"))
INPUTS = sorted(REQUIREMENTS.glob("*.in"))


def pinned(lock: Path) -> dict[str, str]:
    pins = re.findall(r"^([a-z0-9._-]+)==([^ ]+)", lock.read_text("utf-8"), flags=re.MULTILINE)
    return dict(pins)


def asked(text: str) -> Iterator[Requirement]:
    for line in text.splitlines():
        if line and not line.startswith(("#", "-")):
            yield Requirement(line)


def application() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [Requirement(text) for text in project["dependencies"]]


def direct() -> list[Requirement]:
    return [*application(), *(r for file in INPUTS for r in asked(file.read_text("utf-8")))]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_lock_has_hashes_and_no_address_or_path_of_a_machine(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert not re.search(r"://|file:|(^|\s)/\w", text)
    for block in re.split(r"\n(?=[a-z0-9])", text.split("#    make lock\n", 1)[1].strip()):
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize("file", INPUTS, ids=lambda file: file.name)
def test_lock_holds_what_its_input_asks_for(file: Path) -> None:
    pins = pinned(file.with_suffix(".txt"))
    for requirement in asked(file.read_text("utf-8")):
        assert requirement.specifier.contains(pins[normal(requirement.name)])


@pytest.mark.parametrize("lock", ["app.txt", "dev.txt"])
def test_lock_holds_what_the_application_asks_for(lock: str) -> None:
    pins = pinned(REQUIREMENTS / lock)
    for requirement in application():
        assert requirement.specifier.contains(pins[normal(requirement.name)])


def test_tests_run_on_the_versions_that_ship() -> None:
    tested = pinned(REQUIREMENTS / "dev.txt")
    shipped = pinned(REQUIREMENTS / "app.txt")
    assert {name: tested.get(name) for name in shipped} == shipped


def test_each_direct_dependency_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "dependencies.md").read_text("utf-8").lower()
    words = {"awscli": "aws cli", "localstack-core": "localstack-core"}
    told = {r.name: words.get(r.name, r.name.lower()) in reasons for r in direct()}
    assert [name for name, is_told in told.items() if not is_told] == []


def imported(path: Path) -> set[str]:
    """The top-level names that a module imports when it runs, not those for type checkers."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("package", ["schemas", "workers", "simulator", "infra", "tests"])
def test_what_is_imported_is_asked_for(package: str) -> None:
    ours = {path.parent.name for path in ROOT.glob("*/__init__.py")} | set(sys.stdlib_module_names)
    distributions = packages_distributions()
    asked_for = {normal(requirement.name) for requirement in application()}
    if package == "tests":
        dev = (REQUIREMENTS / "dev.in").read_text("utf-8")
        asked_for |= {normal(requirement.name) for requirement in asked(dev)}
    missing = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / package).rglob("*.py")
        for name in imported(path) - ours
        if not asked_for & {normal(found) for found in distributions.get(name, [])}
    }
    assert missing == set()
