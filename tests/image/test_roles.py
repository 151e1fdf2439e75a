"""Workers and the simulator in containers: a conversation goes through them, and they drain."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.endpoints import LocalAws
from infra.local.process import LOOPBACK, Program
from infra.local.readiness import answers, wait_until_up
from infra.local.world import World, WorldPlan, announced_url
from tests.e2e.account import CONFIG, PLAIN, contact_centre
from tests.e2e.stage import staged
from tests.image.conftest import STARTED_S, Containers

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(300)]
DEADLINE_S = 35.0
"""The drain's own 25 s, and what an engine takes to end a container."""


@pytest.fixture
def mounted(tmp_path: Path) -> Path:
    """A folder that the container's user can look into."""
    home = tmp_path / "mounted"
    home.mkdir(mode=0o755)
    return home


async def test_a_worker_in_a_container_relays_and_drains(
    containers: Containers, emulator: LocalAws, tmp_path: Path, mounted: Path
) -> None:
    plan = WorldPlan(
        run_dir=tmp_path / "run",
        config=CONFIG,
        contact_centre=contact_centre,
        worker_count=1,
        run_worker=lambda _, arguments, env: containers.worker(arguments, env, mounted),
        drain_timeout_s=DEADLINE_S,
    )
    async with World(plan, emulator) as world, staged(world) as stage:
        customer = stage.customer(PLAIN)
        chat = await stage.begin(customer, "Is anybody in there?")
        await stage.desk.say(chat.contact_id, "All of us.")
        await stage.until_on_phone(customer, "All of us.")
        port = world.worker_url(0).rpartition(":")[2]
        looked = containers.run("switchboard", "health", "--ready", "--port", port)
        assert (looked.returncode, looked.stdout) == (0, "ready\n")
        [ended] = await world.stop_workers()
    assert ended.code == 0
    assert ended.receipt is not None
    assert ended.receipt["abandoned"] == 0


def test_the_simulator_runs_from_the_same_image(containers: Containers, tmp_path: Path) -> None:
    log = tmp_path / "simulator.log"
    command = containers.command("switchboard-simulator", "--port", "0", "--host", LOOPBACK)
    program = Program("simulator", command, env={"PATH": "/usr/bin:/bin:/usr/sbin"}, log=log)
    try:
        wait_until_up(program, lambda: announced_url(log) is not None, STARTED_S)
        url = announced_url(log)
        assert url is not None
        assert answers(f"{url}/_simulator/status")
    finally:
        program.stop(STARTED_S)
