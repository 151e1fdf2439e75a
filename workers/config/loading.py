"""From a file to a `Configuration`, or to errors that a person can act on."""

from __future__ import annotations

import hashlib
import io
import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError

from workers.config.advice import warnings
from workers.config.configuration import Configuration
from workers.config.findings import Finding, Path
from workers.config.places import Places
from workers.config.refusals import findings_of, suggestion
from workers.config.rules import breaches
from workers.errors import SettingsError


class UnreadableConfigurationError(SettingsError):
    """There is no such file, or it is no TOML."""


class InvalidConfigurationError(SettingsError):
    """The file was read, and says what cannot be. Its text lists every problem, one a line."""

    def __init__(self, name: str, problems: tuple[Finding, ...]) -> None:
        super().__init__(f"{name} is not usable:\n  " + "\n  ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file looked through: either a configuration, or problems."""

    configuration: Configuration | None
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class RuntimeShape:
    """What may stand under `[runtime.<queue>]`: known to the runtime, which is a floor above."""

    model: type[BaseModel]
    queues: frozenset[str]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration and which one it is: where it came from, and the hash of its bytes."""

    configuration: Configuration
    name: str
    sha256: str


def load(file: FilePath) -> Configuration:
    """Read `file`; warnings are not looked at.

    Raises:
        UnreadableConfigurationError: it cannot be read, or is no TOML.
        InvalidConfigurationError: keys are unknown, missing, out of bounds or contradict.
    """
    return loaded(read(file), str(file)).configuration


def loaded(content: bytes, name: str) -> Loaded:
    """Take the file's bytes; `name` is what errors call it. Raises as `load`."""
    inspection = inspect_content(content, name)
    if inspection.configuration is None:
        raise InvalidConfigurationError(name, inspection.problems)
    return Loaded(inspection.configuration, name, hashlib.sha256(content).hexdigest())


def inspect(file: FilePath, runtime: RuntimeShape | None = None) -> Inspection:
    """All problems of `file` at once or, when it has none, its warnings.

    The `[runtime]` tables are checked against `runtime`; without it they are taken as they are.

    Raises:
        UnreadableConfigurationError: as `load`.
    """
    return inspect_content(read(file), str(file), runtime)


def inspect_content(content: bytes, name: str, runtime: RuntimeShape | None = None) -> Inspection:
    """As `inspect`, of a file's bytes."""
    text, document = _parse(content, name)
    places = Places(text)
    try:
        # TOML has types, so "500" is no number and true no 1. Only JSON input is strict and still
        # takes a list for a tuple.
        configuration = Configuration.model_validate_json(
            json.dumps(document, default=_date), strict=True
        )
    except ValidationError as exc:
        return Inspection(None, _placed(findings_of(exc, Configuration), places))
    found = chain(breaches(configuration), _runtime(configuration, runtime))
    problems = _placed(found, places)
    if problems:
        return Inspection(None, problems)
    return Inspection(configuration, warnings=_placed(warnings(configuration), places))


def read(file: FilePath) -> bytes:
    """The file's bytes.

    Raises:
        UnreadableConfigurationError: there is no such file, or it may not be read.
    """
    try:
        return file.read_bytes()
    except OSError as exc:
        raise UnreadableConfigurationError(f"{file}: {exc.strerror or 'unreadable'}") from exc


def _parse(content: bytes, name: str) -> tuple[str, Mapping[str, Any]]:
    try:
        # As a file is read as text: each way of ending a line is one.
        text = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig").read()
    except UnicodeDecodeError as exc:
        raise UnreadableConfigurationError(
            f"{name}: not UTF-8 at byte {exc.start}; save it as UTF-8"
        ) from exc
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UnreadableConfigurationError(f"{name}: not TOML: {exc}{_hint(str(exc))}") from exc
    except RecursionError as exc:
        raise UnreadableConfigurationError(f"{name}: nested too deep") from exc


def _date(value: object) -> dict[str, str]:
    """TOML has dates and no key of ours takes one: what no key takes either, so it is refused."""
    return {"date": str(value)}


_HINTS = {
    "Invalid value": 'text stands between straight quotes, as in name = "Example"',
    "Illegal character": "is a quote not closed?",
    "Cannot overwrite": "the same key stands there twice",
    "Invalid statement": "a line is key = value, [table] or [[brands]]",
}


def _hint(message: str) -> str:
    return next((f"; {says}" for begins, says in _HINTS.items() if message.startswith(begins)), "")


def _runtime(configuration: Configuration, shape: RuntimeShape | None) -> Iterator[Finding]:
    if shape is None:
        return
    for queue, overrides in configuration.runtime.items():
        at: Path = ("runtime", queue)
        if queue not in shape.queues:
            yield Finding(at, f"there is no such queue; {suggestion(queue, shape.queues)}")
            continue
        try:
            shape.model.model_validate(overrides, strict=True)
        except ValidationError as exc:
            yield from findings_of(exc, shape.model, at)


def _placed(findings: Iterable[Finding], places: Places) -> tuple[Finding, ...]:
    placed = (replace(finding, line=places.line_of(finding.path)) for finding in findings)
    return tuple(sorted(placed, key=lambda finding: finding.line or 0))
