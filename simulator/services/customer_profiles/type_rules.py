"""What PutProfileObjectType refuses that the model lets pass.

Source: administrator guide, "Object type mapping requirements", "Standard identifiers"; botocore's
text of PutProfileObjectType. That each refusal is a BadRequestException is UNVERIFIED.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.services.customer_profiles import errors, standard_fields
from simulator.services.customer_profiles.knobs import CustomerProfilesKnobs

_OTHER_TARGETS = ("_asset.", "_case.", "_order.", "_device.", "_loyalty.")
_NOT_WITH_TEMPLATE = (
    "AllowProfileCreation",
    "SourceLastUpdatedTimestampFormat",
    "Fields",
    "Keys",
)


def check_object_type(params: Mapping[str, Any], knobs: CustomerProfilesKnobs) -> None:
    """Refuse a mapping that could not work.

    Raises:
        AwsError: BadRequestException.
    """
    if params.get("TemplateId"):
        given = [name for name in _NOT_WITH_TEMPLATE if params.get(name)]
        if given:
            raise errors.bad_request(f"{given[0]} cannot be combined with TemplateId")
        raise errors.bad_request("The simulator has no templates")
    fields, keys = params.get("Fields", {}), params.get("Keys", {})
    if len(keys) > knobs.keys_per_object_type:
        raise errors.bad_request("The object type has more keys than it may")
    ways = [way for listed in keys.values() for way in listed]
    unique = [way for way in ways if "UNIQUE" in way.get("StandardIdentifiers", ())]
    if len(unique) != 1:
        raise errors.bad_request("Exactly one key must be UNIQUE")
    for way in ways:
        names = way.get("FieldNames", ())
        if not names or any(name not in fields for name in names):
            raise errors.bad_request("A key names a field that is not in Fields, or none")
    for name, one in fields.items():
        _check_field(name, one)


def _check_field(name: str, given: Mapping[str, Any]) -> None:
    source, target = given.get("Source", ""), given.get("Target")
    if not (source.startswith("_source.") or "{{" in source):
        raise errors.bad_request(f"Field {name}: Source must start with _source.")
    if target is None or target.startswith(_OTHER_TARGETS):
        return
    path = target.removeprefix("_profile.")
    if path == target or not standard_fields.is_field(path):
        raise errors.bad_request(f"Field {name}: Target is no field of the standard profile")
