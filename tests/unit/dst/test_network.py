"""A call is carried out on the far side, whatever becomes of who made it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextvars import copy_context
from random import Random

import pytest

from dst.loop import Process, SimulationLoop
from dst.network import Cut, Far, Hit, Link, Sky, Unconnected
from dst.plan import Weather
from dst.trace import Trace


@pytest.fixture
def loop() -> Iterator[SimulationLoop]:
    loop = SimulationLoop()
    yield loop
    loop.close()


class Service:
    """Counts what it was asked for."""

    def __init__(self) -> None:
        self.served = 0

    async def serve(self) -> str:
        self.served += 1
        return "done"


def link_of(weather: Weather) -> Link:
    rng = Random(1)  # noqa: S311
    return Link(Process("p"), Far(copy_context()), Sky(weather), rng, Trace())


def test_an_answer_comes_after_its_way_there_and_back(loop: SimulationLoop) -> None:
    async def main() -> None:
        before = loop.time()
        assert await link_of(Weather()).call("ask", Service().serve) == "done"
        assert 0.002 <= loop.time() - before <= 0.025

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    ("weather", "error", "served"),
    [
        pytest.param(Weather(refused=1), Unconnected, 0, id="no connection: surely not sent"),
        pytest.param(Weather(lost_there=1), Cut, 0, id="cut on its way there"),
        pytest.param(Weather(lost_back=1), Cut, 1, id="carried out, its answer lost"),
    ],
)
def test_the_network_loses(
    loop: SimulationLoop, weather: Weather, error: type[Exception], served: int
) -> None:
    async def main() -> None:
        service = Service()
        with pytest.raises(error):
            await link_of(weather).call("ask", service.serve)
        assert service.served == served

    loop.run_until_complete(main())


@pytest.mark.parametrize(
    ("moment", "served"),
    [
        pytest.param("before", 0, id="killed before the request left"),
        pytest.param("after", 1, id="killed between the acceptance and the answer"),
    ],
)
def test_a_kill_at_a_call(loop: SimulationLoop, moment: str, served: int) -> None:
    async def main() -> None:
        service, link, seen = Service(), link_of(Weather()), list[str]()
        link.hits = {1: Hit(moment)}  # type: ignore[arg-type] # one of the two moments
        link.on_hit = lambda _hit, _what: link.process.kill()

        async def worker() -> None:
            seen.append(await link.call("ask", service.serve))

        task = loop.create_task(worker(), context=link.process.context())
        await asyncio.sleep(10)
        assert (service.served, seen, task.done()) == (served, [], False)
        task._log_destroy_pending = False  # type: ignore[attr-defined] # killed: it never ends

    loop.run_until_complete(main())
