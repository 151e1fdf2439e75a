"""How far a replay has come: a file of JSON lines, one added after each accepted batch.

The first line says which archive goes into which queues; of each file of the archive the last line
counts. Nothing of a record is in it. A line that broke off with its process is none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from workers.cli.replay.source import ArchiveFile

VERSION = 1


class OtherReplayError(Exception):
    """The state file is of another replay, or is none."""


@dataclass(frozen=True, slots=True)
class Place:
    """How far one file has come.

    Attributes:
        records: so many from its start are accepted, or left out.
        left: so many of them were left out.
        is_done: it has no more.
    """

    records: int = 0
    left: int = 0
    is_done: bool = False


class Progress:
    """One replay's state, in memory and, but for a dry run, in a file."""

    def __init__(self, file: TextIO | None, places: dict[tuple[str, str], Place]) -> None:
        self._file = file
        self._places = places

    @classmethod
    def nowhere(cls) -> Self:
        """Begins at the start and keeps nothing."""
        return cls(None, {})

    @classmethod
    def at(cls, path: Path, source: str, targets: Mapping[str, object]) -> Self:
        """Go on where `path` says; begin where there is no such file.

        `targets` is what else must be the same: queues and their URLs, and what was asked for.

        Raises:
            OtherReplayError: the file says that it is another replay's, or cannot be read.
            OSError: it cannot be written.
        """
        digest = hashlib.sha256(json.dumps(targets, sort_keys=True).encode()).hexdigest()
        head = {"switchboard_replay": VERSION, "source": source, "targets": digest}
        whole, broken = _text(path)
        lines = _lines(whole)
        if lines[:1] not in ([], [head]) or (broken and not lines):
            raise OtherReplayError
        if broken:
            path.write_text(whole, "utf-8")
        places = {(one["file"], one["mark"]): _place(one) for one in lines[1:]}
        progress = cls(path.open("a", encoding="utf-8"), places)
        if not lines:
            progress._write(head)
        return progress

    def of(self, file: ArchiveFile) -> Place:
        """How far that file came. One whose content has changed begins anew."""
        return self._places.get((file.name, file.mark), Place())

    def note(self, file: ArchiveFile, place: Place) -> None:
        """Write down, past a crash of the machine, how far a file has come."""
        self._places[file.name, file.mark] = place
        line = {"file": file.name, "mark": file.mark, "records": place.records, "left": place.left}
        self._write({**line, "done": True} if place.is_done else line)

    def close(self) -> None:
        """No more is noted."""
        if self._file is not None:
            self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is None:
            return
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _text(path: Path) -> tuple[str, str]:
    """All whole lines, and what comes behind them."""
    if not path.exists():
        return "", ""
    text = path.read_text("utf-8", errors="replace")
    end = text.rfind("\n") + 1
    return text[:end], text[end:]


def _lines(text: str) -> list[dict[str, Any]]:
    try:
        lines = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        raise OtherReplayError from None
    if not all(isinstance(line, dict) for line in lines):
        raise OtherReplayError
    return lines


def _place(line: Mapping[str, Any]) -> Place:
    return Place(int(line["records"]), int(line["left"]), bool(line.get("done")))
