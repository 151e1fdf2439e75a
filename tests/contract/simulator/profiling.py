"""A simulator with one domain of Customer Profiles, for the contract tests of that service."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.services.customer_profiles.client import ProfilesView
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import Running

DOMAIN = "clinic"
IN_DOMAIN = {"DomainName": DOMAIN}
PHONE = "+12065550100"


def field(source: str, target: str | None = None, kind: str = "STRING") -> dict[str, str]:
    """One of Fields."""
    found = {"Source": f"_source.{source}", "ContentType": kind}
    return found if target is None else found | {"Target": f"_profile.{target}"}


def key(*fields: str, of: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """One of Keys."""
    return [{"StandardIdentifiers": list(of), "FieldNames": list(fields)}]


VISIT: dict[str, Any] = {
    "Description": "a visit",
    "AllowProfileCreation": True,
    "Fields": {
        "id": field("id"),
        "phone": field("phone", "PhoneNumber", "PHONE_NUMBER"),
        "email": field("email", None, "EMAIL_ADDRESS"),
        "city": field("home.city", "Address.City"),
        "plan": field("plan", "Attributes.plan"),
        "name": {"Source": "{{_source.first}} {{_source.last}}", "ContentType": "NAME"},
    },
    "Keys": {
        "visitId": key("id", of=("UNIQUE",)),
        "_phone": key("phone", of=("PROFILE",)),
        "_email": key("email", of=("PROFILE", "SECONDARY")),
        "_fullName": key("name"),
    },
}


@dataclass
class Profiling:
    """The simulator, the SDK's client, and the truth."""

    simulator: Running
    sdk: Any
    view: ProfilesView

    async def put_type(self, name: str = "visit", **changes: Any) -> None:
        """PutProfileObjectType."""
        await self.sdk.put_profile_object_type(**IN_DOMAIN, ObjectTypeName=name, **VISIT | changes)

    async def put(self, content: Mapping[str, Any], kind: str = "visit") -> str:
        """PutProfileObject; answers the object's unique key."""
        answer = await self.sdk.put_profile_object(
            **IN_DOMAIN, ObjectTypeName=kind, Object=json.dumps(content)
        )
        return str(answer["ProfileObjectUniqueKey"])

    async def search(self, name: str, *values: str, **asked: Any) -> list[str]:
        """The ids that SearchProfiles finds."""
        found = await self.sdk.search_profiles(
            **IN_DOMAIN, KeyName=name, Values=list(values), **asked
        )
        return [item["ProfileId"] for item in found["Items"]]

    async def create(self, **fields: Any) -> str:
        """CreateProfile."""
        made = await self.sdk.create_profile(**IN_DOMAIN, **fields)
        return str(made["ProfileId"])

    async def shown(self, profile_id: str) -> dict[str, Any]:
        """BatchGetProfile of one, without its id."""
        found = await self.sdk.batch_get_profile(**IN_DOMAIN, ProfileIds=[profile_id])
        profile: dict[str, Any] = dict(found["Profiles"][0])
        del profile["ProfileId"]
        return profile


@asynccontextmanager
async def profiling() -> AsyncIterator[Profiling]:
    """A simulator whose domain has no type and no profile yet."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        section = {"domains": [{"name": DOMAIN}]}
        world = await enter(running(SimulatorSettings(world={"customer_profiles": section})))
        simulator = Running(world, await enter(SimulatorClient(world.url)), stack)
        sdk = await simulator.sdk("customer-profiles", app="worker-1")
        yield Profiling(simulator, sdk, await enter(ProfilesView(world.url)))
