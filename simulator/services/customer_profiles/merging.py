"""MergeProfiles: objects and keys move, fields are united, conflicts go to the main profile.

Source: botocore's text of MergeProfiles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.services.customer_profiles import standard_fields
from simulator.services.customer_profiles.models import Domain, Profile


def merge(
    domain: Domain, main_id: str, other_ids: list[str], sources: Mapping[str, Any]
) -> list[str]:
    """Merge what still exists of the others into the main profile; answers the ids merged."""
    main = domain.profiles.get(main_id)
    if main is None:
        return []
    others = [domain.profiles[i] for i in dict.fromkeys(other_ids) if i in domain.profiles]
    before = {main.id: dict(standard_fields.leaves(main.fields))}
    for other in others:
        before[other.id] = dict(standard_fields.leaves(other.fields))
        _unite(main, before[other.id])
        main.manual |= other.manual
        for name, values in other.added_keys.items():
            main.added_keys.setdefault(name, set()).update(values)
        _move_objects(domain, other, main)
        domain.remove(other)
    for path, source_id in standard_fields.leaves(sources):
        _take_from(main, path, before.get(source_id, {}))
    domain.changed(main)
    return [other.id for other in others]


def _unite(main: Profile, theirs: Mapping[str, Any]) -> None:
    mine = dict(standard_fields.leaves(main.fields))
    for path, value in theirs.items():
        if path not in mine:
            standard_fields.put(main.fields, path, value)


def _take_from(main: Profile, path: str, theirs: Mapping[str, Any]) -> None:
    """The named profile's value always, even where it has none; a group as a whole."""
    mine = dict(standard_fields.leaves(main.fields))
    for own in [p for p in mine if p == path or p.startswith(f"{path}.")]:
        standard_fields.put(main.fields, own, "")
    for own, value in theirs.items():
        if own == path or own.startswith(f"{path}."):
            standard_fields.put(main.fields, own, value)


def _move_objects(domain: Domain, other: Profile, main: Profile) -> None:
    for place, one in list(other.objects.items()):
        main.objects[place] = one
        domain.owners[place] = main.id
    other.objects.clear()
