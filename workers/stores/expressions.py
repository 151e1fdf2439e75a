"""Conditional updates as plain values, and how they are written for DynamoDB.

A step of the protocol is stated once, as an `Update`; `render` makes the request of it and
`workers.stores.memory` carries the same value out on a dictionary. Every name is aliased: many
short ones are reserved words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

Value: TypeAlias = "str | int | bytes | Sequence[Value] | Mapping[str, Value]"
Item: TypeAlias = Mapping[str, Value]
Path: TypeAlias = tuple[str | int, ...]
"""Where a value is: an attribute, then keys of maps or indexes of lists."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Present:
    """Something is there."""

    path: Path


@dataclass(frozen=True, slots=True)
class Equals:
    """This is there. False when nothing is."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Below:
    """A smaller number is there. False when nothing is."""

    path: Path
    value: int


@dataclass(frozen=True, slots=True)
class Above:
    """A greater number is there. False when nothing is."""

    path: Path
    value: int


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these is there. False when nothing is."""

    path: Path
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Lacks:
    """The list has no such element. True when there is no list."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one holds."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one holds."""

    conditions: tuple[Condition, ...]


Comparison: TypeAlias = Equals | Below | Above | OneOf | Lacks
Condition: TypeAlias = Absent | Present | Comparison | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Set:
    """Write it, whatever was there."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Default:
    """Write it unless something is there."""

    path: Path
    value: Value


@dataclass(frozen=True, slots=True)
class Increase:
    """Add to a number; `start` is what it counts as when nothing is there."""

    path: Path
    by: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class Append:
    """Lengthen a list, which may not exist yet."""

    path: Path
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Remove:
    """Take it away; an index refers to the list as it was before."""

    path: Path


Action: TypeAlias = Set | Default | Increase | Append | Remove


@dataclass(frozen=True, slots=True)
class Update:
    """All of the actions if the condition holds, else none."""

    actions: tuple[Action, ...]
    condition: Condition | None = None


def both(*conditions: Condition) -> AllOf:
    """Every one holds."""
    return AllOf(conditions)


def either(*conditions: Condition) -> AnyOf:
    """At least one holds."""
    return AnyOf(conditions)


def absent_or_below(path: Path, value: int) -> AnyOf:
    """Nothing is there, or a smaller number."""
    return either(Absent(path), Below(path, value))


_ALIASED = re.compile(r"[A-Za-z0-9_]+")


@dataclass(slots=True)
class Rendered:
    """The parts of a request, filled while an expression is written."""

    names: dict[str, str] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    _placeholders: dict[tuple[str, str], str] = field(default_factory=dict)

    def path(self, path: Path) -> str:
        """The path with every name aliased."""
        text = ""
        for part in path:
            if isinstance(part, int):
                text += f"[{part}]"
                continue
            if not _ALIASED.fullmatch(part):
                raise ValueError("a name that cannot be aliased")
            self.names[f"#{part}"] = part
            text += f".#{part}" if text else f"#{part}"
        return text

    def value(self, value: Value) -> str:
        """A placeholder; equal values share one."""
        known = (type(value).__name__, repr(value))
        if known not in self._placeholders:
            placeholder = self._placeholders[known] = f":v{len(self._placeholders)}"
            self.values[placeholder] = value
        return self._placeholders[known]

    def condition(self, condition: Condition) -> str:
        """The text of a condition."""
        match condition:
            case Absent(path):
                return f"attribute_not_exists({self.path(path)})"
            case Present(path):
                return f"attribute_exists({self.path(path)})"
            case AllOf(conditions):
                return " AND ".join(self._nested(c) for c in conditions)
            case AnyOf(conditions):
                return " OR ".join(self._nested(c) for c in conditions)
            case Equals() | Below() | Above() | OneOf() | Lacks():
                return self._comparison(condition)
            case _:
                assert_never(condition)

    def _nested(self, condition: Condition) -> str:
        text = self.condition(condition)
        return f"({text})" if isinstance(condition, AllOf | AnyOf) else text

    def _comparison(self, condition: Comparison) -> str:
        path = self.path(condition.path)
        match condition:
            case Equals(_, value):
                return f"{path} = {self.value(value)}"
            case Below(_, value):
                return f"{path} < {self.value(value)}"
            case Above(_, value):
                return f"{path} > {self.value(value)}"
            case OneOf(_, values):
                return f"{path} IN ({', '.join(self.value(v) for v in values)})"
            case Lacks(_, value):
                return f"NOT contains({path}, {self.value(value)})"
            case _:
                assert_never(condition)

    def actions(self, actions: Sequence[Action]) -> str:
        """The text of an update: the settings, then the removals, the highest index first.

        Some emulators shift a list while they remove from it; the service does not.
        """
        settings = [self._setting(a) for a in actions if not isinstance(a, Remove)]
        removed = sorted(
            (a.path for a in actions if isinstance(a, Remove)), key=_last_index, reverse=True
        )
        clauses = [("SET", settings), ("REMOVE", [self.path(path) for path in removed])]
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts)

    def _setting(self, action: Set | Default | Increase | Append) -> str:
        path = self.path(action.path)
        match action:
            case Set(_, value):
                return f"{path} = {self.value(value)}"
            case Default(_, value):
                return f"{path} = if_not_exists({path}, {self.value(value)})"
            case Increase(_, by, start):
                old = f"if_not_exists({path}, {self.value(start)})"
                return f"{path} = {old} + {self.value(by)}"
            case Append(_, values):
                old = f"if_not_exists({path}, {self.value(())})"
                return f"{path} = list_append({old}, {self.value(values)})"
            case _:
                assert_never(action)


def _last_index(path: Path) -> int:
    last = path[-1]
    return last if isinstance(last, int) else -1
