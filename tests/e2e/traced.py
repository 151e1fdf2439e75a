"""A world of one worker that is traced, and the collector that its spans come to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from infra.local.endpoints import LocalAws
from infra.local.world import World, WorldPlan
from tests.e2e.account import contact_centre
from tests.e2e.collector import Collector, collecting
from tests.e2e.stage import Stage, staged


@asynccontextmanager
async def traced(
    aws: LocalAws, folder: Path, config: Path
) -> AsyncIterator[tuple[Stage, Collector]]:
    """Its stage, and where its spans arrive some tenths of a second after they end."""
    async with collecting() as collector:
        plan = WorldPlan(
            run_dir=folder,
            config=config,
            contact_centre=contact_centre,
            worker_count=1,
            worker_settings={
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test",
            },
        )
        async with World(plan, aws) as world, staged(world) as stage:
            yield stage, collector
