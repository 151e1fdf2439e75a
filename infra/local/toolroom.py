"""Virtual environments for programs that cannot share ours, under the ignored `.local/`.

Each is made once from a hashed requirements file and made anew when that file or the interpreter
changes. Making one is guarded by a file lock, so that two test runs do not make it at once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"


class InstallError(Exception):
    """A virtual environment could not be made; carries the end of what pip said."""


def ensure_venv(name: str, requirements: Path, local: Path = LOCAL) -> Path:
    """The `bin` folder of the virtual environment `name`, made from `requirements` if need be.

    Blocks while it installs (some seconds, with downloads), or while another process does.

    Raises:
        InstallError: pip refused or failed; the half-made environment is made anew next time.
    """
    home = local / name
    stamp = home / "made-from"
    wanted = f"{sys.version} {hashlib.sha256(requirements.read_bytes()).hexdigest()}"
    with _locked(local / f"{name}.lock"):
        if not stamp.exists() or stamp.read_text("utf-8") != wanted:
            _make(home, requirements)
            stamp.write_text(wanted, "utf-8")
    return home / "bin"


def _make(home: Path, requirements: Path) -> None:
    if home.exists():
        shutil.rmtree(home)
    print(f"installing {home.name} (once) ...", file=sys.stderr)  # noqa: T201 - takes seconds
    # No pip of its own: ours installs into it, which saves unpacking one.
    _run([_interpreter(), "-m", "venv", "--without-pip", str(home)])
    install = ["install", "-qq", "--require-hashes", "--requirement", str(requirements)]
    _run([sys.executable, "-m", "pip", "--python", str(home / "bin" / "python"), *install])


def _interpreter() -> str:
    """The interpreter under our own virtual environment, so that the new one links to it."""
    return getattr(sys, "_base_executable", sys.executable)


def _run(command: list[str]) -> None:
    # The bytecode is wanted: without it every start would compile the whole program anew.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(  # noqa: S603 - our own interpreter, no shell
        command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise InstallError(
            f"{' '.join(command[1:4])} failed:\n{(done.stdout + done.stderr)[-4000:]}"
        )


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    for tool in sys.argv[1:]:
        ensure_venv(tool, ROOT / "requirements" / f"{tool}.txt")
