"""Amazon Connect Customer Profiles (customer-profiles): domains, mappings, profiles, objects."""

from __future__ import annotations

from simulator.rates import Rate
from simulator.services import ModelledService, Service
from simulator.services.customer_profiles import errors
from simulator.services.customer_profiles.control import ProfilesControl
from simulator.services.customer_profiles.knobs import CustomerProfilesKnobs
from simulator.services.customer_profiles.responses import CustomerProfilesResponses
from simulator.services.customer_profiles.seeding import seed
from simulator.services.customer_profiles.state import SERVICE, CustomerProfilesState
from simulator.world import World

_A_HUNDRED_A_SECOND = (
    "AddProfileKey",
    "BatchPutProfileObject",  # UNVERIFIED
    "CreateProfile",
    "DeleteProfile",
    "DeleteProfileKey",
    "DeleteProfileObject",
    "ListProfileObjects",
    "MergeProfiles",
    "PutProfileObject",
    "SearchProfiles",
    "UpdateProfile",
)
_RATES = {name: Rate(f"{SERVICE} {name}", 100, 100) for name in _A_HUNDRED_A_SECOND}
_RATES["GetProfileObjectType"] = Rate(f"{SERVICE} GetProfileObjectType", 10, 10)
_RATES["BatchGetProfile"] = Rate(f"{SERVICE} BatchGetProfile", 10, 10)  # UNVERIFIED


def build(world: World) -> Service:
    """The service over this world."""
    world.knobs.register("customer_profiles", CustomerProfilesKnobs())
    state = CustomerProfilesState(world)
    return ModelledService(
        name=SERVICE,
        world_key="customer_profiles",
        responses=CustomerProfilesResponses(state),
        errors=errors.SHAPES,
        rates=_RATES,
        default_rate=lambda name: Rate(f"{SERVICE} {name}", 1, 1),
        control=ProfilesControl(state).routes(),
        seed=lambda section: seed(state, section),
    )
