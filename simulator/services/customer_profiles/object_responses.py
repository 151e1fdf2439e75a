"""Objects: put, listed, deleted."""

from __future__ import annotations

from typing import Any

from simulator.services import operation
from simulator.services.customer_profiles import errors
from simulator.services.customer_profiles.domain_responses import MODEL
from simulator.services.customer_profiles.ingestion import check_room, read_incoming
from simulator.services.customer_profiles.models import Domain, ProfileObject
from simulator.services.customer_profiles.paging import page
from simulator.services.customer_profiles.state import SERVICE, CustomerProfilesState
from simulator.wire import AwsError, Call

_GUIDE = (
    '; guide, "Profile matching and inferred profiles", "Standard identifiers", "How Customer '
    'Profiles adds keys to the index for lookups", "Field definitions", quotas'
)


class ObjectResponses:
    """What feeds the profiles."""

    def __init__(self, state: CustomerProfilesState) -> None:
        self._state = state

    @operation(
        true_to=(
            "replaces the object of the same UNIQUE key; finds its profile by PROFILE keys, "
            "SECONDARY ones last, ambiguous ones never; makes one where the type may; "
            "LOOKUP_ONLY and NEW_ONLY; paths and Handlebars texts; fields written by hand stay; "
            "inferred e-mail and phone; 1,000 objects and 50 MB a profile; taken in late by knob"
        ),
        source=MODEL + _GUIDE,
        not_yet=(
            "Handlebars helpers; targets other than _profile; an older object overwrites a newer "
            "one. UNVERIFIED: the refusal of an object too many (the service may take it and drop "
            "it), the form of the unique key, that an object without a profile of its own stays "
            "where it was, that matching sees all earlier objects"
        ),
    )
    async def put_profile_object(self, call: Call) -> dict[str, Any]:
        """PutProfileObject."""
        domain, params = self._state.domain(call.params), call.params
        incoming = read_incoming(domain, params["ObjectTypeName"], params["Object"])
        check_room(domain, incoming, self._state.knobs)
        self._state.ingest(domain, incoming)
        return {"ProfileObjectUniqueKey": incoming.unique_key}

    @operation(
        true_to="up to ten objects of one type, each taken in or failed by itself, by knob too",
        source=MODEL + _GUIDE,
        not_yet=(
            "UNVERIFIED: the error for an Id given twice, which failures are of one object and "
            "which of the request, whether its rate counts objects"
        ),
    )
    async def batch_put_profile_object(self, call: Call) -> dict[str, Any]:
        """BatchPutProfileObject."""
        domain, params = self._state.domain(call.params), call.params
        ids = [item["Id"] for item in params["Items"]]
        if len(set(ids)) < len(ids):
            raise errors.bad_request("An Id is given twice")
        if params["ObjectTypeName"] not in domain.types:
            raise errors.not_found("The object type does not exist")
        done, failed = [], []
        for item in params["Items"]:
            try:
                key = self._take(domain, params["ObjectTypeName"], item["Object"])
                done.append({"Id": item["Id"], "ProfileObjectUniqueKey": key})
            except AwsError as error:
                failed.append({"Id": item["Id"], "Code": error.status, "Message": error.message})
                self._state.world.ledger.fact(
                    SERVICE, "batch_item_failed", request_id=call.request_id, item=item["Id"]
                )
        return {"Successful": done, "Failed": failed}

    def _take(self, domain: Domain, type_name: str, text: str) -> str:
        """One object of a batch, unless the knob lets it fail."""
        state = self._state
        share = state.knobs.batch_item_failures
        if share > 0 and state.world.random.random() < share:
            raise errors.internal(state.world.new_id())
        incoming = read_incoming(domain, type_name, text)
        check_room(domain, incoming, state.knobs)
        state.ingest(domain, incoming)
        return incoming.unique_key

    @operation(
        true_to="of one type, oldest first, ObjectFilter by a key of the object, pages",
        source=MODEL,
        not_yet="UNVERIFIED: the order, the default page size, what an unknown type gets",
    )
    async def list_profile_objects(self, call: Call) -> dict[str, Any]:
        """ListProfileObjects."""
        domain, params = self._state.domain(call.params), call.params
        profile = self._state.profile(domain, params["ProfileId"])
        if params["ObjectTypeName"] not in domain.types:
            raise errors.not_found("The object type does not exist")
        listed = [o for o in profile.objects.values() if o.type_name == params["ObjectTypeName"]]
        wanted = params.get("ObjectFilter")
        if wanted is not None:
            values = set(domain.key_values(wanted["KeyName"], wanted["Values"]))
            listed = [o for o in listed if o.keys.get(wanted["KeyName"], set()) & values]
        return page([_shown(one) for one in listed], params)

    @operation(
        true_to="the object and the keys that it brought go, what it wrote stays",
        source=MODEL,
        not_yet="UNVERIFIED: that what it wrote to the profile stays",
    )
    async def delete_profile_object(self, call: Call) -> dict[str, Any]:
        """DeleteProfileObject."""
        domain, params = self._state.domain(call.params), call.params
        profile = self._state.profile(domain, params["ProfileId"])
        place = (params["ObjectTypeName"], params["ProfileObjectUniqueKey"])
        if profile.objects.pop(place, None) is None:
            raise errors.not_found("The profile has no such object")
        del domain.owners[place]
        domain.changed(profile)
        return {"Message": "OK"}


def _shown(one: ProfileObject) -> dict[str, Any]:
    return {
        "ObjectTypeName": one.type_name,
        "ProfileObjectUniqueKey": one.unique_key,
        "Object": one.text,
    }
