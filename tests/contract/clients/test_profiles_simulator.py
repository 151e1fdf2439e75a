"""`CustomerProfiles` against the simulator, with the object types that the project ships."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.faults import FaultOrder
from simulator.settings import SimulatorSettings
from tests.contract.clients.wire import closed_port
from workers.addresses import Channel
from workers.clients.aws import Aws, AwsPolicy
from workers.clients.call import Caller
from workers.clients.profiles import CustomerProfiles
from workers.config import ObjectKind, PersonKey, ProfileRules
from workers.config.profiles import FIELDS
from workers.errors import AccountProblem, InDoubt, PermanentError
from workers.handlers.profile_updates.objects import objects
from workers.stores.person_records import (
    AddressWord,
    ChannelTrail,
    Known,
    MessageTrail,
    OfferTrail,
    PathStep,
    PersonRecord,
    PersonState,
    ReminderWord,
    Stage,
)

TYPES = Path(__file__).parents[3] / "infra" / "profiles"
DOMAIN = {"DomainName": "clinic"}
MAIL, PHONE = "pat@example.com", "+12065550100"
NOW_MS = 1_790_000_000_000


@dataclass(frozen=True)
class Profiles:
    """The client under test, the SDK's own, and what the simulator may be told."""

    client: CustomerProfiles
    sdk: Any
    control: SimulatorClient
    caller: Caller

    async def attributes(self, profile_id: str) -> dict[str, str]:
        """The profile's own attributes."""
        found = await self.sdk.search_profiles(**DOMAIN, KeyName="_profileId", Values=[profile_id])
        told: dict[str, str] = found["Items"][0].get("Attributes", {})
        return told

    async def objects(self, profile_id: str, kind: str) -> list[dict[str, Any]]:
        """Its objects of a type."""
        found = await self.sdk.list_profile_objects(
            **DOMAIN, ProfileId=profile_id, ObjectTypeName=kind
        )
        return [json.loads(item["Object"]) for item in found["Items"]]


@pytest.fixture
async def profiles(caller: Caller, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Profiles]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    section = {"domains": [{"name": "clinic"}]}
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(running(SimulatorSettings(world={"customer_profiles": section})))
        control = await enter(SimulatorClient(world.url))
        await control.set_knobs(rates=False)
        monkeypatch.setenv("AWS_ENDPOINT_URL_CUSTOMER_PROFILES", world.url)
        aws = await enter(Aws(AwsPolicy(read_timeout_s=2)))
        sdk: Any = await aws.customer_profiles()
        for file in sorted(TYPES.glob("*.json")):
            await sdk.put_profile_object_type(**DOMAIN, **json.loads(file.read_text()))
        yield Profiles(CustomerProfiles(sdk, caller, "clinic"), sdk, control, caller)


def everything(profile_id: str) -> PersonRecord:
    """A person of whom there is something to say of every kind."""
    trail = ChannelTrail(messages=(MessageTrail("m", {Stage.OPENED: NOW_MS}),), last_ms=NOW_MS)
    return PersonRecord(
        profile_id,
        PersonState(
            known_by={"email": Known(MAIL, 1), "phone": Known(PHONE, 1)},
            channels={Channel.EMAIL: trail},
            offers=(OfferTrail("Spring", NOW_MS, NOW_MS),),
            steps=(PathStep("journey", "j-1", NOW_MS, "first"),),
            addresses=(AddressWord(Channel.EMAIL, MAIL, 1, "invalid", "hard_bounce"),),
            reminder=ReminderWord("r-1", NOW_MS, "confirmed"),
        ),
    )


async def test_a_profile_is_found_by_what_it_was_made_with(profiles: Profiles) -> None:
    keys = {PersonKey.CUSTOMER_ID: "u-4", PersonKey.PHONE: PHONE, PersonKey.EMAIL: MAIL}
    made = await profiles.client.create(keys)
    rules = ProfileRules()
    for key, value in keys.items():
        assert await profiles.client.search(rules.key_name(key), value) == (made,)
    assert await profiles.client.search("_phone", "+12065550199") == ()
    other = await profiles.client.create({PersonKey.PHONE: PHONE})
    assert set(await profiles.client.search("_phone", PHONE)) == {made, other}


async def test_every_object_that_we_write_fits_the_type_that_we_ship(profiles: Profiles) -> None:
    pat = await profiles.client.create({PersonKey.PHONE: PHONE})
    rules = ProfileRules(domain="clinic")
    written = objects(everything(pat), rules, NOW_MS)
    assert set(written) == set(ObjectKind)
    for _ in range(2):  # Again is in place of the first.
        for kind, text in written.items():
            mapping = rules.objects.named(kind)
            assert mapping is not None
            await profiles.client.put(mapping.type, text)
    for kind, text in written.items():
        assert await profiles.objects(pat, f"switchboard-{kind}") == [json.loads(text)]
    assert (await profiles.attributes(pat)).items() >= {
        "emailScore": "1.0",
        "offerName": "Spring",
        "offerViewed": "true",
        "pathId": "j-1",
        "emailState": "invalid",
        "emailCause": "hard_bounce",
        "reminderResult": "confirmed",
    }.items()
    # What an object tells of its person finds the profile from then on.
    assert await profiles.client.search("_email", MAIL) == (pat,)


def test_the_types_that_we_ship_name_only_fields_that_we_write() -> None:
    for kind in ObjectKind:
        shipped = json.loads((TYPES / f"switchboard-{kind}.json").read_text())
        assert shipped["ObjectTypeName"] == f"switchboard-{kind}"
        sources = {f["Source"].removeprefix("_source.") for f in shipped["Fields"].values()}
        assert sources <= FIELDS[kind]


async def test_a_type_that_is_not_there_is_for_a_person_to_mend(profiles: Profiles) -> None:
    with pytest.raises(AccountProblem) as problem:
        await profiles.client.put("no-such-type", "{}")
    assert problem.value.reason == "domain_or_object_type_not_found"
    elsewhere = CustomerProfiles(profiles.sdk, profiles.caller, "no-such-domain")
    with pytest.raises(AccountProblem):
        await elsewhere.search("_phone", PHONE)


async def test_what_cannot_be_sent_is_refused_before(profiles: Profiles) -> None:
    for call in (
        profiles.client.search("_account", "x" * 256),
        profiles.client.create({PersonKey.CUSTOMER_ID: ""}),
        profiles.client.put("switchboard-offers", "x" * 256_001),
        profiles.client.put("switchboard-offers", "é" * 128_001),
    ):
        with pytest.raises(PermanentError):
            await call
    assert await profiles.control.refused() == []


async def test_a_creation_whose_answer_is_lost_is_in_doubt_and_not_repeated(
    profiles: Profiles,
) -> None:
    order = FaultOrder(
        service="customer-profiles", operation="CreateProfile", action="drop_after_doing"
    )
    await profiles.control.spoil(order)
    with pytest.raises(InDoubt):
        await profiles.client.create({PersonKey.PHONE: PHONE})
    assert len(await profiles.client.search("_phone", PHONE)) == 1
