"""The clients that nobody here wrote, installed once under the ignored `.local/`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from infra.local.toolroom import LOCAL, ROOT, ensure_venv

HERE = Path(__file__).parent
INSTALL_S = 120


def find_npm() -> str | None:
    """Where npm is, if Node.js and it are here."""
    return shutil.which("npm") if shutil.which("node") else None


def installed_chatjs(npm: str) -> Path:
    """The folder that holds the chat client library and our script for it; no lock file."""
    home = LOCAL / "chatjs"
    wanted = (HERE / "chatjs" / "package.json").read_text("utf-8")
    stamp = home / "made-from"
    if not stamp.exists() or stamp.read_text("utf-8") != wanted:
        print("installing chatjs (once) ...", file=sys.stderr)  # noqa: T201 - takes seconds
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        (home / "package.json").write_text(wanted, "utf-8")
        options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(
            [npm, "install", *options], cwd=home, check=True, timeout=INSTALL_S, capture_output=True
        )
        stamp.write_text(wanted, "utf-8")
    # Beside the modules, so that they are found from there.
    shutil.copy(HERE / "chatjs" / "customer.cjs", home / "customer.cjs")
    return home


def installed_aws_cli() -> Path:
    """The `aws` program of version 1, in a virtual environment of its own."""
    return ensure_venv("aws-cli", ROOT / "requirements" / "awscli.txt") / "aws"
