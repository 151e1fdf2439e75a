"""Runs Terraform on a copy of `infra/`, with the AWS provider that lies on this machine.

No registry is asked. The provider is looked for in a filesystem mirror: the folder that
`SWITCHBOARD_TERRAFORM_MIRROR` names, else the usual places. A copy, because `init` writes a lock
file with the checksums of this one platform, and state lies beside the code.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.local.toolroom import ROOT

MIRROR_VARIABLE = "SWITCHBOARD_TERRAFORM_MIRROR"
_USUAL = ("/opt", "/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins")
_PROVIDER = "*/hashicorp/aws/*/linux_*/terraform-provider-aws*"
_TIMEOUT_S = 600
PARALLEL = "-parallelism=60"
"""The provider waits for 25 s after each queue that it makes: for all of them at once, then."""


class TerraformMissingError(Exception):
    """No `terraform`, or no AWS provider for it; says which, and where it was looked for."""


class TerraformError(Exception):
    """Terraform refused; carries what it said."""


def find_mirror(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder of a filesystem mirror that holds the AWS provider.

    Raises:
        TerraformMissingError: there is none.
    """
    named = environment.get(MIRROR_VARIABLE)
    for mirror in [Path(named)] if named else _candidates():
        if any(mirror.glob(_PROVIDER)):
            return mirror
    looked_in = named or ", ".join(_USUAL)
    raise TerraformMissingError(
        f"no hashicorp/aws provider below {looked_in}: lay a filesystem mirror out with"
        f" `terraform providers mirror` and name it in {MIRROR_VARIABLE}"
    )


def _candidates() -> Iterator[Path]:
    for usual in map(Path, _USUAL):
        if usual.is_dir():
            yield usual
            yield from (path for path in usual.iterdir() if path.is_dir())


class Terraform:
    """One module (a folder below `infra/terraform`) in a copy of `infra/` of its own.

    Raises on making:
        TerraformMissingError: it cannot run here.
    """

    def __init__(
        self, module: str, workspace: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        if shutil.which("terraform") is None:
            raise TerraformMissingError("there is no `terraform` on this machine's PATH")
        mirror = find_mirror()
        skipped = shutil.ignore_patterns(".terraform", "*.tfstate*", "__pycache__", "*.py")
        shutil.copytree(ROOT / "infra", workspace / "infra", ignore=skipped, dirs_exist_ok=True)
        self.folder = workspace / "infra" / "terraform" / module
        rc_file = workspace / "terraform.rc"
        rc_file.write_text(
            f'provider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n', "utf-8"
        )
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(workspace),
            "TF_CLI_CONFIG_FILE": str(rc_file),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            **(environment or {}),
        }

    def init(self) -> None:
        """Install the provider from the mirror, and the modules."""
        self.run("init", "-input=false")

    def plan(self, *arguments: str) -> dict[str, Any]:
        """Plan, and return the plan as `terraform show -json` has it."""
        self.run("plan", "-input=false", "-out=plan", *arguments)
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "plan"))
        return shown

    def apply(self) -> dict[str, Any]:
        """Make what the module says; its outputs by name."""
        self.run("apply", "-input=false", "-auto-approve", PARALLEL)
        shown: dict[str, Any] = json.loads(self.run("output", "-json"))
        return {name: output["value"] for name, output in shown.items()}

    def destroy(self) -> None:
        """Take away all that it made."""
        self.run("destroy", "-input=false", "-auto-approve", PARALLEL)

    def run(self, *arguments: str) -> str:
        """One command; returns what it printed.

        Raises:
            TerraformError: its exit status was not 0.
        """
        done = subprocess.run(  # noqa: S603 - our own arguments
            ["terraform", arguments[0], *_plain(arguments[0]), *arguments[1:]],  # noqa: S607
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise TerraformError(f"terraform {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
        return done.stdout


def _plain(command: str) -> list[str]:
    return [] if command in ("show", "fmt") else ["-no-color"]
