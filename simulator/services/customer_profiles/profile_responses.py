"""Profiles: made and changed by hand, found, joined, deleted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from simulator.services import operation
from simulator.services.customer_profiles import errors, standard_fields
from simulator.services.customer_profiles.domain_responses import MODEL
from simulator.services.customer_profiles.merging import merge
from simulator.services.customer_profiles.models import Domain, Profile
from simulator.services.customer_profiles.paging import page
from simulator.services.customer_profiles.searching import search
from simulator.services.customer_profiles.state import SERVICE, CustomerProfilesState
from simulator.wire import Call

_KEY_CALLS = "values of one part are several values, of several parts one (UNVERIFIED)"


class ProfileResponses:
    """What agents and workers call."""

    def __init__(self, state: CustomerProfilesState) -> None:
        self._state = state

    @operation(
        true_to="nothing is required, nothing deduplicated; what it writes no object overwrites",
        source=MODEL + '; guide, "Additional properties of object types"',
        not_yet="the 250 KB of a profile are not counted",
    )
    async def create_profile(self, call: Call) -> dict[str, Any]:
        """CreateProfile."""
        domain = self._state.domain(call.params)
        profile = self._state.new_profile(domain)
        _write(profile, call.params)
        domain.changed(profile)
        return {"ProfileId": profile.id}

    @operation(
        true_to="an absent member stays, an empty text removes, attributes merge by name",
        source=MODEL,
        not_yet="UNVERIFIED: that attributes not named stay",
    )
    async def update_profile(self, call: Call) -> dict[str, Any]:
        """UpdateProfile."""
        domain = self._state.domain(call.params)
        profile = self._state.profile(domain, call.params["ProfileId"])
        _write(profile, call.params)
        domain.changed(profile)
        return {"ProfileId": profile.id}

    @operation(
        true_to="up to 20 profiles by id, an error for each that is not there",
        source=MODEL,
        not_yet="UNVERIFIED: that it sees a change at once, whatever searches see",
    )
    async def batch_get_profile(self, call: Call) -> dict[str, Any]:
        """BatchGetProfile."""
        domain = self._state.domain(call.params)
        wanted = list(dict.fromkeys(call.params["ProfileIds"]))
        found = [domain.profiles[i].as_wire() for i in wanted if i in domain.profiles]
        missing = [
            {"Code": "ResourceNotFoundException", "Message": "Not found", "ProfileId": i}
            for i in wanted
            if i not in domain.profiles
        ]
        return {"Profiles": found, "Errors": missing}

    @operation(
        true_to=(
            "predefined and custom keys, up to five, AND or OR, FoundByItems, pages; equality by "
            "content type; late by knob"
        ),
        source=MODEL + '; guide, "Field definitions"',
        not_yet=(
            f"{_KEY_CALLS}; results come in the order in which they got their keys; a key that no "
            "type has finds nobody"
        ),
    )
    async def search_profiles(self, call: Call) -> dict[str, Any]:
        """SearchProfiles."""
        return page(search(self._state.domain(call.params), call.params), call.params)

    @operation(
        true_to="a value by which the profile is found, by objects too",
        source=MODEL,
        not_yet=_KEY_CALLS,
    )
    async def add_profile_key(self, call: Call) -> dict[str, Any]:
        """AddProfileKey."""
        domain, params = self._state.domain(call.params), call.params
        profile = self._state.profile(domain, params["ProfileId"])
        values = domain.key_values(params["KeyName"], params["Values"])
        profile.added_keys.setdefault(params["KeyName"], set()).update(values)
        domain.changed(profile)
        return {"KeyName": params["KeyName"], "Values": params["Values"]}

    @operation(
        true_to="takes a value off the profile",
        source=MODEL,
        not_yet="keys that AddProfileKey gave only",
    )
    async def delete_profile_key(self, call: Call) -> dict[str, Any]:
        """DeleteProfileKey."""
        domain, params = self._state.domain(call.params), call.params
        profile = self._state.profile(domain, params["ProfileId"])
        values = domain.key_values(params["KeyName"], params["Values"])
        profile.added_keys.get(params["KeyName"], set()).difference_update(values)
        domain.changed(profile)
        return {"Message": "OK"}

    @operation(true_to="the profile and all its objects go", source=MODEL)
    async def delete_profile(self, call: Call) -> dict[str, Any]:
        """DeleteProfile."""
        domain = self._state.domain(call.params)
        domain.remove(self._state.profile(domain, call.params["ProfileId"]))
        return {"Message": "OK"}

    @operation(
        true_to=(
            "objects and keys move, fields unite, conflicts go to the main profile or to the "
            "profile named, the merged ones go; done after the answer, by knob"
        ),
        source=MODEL,
        not_yet="what becomes of more than a thousand objects",
    )
    async def merge_profiles(self, call: Call) -> dict[str, Any]:
        """MergeProfiles."""
        domain, params = self._state.domain(call.params), call.params
        main_id, other_ids = params["MainProfileId"], params["ProfileIdsToBeMerged"]
        if main_id in other_ids:
            raise errors.bad_request("The main profile cannot be merged into itself")
        for profile_id in (main_id, *other_ids):
            self._state.profile(domain, profile_id)
        sources = params.get("FieldSourceProfileIds", {})
        await self._run_job(lambda: self._merge(domain, main_id, other_ids, sources))
        return {"Message": "The profiles are being merged"}

    def _merge(
        self, domain: Domain, main_id: str, other_ids: list[str], sources: Mapping[str, Any]
    ) -> None:
        merged = merge(domain, main_id, other_ids, sources)
        self._state.world.ledger.fact(
            SERVICE, "profiles_merged", domain=domain.name, main=main_id, merged=merged
        )

    async def _run_job(self, job: Callable[[], None]) -> None:
        delay_s = self._state.knobs.merge_after_ms / 1000
        if delay_s == 0:
            job()
            return

        async def later() -> None:
            await self._state.world.clock.sleep(delay_s)
            job()

        self._state.world.tasks.start("merge", later())


def _write(profile: Profile, params: Mapping[str, Any]) -> None:
    """Take over what was given by hand, and remember that it was."""
    for path, value in standard_fields.leaves(params):
        standard_fields.put(profile.fields, path, value)
        if value == "":
            profile.manual.discard(path)
        else:
            profile.manual.add(path)
