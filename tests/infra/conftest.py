"""Terraform for the tests: plans of the real provider, asked for once in a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from infra.local.terraform import Terraform, TerraformMissingError


def terraform_or_skip(module: str, workspace: Path) -> Terraform:
    """Terraform in a copy of `module`; without it the test fails in CI and is skipped elsewhere."""
    try:
        return Terraform(module, workspace)
    except TerraformMissingError as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def fleet_plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plan of `modules/fleet` and `modules/watch` over the topology that ships."""
    terraform = terraform_or_skip("modules/fleet/tests/plan", tmp_path_factory.mktemp("fleet"))
    terraform.init()
    return terraform.plan()
