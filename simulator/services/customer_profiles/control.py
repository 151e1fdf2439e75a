"""What a test or an operator may see of the profiles: routes under `/_simulator/profiles`."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from simulator.services.customer_profiles.models import Domain, Profile
from simulator.services.customer_profiles.state import CustomerProfilesState


class ProfilesControl:
    """Handlers over the service's state: the truth, whatever a search sees by now."""

    def __init__(self, state: CustomerProfilesState) -> None:
        self._state = state

    def routes(self) -> tuple[web.RouteDef, ...]:
        """All of them."""
        at = "/_simulator/profiles/{domain}"
        return (
            web.get(at, self.list_profiles),
            web.get(f"{at}/unassigned", self.list_unassigned),
        )

    async def list_profiles(self, request: web.Request) -> web.Response:
        """Every profile with its keys and objects, oldest first; with `key` and `value`, a few."""
        domain = self._domain(request)
        profiles = list(domain.profiles.values())
        key, value = request.query.get("key"), request.query.get("value", "")
        if key is not None:
            [wanted] = domain.key_values(key, [value])
            ids = set(domain.index.find(key, wanted))
            profiles = [profile for profile in profiles if profile.id in ids]
        return web.json_response({"profiles": [_shown(profile) for profile in profiles]})

    async def list_unassigned(self, request: web.Request) -> web.Response:
        """Objects that were accepted and then dropped."""
        return web.json_response({"objects": self._domain(request).unassigned})

    def _domain(self, request: web.Request) -> Domain:
        found = self._state.domains.get(request.match_info["domain"])
        if found is None:
            raise web.HTTPNotFound
        return found


def _shown(profile: Profile) -> dict[str, Any]:
    keys = profile.keys()
    return {
        "profile": profile.as_wire(),
        "keys": {name: sorted(list(v) for v in keys[name]) for name in sorted(keys)},
        "objects": [
            {"type": one.type_name, "unique_key": one.unique_key, "object": one.text}
            for one in profile.objects.values()
        ],
    }
