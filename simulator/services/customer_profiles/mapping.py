"""Object types: what their fields read from an object, and which keys those make.

Pure. Sources: administrator guide, "Field definitions" and "Key definitions in Customer Profiles
object type mappings", "Standard identifiers".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.services.customer_profiles.values import PREDEFINED, comparable

_EXPRESSION = re.compile(r"\{\{\{?\s*([^{}]+?)\s*\}?\}\}")
_INDEX = re.compile(r"\[(\d+)\]")
_SOURCE = "_source."

KeyValue = tuple[str, ...]
"""A key's value: one part for each of its fields, in comparable form."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object type. `source` is a path, or a text with `{{paths}}` in it."""

    source: str
    target: str | None
    content_type: str

    def read(self, document: Mapping[str, Any]) -> str | None:
        """The field's value as text; None where the object has none, or something nested."""
        if "{{" in self.source:
            return _filled(self.source, document) or None
        return _text(_found(document, self.source))


@dataclass(frozen=True, slots=True)
class Key:
    """One way to make a value of the key called `name`."""

    name: str
    identifiers: frozenset[str]
    fields: tuple[str, ...]

    @property
    def finds_profiles(self) -> bool:
        """Whether it is used to find the profile that an object belongs to."""
        return "PROFILE" in self.identifiers

    def is_kept(self, *, is_new_profile: bool) -> bool:
        """Whether a value stays findable after the object has been taken in."""
        if "LOOKUP_ONLY" in self.identifiers:
            return False
        return is_new_profile or "NEW_ONLY" not in self.identifiers


@dataclass(slots=True)
class ObjectType:
    """A profile object type. `document` is what PutProfileObjectType gave, to be shown again."""

    name: str
    document: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    fields: dict[str, Field] = field(init=False)
    keys: tuple[Key, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.fields = {
            name: Field(
                str(given.get("Source", "")),
                given.get("Target"),
                given.get("ContentType", "STRING"),
            )
            for name, given in self.document.get("Fields", {}).items()
        }
        self.keys = tuple(
            Key(
                name,
                frozenset(way.get("StandardIdentifiers", ())),
                tuple(way.get("FieldNames", ())),
            )
            for name, ways in self.document.get("Keys", {}).items()
            for way in ways
        )

    @property
    def creates_profiles(self) -> bool:
        """Whether an object that finds no profile makes one."""
        return bool(self.document.get("AllowProfileCreation", False))

    def values(self, key: Key, document: Mapping[str, Any]) -> KeyValue | None:
        """The key's value in an object; None when one of its fields has none."""
        parts = []
        for name in key.fields:
            found = self.fields[name].read(document)
            if found is None:
                return None
            # A predefined key compares by its own type, whatever type the field claims.
            kind = PREDEFINED.get(key.name, self.fields[name].content_type)
            parts.append(comparable(found, kind))
        return tuple(parts)

    def unique_key(self) -> Key:
        """The key that identifies an object of this type."""
        return next(key for key in self.keys if "UNIQUE" in key.identifiers)

    def mapped(self, document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """Paths below `_profile.` and the values that an object gives them."""
        for one in self.fields.values():
            if one.target is not None and one.target.startswith("_profile."):
                value = one.read(document)
                if value is not None:
                    yield one.target.removeprefix("_profile."), value

    def first_of(self, content_type: str, document: Mapping[str, Any]) -> str | None:
        """The first value of that content type."""
        of_type = (f for f in self.fields.values() if f.content_type == content_type)
        return next((value for f in of_type if (value := f.read(document)) is not None), None)


def read_object(text: str) -> dict[str, Any] | None:
    """The JSON object in a request; None when it is none."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _filled(template: str, document: Mapping[str, Any]) -> str:
    """A Handlebars text with its paths filled in; block helpers come to nothing."""
    return _EXPRESSION.sub(lambda hit: _text(_found(document, hit[1])) or "", template)


def _found(document: Mapping[str, Any], path: str) -> Any:
    if not path.startswith(_SOURCE):
        return None
    value: Any = document
    for step in _INDEX.sub(r".\1", path.removeprefix(_SOURCE)).split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _text(value: Any) -> str | None:
    match value:
        case str():
            return value or None
        case bool():
            return str(value).lower()
        case int() | float():
            return json.dumps(value)
        case _:
            return None
