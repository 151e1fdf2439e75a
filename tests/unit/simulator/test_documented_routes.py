from __future__ import annotations

from pathlib import Path

from simulator.server import Server
from simulator.services.registry import build_services
from simulator.settings import SimulatorSettings
from simulator.world import build_world

PAGE = Path(__file__).parents[3] / "docs" / "simulator.md"


async def test_every_control_route_is_on_the_page_for_people() -> None:
    world = build_world(SimulatorSettings())
    app = Server(world, build_services(world)).application()
    paths = {
        resource.canonical
        for resource in app.router.resources()
        if resource.canonical.startswith("/_simulator/")
    }
    text = PAGE.read_text("utf-8")
    assert len(paths) > 10
    assert {path for path in paths if f"{path}`" not in text} == set()
