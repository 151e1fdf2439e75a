"""The image, built and run without an engine: buildah and podman, as root, on their own storage.

Debian has both (`buildah podman runc mmdebstrap`). The base is Debian itself, made once by
mmdebstrap, as no registry is asked; packages come from wheels that pip has fetched by their hashes.
All of it stays under the ignored `.local/`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.local.toolroom import LOCAL, ROOT

TOOLS: Final = ("buildah", "podman", "runc", "mmdebstrap")
SUITE: Final = "bookworm"
BASE: Final = f"localhost/switchboard-base:{SUITE}"
PACKAGES: Final = "python3,python3-venv"
USER: Final = 10001
HOME: Final = "/etc/switchboard"
"""Where a container finds its configuration and key."""


class ContainerError(Exception):
    """A tool failed; carries the end of what it said."""


def missing_tools() -> list[str]:
    """What has to be installed first, and `root` where that is missing."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    return missing if os.geteuid() == 0 else [*missing, "root"]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Storage of its own, so that nothing here meets what else the machine holds."""

    home: Path = LOCAL / "containers"

    def build(self, tag: str, *, target: str = "", revision: str = "unknown") -> str:
        """Build the Dockerfile, or up to one of its stages, on the base; returns the image's name.

        Takes half a minute, and a minute more the first time.

        Raises:
            ContainerError: a tool failed.
        """
        self._make_base()
        name, wheels = f"localhost/switchboard:{tag}", self._wheels()
        stage = ("--target", target) if target else ()
        self._buildah(
            *("bud", "--isolation", "chroot", "--format", "docker", "--no-cache", "--quiet"),
            *("--timestamp", "0", "--volume", f"{wheels}:/wheels:ro"),
            *("--build-arg", f"BASE={BASE}", "--build-arg", f"REVISION={revision}"),
            *("--build-arg", "PIP_NO_INDEX=1", "--build-arg", "PIP_FIND_LINKS=/wheels"),
            *(*stage, "--tag", name, str(ROOT)),
        )
        return name

    def command(
        self,
        image: str,
        arguments: Sequence[str],
        *,
        name: str,
        env: Mapping[str, str] | None = None,
        files: Path | None = None,
    ) -> list[str]:
        """Run it as production would: read-only, without capabilities, as nobody in particular.

        `files` is seen as `HOME`. On the host's network, where the local endpoints listen.
        """
        settings = [f"--env={key}={value}" for key, value in (env or {}).items()]
        mounted = [] if files is None else [f"--volume={files}:{HOME}:ro"]
        return [
            *("podman", *self._storage(), "--runtime", "runc", "run", "--rm", "--name", name),
            *("--network", "host", "--read-only", "--cap-drop", "ALL"),
            *("--security-opt", "no-new-privileges"),
            *("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"),
            *(*settings, *mounted, image, *arguments),
        ]

    def remove(self, name: str) -> None:
        """Take away what is left of a container whose podman was killed."""
        self._run(["podman", *self._storage(), "rm", "--force", "--ignore", name])

    def inspect(self, image: str, form: str) -> str:
        """A field of an image by a Go template."""
        return self._buildah("inspect", "--type", "image", "--format", form, image).strip()

    def unpack(self, image: str, within: str, into: Path) -> Path:
        """A copy of one of the image's folders."""
        container = self._buildah("from", image).strip()
        try:
            mounted = Path(self._buildah("mount", container).strip())
            shutil.copytree(mounted / within.lstrip("/"), into, symlinks=True)
        finally:
            self._buildah("rm", container)
        return into

    def _make_base(self) -> None:
        archive = self.home / f"base-{SUITE}.tar"
        if not archive.exists():
            print(f"making a base of Debian {SUITE} (once) ...", file=sys.stderr)  # noqa: T201 - long
            self.home.mkdir(parents=True, exist_ok=True)
            half = archive.with_suffix(".half")
            packages = f"--include={PACKAGES}"
            self._run(["mmdebstrap", "--quiet", "--variant=minbase", packages, SUITE, f"{half}"])
            half.rename(archive)
        if not self._buildah("images", "--quiet", "--filter", f"reference={BASE}").strip():
            container = self._buildah("from", "scratch").strip()
            self._buildah("add", "--quiet", container, str(archive), "/")
            self._buildah("commit", "--quiet", "--rm", container, BASE)

    def _wheels(self) -> Path:
        """What the locks name, by its hashes. The host's pip knows where packages come from."""
        wheels = self.home / "wheels"
        for names in (("build", "app"), ("emulator",)):  # They may pin the same in two versions.
            locks = [f"--requirement={ROOT / 'requirements' / name}.txt" for name in names]
            fetch = ["download", "-qq", "--require-hashes", "--only-binary=:all:", *locks]
            self._run([sys.executable, "-m", "pip", *fetch, "--dest", str(wheels)])
        return wheels

    def _buildah(self, *arguments: str) -> str:
        return self._run(["buildah", *self._storage(), *arguments])

    def _storage(self) -> list[str]:
        folders = ("--root", str(self.home / "store"), "--runroot", str(self.home / "run"))
        return [*folders, "--storage-driver", "vfs"]

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(  # noqa: S603 - programs of this machine, no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = (done.stdout + done.stderr)[-4_000:]
            raise ContainerError(f"{command[0]} failed ({done.returncode}):\n{said}")
        return done.stdout
