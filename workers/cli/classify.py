"""`switchboard classify`: tells what each payload is. Reads files and nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, TextIO

import click

from schemas.archive import Parsed, Piece, Text, UnreadableError, read_documents
from schemas.decode import decode_body, decode_document
from schemas.decoded import Decoded, Notice, Result, Undecodable

ALL_RECOGNISED = 0
SOME_UNKNOWN = 1
UNREADABLE = 2

_FORMAT_ADVICE = ": only JSON in UTF-8 is read, as it is or in gzip; convert it first"

Line = dict[str, object]
_Writer = Callable[[TextIO, Line], object]

_COLUMNS = (("class", 23), ("type", 30), ("time", 24), ("key", 36), ("envelope", 16), ("id", 0))
"""Widths for the human's table. It is written as it is read, so they cannot follow the rows."""


@click.command()
@click.argument("files", metavar="[FILE ... | -]", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.pass_context
def classify(context: click.Context, files: tuple[Path, ...], *, as_json: bool) -> None:
    """Tell what each payload is: which source, which event, whom it is about, when it was.

    FILE holds one JSON document, JSON lines, a list of records or a Firehose archive object,
    compressed with gzip or not; - is the standard input, and so is no FILE at all. An event that
    is about several people gets a line for each.

    Exit status: 0 when all were recognised, 1 when some were not, 2 when an input was unreadable.
    """
    out = sys.stdout
    write: _Writer = _write_json if as_json else _write_row
    if not as_json:
        _write_row(out, {name: name.upper() for name, _ in _COLUMNS})
    status = ALL_RECOGNISED
    for file in files or (Path("-"),):
        status = max(status, _classify_file(file, out, write))
    context.exit(status)


def _classify_file(file: Path, out: TextIO, write: _Writer) -> int:
    try:
        opened = _open(file)
    except OSError as exc:
        return _complain(file, exc.strerror or type(exc).__name__)
    tally = _Tally()
    try:
        with opened as stream:
            for line in tally.lines(read_documents(stream)):
                write(out, line)
    except UnreadableError as exc:
        advice = _FORMAT_ADVICE if exc.reason.startswith("format_") else ""
        return _complain(file, exc.reason + advice)
    if tally.has_unknown and not tally.is_readable:
        return _complain(file, "holds no JSON")
    return SOME_UNKNOWN if tally.has_unknown else ALL_RECOGNISED


def _complain(file: Path, why: str) -> int:
    click.echo(f"switchboard classify: {file}: {why}", err=True)
    return UNREADABLE


def _open(file: Path) -> AbstractContextManager[BinaryIO]:
    if file == Path("-"):
        return nullcontext(sys.stdin.buffer)
    return file.open("rb")


class _Tally:
    """What one input turned out to be, while its lines go by."""

    def __init__(self) -> None:
        self.has_unknown = False
        self.is_readable = False

    def lines(self, pieces: Iterable[Piece]) -> Iterator[Line]:
        for piece in pieces:
            for result in self._results(piece):
                lines = list(_lines(result))
                self.has_unknown |= any(line["class"] == "unknown" for line in lines)
                yield from lines

    def _results(self, piece: Piece) -> tuple[Result, ...]:
        match piece:
            case Parsed(value):
                self.is_readable = True
                return decode_document(value)
            case Text(text):
                results = decode_body(text)
                self.is_readable |= not isinstance(results[0], Undecodable)
                return results
            case _:
                self.is_readable |= not piece.is_syntax
                return (Undecodable(piece.reason, "", ()),)


def _lines(result: Result) -> Iterator[Line]:
    match result:
        case Decoded():
            for key in result.keys or (None,):
                yield _line(result, key)
        case Notice() if result.event_class is not None:
            yield {
                "class": result.event_class.value,
                "type": result.event_type,
                "envelope": result.envelope,
                "id": None,
                "key": None,
                "time": None,
            }
        case Notice():
            yield {"class": "unknown", "reason": result.reason}
        case Undecodable():
            place = f" at {result.path}" if result.path else ""
            yield {"class": "unknown", "reason": result.reason + place}


def _line(decoded: Decoded, key: str | None) -> Line:
    return {
        "class": decoded.event_class.value,
        "type": decoded.event_type,
        "envelope": decoded.envelope,
        "id": decoded.event_id,
        "key": key,
        "time": None if decoded.time is None else _iso(decoded.time),
    }


def _iso(time: datetime) -> str:
    """UTC with Z; the milliseconds are left out when there are none."""
    precision = "milliseconds" if time.microsecond else "seconds"
    return time.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _write_json(out: TextIO, line: Line) -> None:
    out.write(json.dumps(line, separators=(",", ":")) + "\n")


def _write_row(out: TextIO, line: Line) -> None:
    if "reason" in line:
        out.write(f"{'unknown':<23}  {line['reason']}\n")
        return
    cells = (_cell(line[name]).ljust(width) for name, width in _COLUMNS)
    out.write("  ".join(cells).rstrip() + "\n")


def _cell(value: object) -> str:
    """What a terminal may be shown: a payload's own words could hold its control sequences."""
    text = ",".join(value) if isinstance(value, tuple) else "-" if value is None else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
