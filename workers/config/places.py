"""On which line of a TOML text each key stands.

The standard library's parser tells no lines, so each statement is found by asking it: lines are
joined until they parse. Whatever TOML allows inside a value is thereby its business, not ours.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from workers.config.findings import Path

_MOST_LINES = 400
"""A single value that runs over more lines than this is not searched further."""


class Places:
    """Lines of keys, counted from 1. A key inside an inline value has the line of its statement."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._last_item: dict[Path, int] = {}
        self._read(text.splitlines())

    def line_of(self, path: Path) -> int | None:
        """The line of the key, or of the nearest table around it; None for the file itself."""
        for length in range(len(path), 0, -1):
            line = self._lines.get(path[:length])
            if line is not None:
                return line
        return None

    def _read(self, lines: list[str]) -> None:
        table: Path = ()
        at = 0
        while at < len(lines):
            stripped = lines[at].strip()
            if not stripped or stripped.startswith("#"):
                at += 1
                continue
            statement, count = _statement(lines, at)
            if stripped.startswith("["):
                table = self._open_table(statement, at + 1)
            else:
                self._note(table, statement, at + 1)
            at += count

    def _open_table(self, header: Mapping[str, Any], line: int) -> Path:
        path: Path = ()
        value: Any = header
        while isinstance(value, Mapping) and value:
            key, value = next(iter(value.items()))
            path = (*path, key)
            if isinstance(value, list):  # [[header]]: one more item of an array of tables
                self._lines.setdefault(path, line)
                self._last_item[path] = self._last_item.get(path, -1) + 1
                value = None
            if path in self._last_item:
                path = (*path, self._last_item[path])
            self._lines.setdefault(path, line)
        return path

    def _note(self, table: Path, statement: Mapping[str, Any], line: int) -> None:
        for key, value in statement.items():
            self._note_value((*table, key), value, line)

    def _note_value(self, path: Path, value: object, line: int) -> None:
        self._lines.setdefault(path, line)
        if isinstance(value, Mapping):
            self._note(path, value, line)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._note_value((*path, index), item, line)


def _statement(lines: list[str], start: int) -> tuple[Mapping[str, Any], int]:
    """The statement that begins on this line, and how many lines it takes."""
    for count in range(1, min(_MOST_LINES, len(lines) - start) + 1):
        try:
            return tomllib.loads("\n".join(lines[start : start + count])), count
        except tomllib.TOMLDecodeError:
            continue
    return {}, 1
