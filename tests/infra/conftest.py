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


NO_ACCOUNT = """
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}
"""
"""In place of an example's provider: a plan asks nobody."""


def example_plan(name: str, workspace: Path, *arguments: str) -> dict[str, Any]:
    """The plan of an example, on an account that does not exist."""
    terraform = terraform_or_skip(f"examples/{name}", workspace)
    (terraform.folder / "override.tf").write_text(NO_ACCOUNT, "utf-8")
    terraform.init()
    return terraform.plan(*arguments)


@pytest.fixture(scope="session")
def minimal_plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the least that a deployment says comes to."""
    return example_plan("minimal", tmp_path_factory.mktemp("minimal"))


@pytest.fixture(scope="session")
def complete_plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a deployment with every part comes to."""
    said = {
        "region": "us-east-1",
        "connect_instance_arn": "arn:aws:connect:us-east-1:111122223333:instance/"
        "11111111-2222-4333-8444-555555555555",
        "chat_flow_id": "22222222-2222-4222-8222-222222222222",
        "reminder_flow_id": "22222222-2222-4222-8222-222222222224",
        "origination_arns": '["arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1"]',
        "image": "111122223333.dkr.ecr.us-east-1.amazonaws.com/switchboard:1",
        "image_repository_arn": "arn:aws:ecr:us-east-1:111122223333:repository/switchboard",
        "vpc_id": "vpc-0123456789abcdef0",
        "subnet_ids": '["subnet-0123456789abcdef0","subnet-0123456789abcdef1"]',
    }
    arguments = [f"-var={name}={value}" for name, value in said.items()]
    return example_plan("complete", tmp_path_factory.mktemp("complete"), *arguments)


@pytest.fixture(scope="session")
def fleet_plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The plan of `modules/fleet` and `modules/watch` over the topology that ships."""
    terraform = terraform_or_skip("modules/fleet/tests/plan", tmp_path_factory.mktemp("fleet"))
    terraform.init()
    return terraform.plan()
