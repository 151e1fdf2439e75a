"""What becomes of an object: which profile it belongs to, and what it writes there.

Sources: administrator guide, "Profile matching and inferred profiles", "How Customer Profiles
adds keys to the index for lookups", "Inferred profiles", "Additional properties of object types".
"""

from __future__ import annotations

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from simulator.services.customer_profiles import errors, standard_fields
from simulator.services.customer_profiles.knobs import CustomerProfilesKnobs
from simulator.services.customer_profiles.mapping import Key, KeyValue, ObjectType, read_object
from simulator.services.customer_profiles.models import Domain, Keys, Profile, ProfileObject


@dataclass(frozen=True, slots=True)
class Incoming:
    """An object that was accepted and is on its way to a profile."""

    kind: ObjectType
    text: str
    document: dict[str, Any]
    unique_key: str

    @property
    def place(self) -> tuple[str, str]:
        """What says which object it is, in its domain."""
        return self.kind.name, self.unique_key

    def values(self) -> list[tuple[Key, KeyValue]]:
        """Its keys that have a value."""
        found = ((key, self.kind.values(key, self.document)) for key in self.kind.keys)
        return [(key, value) for key, value in found if value is not None]


def read_incoming(domain: Domain, type_name: str, text: str) -> Incoming:
    """An object as PutProfileObject gives it, checked.

    Raises:
        AwsError: ResourceNotFoundException for its type; BadRequestException when it is no JSON
            object, or lacks a field of the key that identifies it.
    """
    kind = domain.types.get(type_name)
    if kind is None:
        raise errors.not_found("The object type does not exist")
    document = read_object(text)
    if document is None:
        raise errors.bad_request("Object is not a JSON object")
    unique = kind.values(kind.unique_key(), document)
    if unique is None:
        raise errors.bad_request("A field of the UNIQUE key is missing in the object")
    return Incoming(kind, text, document, _opaque(type_name, unique))


def check_room(domain: Domain, incoming: Incoming, knobs: CustomerProfilesKnobs) -> None:
    """Refuse one object more than the profile that it would join may hold.

    UNVERIFIED: that the service already knows at this point; matching comes later there.

    Raises:
        AwsError: BadRequestException.
    """
    profile = _owner(domain, incoming)
    if profile is not None and not _has_room(profile, incoming, knobs):
        raise errors.bad_request("The profile holds as many objects as it may")


def take_in(domain: Domain, incoming: Incoming, knobs: CustomerProfilesKnobs) -> str | None:
    """Attach an object to its profile, or make one; answers why it was dropped, None if not."""
    profile = _owner(domain, incoming)
    is_new = profile is None
    if profile is None:
        if not incoming.kind.creates_profiles:
            return _drop(domain, incoming, "no profile matches")
        profile = Profile(uuid.uuid4().hex)
        domain.profiles[profile.id] = profile
    elif not _has_room(profile, incoming, knobs):
        return _drop(domain, incoming, "the profile is full")
    _write_fields(profile, incoming, is_new=is_new)
    _attach(domain, profile, incoming, is_new=is_new)
    domain.changed(profile)
    return None


def _owner(domain: Domain, incoming: Incoming) -> Profile | None:
    """The profile that a key finds: primary keys first, a key that finds several not at all.

    UNVERIFIED: an object that is known already and now finds no profile stays where it was.
    """
    finding = [(k, v) for k, v in incoming.values() if k.finds_profiles]
    finding.sort(key=lambda pair: "SECONDARY" in pair[0].identifiers)
    for key, value in finding:
        ids = domain.index.find(key.name, value)
        if len(ids) == 1:
            return domain.profiles[ids[0]]
    known = domain.owners.get(incoming.place)
    return domain.profiles[known] if known is not None else None


def _has_room(profile: Profile, incoming: Incoming, knobs: CustomerProfilesKnobs) -> bool:
    before = profile.objects.get(incoming.place)
    if before is None and len(profile.objects) >= knobs.objects_per_profile:
        return False
    freed = _bytes(before.text) if before is not None else 0
    return profile.object_bytes - freed + _bytes(incoming.text) <= knobs.bytes_per_profile


def _write_fields(profile: Profile, incoming: Incoming, *, is_new: bool) -> None:
    for path, value in incoming.kind.mapped(incoming.document):
        if path not in profile.manual and standard_fields.fits(path, value):
            standard_fields.put(profile.fields, path, value)
    if is_new and not profile.fields:
        # An inferred profile: nothing is mapped, yet its address and number are taken over.
        for name, kind in (("EmailAddress", "EMAIL_ADDRESS"), ("PhoneNumber", "PHONE_NUMBER")):
            found = incoming.kind.first_of(kind, incoming.document)
            if found is not None and standard_fields.fits(name, found):
                profile.fields[name] = found


def _attach(domain: Domain, profile: Profile, incoming: Incoming, *, is_new: bool) -> None:
    before = _detach(domain, incoming)
    made_profile = is_new or (before is not None and before.made_profile)
    keys: Keys = {}
    for key, value in incoming.values():
        keys.setdefault(key.name, set()).add(value)
    kept = {k.name for k, _ in incoming.values() if k.is_kept(is_new_profile=made_profile)}
    profile.objects[incoming.place] = ProfileObject(
        *incoming.place, incoming.text, keys, frozenset(kept), made_profile
    )
    domain.owners[incoming.place] = profile.id


def _detach(domain: Domain, incoming: Incoming) -> ProfileObject | None:
    """Take the object's former version from whichever profile has it."""
    owner_id = domain.owners.pop(incoming.place, None)
    if owner_id is None:
        return None
    owner = domain.profiles[owner_id]
    before = owner.objects.pop(incoming.place)
    domain.changed(owner)
    return before


def _drop(domain: Domain, incoming: Incoming, why: str) -> str:
    type_name, unique_key = incoming.place
    domain.unassigned.append(
        {"object_type": type_name, "unique_key": unique_key, "object": incoming.text, "why": why}
    )
    return why


def _opaque(type_name: str, value: KeyValue) -> str:
    """The ProfileObjectUniqueKey: the same for the same object, readable to nobody."""
    return hashlib.sha256("\x1f".join((type_name, *value)).encode("utf-8", "replace")).hexdigest()


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
