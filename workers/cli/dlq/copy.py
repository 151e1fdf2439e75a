"""The copy on this machine of what a look brought, and how far each redrive has come.

Two files that only their owner may read: `<name>.json` is the last look, `<name>.journal` has a
line before and after each send, so that a command that was killed knows what it had sent.
"""

from __future__ import annotations

import hashlib
import json
import os
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from workers.cli.dlq.letters import Letter
from workers.runtime.sqs import Attribute

_FORMAT: Final = 1
_PRIVATE: Final = 0o600


class Step(StrEnum):
    """How far a letter's way back is."""

    SENDING = "sending"
    SENT = "sent"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Look:
    """What a look brought. `cut_short` names the DLQs that held more."""

    at: datetime
    letters: Sequence[Letter]
    cut_short: Sequence[str]


class UnreadableCopyError(Exception):
    """The file is no copy of ours."""


class Copy:
    """The two files of one deployment's dead letters."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._journal = path.with_suffix(".journal")

    @classmethod
    def of(cls, dlq_urls: Mapping[str, str], folder: Path) -> Copy:
        """The copy for these queues: two deployments never share one."""
        urls = json.dumps(sorted(dlq_urls.values()))
        return cls(folder / f"dlq-{hashlib.sha256(urls.encode()).hexdigest()[:12]}.json")

    def read(self) -> Look | None:
        """The last look; None when there was none. Raises `UnreadableCopyError`, `OSError`."""
        try:
            text = self.path.read_text("utf-8")
        except FileNotFoundError:
            return None
        try:
            stored = json.loads(text)
            if stored["format"] != _FORMAT:
                raise UnreadableCopyError
            return Look(
                datetime.fromisoformat(stored["at"]),
                tuple(_letter(each) for each in stored["letters"]),
                tuple(stored["cut_short"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UnreadableCopyError from error

    def write(self, look: Look) -> None:
        """Put a look in place of the last one. Raises `OSError`."""
        stored = {
            "format": _FORMAT,
            "at": look.at.isoformat(),
            "cut_short": list(look.cut_short),
            "letters": [_fields(letter) for letter in look.letters],
        }
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        beside = self.path.with_suffix(f".{os.getpid()}.new")
        try:
            with os.fdopen(_opened(beside, os.O_EXCL), "w", encoding="utf-8") as file:
                json.dump(stored, file)
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)

    def without(self, message_ids: frozenset[str]) -> None:
        """Take out letters that are gone. Raises `OSError`."""
        look = self.read()
        if look is not None:
            left = [each for each in look.letters if each.message_id not in message_ids]
            self.write(Look(look.at, left, look.cut_short))

    def steps(self) -> dict[str, Step]:
        """How far each letter is that was ever begun here, by its id."""
        try:
            lines = self._journal.read_text("utf-8").splitlines()
        except FileNotFoundError:
            return {}
        steps: dict[str, Step] = {}
        for line in lines:
            message_id, _, word = line.partition(" ")
            if word in set(Step):  # The last line of a killed command may be cut.
                steps[message_id] = Step(word)
        return steps

    def note(self, message_id: str, step: Step) -> None:
        """Write down a step; it is on the disk when this returns. Raises `OSError`."""
        with os.fdopen(_opened(self._journal, os.O_APPEND), "a", encoding="utf-8") as file:
            # Its own line even after one that was cut.
            file.write(f"\n{message_id} {step}\n")
            file.flush()
            os.fsync(file.fileno())

    def forget(self) -> int:
        """Remove both files; how many there were. Raises `OSError`."""
        files = [file for file in (self.path, self._journal) if file.exists()]
        for file in files:
            file.unlink()
        return len(files)


def _opened(path: Path, how: int) -> int:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | how, _PRIVATE)
    os.fchmod(descriptor, _PRIVATE)  # One that was there may have been somebody else's to read.
    return descriptor


def _fields(letter: Letter) -> dict[str, Any]:
    return {
        "queue": letter.queue,
        "message_id": letter.message_id,
        "body": letter.body,
        "attributes": {name: _packed(value) for name, value in letter.attributes.items()},
        "reasons": dict(letter.reasons),
        "died_at": letter.died_at.isoformat(),
        "group": letter.group,
    }


def _letter(fields: Mapping[str, Any]) -> Letter:
    return Letter(
        queue=fields["queue"],
        message_id=fields["message_id"],
        body=fields["body"],
        attributes={name: _unpacked(*value) for name, value in fields["attributes"].items()},
        reasons=fields["reasons"],
        died_at=datetime.fromisoformat(fields["died_at"]),
        group=fields["group"],
    )


def _packed(attribute: Attribute) -> list[str]:
    value = attribute.value
    text = b64encode(value).decode() if isinstance(value, bytes) else value
    return [attribute.data_type, text]


def _unpacked(data_type: str, text: str) -> Attribute:
    return Attribute(data_type, b64decode(text) if data_type.startswith("Binary") else text)
