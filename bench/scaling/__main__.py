"""`python -m bench.scaling`: plan, simulate, write the plot and the table."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bench.scaling.report import PAGE, files
from infra.local.terraform import Terraform, TerraformError, TerraformMissingError
from infra.local.toolroom import ROOT


def main() -> int:
    """Write the files; 1 where Terraform cannot plan."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            terraform = Terraform("modules/fleet/tests/plan", Path(folder))
            terraform.init()
            plan = terraform.plan()
        except (TerraformMissingError, TerraformError) as problem:
            sys.stderr.write(f"{problem}\n")
            return 1
    for path, text in files(plan, (ROOT / PAGE).read_text("utf-8")).items():
        (ROOT / path).write_text(text, "utf-8")
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
