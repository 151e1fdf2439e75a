"""What a domain holds: object types, profiles with their objects and keys, and what is searchable.

State only. Which profile an object belongs to is `ingestion`'s.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.services.customer_profiles.mapping import KeyValue, ObjectType
from simulator.services.customer_profiles.values import PREDEFINED, comparable

_PHONES = ("PhoneNumber", "MobilePhoneNumber", "HomePhoneNumber", "BusinessPhoneNumber")
_EMAILS = ("EmailAddress", "PersonalEmailAddress", "BusinessEmailAddress")
_NAMES = ("FirstName", "MiddleName", "LastName")

Keys = dict[str, set[KeyValue]]


@dataclass(slots=True)
class ProfileObject:
    """One object of a profile, as it was put, and the keys that it brought."""

    type_name: str
    unique_key: str
    text: str
    keys: Keys
    """All its keys, those that are not kept for finding profiles too: ObjectFilter's."""
    kept: frozenset[str]
    """Names of those by which its profile can be found."""
    made_profile: bool


@dataclass(slots=True)
class Profile:
    """A standard profile. `fields` are as the answers show them."""

    id: str
    fields: dict[str, Any] = field(default_factory=dict)
    manual: set[str] = field(default_factory=set)
    """Paths that CreateProfile or UpdateProfile wrote: no object overwrites them."""
    added_keys: Keys = field(default_factory=dict)
    objects: dict[tuple[str, str], ProfileObject] = field(default_factory=dict)
    """By type and unique key, in the order in which they came."""

    @property
    def object_bytes(self) -> int:
        """Size of all objects, in UTF-8."""
        return sum(len(o.text.encode("utf-8", "surrogatepass")) for o in self.objects.values())

    def keys(self) -> Keys:
        """Everything that the profile can be found by.

        UNVERIFIED: that standard fields which an object wrote can be found by the predefined
        keys, and that `_fullName` is first, middle and last name.
        """
        found: Keys = {"_profileId": {(self.id,)}}
        for name, values in self._standard_keys():
            found.setdefault(name, set()).update(values)
        for name, values in self.added_keys.items():
            found.setdefault(name, set()).update(values)
        for one in self.objects.values():
            for name in one.kept:
                found.setdefault(name, set()).update(one.keys[name])
        return found

    def as_wire(self) -> dict[str, Any]:
        """The profile as the answers show it."""
        return {"ProfileId": self.id, **copy.deepcopy(self.fields)}

    def _standard_keys(self) -> Iterator[tuple[str, set[KeyValue]]]:
        texts = self.fields
        full_name = " ".join(texts[name] for name in _NAMES if name in texts)
        for key, values in (
            ("_phone", [texts[name] for name in _PHONES if name in texts]),
            ("_email", [texts[name] for name in _EMAILS if name in texts]),
            ("_account", [texts["AccountNumber"]] if "AccountNumber" in texts else []),
            ("_fullName", [full_name] if full_name else []),
        ):
            if values:
                yield key, {(comparable(v, PREDEFINED.get(key, "STRING")),) for v in values}


class Index:
    """Profile ids by key name and value."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, KeyValue], dict[str, None]] = {}
        self._keys: dict[str, Keys] = {}

    def put(self, profile_id: str, keys: Keys) -> None:
        """Make a profile findable by these keys and no others."""
        before = self._keys.get(profile_id, {})
        for pair in _pairs(before) - _pairs(keys):
            ids = self._ids[pair]
            del ids[profile_id]
            if not ids:
                del self._ids[pair]
        for pair in _pairs(keys) - _pairs(before):
            self._ids.setdefault(pair, {})[profile_id] = None
        self._keys[profile_id] = keys
        if not keys:
            del self._keys[profile_id]

    def find(self, name: str, value: KeyValue) -> list[str]:
        """The profiles that have that value, in the order in which they got it."""
        return list(self._ids.get((name, value), ()))


class Searchable:
    """What SearchProfiles sees: profiles as they were when the lag was over."""

    def __init__(self) -> None:
        self.index = Index()
        self.shown: dict[str, dict[str, Any]] = {}
        self._versions: dict[str, int] = {}

    def show(self, profile_id: str, version: int, keys: Keys, shown: dict[str, Any] | None) -> None:
        """Take over a state, unless a later one is here already. `shown` is None for a deletion."""
        if version <= self._versions.get(profile_id, 0):
            return
        self._versions[profile_id] = version
        self.index.put(profile_id, keys)
        if shown is None:
            self.shown.pop(profile_id, None)
        else:
            self.shown[profile_id] = shown


@dataclass(slots=True)
class Domain:
    """One domain. `document` is what CreateDomain gave, to be shown again."""

    name: str
    document: dict[str, Any]
    created_at: datetime
    later: Callable[[Callable[[], None]], None]
    """Runs a change of what is searchable, after the lag."""
    types: dict[str, ObjectType] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    index: Index = field(default_factory=Index)
    """What is true now: objects find their profiles by it."""
    searchable: Searchable = field(default_factory=Searchable)
    owners: dict[tuple[str, str], str] = field(default_factory=dict)
    """Profile id by an object's type and unique key."""
    unassigned: list[dict[str, Any]] = field(default_factory=list)
    """Objects that found no profile and were dropped: what the real domain's DLQ would get."""
    _version: int = 0

    def changed(self, profile: Profile) -> None:
        """Make a profile findable as it stands: at once for objects, after the lag for searches."""
        keys, shown = profile.keys(), profile.as_wire()
        self.index.put(profile.id, keys)
        self._show(profile.id, keys, shown)

    def remove(self, profile: Profile) -> None:
        """Delete a profile with its objects."""
        del self.profiles[profile.id]
        for place in profile.objects:
            self.owners.pop(place, None)
        self.index.put(profile.id, {})
        self._show(profile.id, {}, None)

    def content_type(self, key_name: str) -> tuple[str, ...]:
        """The content types of a key's parts, as the domain's object types have them."""
        if key_name in PREDEFINED:
            return (PREDEFINED[key_name],)
        for one in self.types.values():
            for key in one.keys:
                if key.name == key_name:
                    return tuple(one.fields[name].content_type for name in key.fields)
        return ("STRING",)

    def key_values(self, key_name: str, values: list[str]) -> list[KeyValue]:
        """What a request's Values mean: the parts of one value, or several values of one part."""
        kinds = self.content_type(key_name)
        if len(kinds) > 1:
            parts = zip(values, kinds, strict=False)
            return [tuple(comparable(value, kind) for value, kind in parts)]
        return [(comparable(value, kinds[0]),) for value in values]

    def _show(self, profile_id: str, keys: Keys, shown: dict[str, Any] | None) -> None:
        self._version += 1
        version = self._version
        self.later(lambda: self.searchable.show(profile_id, version, keys, shown))


def _pairs(keys: Keys) -> set[tuple[str, KeyValue]]:
    return {(name, value) for name, values in keys.items() for value in values}
