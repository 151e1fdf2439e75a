"""A call list as a file, CSV or JSON lines, read into reminders row by row. Pure.

A broken row is reported with its line and stops nobody else. The same person with the same
appointment twice is one call: the later row is reported, too.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from schemas.own import Remind
from workers.phone import identity, normalise

KEYS: Final = frozenset(
    {
        *("id", "number", "appointment_at", "useful_until", "not_before"),
        *("name", "language", "zone", "customer_id"),
    }
)
"""Columns with a meaning of their own. Others go to the contact flow as attributes."""
_ATTRIBUTE: Final = re.compile(r"(?!sb_)[A-Za-z0-9_-]{1,128}")
_ROW_ID: Final = re.compile(r"[A-Za-z0-9_.:/#@-]{1,60}")


@dataclass(frozen=True, slots=True)
class ListPlan:
    """What all rows of a list have in common."""

    name: str
    brand: str
    not_before: datetime | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is a reminder. Lines are counted from 1, a CSV's head included."""

    line: int
    remind: Remind


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that is none, and why. `says` holds no number and no name."""

    line: int
    says: str


class UnreadableListError(Exception):
    """Not even its head can be read; the text says why."""


def read_list(text: str, plan: ListPlan, *, is_csv: bool) -> Iterator[Row | BrokenRow]:
    """Every row, in the file's order.

    Raises:
        UnreadableListError: a CSV without a head, or without a column `number`.
    """
    seen: dict[str, int] = {}
    for line, found in _csv_rows(text) if is_csv else _json_rows(text):
        row = found if isinstance(found, BrokenRow) else _row(line, found, plan)
        yield row if isinstance(row, BrokenRow) else _unless_seen(row, seen)


def _unless_seen(row: Row, seen: dict[str, int]) -> Row | BrokenRow:
    """One call for each id, and for each person and appointment."""
    asked = row.remind
    key = f"{identity(asked.number)}|{asked.appointment_at or asked.useful_until}"
    same_id = seen.setdefault(asked.id, row.line)
    same_person = seen.setdefault(key, row.line)
    if same_person != row.line:
        return BrokenRow(row.line, f"the same person and appointment as line {same_person}")
    if same_id != row.line:
        return BrokenRow(row.line, f"the same id as line {same_id}")
    return row


def _csv_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | BrokenRow]]:
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    head = _head(reader)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as problem:
            yield line, BrokenRow(line, f"no CSV: {problem}")
            continue
        if cells is None:
            return
        if any(cell.strip() for cell in cells):
            yield line, _cells(line, head, cells)


def _head(reader: Iterator[list[str]]) -> list[str]:
    try:
        head = [name.strip() for name in next(reader, [])]
    except csv.Error as problem:
        raise UnreadableListError(f"line 1: {problem}") from None
    if "number" not in head:
        raise UnreadableListError('line 1 must name the columns, and one must be "number"')
    bad = [name for name in head if name not in KEYS and not _ATTRIBUTE.fullmatch(name)]
    if bad or len(set(head)) != len(head):
        raise UnreadableListError(
            "line 1: each column needs a name of its own, of letters, digits, _ and -"
        )
    return head


def _cells(line: int, head: list[str], cells: list[str]) -> Mapping[str, Any] | BrokenRow:
    if len(cells) != len(head):
        return BrokenRow(line, f"{len(cells)} cells instead of {len(head)}")
    filled = {name: cell.strip() for name, cell in zip(head, cells, strict=True)}
    return _with_attributes({name: cell for name, cell in filled.items() if cell})


def _with_attributes(cells: Mapping[str, str]) -> Mapping[str, Any]:
    known = {name: cell for name, cell in cells.items() if name in KEYS}
    return {**known, "attributes": {n: cell for n, cell in cells.items() if n not in KEYS}}


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | BrokenRow]]:
    for line, written in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        if not written.strip():
            continue
        try:
            found = json.loads(written)
        except (ValueError, RecursionError):
            yield line, BrokenRow(line, "no JSON")
            continue
        if not isinstance(found, dict):
            yield line, BrokenRow(line, "no JSON object")
        elif unknown := sorted(set(found) - KEYS - {"attributes"}):
            yield line, BrokenRow(line, f"unknown keys: {len(unknown)}")
        else:
            yield line, found


def _row(line: int, found: Mapping[str, Any], plan: ListPlan) -> Row | BrokenRow:
    number = normalise(str(found.get("number", "")))
    if number is None:
        return BrokenRow(line, "number: write it in E.164, with + and country code")
    own_id = found.get("id")
    if own_id is not None and not _ROW_ID.fullmatch(str(own_id)):
        return BrokenRow(line, "id: 1 to 60 letters, digits and _.:/#@-")
    document = {
        "not_before": plan.not_before,
        **found,
        "number": number,
        "id": f"{plan.name}:{own_id or _made_id(number, found)}",
        "brand": plan.brand,
        "call_list": plan.name,
    }
    try:
        return Row(line, Remind.model_validate(document))
    except ValidationError as error:
        return BrokenRow(line, _says(error))


def _made_id(number: str, found: Mapping[str, Any]) -> str:
    """The person and the appointment, in whatever spelling the number is."""
    cause = "|".join(
        str(part)
        for part in (identity(number), found.get("appointment_at"), found.get("useful_until"))
    )
    return hashlib.sha256(cause.encode()).hexdigest()[:24]


_WRONG: Final = {
    "appointment_at": "write a time with its offset, as 2026-12-01T09:30:00-08:00",
    "useful_until": "write a time with its offset, as 2026-12-01T09:30:00-08:00",
    "not_before": "write a time with its offset, as 2026-12-01T09:30:00-08:00",
    "language": "a tag such as en-US",
}


def _says(error: ValidationError) -> str:
    """Which key is wrong, without what stands there."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    key = str(first["loc"][0]) if first["loc"] else ""
    if not key:
        return "give appointment_at or useful_until"
    return f"{key}: {_WRONG.get(key, 'not allowed so')}"
