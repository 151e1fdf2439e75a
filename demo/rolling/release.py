"""The release before this one, taken out of git so that its workers can be started beside ours."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from infra.local.toolroom import LOCAL, ROOT, ensure_venv

SHIPPED: Final = ("workers", "schemas", "requirements/app.txt")
_ENTRY: Final = "import sys; from workers.cli import main; sys.exit(main())"


class NoReleaseError(Exception):
    """There is no such release in this clone; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Release:
    """A commit, its files in a folder of their own, and a Python with what it requires."""

    name: str
    root: Path
    python: str

    def command(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """What starts its `switchboard` with these arguments and nothing but this environment.

        `-P`: its own packages are meant, not those of the folder that it is started in.
        """
        settings = [f"{name}={value}" for name, value in environment.items()]
        path = f"PYTHONPATH={self.root}"
        return ["env", "-i", *settings, path, self.python, "-P", "-c", _ENTRY, *arguments]


def release_before() -> str:
    """The newest tag before this commit; without tags the commit before what ships last changed.

    Raises:
        NoReleaseError: this is no clone, or its history does not reach back so far.
    """
    tags = _git("tag", "--merged", "HEAD^", "--sort=-version:refname").splitlines()
    if tags:
        return tags[0]
    changed = _git("log", "-1", "--format=%H", "--", *SHIPPED).strip()
    return _git("rev-parse", "--verify", f"{changed}^").strip()


def this_one() -> str:
    """What lies here: the commit, and whether files differ from it."""
    try:
        return _git("describe", "--always", "--abbrev=12", "--dirty=-changed", "--tags").strip()
    except NoReleaseError:
        return "here"


def take_out(commit: str, local: Path = LOCAL) -> Release:
    """Its files under the ignored `.local/`, and its packages where they are not also ours.

    Raises:
        NoReleaseError: this clone knows no such commit.
        InstallError: its packages cannot be had.
    """
    name = _git("rev-parse", "--verify", "--short=12", f"{commit}^{{commit}}").strip()
    root = local / "releases" / name
    root.parent.mkdir(parents=True, exist_ok=True)
    with (root.parent / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / SHIPPED[-1]).exists():
            _unpack(name, root)
    return Release(name, root, _python(root / SHIPPED[-1], name))


def _unpack(name: str, root: Path) -> None:
    half = root.with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    archive = _git_bytes("archive", "--format=tar", name, *SHIPPED)
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(half, filter="data")
    half.rename(root)


def _python(requirements: Path, name: str) -> str:
    """Ours, where it requires just what we do."""
    if requirements.read_bytes() == (ROOT / SHIPPED[-1]).read_bytes():
        return sys.executable
    return str(ensure_venv(f"release-{name}", requirements) / "python")


def _git(*arguments: str) -> str:
    return _git_bytes(*arguments).decode()


def _git_bytes(*arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True)  # noqa: S603, S607
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", b"") or str(error).encode()
        raise NoReleaseError(
            f"git {' '.join(arguments[:2])}: {said.decode(errors='replace').strip()}\n"
            "The release before is taken from this clone's history: fetch all of it (git fetch"
            " --unshallow --tags), or name a commit that is here: make rolling-test OLD=COMMIT"
        ) from error
    return done.stdout
