"""The `customer_profiles` section of the world document: domains, their types and profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from simulator.services.customer_profiles import standard_fields
from simulator.services.customer_profiles.mapping import ObjectType
from simulator.services.customer_profiles.models import Domain
from simulator.services.customer_profiles.state import CustomerProfilesState


class _Seed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DomainSeed(_Seed):
    """A domain. Types are by name, as PutProfileObjectType takes them; profiles as CreateProfile.

    Seeded profiles count as written by hand. Nothing here is checked as a request would be.
    """

    name: str = Field(pattern="^[a-zA-Z0-9_-]{1,64}$")
    object_types: dict[str, dict[str, Any]] = Field(default_factory=dict)
    profiles: tuple[dict[str, Any], ...] = ()


class CustomerProfilesWorld(_Seed):
    """The whole section."""

    domains: tuple[DomainSeed, ...] = ()


def seed(state: CustomerProfilesState, section: Mapping[str, Any]) -> None:
    """Make the section's domains exist in place of those that did.

    Raises:
        pydantic.ValidationError: nothing was changed.
    """
    world = CustomerProfilesWorld.model_validate(section)
    state.domains.clear()
    for one in world.domains:
        _fill(state, state.open_domain(one.name, {"DefaultExpirationDays": 366}), one)


def _fill(state: CustomerProfilesState, domain: Domain, given: DomainSeed) -> None:
    now = state.world.clock.now()
    for name, document in given.object_types.items():
        shown = {"Description": name, **document, "ObjectTypeName": name}
        domain.types[name] = ObjectType(name, shown, now, now)
    for fields in given.profiles:
        profile = state.new_profile(domain)
        for path, value in standard_fields.leaves(fields):
            standard_fields.put(profile.fields, path, value)
            profile.manual.add(path)
        domain.changed(profile)
