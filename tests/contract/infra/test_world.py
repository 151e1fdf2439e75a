"""A world comes up whole, and goes down whole, without workers and with one that cannot start."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.endpoints import LocalAws
from infra.local.process import StartError
from infra.local.readiness import answers
from infra.local.world import World, WorldPlan

pytestmark = pytest.mark.emulator


def plan(tmp_path: Path, worker_count: int) -> WorldPlan:
    config = tmp_path / "switchboard.toml"
    tmp_path.mkdir(exist_ok=True)
    config.write_text('nonsense = "nobody reads this"\n', "utf-8")
    return WorldPlan(
        run_dir=tmp_path / "run",
        config=config,
        contact_centre=lambda _: {},
        worker_count=worker_count,
    )


async def test_contact_centre_answers_for_as_long_as_its_world_lasts(
    tmp_path: Path, aws: LocalAws
) -> None:
    async with World(plan(tmp_path, worker_count=0), aws) as world:
        status = f"{world.simulator_url}/_simulator/status"
        assert answers(status)
        assert world.aws.url_of("Connect") == world.simulator_url
        assert world.aws.url_of("SQS") == aws.endpoint_url
    assert not answers(status)


async def test_worlds_on_one_emulator_do_not_share_queues(tmp_path: Path, aws: LocalAws) -> None:
    async with (
        World(plan(tmp_path / "a", worker_count=0), aws) as one,
        World(plan(tmp_path / "b", worker_count=0), aws) as other,
    ):
        shared = set(one.provisioned.queue_urls.values()) & set(
            other.provisioned.queue_urls.values()
        )
        assert shared == set()


async def test_worker_that_refuses_its_config_is_told_and_takes_the_world_down(
    tmp_path: Path, aws: LocalAws
) -> None:
    world = World(plan(tmp_path, worker_count=1), aws)
    with pytest.raises(StartError, match="worker-0 ended with"):
        await world.__aenter__()
    assert not world.is_running(0)
    assert not answers(f"{world.simulator_url}/_simulator/status")
