"""Customer Profiles, asked for one thing: in which zone a customer lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from workers.clients.aws import ProfilesApi
from workers.clients.call import Api, Caller
from workers.clients.checks import check_profile_value
from workers.clients.errors import PROFILES
from workers.errors import AccountProblem, PermanentError

_SEARCH: Final = Api(PROFILES, "SearchProfiles", bucket="profiles.search", timeout_s=12.0)
_PAGE_MAX: Final = 5


@dataclass(frozen=True, slots=True)
class ZoneKeys:
    """What the domain calls its search keys, and the profile attribute that holds the zone."""

    phone: str
    customer_id: str
    attribute: str


class ProfileZones:
    """Reads zones from profiles of one domain."""

    def __init__(self, client: ProfilesApi, caller: Caller, domain: str, keys: ZoneKeys) -> None:
        self._profiles = client
        self._caller = caller
        self._domain = domain
        self._keys = keys

    async def zone_of(self, number: str, customer_id: str | None) -> str | None:
        """The zone of whom the customer id finds, else the number.

        None where nobody is found, where no zone is written, and where several profiles differ.

        Raises:
            TransientError, AccountProblem: it could not be asked.
        """
        asked = [(self._keys.customer_id, customer_id), (self._keys.phone, number)]
        for key_name, value in asked:
            zones = await self._zones(key_name, value) if value else set()
            if len(zones) == 1:
                return zones.pop()
        return None

    async def _zones(self, key_name: str, value: str) -> set[str]:
        try:
            check_profile_value(value)
            answer: Any = await self._caller.call(
                _SEARCH,
                lambda: self._profiles.search_profiles(
                    DomainName=self._domain,
                    KeyName=key_name,
                    Values=[value],
                    MaxResults=_PAGE_MAX,
                ),
            )
        except AccountProblem:
            raise
        except PermanentError:
            return set()  # A value that no key can hold finds nobody.
        found = (self._zone(item.get("Attributes") or {}) for item in answer.get("Items", ()))
        return {zone for zone in found if zone}

    def _zone(self, attributes: Mapping[str, str]) -> str:
        return str(attributes.get(self._keys.attribute, "")).strip()
