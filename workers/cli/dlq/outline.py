"""A body for eyes that need not see what is in it: its shape, without anybody's words. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from workers.log import mask

_DEPTH: Final = 12
_LIST_ITEMS: Final = 5


def outline(body: str) -> Any:
    """JSON with its keys, and of each value only the kind and size; JSON in a string is opened."""
    parsed = _parsed(body)
    return _text(body) if parsed is None else _shape(parsed, _DEPTH)


def _shape(value: Any, depth: int) -> Any:
    if depth == 0:
        return "..."
    match value:
        case dict():
            return {mask(str(key)): _shape(inner, depth - 1) for key, inner in value.items()}
        case list():
            shown = [_shape(inner, depth - 1) for inner in value[:_LIST_ITEMS]]
            more = len(value) - len(shown)
            return [*shown, f"... {more} more"] if more else shown
        case bool() | None:
            return value
        case int() | float():
            return "<number>"
        case _:
            inner = _parsed(value)
            return _text(value) if inner is None else _shape(inner, depth - 1)


def _parsed(text: str) -> Any:
    """The object or list that a text holds; None for any other."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict | list) else None


def _text(text: str) -> str:
    return f"<{len(text)} characters>"
