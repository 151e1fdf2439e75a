"""The number of tasks follows the load and does not swing, by the policies of the plan."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.scaling.fleet import HELD_PART as SIMULATED
from bench.scaling.fleet import Service, turns
from bench.scaling.loads import loads
from bench.scaling.policy import Scaling, scaling_of
from bench.scaling.report import PAGE, files
from infra.local.toolroom import ROOT
from infra.topology import load_topology
from tests.infra.plans import Plan
from workers.runtime.backlog import HELD_PART

RATES = (5, 25, 100)
LOADS = ("backlog", "lasting", "wave", "noise", "held")
SERVICES = [service.name for service in load_topology().services]


@pytest.fixture(params=SERVICES)
def scaling(fleet_plan: Plan, request: pytest.FixtureRequest) -> Scaling:
    return scaling_of(fleet_plan, request.param)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("number", range(len(LOADS)), ids=LOADS)
def test_the_number_of_tasks_turns_no_more_often_than_the_load(
    scaling: Scaling, rate: int, number: int
) -> None:
    load = loads(rate)[number]
    minutes = Service(scaling, load).run()
    assert turns(minutes) <= load.changes, [minute.asked_for for minute in minutes]
    assert {scaling.least} <= {m.asked_for for m in minutes} <= set(range(1, scaling.most + 1))


@pytest.mark.parametrize("rate", RATES)
def test_a_backlog_is_gone_soon_and_the_tasks_after_it(scaling: Scaling, rate: int) -> None:
    load = loads(rate)[0]
    minutes = Service(scaling, load).run()
    alone = Service(replace(scaling, policies=()), load).run()
    drained, drained_alone = (
        next(minute.at_s for minute in run if minute.backlog < 1) for run in (minutes, alone)
    )
    assert drained < drained_alone / 2
    assert next(m.at_s for m in minutes if m.asked_for > scaling.least) <= 300
    assert minutes[-1].asked_for == scaling.least


def test_a_lasting_load_is_carried_and_a_passed_one_let_go(scaling: Scaling) -> None:
    load = loads(25)[1]
    minutes = Service(scaling, load).run()
    by_end = [m for m in minutes if 2 * 3600 <= m.at_s <= 3 * 3600]
    assert max(m.backlog for m in by_end) < 1
    assert minutes[-1].asked_for == scaling.least


def test_what_waits_for_a_limit_adds_no_task(scaling: Scaling) -> None:
    load = loads(25)[4]
    assert {m.asked_for for m in Service(scaling, load).run()} == {scaling.least}
    without = replace(load, limit_per_s=float("inf"), standing=20 * load.standing)
    assert max(m.asked_for for m in Service(scaling, without).run()) > scaling.least


def test_on_the_backlog_alone_the_number_would_swing(scaling: Scaling) -> None:
    """Why there is a second policy, and that the simulation would show what it is asked for."""
    only = replace(scaling, policies=tuple(p for p in scaling.policies if "backlog" in p.name))
    assert len(only.policies) == 1
    load = loads(25)[1]
    assert turns(Service(only, load).run()) > load.changes + 2


def test_without_a_cooldown_tasks_would_be_asked_for_twice(scaling: Scaling) -> None:
    hasty = tuple(replace(p, scale_out_cooldown_s=0.0) for p in scaling.policies)
    load = replace(loads(5)[0], standing=4_000.0)
    calm, other = (
        max(minute.asked_for for minute in Service(one, load).run())
        for one in (scaling, replace(scaling, policies=hasty))
    )
    assert scaling.least < calm < other


def test_what_holds_a_queue_is_the_same_for_workers_and_simulation() -> None:
    assert SIMULATED == HELD_PART


def test_the_page_and_the_plot_are_those_of_the_plan(fleet_plan: Plan) -> None:
    """`python -m bench.scaling` makes them anew."""
    page = (ROOT / PAGE).read_text("utf-8")
    for path, text in files(fleet_plan, page).items():
        assert (ROOT / path).read_text("utf-8") == text, path
