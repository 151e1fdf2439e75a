"""Reads a plan as `terraform show -json` prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Plan = dict[str, Any]


def resources(plan: Plan, kind: str) -> dict[str, dict[str, Any]]:
    """The planned values of every resource of a type, by address."""
    return {
        one["address"]: one["values"]
        for module in _modules(plan["planned_values"]["root_module"])
        for one in module.get("resources", ())
        if one["type"] == kind
    }


def by_key(plan: Plan, address: str) -> dict[str, dict[str, Any]]:
    """The planned values of each instance of `module.x.type.name`, by its `for_each` key."""
    return {
        one["index"]: one["values"]
        for module in _modules(plan["planned_values"]["root_module"])
        for one in module.get("resources", ())
        if one["address"].partition("[")[0] == address
        or one["address"].rpartition("[")[0] == address
    }


def worker(definition: dict[str, Any]) -> dict[str, Any]:
    """The one container of a task definition."""
    (container,) = json.loads(definition["container_definitions"])
    assert isinstance(container, dict)
    return container


def _modules(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield module
    for child in module.get("child_modules", ()):
        yield from _modules(child)
