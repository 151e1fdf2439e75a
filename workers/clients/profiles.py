"""Customer Profiles: one domain of it.

What is put belongs to the profile that its object's keys find, and is applied some time later; a
search is seconds late after a change (administrator guide, "Profile matching").
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from workers.clients.aws import ProfilesApi
from workers.clients.call import Api, Caller
from workers.clients.checks import check_object, check_profile_value
from workers.clients.errors import PROFILES

_SEARCH: Final = Api(PROFILES, "SearchProfiles", bucket="profiles.search", timeout_s=12.0)
_CREATE: Final = Api(
    PROFILES, "CreateProfile", bucket="profiles.create", is_repeatable=False, timeout_s=12.0
)
_PUT: Final = Api(PROFILES, "PutProfileObject", bucket="profiles.put_object", timeout_s=12.0)

PAGE_MAX: Final = 5
"""More than one profile is several, however many."""

_FIELDS: Final[Mapping[str, str]] = {
    "customer_id": "AccountNumber",
    "phone": "PhoneNumber",
    "email": "EmailAddress",
}


class CustomerProfiles:
    """The profiles of one domain. The client must not repeat by itself: creating has no token."""

    def __init__(self, client: ProfilesApi, caller: Caller, domain: str) -> None:
        self._profiles = client
        self._caller = caller
        self._domain = domain

    async def search(self, key_name: str, value: str) -> tuple[str, ...]:
        """SearchProfiles by one key: the ids that it finds, the first five. Raises as every client.

        A phone number is found in E.164, a mail address in any case.
        """
        check_profile_value(value)
        answer: Any = await self._caller.call(
            _SEARCH,
            lambda: self._profiles.search_profiles(
                DomainName=self._domain, KeyName=key_name, Values=[value], MaxResults=PAGE_MAX
            ),
        )
        return tuple(dict.fromkeys(str(item["ProfileId"]) for item in answer.get("Items", ())))

    async def create(self, keys: Mapping[Any, str]) -> str:
        """CreateProfile; answers the id. Makes another one each time.

        Raises:
            InDoubt: no usable answer came: it may have been made.
        """
        for value in keys.values():
            check_profile_value(value)
        fields = {_FIELDS[str(key)]: value for key, value in keys.items()}
        answer: Any = await self._caller.call(
            _CREATE,
            lambda: self._profiles.create_profile(DomainName=self._domain, **fields),
        )
        return str(answer["ProfileId"])

    async def put(self, object_type: str, text: str) -> None:
        """PutProfileObject: in place of the object with the same unique key, else as a new one."""
        check_object(text)
        await self._caller.call(
            _PUT,
            lambda: self._profiles.put_profile_object(
                DomainName=self._domain, ObjectTypeName=object_type, Object=text
            ),
        )
