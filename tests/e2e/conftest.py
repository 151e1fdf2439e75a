"""Worlds for the end-to-end tests, on the emulator that `--backend` names."""

from __future__ import annotations

import inspect
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
import pytest_asyncio

from infra.local.emulator import running_emulator
from infra.local.endpoints import LocalAws
from infra.local.localstack import (
    UnsupportedPythonError,
    require_supported_python,
    running_localstack,
)
from infra.local.world import Backend, ContactCentre, World, WorldPlan
from tests.e2e.stage import Stage
from tests.e2e.theatre import MAIN, Theatre, scenes_of

GIVEN = dict(os.environ)
"""As it is at the start: each test is kept from what the developer has set."""
NO_SETTINGS: Mapping[str, str] = MappingProxyType({})

OpenWorld = Callable[..., World]
"""`open_world(config=..., contact_centre=..., worker_count=2, worker_settings={})`."""


FOR_EVERYBODY_S = 600
"""A scene that is waited for may have begun late; what it waits for has limits of its own."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if inspect.iscoroutinefunction(getattr(item, "function", None)):
                # Before the marker that auto mode has put there: the scenes share one loop.
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(FOR_EVERYBODY_S))


@pytest.fixture(scope="session")
def backend_aws(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAws]:
    """The endpoints of the chosen backend, one for the whole run; worlds have prefixes."""
    log_dir = tmp_path_factory.mktemp("backend")
    match Backend(request.config.getoption("--backend")):
        case Backend.EMBEDDED:
            with running_emulator(log_dir / "ministack.log") as aws:
                yield aws
        case Backend.LOCALSTACK:
            try:
                require_supported_python()
            except UnsupportedPythonError as exc:
                pytest.skip(str(exc))
            with running_localstack(log_dir) as aws:
                yield aws
        case Backend.GIVEN:
            yield LocalAws.from_environment(GIVEN)


@pytest.fixture
def open_world(tmp_path: Path, backend_aws: LocalAws) -> OpenWorld:
    """Makes worlds that share the backend: `async with open_world(...) as world:`.

    Logs, ledger and key stay in the test's `tmp_path` / "run".
    """

    def make(
        *,
        config: Path,
        contact_centre: ContactCentre,
        worker_count: int = 2,
        worker_settings: Mapping[str, str] = NO_SETTINGS,
    ) -> World:
        plan = WorldPlan(
            run_dir=tmp_path / "run",
            config=config,
            contact_centre=contact_centre,
            worker_count=worker_count,
            worker_settings=worker_settings,
        )
        return World(plan, backend_aws)

    return make


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def theatre(
    request: pytest.FixtureRequest,
    backend_aws: LocalAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Theatre]:
    """Plays the scenes of this run."""
    playing = Theatre(
        backend_aws, tmp_path_factory.mktemp("worlds"), scenes_of(request.session.items)
    )
    yield playing
    await playing.close()


@pytest_asyncio.fixture(loop_scope="session")
async def simulator_url(theatre: Theatre) -> str:
    """A contact centre with the demo's brands, and workers at it: whoever's run there."""
    given = GIVEN.get("SIMULATOR_URL")
    return given or (await theatre.stage("demo")).world.simulator_url


@pytest_asyncio.fixture(loop_scope="session")
async def stage(theatre: Theatre) -> Stage:
    """The main world, for a test that is played alone."""
    return await theatre.stage(MAIN)
