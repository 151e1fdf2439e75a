"""Pydantic's errors in our words: which key, what is wrong, what would be right."""

from __future__ import annotations

import difflib
import json
import types
import typing
from collections.abc import Collection, Iterator

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from workers.config.findings import Finding, Path

_SAYS = {
    "string_type": "should be text in quotes",
    "int_type": "should be a whole number",
    "bool_type": "should be true or false",
    "tuple_type": "should be a list in brackets",
    "model_type": "should be a table",
    "too_short": "is empty: at least {min_length} is needed",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
}
_NO_TEXT = frozenset({"int_type", "bool_type", "float_type", "tuple_type", "model_type"})


def findings_of(error: ValidationError, root: type[BaseModel], at: Path = ()) -> Iterator[Finding]:
    """One finding for each error against the model `root`, whose keys stand under `at`."""
    return (_finding(detail, root, at) for detail in _first_hand(error.errors()))


def _first_hand(errors: list[ErrorDetails]) -> Iterator[ErrorDetails]:
    """Leave out that a list is too short because its items are wrong: those are told already."""
    paths = [error["loc"] for error in errors]
    for error in errors:
        path = error["loc"]
        items = (other for other in paths if other[: len(path)] == path and other != path)
        if error["type"] != "too_short" or next(items, None) is None:
            yield error


def _finding(error: ErrorDetails, root: type[BaseModel], at: Path) -> Finding:
    path = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            says = _unknown(path, root)
        case "missing":
            says = f"is missing. {_description(path, root)}"
        case "value_error":
            says = error["msg"].removeprefix("Value error, ")
        case "string_pattern_mismatch":
            says = f"is not of this form: {_description(path, root)}"
        case "tuple_type" if isinstance(error["input"], dict):
            says = f"should be a list of tables: write [[{path[-1]}]], in two pairs of brackets"
        case kind:
            says = _SAYS.get(kind, "").format(**error.get("ctx", {}))
            says = says or error["msg"].replace("Input should", "should")
            says += _given(kind, error["input"])
    return Finding((*at, *path), says)


def _given(error_type: str, value: object) -> str:
    """What stands there: a word where only a few are possible, or a bare number.

    Not a number where text belongs: it may be somebody's, whose quotes were forgotten.
    """
    if isinstance(value, int | float) and error_type != "string_type":
        return f", not {json.dumps(value)}"
    if isinstance(value, str) and error_type in {"literal_error", "enum"}:
        return f", not {value[:40]!r}"
    return ", not text in quotes" if isinstance(value, str) and error_type in _NO_TEXT else ""


def suggestion(name: str, known: Collection[str]) -> str:
    """The known name that was probably meant, or all of them."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known)}"


def _unknown(path: Path, root: type[BaseModel]) -> str:
    return (
        f"unknown key; {suggestion(str(path[-1]), list(_model_at(path[:-1], root).model_fields))}"
    )


def _description(path: Path, root: type[BaseModel]) -> str:
    field = _model_at(path[:-1], root).model_fields.get(str(path[-1]))
    return f"{field.description}" if field is not None else ""


def _model_at(path: Path, root: type[BaseModel]) -> type[BaseModel]:
    """The model that holds the keys under `path`."""
    model = root
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        return annotation if issubclass(annotation, BaseModel) else None
    found = (_model_in(part) for part in typing.get_args(annotation))
    return next((model for model in found if model is not None), None)
