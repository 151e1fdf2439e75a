"""EventBridge event patterns, and SNS filter policies, which are written the same way.

Source: EventBridge User Guide, "Comparison operators for use in event patterns".
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class UnknownMatcherError(ValueError):
    """A pattern uses an operator that is not one of EventBridge's, or misspells one."""


def matches(pattern: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether every field the pattern names fits the event.

    Raises:
        UnknownMatcherError: the pattern cannot be understood.
    """
    return all(
        any(matches(branch, event) for branch in wanted)
        if name == "$or"
        else _field_matches(wanted, name in event, event.get(name))
        for name, wanted in pattern.items()
    )


def _field_matches(wanted: Any, is_there: bool, value: Any) -> bool:
    if isinstance(wanted, Mapping):
        # A list of objects fits when one of them does; an absent object can still satisfy
        # `exists: false` deeper down.
        objects = value if isinstance(value, list) else [value]
        return any(matches(wanted, o if isinstance(o, Mapping) else {}) for o in objects or [{}])
    if not isinstance(wanted, list):
        raise UnknownMatcherError(f"a field's value must be a list, not {type(wanted).__name__}")
    values = value if isinstance(value, list) else [value] if is_there else []
    return any(_matcher_fits(matcher, values) for matcher in wanted)


def _matcher_fits(matcher: Any, values: list[Any]) -> bool:
    if not isinstance(matcher, Mapping):
        return any(_same(matcher, value) for value in values)
    if len(matcher) != 1:
        raise UnknownMatcherError("a matcher has exactly one operator")
    [(name, argument)] = matcher.items()
    if name == "exists":
        return bool(values) is bool(argument)
    if name == "anything-but":
        return bool(values) and not any(_is_excepted(argument, value) for value in values)
    return any(_operator_fits(name, argument, value) for value in values)


def _same(wanted: Any, value: Any) -> bool:
    # 1 and True are equal in Python, not in JSON.
    return (type(wanted) is type(value) and bool(wanted == value)) or _same_number(wanted, value)


def _same_number(wanted: Any, value: Any) -> bool:
    return _is_number(wanted) and _is_number(value) and bool(wanted == value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_excepted(argument: Any, value: Any) -> bool:
    if isinstance(argument, Mapping):
        [(name, inner)] = argument.items()
        choices = inner if isinstance(inner, list) else [inner]
        return any(_operator_fits(name, choice, value) for choice in choices)
    choices = argument if isinstance(argument, list) else [argument]
    return any(_same(choice, value) for choice in choices)


def _operator_fits(name: str, argument: Any, value: Any) -> bool:
    if name == "numeric":
        return _is_number(value) and _numeric(argument, value)
    if name not in _TEXT_OPERATORS:
        raise UnknownMatcherError(f"no operator is called {name}")
    return isinstance(value, str) and _text_fits(name, argument, value)


def _text_fits(name: str, argument: Any, value: str) -> bool:
    if isinstance(argument, Mapping):
        if argument.keys() != {"equals-ignore-case"} or name not in ("prefix", "suffix"):
            raise UnknownMatcherError(f"{name} takes a text, or one to compare without case")
        argument, value = argument["equals-ignore-case"].casefold(), value.casefold()
    return _TEXT_OPERATORS[name](argument, value)


_TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "prefix": lambda argument, value: value.startswith(argument),
    "suffix": lambda argument, value: value.endswith(argument),
    "equals-ignore-case": lambda argument, value: value.casefold() == argument.casefold(),
    "wildcard": lambda argument, value: _wildcard(argument).fullmatch(value) is not None,
}


def _wildcard(text: str) -> re.Pattern[str]:
    # A backslash before * or \ takes it literally.
    pieces = re.findall(r"\\[*\\]|\*|[^*\\]+|\\", text)
    return re.compile("".join(_wildcard_pieces(pieces)), re.DOTALL)


def _wildcard_pieces(pieces: Iterable[str]) -> Iterable[str]:
    for piece in pieces:
        if piece == "*":
            yield ".*"
        else:
            yield re.escape(piece[1:] if len(piece) == 2 and piece[0] == "\\" else piece)


def _numeric(argument: list[Any], value: float) -> bool:
    if len(argument) not in (2, 4):
        raise UnknownMatcherError("numeric takes one comparison or two")
    pairs = list(zip(argument[::2], argument[1::2], strict=True))
    if any(sign not in _COMPARE or not _is_number(number) for sign, number in pairs):
        raise UnknownMatcherError("numeric compares by = < <= > >= with a number")
    return all(_COMPARE[sign](value, number) for sign, number in pairs)
