"""Domains and object types."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulator.services import operation
from simulator.services.customer_profiles import errors
from simulator.services.customer_profiles.mapping import ObjectType
from simulator.services.customer_profiles.models import Domain
from simulator.services.customer_profiles.paging import page
from simulator.services.customer_profiles.state import CustomerProfilesState
from simulator.services.customer_profiles.type_rules import check_object_type
from simulator.wire import Call

MODEL = "botocore service model and its text"
_GUIDE = '; guide, "Object type mapping requirements", "Standard identifiers"'
_PAID_BY_OBJECTS = 100


class DomainResponses:
    """What `setup` tools call."""

    def __init__(self, state: CustomerProfilesState) -> None:
        self._state = state

    @operation(
        true_to="a domain, refused when it exists",
        source=MODEL,
        not_yet=(
            "matching, encryption, data store and dead-letter queue are shown again and not "
            "played. UNVERIFIED: the error for a name that is taken"
        ),
    )
    async def create_domain(self, call: Call) -> dict[str, Any]:
        """CreateDomain."""
        name = call.params["DomainName"]
        if name in self._state.domains:
            raise errors.bad_request("The domain exists already")
        domain = self._state.open_domain(name, call.params)
        return _domain(domain)

    @operation(true_to="counts of profiles, objects and bytes", source=MODEL + '; "DomainStats"')
    async def get_domain(self, call: Call) -> dict[str, Any]:
        """GetDomain."""
        domain = self._state.domain(call.params)
        return _domain(domain) | {"Stats": _stats(domain)}

    @operation(true_to="pages", source=MODEL)
    async def list_domains(self, call: Call) -> dict[str, Any]:
        """ListDomains."""
        shown = [
            {"DomainName": d.name, "CreatedAt": d.created_at, "LastUpdatedAt": d.created_at}
            for d in self._state.domains.values()
        ]
        return page(shown, call.params)

    @operation(true_to="removes the domain and all in it", source=MODEL)
    async def delete_domain(self, call: Call) -> dict[str, Any]:
        """DeleteDomain."""
        del self._state.domains[self._state.domain(call.params).name]
        return {"Message": "OK"}

    @operation(
        true_to=(
            "one UNIQUE key, fields that exist, targets of the standard profile, ten keys a type "
            "and a hundred types; again replaces the mapping"
        ),
        source=MODEL + _GUIDE,
        not_yet=(
            "templates; expiry, source priority and SourceLastUpdatedTimestampFormat are shown "
            "again and not played; objects already there are not mapped anew"
        ),
    )
    async def put_profile_object_type(self, call: Call) -> dict[str, Any]:
        """PutProfileObjectType."""
        domain, params = self._state.domain(call.params), call.params
        check_object_type(params, self._state.knobs)
        name, now = params["ObjectTypeName"], self._state.world.clock.now()
        before = domain.types.get(name)
        if before is None and len(domain.types) >= self._state.knobs.object_types_per_domain:
            raise errors.bad_request("The domain has as many object types as it may")
        created_at = before.created_at if before else now
        domain.types[name] = ObjectType(name, dict(params), created_at, now)
        return _object_type(domain.types[name])

    @operation(true_to="the mapping as it was put", source=MODEL)
    async def get_profile_object_type(self, call: Call) -> dict[str, Any]:
        """GetProfileObjectType."""
        return _object_type(self._type(call))

    @operation(true_to="pages", source=MODEL)
    async def list_profile_object_types(self, call: Call) -> dict[str, Any]:
        """ListProfileObjectTypes."""
        domain = self._state.domain(call.params)
        shown = [
            {
                "ObjectTypeName": one.name,
                "Description": one.document["Description"],
                "CreatedAt": one.created_at,
                "LastUpdatedAt": one.updated_at,
            }
            for one in domain.types.values()
        ]
        return page(shown, call.params)

    @operation(
        true_to="the type and its objects go",
        source=MODEL,
        not_yet="UNVERIFIED: what becomes of the keys and fields that its objects brought",
    )
    async def delete_profile_object_type(self, call: Call) -> dict[str, Any]:
        """DeleteProfileObjectType."""
        domain, name = self._state.domain(call.params), self._type(call).name
        del domain.types[name]
        for profile in domain.profiles.values():
            places = [place for place in profile.objects if place[0] == name]
            for place in places:
                del profile.objects[place], domain.owners[place]
            if places:
                domain.changed(profile)
        return {"Message": "OK"}

    def _type(self, call: Call) -> ObjectType:
        found = self._state.domain(call.params).types.get(call.params["ObjectTypeName"])
        if found is None:
            raise errors.not_found("The object type does not exist")
        return found


def _domain(domain: Domain) -> dict[str, Any]:
    shown: dict[str, Any] = {
        name: domain.document[name]
        for name in (
            "DefaultExpirationDays",
            "DefaultEncryptionKey",
            "DeadLetterQueueUrl",
            "Matching",
            "RuleBasedMatching",
            "Tags",
        )
        if domain.document.get(name)
    }
    return shown | {
        "DomainName": domain.name,
        "CreatedAt": domain.created_at,
        "LastUpdatedAt": domain.created_at,
    }


def _stats(domain: Domain) -> dict[str, int]:
    """Profiles pay once more for every further hundred objects."""
    counts = [len(profile.objects) for profile in domain.profiles.values()]
    return {
        "ProfileCount": len(counts),
        "MeteringProfileCount": sum(1 + max(0, n - 1) // _PAID_BY_OBJECTS for n in counts),
        "ObjectCount": sum(counts),
        "TotalSize": sum(profile.object_bytes for profile in domain.profiles.values()),
    }


def _object_type(one: ObjectType) -> dict[str, Any]:
    given: Mapping[str, Any] = one.document
    shown = {name: value for name, value in given.items() if name != "DomainName" and value != ""}
    shown.setdefault("AllowProfileCreation", False)
    return shown | {"CreatedAt": one.created_at, "LastUpdatedAt": one.updated_at}
