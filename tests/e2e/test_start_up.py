"""A worker that cannot work says why, by the name of the setting, and does not start."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from infra.local.endpoints import LocalAws
from infra.local.world import World, WorldPlan
from tests.e2e.account import CONFIG, contact_centre

SWITCHBOARD = str(Path(sys.executable).with_name("switchboard"))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker could work: the environment that it needs."""

    environment: Mapping[str, str]

    async def start(self, **changes: str | None) -> tuple[int, str]:
        """Start a worker with a changed environment; returns its exit status and what it said."""
        changed = {**self.environment, **changes}
        process = await asyncio.create_subprocess_exec(
            SWITCHBOARD,
            "worker",
            env={name: value for name, value in changed.items() if value is not None},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(60):
                said, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return process.returncode, said.decode()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    backend_aws: LocalAws, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    folder = tmp_path_factory.mktemp("start-up")
    plan = WorldPlan(run_dir=folder, config=CONFIG, contact_centre=contact_centre, worker_count=0)
    async with World(plan, backend_aws) as world:
        yield Place(
            {
                "PATH": "/usr/bin:/bin",
                "LANG": "C.UTF-8",
                **world.aws.environment(),
                **world.provisioned.worker_environment(),
                "SWITCHBOARD_CONFIG": str(CONFIG),
                "SWITCHBOARD_KEY_FILE": str(folder / "key"),
                "SWITCHBOARD_HTTP_HOST": "127.0.0.1",
                "SWITCHBOARD_HTTP_PORT": "0",
            }
        )


async def test_a_missing_and_a_misspelt_variable_are_named(place: Place) -> None:
    status, said = await place.start(
        SWITCHBOARD_SESSIONS_TABLE=None, SWITCHBOARD_SESION_TABLE="sessions"
    )
    assert status == 2
    assert "SWITCHBOARD_SESSIONS_TABLE" in said
    assert "SWITCHBOARD_SESION_TABLE: unknown, did you mean SWITCHBOARD_SESSIONS_TABLE?" in said
    assert "Traceback" not in said


async def test_a_worker_without_a_key_for_data_at_rest_does_not_start(place: Place) -> None:
    status, said = await place.start(SWITCHBOARD_KEY_FILE=None)
    assert status == 2
    assert "SWITCHBOARD_KEY_FILE" in said
    assert "SWITCHBOARD_KMS_KEY_ID" in said


async def test_a_port_that_somebody_has_is_named(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        status, said = await place.start(SWITCHBOARD_HTTP_PORT=port)
    assert status == 2
    assert (
        f"SWITCHBOARD_HTTP_PORT: cannot listen on 127.0.0.1:{port}: Address already in use" in said
    )
    assert "Traceback" not in said


async def test_a_wrong_key_in_the_configuration_is_named(place: Place, tmp_path: Path) -> None:
    wrong = tmp_path / "switchboard.toml"
    wrong.write_text(CONFIG.read_text("utf-8").replace("text_ttl_s", "text_tll_s"), "utf-8")
    status, said = await place.start(SWITCHBOARD_CONFIG=str(wrong))
    assert status == 2
    assert "text_tll_s" in said
    assert "Traceback" not in said


async def test_a_configuration_set_that_brings_no_receipts_is_refused(
    place: Place, tmp_path: Path
) -> None:
    """Without receipts a text in doubt could never be settled."""
    silent = tmp_path / "switchboard.toml"
    text = CONFIG.read_text("utf-8")
    for name in ("silent", "not-there"):
        changed = text.replace(
            'configuration_set = "conversations"', f'configuration_set = "{name}"', 1
        )
        silent.write_text(changed, "utf-8")
        status, said = await place.start(SWITCHBOARD_CONFIG=str(silent))
        assert status == 2, said
        assert "configuration set" in said
        assert name in said
        assert "Traceback" not in said
