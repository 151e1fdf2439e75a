"""The Dockerfile's stage for docker-compose.localstack.yml: the emulator runs as the rest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.endpoints import LocalAws
from infra.local.process import LOOPBACK, Program, free_ports
from infra.local.provision import provision
from infra.local.readiness import answers, wait_until_up
from infra.topology import load_topology
from tests.image.conftest import Containers

pytestmark = pytest.mark.timeout(300)


def test_the_topology_is_made_on_the_emulator_in_a_container(
    containers: Containers, tmp_path: Path
) -> None:
    image = containers.workshop.build("emulator", target="emulator")
    (port,) = free_ports(1)
    env = {
        "BIND_HOST": LOOPBACK,
        "MINISTACK_HOST": LOOPBACK,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "HOME": "/tmp",  # noqa: S108 - the container's
    }
    command = containers.command_of(image, "ministack", env=env)
    emulator = Program("emulator", command, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
                       log=tmp_path / "emulator.log")  # fmt: skip
    try:
        url = f"http://{LOOPBACK}:{port}"
        wait_until_up(emulator, lambda: answers(f"{url}/_ministack/ready"))
        made = provision(load_topology(), LocalAws(endpoint_url=url), prefix="c-")
        assert set(made.queue_urls) == {queue.name for queue in load_topology().queues}
    finally:
        emulator.kill()
