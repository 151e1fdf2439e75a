"""Turns a request's labels, query, headers and JSON body into the operation's params.

Members the model does not know are ignored, as the JSON services do; nulls count as absent. A
value of the wrong JSON type, or a body that is no JSON object, is a SerializationException.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from multidict import MultiMapping

from simulator.wire import AwsError, Target


def read_params(
    target: Target, query: MultiMapping[str], headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """The params as botocore names them.

    Raises:
        AwsError: SerializationException.
    """
    shape = target.operation.input_shape
    if not isinstance(shape, StructureShape):
        return {}
    document = _json_object(body)
    params: dict[str, Any] = {}
    for name, member in shape.members.items():
        value = _located(name, member, target, query, headers)
        if value is None and "location" not in member.serialization:
            value = document.get(member.serialization.get("name", name))
        if value is not None:
            params[name] = _read(value, member, "location" in member.serialization)
    return params


def _located(
    name: str,
    member: Shape,
    target: Target,
    query: MultiMapping[str],
    headers: Mapping[str, str],
) -> Any:
    location_name = member.serialization.get("name", name)
    match member.serialization.get("location"):
        case "uri":
            return target.labels.get(location_name)
        case "querystring" if member.type_name == "list":
            return query.getall(location_name, None)
        case "querystring":
            return query.get(location_name)
        case "header":
            return headers.get(location_name)
        case _:
            return None


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        document = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as exc:
        raise _unreadable("Unable to parse the request body as JSON") from exc
    if not isinstance(document, dict):
        raise _unreadable("Start of structure or map found where not expected")
    return document


def _no_constant(_: str) -> None:
    raise ValueError("NaN and Infinity are not JSON")


def _unreadable(message: str) -> AwsError:
    return AwsError("SerializationException", message)


def _read(value: Any, shape: Shape, is_text: bool) -> Any:
    """One value; `is_text` says that it came by path, query or header, as a string."""
    match shape:
        case StructureShape():
            return _read_structure(_of_type(value, dict, shape), shape)
        case ListShape():
            items = _of_type(value, list, shape)
            return [_read(item, shape.member, is_text) for item in items if item is not None]
        case MapShape():
            items = _of_type(value, dict, shape)
            return {k: _read(v, shape.value, False) for k, v in items.items() if v is not None}
        case _:
            return _scalar(value, shape, is_text)


def _read_structure(document: dict[str, Any], shape: StructureShape) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = document.get(member.serialization.get("name", name))
        if value is not None:
            found[name] = _read(value, member, False)
    return found


def _of_type(value: Any, kind: type, shape: Shape) -> Any:
    # JSON's true is no number, though Python's is.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise _unreadable(f"{_json_type(value)} can not be converted to {shape.type_name}")
    return value


def _json_type(value: Any) -> str:
    match value:
        case bool():
            return f"{str(value).upper()}_VALUE"
        case str():
            return "STRING_VALUE"
        case int() | float():
            return "NUMBER_VALUE"
        case list():
            return "START_ARRAY"
        case _:
            return "START_OBJECT"


def _scalar(value: Any, shape: Shape, is_text: bool) -> Any:
    try:
        return _SCALARS[shape.type_name](value, shape, is_text)
    except (ValueError, TypeError, OverflowError, binascii.Error) as exc:
        raise _unreadable(f"{_json_type(value)} can not be converted to {shape.type_name}") from exc


def _string(value: Any, shape: Shape, _: bool) -> str:
    return str(_of_type(value, str, shape))


def _boolean(value: Any, shape: Shape, is_text: bool) -> bool:
    if is_text:
        return {"true": True, "false": False}.get(value, False)
    return bool(_of_type(value, bool, shape))


def _integer(value: Any, shape: Shape, is_text: bool) -> int:
    return int(value) if is_text else int(_of_type(value, int, shape))


def _number(value: Any, shape: Shape, is_text: bool) -> float:
    if is_text or isinstance(value, int):
        return float(value)
    return float(_of_type(value, float, shape))


def _blob(value: Any, shape: Shape, _: bool) -> bytes:
    return base64.b64decode(_of_type(value, str, shape), validate=True)


def _timestamp(value: Any, shape: Shape, is_text: bool) -> datetime:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, UTC)
    text = str(_of_type(value, str, shape))
    if is_text and shape.serialization.get("timestampFormat") in (None, "rfc822"):
        return parsedate_to_datetime(text)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


_SCALARS: dict[str, Callable[[Any, Shape, bool], Any]] = {
    "string": _string,
    "boolean": _boolean,
    "integer": _integer,
    "long": _integer,
    "float": _number,
    "double": _number,
    "blob": _blob,
    "timestamp": _timestamp,
}
