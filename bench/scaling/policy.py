"""The scaling policies of one service as Terraform plans them, and their metric math.

Nothing of them is written here: targets, cooldowns, statistics and expressions are the plan's.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Plan = Mapping[str, Any]
Read = Callable[[str, Mapping[str, str], str], float]
"""A metric's value in a minute: by its name, its dimensions and the statistic."""

_OPERATORS: Final[Mapping[type[ast.AST], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
}


@dataclass(frozen=True)
class Metric:
    """A metric that a policy reads."""

    name: str
    dimensions: Mapping[str, str]
    stat: str


@dataclass(frozen=True)
class TargetTracking:
    """One policy. `expressions` are by id; the one in `result` is held at `target`."""

    name: str
    target: float
    scale_out_cooldown_s: float
    scale_in_cooldown_s: float
    metrics: Mapping[str, Metric]
    expressions: Mapping[str, str]
    result: str

    def value(self, read: Read) -> float:
        """What the policy sees in a minute."""
        values = {id_: read(m.name, m.dimensions, m.stat) for id_, m in self.metrics.items()}
        return self._of(self.result, values)

    def _of(self, id_: str, values: dict[str, float]) -> float:
        if id_ not in values:
            tree = ast.parse(self.expressions[id_], mode="eval").body
            values[id_] = _evaluate(tree, lambda name: self._of(name, values))
        return values[id_]


@dataclass(frozen=True)
class Scaling:
    """How one service is scaled."""

    least: int
    most: int
    queues: tuple[str, ...]
    policies: tuple[TargetTracking, ...]


def scaling_of(plan: Plan, service: str) -> Scaling:
    """Read a plan as `terraform show -json` prints it."""
    found = [r for r in _resources(plan["planned_values"]["root_module"]) if r["index"] == service]
    (target,) = (r["values"] for r in found if r["type"] == "aws_appautoscaling_target")
    policies = tuple(
        _policy(r["values"]) for r in found if r["type"] == "aws_appautoscaling_policy"
    )
    queues = {
        m.dimensions["queue"]
        for p in policies
        for m in p.metrics.values()
        if "queue" in m.dimensions
    }
    return Scaling(target["min_capacity"], target["max_capacity"], tuple(sorted(queues)), policies)


def _resources(module: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (r for r in module.get("resources", ()) if "index" in r)
    for child in module.get("child_modules", ()):
        yield from _resources(child)


def _policy(values: Mapping[str, Any]) -> TargetTracking:
    (tracking,) = values["target_tracking_scaling_policy_configuration"]
    (specification,) = tracking["customized_metric_specification"]
    metrics: dict[str, Metric] = {}
    expressions: dict[str, str] = {}
    for query in specification["metrics"]:
        if query["expression"]:
            expressions[query["id"]] = query["expression"]
        for stat in query["metric_stat"]:
            (metric,) = stat["metric"]
            dimensions = {one["name"]: one["value"] for one in metric["dimensions"]}
            metrics[query["id"]] = Metric(metric["metric_name"], dimensions, stat["stat"])
    (result,) = (query["id"] for query in specification["metrics"] if query["return_data"])
    return TargetTracking(
        values["name"],
        tracking["target_value"],
        tracking["scale_out_cooldown"],
        tracking["scale_in_cooldown"],
        metrics,
        expressions,
        result,
    )


def _evaluate(node: ast.expr, value_of: Callable[[str], float]) -> float:
    """CloudWatch's metric math, as far as the policies use it. Anything else is refused."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return value_of(name)
        case ast.BinOp(left, op, right):
            return _OPERATORS[type(op)](_evaluate(left, value_of), _evaluate(right, value_of))
        case ast.Compare(left, [op], [right]):
            return _OPERATORS[type(op)](_evaluate(left, value_of), _evaluate(right, value_of))
        case ast.Call(ast.Name("MAX"), [ast.List(items)]):
            return max(_evaluate(item, value_of) for item in items)
        case ast.Call(ast.Name("IF"), [condition, yes, no]):
            return _evaluate(yes if _evaluate(condition, value_of) else no, value_of)
        case _:
            raise ValueError(f"no such metric math is known here: {ast.unparse(node)}")
