"""The model of the protocol and the journal's steps are held to each other, step by step."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.model.mirror import Mirror, relay_model, scenarios

WALKS = 15
STEPS_MAX = 400
LEASES_LOST = 12
"""More leases run out under live holders than in the model's own walks: refusals are the point."""

NEEDED = {
    "append+acquire",
    "append, lease taken",
    "append, lease expired",
    "append: pending already",
    "append: done already",
    "append: dead",
    "acquire",
    "acquire: taken",
    "claim",
    "claim: fenced",
    "record: not attached",
    "record open",
    "record open: fenced",
    "record ended",
    "intent",
    "intent: fenced",
    "intent: journal grew, plan again",
    "withdraw+release",
    "finish+release",
    "finish, go on",
    "finish: fenced",
    "release",
    "handler raised+release",
    "bury",
}
"""A walk that never comes to a step has nothing to say about it."""


@pytest.mark.timeout(180)
async def test_each_step_is_taken_where_the_model_takes_it_and_leaves_what_it_says() -> None:
    seen: Counter[str] = Counter()
    for scenario in scenarios.LARGE.values():
        for seed in range(WALKS):
            seen += await _walk(scenario, seed)
    assert not NEEDED - set(seen)


async def _walk(scenario: Any, seed: int) -> Counter[str]:
    """One random way through a scenario; which steps it took."""
    model = relay_model.Model(replace(scenario, lease=LEASES_LOST))
    rng, state = random.Random(seed), relay_model.initial(model.sc)  # noqa: S311 - replayable
    mirror = Mirror(model, state)
    taken: Counter[str] = Counter()
    for _ in range(STEPS_MAX):
        choices = list(model.successors(state))
        if not choices:
            break
        label, following = rng.choice(choices)
        await mirror.follow(label, state, following)
        taken[label] += 1
        state = following
    return taken
