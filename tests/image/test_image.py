"""What the image is made of, and that every role runs from it as an unprivileged, read-only one."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from infra.local.container import USER
from infra.local.toolroom import ROOT, ensure_venv
from tests.image.conftest import STARTED_S, Containers

pytestmark = pytest.mark.timeout(300)  # The first test waits for the build.

OURS_MAX_MB = 100
LOOK = """
import json, os, pathlib, zoneinfo
lines = pathlib.Path("/proc/self/status").read_text().splitlines()
status = dict(line.split(":", 1) for line in lines)
def written(path):
    try:
        pathlib.Path(path).write_text("x")
    except OSError as error:
        return error.strerror
print(json.dumps({
    "uid": os.getuid(),
    "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")],
    "no_new_privileges": int(status["NoNewPrivs"]),
    "here": written("/opt/switchboard/x"),
    "tmp": written("/tmp/x"),
    "zone": str(zoneinfo.ZoneInfo("America/Los_Angeles")),
}))
"""


def size_mb(folder: Path) -> float:
    files = (file.lstat() for file in folder.rglob("*"))
    return sum(file.st_blocks * 512 for file in files) / 1e6


def digest(folder: Path) -> str:
    """Of every name, kind and content under a folder; times are not part of it."""
    found = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        content = (
            b""
            if file.is_dir() and not file.is_symlink()
            else (str(file.readlink()).encode() if file.is_symlink() else file.read_bytes())
        )
        found.update(f"{file.relative_to(folder)}\n".encode() + hashlib.sha256(content).digest())
    return found.hexdigest()


def test_the_dockerfile_is_clean() -> None:
    linter = ensure_venv("hadolint", ROOT / "requirements" / "hadolint.txt") / "hadolint"
    done = subprocess.run(
        [linter, "--no-color", ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_it_is_what_it_says(containers: Containers) -> None:
    def says(form: str) -> str:
        return containers.workshop.inspect(containers.image, form)

    assert says("{{.Docker.Config.User}}") == f"{USER}:{USER}"
    assert "health" in says("{{.Docker.Config.Healthcheck.Test}}")
    assert says("{{.Docker.Config.StopSignal}}") == "SIGTERM"
    labels = says("{{.Docker.Config.Labels}}")
    for label in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}:" in labels


def test_what_is_ours_in_it_is_small_and_whole(containers: Containers, tmp_path: Path) -> None:
    tree = containers.workshop.unpack(containers.image, "/opt/switchboard", tmp_path / "tree")
    assert size_mb(tree) < OURS_MAX_MB
    names = {file.name for file in tree.rglob("*")}
    assert {"topology.json", "inbound-chat.flow.json", "switchboard"} <= names
    assert "direct_url.json" not in names
    [packages] = tree.glob("lib/python3*/site-packages")
    assert not {"pip", "setuptools", "tests", "demo"} & {one.name for one in packages.iterdir()}
    sources = list(tree.rglob("site-packages/workers/**/*.py"))
    assert sources
    for source in sources:  # A read-only container would compile each of them at every start.
        assert list((source.parent / "__pycache__").glob(f"{source.stem}.*.pyc")), source


def test_the_same_tree_gives_the_same_image(containers: Containers, tmp_path: Path) -> None:
    again = containers.workshop.build("again")
    first, second = (
        digest(containers.workshop.unpack(image, "/opt/switchboard", tmp_path / name))
        for name, image in (("first", containers.image), ("second", again))
    )
    assert first == second


def test_it_runs_as_nobody_in_particular(containers: Containers) -> None:
    done = containers.run("python3", "-c", LOOK)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "uid": USER,
        "capabilities": [0, 0, 0],
        "no_new_privileges": 1,
        "here": "Read-only file system",
        "tmp": None,
        "zone": "America/Los_Angeles",
    }


def test_a_command_runs_from_it(containers: Containers) -> None:
    text = '{"originationNumber": "+12065550100", "destinationNumber": "+12065550190",' \
           ' "messageBody": "hi", "inboundMessageId": "m-1"}'  # fmt: skip
    command = containers.command("switchboard", "classify", "--json", "-")
    command.insert(command.index("run") + 1, "--interactive")
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=STARTED_S, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["class"] == "inbound_sms"


def test_it_does_not_start_on_bad_settings_and_names_them(containers: Containers) -> None:
    env = {"SWITCHBOARD_HTTP_PORT": "many", "SWITCHBOARD_QUEUE_URL": "{}"}
    done = containers.run("switchboard", "worker", env=env)
    assert done.returncode == 2
    for problem in (
        "SWITCHBOARD_HTTP_PORT: Input should be a valid integer",
        "SWITCHBOARD_QUEUE_URL: unknown, did you mean SWITCHBOARD_QUEUE_URLS?",
        "SWITCHBOARD_SESSIONS_TABLE: Field required",
        "SWITCHBOARD_CONFIG: Field required",
    ):
        assert problem in done.stderr


def test_health_says_when_nobody_is_there(containers: Containers) -> None:
    done = containers.run("switchboard", "health", "--port", "9")
    assert done.returncode == 1
    assert "no worker answers on port 9" in done.stderr
