"""What all inbound shapes have in common: how their keys and words are read.

AWS spells one key in several ways, sometimes within one page of its documentation (`contactId`,
`ContactId`; `bounceSubType`, `bounce_sub_type`), and adds keys whenever it likes. So keys are read
without regard to case, underscores and hyphens, a null is a missing key, and unknown keys are
ignored. Maps whose keys are somebody's data (attributes, tags, context) are left as they are.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    StringConstraints,
    model_validator,
)

from schemas.event_class import EventClass

_LONGEST_KEY_KEPT = 64  # Longer ones are no field of ours, and would fill the memory.
_KEYS_KEPT = 4096


class Folded(dict[str, Any]):
    """An object whose keys are folded already and whose nulls are gone."""

    __slots__ = ()


class _Folds(dict[str, str]):
    """Keys as they come and as they are looked up, learned as they come, up to a limit.

    A dictionary and no cached function: an event has twenty keys, and a lookup is no call.
    """

    def __missing__(self, name: str) -> str:
        if len(name) > _LONGEST_KEY_KEPT:
            return name
        folded = name.replace("_", "").replace("-", "").replace(" ", "").lower()
        if len(self) < _KEYS_KEPT:
            self[name] = folded
        return folded


_folds = _Folds()


def fold(name: str) -> str:
    """Bring a key to the one spelling under which shapes look it up."""
    return _folds[name]


def fold_keys(document: Mapping[str, Any]) -> Folded:
    """Fold the keys of one object, not of what is in it. The last of several alike wins."""
    if isinstance(document, Folded):
        return document
    return Folded({_folds[key]: value for key, value in document.items() if value is not None})


class Shape(BaseModel):
    """An object of AWS's: frozen, read by folded keys, unknown keys ignored."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=fold,
        validate_by_name=True,
        loc_by_alias=False,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _read_keys(cls, document: Any) -> Any:
        return fold_keys(document) if isinstance(document, dict) else document


class EventShape(Shape, ABC):
    """A whole event. What it says of itself; an envelope may know more."""

    event_class: ClassVar[EventClass]
    spelling: ClassVar[Literal["camel", "pascal", "snake"]] = "camel"

    @property
    @abstractmethod
    def own_type(self) -> str:
        """The source's own word for what happened."""

    @property
    def own_id(self) -> str | None:
        """What it is deduplicated by, together with the key; None where only an envelope knows."""
        return None

    @property
    @abstractmethod
    def own_keys(self) -> tuple[str, ...]:
        """What it is ordered by: a number, an address, a contact. Empty when it has none."""

    @property
    def own_time(self) -> datetime | None:
        """When it happened, if the event itself says so."""
        return None


def word_of(document: object, *keys: str) -> str:
    """The first of these (folded) keys that a union's branches are told apart by, or nothing."""
    if not isinstance(document, dict):
        return ""
    folded = fold_keys(document)
    return next((word for key in keys if isinstance(word := folded.get(key), str)), "").strip()


def distinct(keys: list[str]) -> tuple[str, ...]:
    """Each key once, in order, empty ones left out."""
    return tuple(dict.fromkeys(key for key in keys if key))


def address_key(address: str) -> str:
    """The bare e-mail address in lower case, out of `Name <address>` too."""
    return address[address.rfind("<") + 1 :].partition(">")[0].strip().lower()


def _texts(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {str(k): _text(v) for k, v in value.items() if v is not None}


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), default=str)


def _without_nulls(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: one for key, one in value.items() if one is not None}


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Id = Annotated[
    str,
    Strict(),
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]+$"),
]
"""A required identifier, number or address: text, not empty, no control characters."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True)]
"""A source's own word, kept in its case."""

UpperWord = Annotated[
    str, StringConstraints(min_length=1, max_length=256, strip_whitespace=True, to_upper=True)
]
"""An enumerated word. New ones are kept, not refused; casing in AWS's own samples varies."""

StringMap = Annotated[dict[str, str], BeforeValidator(_texts)]
"""Somebody's names and values. A value that is no text is kept as its JSON."""

Texts = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
"""Texts where some samples have one text instead of a list."""

TextLists = Annotated[dict[str, Texts], BeforeValidator(_without_nulls)]
"""Somebody's names, each with several values."""
