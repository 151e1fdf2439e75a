"""The standard profile's fields by path: `FirstName`, `Address.City`, `Attributes.plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import MapShape, StructureShape

from simulator.wire import service_model

_MAX_VALUE_CHARS = 255
_NOT_FIELDS = frozenset({"DomainName", "ProfileId"})


@cache
def _members() -> Mapping[str, Any]:
    shape = service_model("customer-profiles").operation_model("CreateProfile").input_shape
    if not isinstance(shape, StructureShape):
        raise TypeError("CreateProfile has no input")
    return shape.members


def is_field(path: str) -> bool:
    """Whether the standard profile has that path."""
    name, _, rest = path.partition(".")
    member = _members().get(name)
    if member is None or name in _NOT_FIELDS:
        return False
    if isinstance(member, MapShape):
        return bool(rest)
    if isinstance(member, StructureShape):
        return rest in member.members
    return not rest


def leaves(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Paths and values of what a request gives; EngagementPreferences count as one."""
    for name, value in document.items():
        if name in _NOT_FIELDS:
            continue
        if isinstance(value, Mapping) and name != "EngagementPreferences":
            for inner, text in value.items():
                yield f"{name}.{inner}", text
        else:
            yield name, value


def put(fields: dict[str, Any], path: str, value: Any) -> None:
    """Set one path; an empty text removes it, and the last of a group removes the group."""
    name, _, rest = path.partition(".")
    if not rest:
        if value == "":
            fields.pop(name, None)
        else:
            fields[name] = value
        return
    group = fields.setdefault(name, {})
    put_flat(group, rest, value)
    if not group:
        del fields[name]


def put_flat(group: dict[str, Any], name: str, value: Any) -> None:
    """Set one member of a group; an attribute's name may itself hold dots."""
    if value == "":
        group.pop(name, None)
    else:
        group[name] = value


def fits(path: str, value: str) -> bool:
    """Whether a mapped value fits its field; longer ones are left out (UNVERIFIED)."""
    return path == "AdditionalInformation" or len(value) <= _MAX_VALUE_CHARS
