"""Plays tests at the same time: they wait far more than they work.

A test that is marked `@scene` gets a stage. The first one that is run starts all scenes that were
collected, slow ones first, and each test then waits for its own. Scenes share worlds: each uses
customers of its own, and lets go wrong only what concerns them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from demo.contact_centre import CONFIG as DEMO_CONFIG
from demo.contact_centre import contact_centre as demo_contact_centre
from infra.local.endpoints import LocalAws
from infra.local.world import World, WorldPlan
from tests.e2e.account import CONFIG, PROFILES_CONFIG, contact_centre
from tests.e2e.stage import Stage, staged

AT_ONCE = 8
MAIN = "main"
WORKERS = {MAIN: 2, "kills": 2, "spend": 1, "paused": 2, "profiles": 2, "erasing": 1, "demo": 2}
"""Worlds by name: one for what harms nobody else, one for killed workers, one that cannot send, one
whose queues are paused, one that writes customers' profiles and has a long hold window, and one of
that kind for what looks at whole tables, and the demo's."""
CONFIGS = {"profiles": PROFILES_CONFIG, "erasing": PROFILES_CONFIG, "demo": DEMO_CONFIG}
KEEPS_RATES = frozenset({"kills"})
"""Where the documented quotas hold, as they do in all tests of faults. The others are too many."""
CENTRES = {"demo": demo_contact_centre}

Play = Callable[[Stage], Awaitable[None]]
Test = Callable[["Theatre"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """A test's play. A slow one waits for a timer, so it takes nobody's place."""

    play: Play
    world: str
    is_slow: bool


def scene(*, world: str = MAIN, slow: bool = False) -> Callable[[Play], Test]:
    """Make a test of a play."""

    def decorate(play: Play) -> Test:
        async def test(theatre: Theatre) -> None:
            await theatre.outcome(play)

        test.__name__, test.__doc__ = play.__name__, play.__doc__
        test.__module__, test.__qualname__ = play.__module__, play.__qualname__
        test.scene = Scene(play, world, slow)  # type: ignore[attr-defined]
        return test

    return decorate


@dataclass
class Theatre:
    """Worlds, opened when first needed, and the scenes that are being played on them."""

    aws: LocalAws
    folder: Path
    scenes: Sequence[Scene]
    _tasks: dict[Play, asyncio.Task[None]] = field(default_factory=dict)
    _stages: dict[str, asyncio.Task[Stage]] = field(default_factory=dict)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def outcome(self, play: Play) -> None:
        """Wait for one scene; raises what it raised."""
        if not self._tasks:
            self._begin()
        await asyncio.shield(self._tasks[play])

    async def stage(self, name: str) -> Stage:
        """The stage in a world, opened when first asked for."""
        if name not in self._stages:
            self._stages[name] = asyncio.create_task(self._open_stage(name), name=f"world {name}")
        return await asyncio.shield(self._stages[name])

    async def close(self) -> None:
        """Break off what is played, close the worlds."""
        tasks = [*self._tasks.values(), *self._stages.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._open.aclose()

    def _begin(self) -> None:
        for one in sorted(self.scenes, key=lambda s: not s.is_slow):
            task = asyncio.create_task(self._play(one), name=one.play.__name__)
            self._tasks[one.play] = task

    async def _play(self, one: Scene) -> None:
        stage = await self.stage(one.world)
        if one.is_slow:
            await one.play(stage)
            return
        async with self._places:
            await one.play(stage)

    async def _open_stage(self, name: str) -> Stage:
        plan = WorldPlan(
            run_dir=self.folder / name,
            config=CONFIGS.get(name, CONFIG),
            contact_centre=CENTRES.get(name, contact_centre),
            worker_count=WORKERS[name],
        )
        world = await self._open.enter_async_context(World(plan, self.aws))
        stage = await self._open.enter_async_context(staged(world))
        await stage.simulator.set_knobs(rates=name in KEEPS_RATES)
        return stage


def scenes_of(items: Sequence[pytest.Item]) -> list[Scene]:
    """The scenes among collected tests."""
    marked = (getattr(getattr(item, "function", None), "scene", None) for item in items)
    return [one for one in marked if isinstance(one, Scene)]
