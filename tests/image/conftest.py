"""The image under test, built once; without the tools these tests are skipped, which CI forbids."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.container import HOME, USER, Workshop, missing_tools

STARTED_S = 60.0
TAG = "test"


@dataclass
class Containers:
    """The image, and what was run from it: all of it is gone in the end."""

    workshop: Workshop
    image: str
    names: list[str] = field(default_factory=list)

    def command(
        self, *arguments: str, env: Mapping[str, str] | None = None, files: Path | None = None
    ) -> list[str]:
        """How to run a command of the image, in a container of its own."""
        return self.command_of(self.image, *arguments, env=env, files=files)

    def command_of(
        self,
        image: str,
        *arguments: str,
        env: Mapping[str, str] | None = None,
        files: Path | None = None,
    ) -> list[str]:
        """The same of another image."""
        name = f"switchboard-{secrets.token_hex(6)}"
        self.names.append(name)
        return self.workshop.command(image, arguments, name=name, env=env, files=files)

    def run(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one to its end."""
        command = self.command(*arguments, env=env)
        return subprocess.run(
            command, capture_output=True, text=True, timeout=STARTED_S, check=False
        )

    def worker(self, arguments: Sequence[str], env: Mapping[str, str], home: Path) -> list[str]:
        """A worker whose configuration and key are mounted, readable for its user alone."""
        key, config = home / "key", home / "switchboard.toml"
        shutil.copy(env["SWITCHBOARD_KEY_FILE"], key)
        shutil.copy(env["SWITCHBOARD_CONFIG"], config)
        os.chown(key, USER, USER)
        inside = {
            **{name: value for name, value in env.items() if name not in ("PATH", "HOME")},
            "SWITCHBOARD_KEY_FILE": f"{HOME}/key",
            "SWITCHBOARD_CONFIG": f"{HOME}/switchboard.toml",
        }
        return self.command("switchboard", *arguments, env=inside, files=home)


@pytest.fixture(scope="session")
def containers() -> Iterator[Containers]:
    """The image of this tree."""
    missing = missing_tools()
    if missing:
        pytest.skip(f"the image cannot be built here: {', '.join(missing)} missing")
    workshop = Workshop()
    found = Containers(workshop, workshop.build(TAG))
    try:
        yield found
    finally:
        for name in found.names:
            with contextlib.suppress(Exception):
                workshop.remove(name)
