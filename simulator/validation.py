"""Checks params against the model: required members, lengths, ranges, enums, patterns, unions.

Only finds; each service words the refusal in its own error shape.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from simulator.patterns import accepts


@dataclass(frozen=True, slots=True)
class Problem:
    """One member that breaks the model. `path` is spelt as AWS's messages do (`context.key`)."""

    path: str
    kind: Literal["missing", "length", "range", "enum", "pattern", "union"]
    constraint: str
    value: str | None

    def sentence(self) -> str:
        """The problem as the AWS frameworks word it."""
        value = "" if self.value is None else f" '{self.value}'"
        return f"Value{value} at '{self.path}' failed to satisfy constraint: {self.constraint}"


def find_problems(operation: OperationModel, params: Mapping[str, Any]) -> list[Problem]:
    """Every problem, in the model's order; empty when the params are fine."""
    shape = operation.input_shape
    return list(_structure("", params, shape)) if isinstance(shape, StructureShape) else []


def report(problems: list[Problem]) -> str:
    """The message of a refusal for these problems, as the AWS frameworks word it."""
    plural = "s" if len(problems) > 1 else ""
    sentences = "; ".join(problem.sentence() for problem in problems)
    return f"{len(problems)} validation error{plural} detected: {sentences}"


def _structure(path: str, values: Mapping[str, Any], shape: StructureShape) -> Iterator[Problem]:
    for name in shape.required_members:
        if name not in values:
            where = _join(path, name)
            yield Problem(where, "missing", "Member must not be null", "null")
    if shape.is_tagged_union and len(values) != 1:
        yield Problem(path, "union", "Exactly one member must be set", None)
    for name, member in shape.members.items():
        if name in values:
            yield from _value(_join(path, name), values[name], member)


def _join(path: str, name: str) -> str:
    spelt = name[:1].lower() + name[1:]
    return f"{path}.{spelt}" if path else spelt


def _value(path: str, value: Any, shape: Shape) -> Iterator[Problem]:
    match shape:
        case StructureShape():
            yield from _structure(path, value, shape)
        case ListShape():
            yield from _size(path, len(value), None, shape)
            for place, item in enumerate(value, 1):
                yield from _value(f"{path}.{place}.member", item, shape.member)
        case MapShape():
            yield from _size(path, len(value), None, shape)
            for key, item in value.items():
                yield from _value(f"{path}.key", key, shape.key)
                yield from _value(f"{path}.value", item, shape.value)
        case _:
            yield from _scalar(path, value, shape)


def _scalar(path: str, value: Any, shape: Shape) -> Iterator[Problem]:
    shown = None if shape.metadata.get("sensitive") else str(value)
    if isinstance(value, str):
        yield from _size(path, len(value), shown, shape)
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            allowed = f"Member must satisfy enum value set: [{', '.join(enum)}]"
            yield Problem(path, "enum", allowed, shown)
        pattern = shape.metadata.get("pattern")
        if pattern and not accepts(pattern, value):
            wanted = f"Member must satisfy regular expression pattern: {pattern}"
            yield Problem(path, "pattern", wanted, shown)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _range(path, value, shown, shape)


def _size(path: str, size: int, shown: str | None, shape: Shape) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        limit = f"Member must have length greater than or equal to {low}"
        yield Problem(path, "length", limit, shown)
    if high is not None and size > high:
        limit = f"Member must have length less than or equal to {high}"
        yield Problem(path, "length", limit, shown)


def _range(path: str, value: float, shown: str | None, shape: Shape) -> Iterator[Problem]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        limit = f"Member must have value greater than or equal to {low}"
        yield Problem(path, "range", limit, shown)
    if high is not None and value > high:
        limit = f"Member must have value less than or equal to {high}"
        yield Problem(path, "range", limit, shown)
