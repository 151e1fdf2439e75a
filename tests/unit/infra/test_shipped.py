"""What lies beside the code as JSON is also there where the program was installed."""

from __future__ import annotations

import fnmatch
import tomllib
from pathlib import Path

import pytest

from infra.shipped import FLOWS, OBJECT_TYPES, flow_text, object_types
from workers.cli.setup.flows import FLOW_FILES
from workers.config import ObjectKind, ProfileRules

ROOT = Path(__file__).parents[3]


def test_every_json_file_is_package_data() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    globs = project["tool"]["setuptools"]["package-data"]["infra"]
    files = [ROOT / "infra" / "topology.json", *FLOWS.iterdir(), *OBJECT_TYPES.iterdir()]
    for file in files:
        inside = str(file.relative_to(ROOT / "infra"))
        assert any(fnmatch.fnmatch(inside, pattern) for pattern in globs), inside


def test_every_flow_is_set_up_and_every_kind_of_object_has_its_type() -> None:
    assert {file.name for file in FLOWS.iterdir()} == {f"{f.file}.flow.json" for f in FLOW_FILES}
    rules = ProfileRules()
    mappings = [rules.objects.named(kind) for kind in ObjectKind]
    assert {one.type for one in mappings if one} == object_types().keys()


def test_a_file_that_is_missing_or_no_object_type_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="inbound-chat"):
        flow_text("inbound-chat", tmp_path)
    (tmp_path / "a.json").write_text("{}", "utf-8")
    with pytest.raises(ValueError, match=r"a\.json"):
        object_types(tmp_path)
