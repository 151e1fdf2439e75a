"""From a file to a `Configuration`, or to errors that a person can act on."""

from __future__ import annotations

import difflib
import json
import tomllib
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path as FilePath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workers.config.advice import warnings
from workers.config.configuration import Configuration
from workers.config.findings import Finding, Path
from workers.config.places import Places
from workers.config.rules import breaches
from workers.errors import SettingsError


class UnreadableConfigurationError(SettingsError):
    """There is no such file, or it is no TOML."""


class InvalidConfigurationError(SettingsError):
    """The file was read, and says what cannot be. Its text lists every problem, one a line."""

    def __init__(self, file: FilePath, problems: tuple[Finding, ...]) -> None:
        super().__init__(f"{file} is not usable:\n  " + "\n  ".join(map(str, problems)))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Inspection:
    """A file looked through: either a configuration, or problems."""

    configuration: Configuration | None
    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def load(file: FilePath) -> Configuration:
    """Read `file`; warnings are not looked at.

    Raises:
        UnreadableConfigurationError: it cannot be read, or is no TOML.
        InvalidConfigurationError: keys are unknown, missing, out of bounds or contradict.
    """
    inspection = inspect(file)
    if inspection.configuration is None:
        raise InvalidConfigurationError(file, inspection.problems)
    return inspection.configuration


def inspect(file: FilePath) -> Inspection:
    """All problems of `file` at once or, when it has none, its warnings.

    Raises:
        UnreadableConfigurationError: as `load`.
    """
    text, document = _read(file)
    places = Places(text)
    try:
        # TOML has types, so "500" is no number and true no 1. Only JSON input is strict and still
        # takes a list for a tuple.
        configuration = Configuration.model_validate_json(
            json.dumps(document, default=str), strict=True
        )
    except ValidationError as exc:
        return Inspection(None, _placed(map(_finding, _first_hand(exc.errors())), places))
    problems = _placed(breaches(configuration), places)
    if problems:
        return Inspection(None, problems)
    return Inspection(configuration, warnings=_placed(warnings(configuration), places))


def _read(file: FilePath) -> tuple[str, Mapping[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise UnreadableConfigurationError(f"{file}: {exc.strerror or 'unreadable'}") from exc
    except UnicodeDecodeError as exc:
        raise UnreadableConfigurationError(
            f"{file}: not UTF-8 at byte {exc.start}; save it as UTF-8"
        ) from exc
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise UnreadableConfigurationError(f"{file}: not TOML: {exc}") from exc
    except RecursionError as exc:
        raise UnreadableConfigurationError(f"{file}: nested too deep") from exc


def _placed(findings: Iterable[Finding], places: Places) -> tuple[Finding, ...]:
    placed = (replace(finding, line=places.line_of(finding.path)) for finding in findings)
    return tuple(sorted(placed, key=lambda finding: finding.line or 0))


# --- pydantic's errors in our words -------------------------------------------------------------


def _first_hand(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is too short because its items are wrong: those are told already."""
    paths = [error["loc"] for error in errors]
    for error in errors:
        path = error["loc"]
        items = (other for other in paths if other[: len(path)] == path and other != path)
        if error["type"] != "too_short" or next(items, None) is None:
            yield error


def _finding(error: ErrorDetails) -> Finding:
    path = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            says = _unknown(path)
        case "missing":
            says = f"is missing. {_description(path)}"
        case "value_error":
            says = error["msg"].removeprefix("Value error, ")
        case _:
            says = error["msg"].replace("Input should", "should").replace("Tuple", "List")
            says += _given(error["type"], error["input"])
    return Finding(path, says)


def _given(error_type: str, value: object) -> str:
    """What stands there: a bare number, or a word where only a few are possible."""
    if isinstance(value, int | float):
        return f", not {json.dumps(value)}"
    if isinstance(value, str) and error_type in {"literal_error", "enum"}:
        return f", not {value[:40]!r}"
    return ", not text in quotes" if isinstance(value, str) and error_type in _NO_TEXT else ""


_NO_TEXT = frozenset({"int_type", "bool_type", "float_type", "tuple_type", "model_type"})


def _unknown(path: Path) -> str:
    known = list(_model_at(path[:-1]).model_fields)
    close = difflib.get_close_matches(str(path[-1]), known, n=1)
    if close:
        return f"unknown key; did you mean {close[0]}?"
    return f"unknown key; known here: {', '.join(known)}"


def _description(path: Path) -> str:
    field = _model_at(path[:-1]).model_fields.get(str(path[-1]))
    return f"{field.description}" if field is not None else ""


def _model_at(path: Path) -> type[BaseModel]:
    """The model that holds the keys under `path`."""
    model: type[BaseModel] = Configuration
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(part) for part in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
