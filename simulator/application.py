"""Puts a simulator together and runs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

from simulator.control import seed_services
from simulator.server import Server
from simulator.services import Service
from simulator.services.registry import build_services
from simulator.settings import SimulatorSettings
from simulator.world import World, build_world

_SHUTDOWN_S = 0.5


@asynccontextmanager
async def running(settings: SimulatorSettings) -> AsyncIterator[World]:
    """A simulator that answers for as long as the context lasts; `world.url` says where."""
    world = build_world(settings)
    services = build_services(world)
    seed_services(services, settings.world)
    runner = web.AppRunner(
        Server(world, services).application(), access_log=None, shutdown_timeout=_SHUTDOWN_S
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, settings.host, settings.port)
        await site.start()
        world.url = settings.public_url or f"http://{settings.host}:{runner.addresses[0][1]}"
        yield world
    finally:
        await _stop(world, services, runner)


async def _stop(world: World, services: list[Service], runner: web.AppRunner) -> None:
    world.gates.release_all()
    for service in services:
        await service.close()
    await runner.cleanup()
    await world.close()
