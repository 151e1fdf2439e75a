"""Customer Profiles: object types, and which profile an object comes to."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contract.simulator.conftest import refusal
from tests.contract.simulator.profiling import (
    IN_DOMAIN,
    PHONE,
    VISIT,
    Profiling,
    field,
    key,
    profiling,
)

ANN = {"id": 1, "phone": "(206) 555-0100", "first": "Ann", "last": "Lee"}


@pytest.fixture
async def clinic() -> AsyncIterator[Profiling]:
    async with profiling() as found:
        await found.put_type()
        yield found


async def listed(clinic: Profiling, profile_id: str, **asked: Any) -> list[dict[str, Any]]:
    """The contents of a profile's visits."""
    found = await clinic.sdk.list_profile_objects(
        **IN_DOMAIN, ProfileId=profile_id, ObjectTypeName="visit", **asked
    )
    return [json.loads(item["Object"]) for item in found["Items"]]


async def test_an_object_of_a_stranger_makes_a_profile_from_its_mapping(
    clinic: Profiling,
) -> None:
    await clinic.put({**ANN, "plan": "gold", "home": {"city": "Seattle"}})
    [made] = await clinic.search("_phone", PHONE)
    assert await clinic.shown(made) == {
        "PhoneNumber": "(206) 555-0100",
        "Attributes": {"plan": "gold"},
        "Address": {"City": "Seattle"},
    }
    assert await clinic.search("_fullName", "ann lee") == [made]
    assert await clinic.search("visitId", "1") == [made]


async def test_the_same_unique_key_replaces_the_object(clinic: Profiling) -> None:
    first = await clinic.put({**ANN, "plan": "gold"})
    second = await clinic.put({**ANN, "plan": "silver"})
    other = await clinic.put({**ANN, "id": 2})
    assert first == second != other
    [made] = await clinic.search("_phone", PHONE)
    assert [visit.get("plan") for visit in await listed(clinic, made)] == ["silver", None]
    assert (await clinic.shown(made))["Attributes"] == {"plan": "silver"}


async def test_a_primary_key_comes_before_a_secondary_one(clinic: Profiling) -> None:
    by_phone = await clinic.create(PhoneNumber=PHONE)
    by_email = await clinic.create(EmailAddress="ann@example.com")
    await clinic.put({"id": 1, "phone": PHONE, "email": "ann@example.com"})
    await clinic.put({"id": 2, "phone": "+12065550999", "email": "ANN@example.com"})
    assert await clinic.search("visitId", "1") == [by_phone]
    # The first object made the e-mail a key of that profile too: it finds two, so nobody.
    [made] = await clinic.search("visitId", "2")
    assert made not in (by_phone, by_email)


async def test_a_secondary_key_finds_the_profile_when_no_primary_one_does(
    clinic: Profiling,
) -> None:
    by_email = await clinic.create(EmailAddress="ann@example.com")
    await clinic.put({"id": 2, "phone": PHONE, "email": "ANN@example.com"})
    assert await clinic.search("visitId", "2") == [by_email]


async def test_a_key_that_finds_two_profiles_finds_nobody(clinic: Profiling) -> None:
    twins = [await clinic.create(PhoneNumber=PHONE) for _ in range(2)]
    await clinic.put(ANN)
    [made] = await clinic.search("visitId", "1")
    assert made not in twins


async def test_a_type_that_makes_no_profiles_drops_what_finds_none(clinic: Profiling) -> None:
    await clinic.put_type(AllowProfileCreation=False)
    await clinic.put(ANN)
    assert await clinic.search("_phone", PHONE) == []
    [dropped] = await clinic.simulator.control.ledger(operation="object_dropped")
    assert dropped.params["why"] == "no profile matches"
    assert [one["object_type"] for one in await clinic.view.unassigned("clinic")] == ["visit"]
    made = await clinic.create(PhoneNumber=PHONE)
    await clinic.put(ANN)
    assert await clinic.search("visitId", "1") == [made]


async def test_an_object_does_not_overwrite_what_was_written_by_hand(clinic: Profiling) -> None:
    made = await clinic.create(PhoneNumber=PHONE, Attributes={"plan": "gold"})
    await clinic.put({**ANN, "plan": "silver", "home": {"city": "Seattle"}})
    assert await clinic.shown(made) == {
        "PhoneNumber": PHONE,
        "Attributes": {"plan": "gold"},
        "Address": {"City": "Seattle"},
    }
    # What was taken away by hand is free for objects again.
    await clinic.sdk.update_profile(**IN_DOMAIN, ProfileId=made, Attributes={"plan": ""})
    await clinic.put({**ANN, "plan": "silver"})
    assert (await clinic.shown(made))["Attributes"] == {"plan": "silver"}


async def test_a_lookup_only_key_finds_but_is_not_kept(clinic: Profiling) -> None:
    made = await clinic.create(PhoneNumber=PHONE)
    keys = VISIT["Keys"] | {"visitNote": key("plan", of=("LOOKUP_ONLY",))}
    fields = VISIT["Fields"] | {"phone": field("phone", None, "PHONE_NUMBER")}
    keys["_phone"] = key("phone", of=("PROFILE", "LOOKUP_ONLY"))
    await clinic.put_type(Keys=keys, Fields=fields)
    await clinic.put({**ANN, "plan": "gold"})
    assert await clinic.search("visitId", "1") == [made]
    assert await clinic.search("visitNote", "gold") == []
    # The city is mapped, so that the new profile is not inferred from the number.
    await clinic.put({"id": 2, "phone": "+12065550177", "home": {"city": "Seattle"}})
    assert await clinic.search("_phone", "+12065550177") == []
    # Not kept for profiles, yet the object can be filtered by it.
    visits = await listed(clinic, made, ObjectFilter={"KeyName": "visitNote", "Values": ["gold"]})
    assert [visit["id"] for visit in visits] == [1]


async def test_a_new_only_key_is_kept_by_the_object_that_made_the_profile(
    clinic: Profiling,
) -> None:
    keys = VISIT["Keys"] | {"planKey": key("plan", of=("PROFILE", "NEW_ONLY"))}
    await clinic.put_type(Keys=keys)
    await clinic.put({**ANN, "plan": "P-1"})
    await clinic.put({**ANN, "id": 2, "plan": "P-2"})
    [made] = await clinic.search("_phone", PHONE)
    assert await clinic.search("planKey", "P-1") == [made]
    assert await clinic.search("planKey", "P-2") == []
    # The object that made the profile keeps its key when it comes again.
    await clinic.put({**ANN, "plan": "P-1"})
    assert await clinic.search("planKey", "P-1") == [made]


async def test_an_inferred_profile_has_the_address_and_the_number(clinic: Profiling) -> None:
    fields = {
        "id": field("id"),
        "phone": field("phone", None, "PHONE_NUMBER"),
        "email": field("email", None, "EMAIL_ADDRESS"),
    }
    keys = {"eventId": key("id", of=("UNIQUE",)), "_email": key("email", of=("PROFILE",))}
    await clinic.put_type("event", Fields=fields, Keys=keys)
    await clinic.put({"id": "e", "phone": PHONE, "email": "ann@example.com"}, "event")
    [made] = await clinic.search("_email", "ann@example.com")
    assert await clinic.shown(made) == {"PhoneNumber": PHONE, "EmailAddress": "ann@example.com"}


async def test_a_key_of_two_fields_is_one_value_of_two_parts(clinic: Profiling) -> None:
    keys = {"personVisit": key("phone", "plan", of=("UNIQUE",)), "_phone": VISIT["Keys"]["_phone"]}
    await clinic.put_type(Keys=keys)
    await clinic.put({"phone": PHONE, "plan": "gold"})
    await clinic.put({"phone": "206-555-0100", "plan": "gold"})
    await clinic.put({"phone": PHONE, "plan": "silver"})
    [made] = await clinic.search("_phone", PHONE)
    assert len(await listed(clinic, made)) == 2
    assert await clinic.search("personVisit", PHONE, "gold") == [made]
    assert await clinic.search("personVisit", "gold", PHONE) == []


async def test_objects_are_listed_filtered_paged_and_deleted(clinic: Profiling) -> None:
    unique = [await clinic.put({**ANN, "id": number}) for number in range(5)]
    [made] = await clinic.search("_phone", PHONE)
    of_one = {**IN_DOMAIN, "ProfileId": made, "ObjectTypeName": "visit"}
    first = await clinic.sdk.list_profile_objects(**of_one, MaxResults=3)
    rest = await clinic.sdk.list_profile_objects(**of_one, NextToken=first["NextToken"])
    found = [item["ProfileObjectUniqueKey"] for page in (first, rest) for item in page["Items"]]
    assert (len(first["Items"]), found) == (3, unique)
    wanted = {"KeyName": "visitId", "Values": ["2", "4"]}
    assert [v["id"] for v in await listed(clinic, made, ObjectFilter=wanted)] == [2, 4]
    await clinic.sdk.delete_profile_object(**of_one, ProfileObjectUniqueKey=unique[2])
    assert [v["id"] for v in await listed(clinic, made)] == [0, 1, 3, 4]
    assert await clinic.search("visitId", "2") == []
    refused = await refusal(
        clinic.sdk.delete_profile_object(**of_one, ProfileObjectUniqueKey=unique[2])
    )
    assert refused["Error"]["Code"] == "ResourceNotFoundException"


async def test_a_full_profile_takes_no_object_more_but_updates_those_it_has(
    clinic: Profiling,
) -> None:
    await clinic.simulator.control.set_knobs(customer_profiles={"objects_per_profile": 2})
    for number in (1, 2):
        await clinic.put({**ANN, "id": number})
    content = json.dumps({**ANN, "id": 3})
    refused = await refusal(
        clinic.sdk.put_profile_object(**IN_DOMAIN, ObjectTypeName="visit", Object=content)
    )
    assert refused["Error"]["Code"] == "BadRequestException"
    await clinic.put({**ANN, "id": 2, "plan": "gold"})
    [made] = await clinic.search("_phone", PHONE)
    assert [visit["id"] for visit in await listed(clinic, made)] == [1, 2]


async def test_an_object_arrives_late_and_in_order_when_the_knob_says_so(
    clinic: Profiling,
) -> None:
    await clinic.simulator.control.set_knobs(customer_profiles={"ingest_after_ms": 3_000})
    for plan in ("gold", "silver"):
        await clinic.put({**ANN, "plan": plan})
    assert await clinic.search("_phone", PHONE) == []
    assert len(await clinic.simulator.control.ledger(operation="PutProfileObject")) == 2
    await clinic.simulator.control.advance_clock(3)
    await clinic.simulator.world.tasks.settle()
    [made] = await clinic.search("_phone", PHONE)
    assert (await clinic.shown(made))["Attributes"] == {"plan": "silver"}


@pytest.mark.parametrize(
    ("content", "kind", "code"),
    [
        pytest.param("[1]", "visit", "BadRequestException", id="no_object"),
        pytest.param("{", "visit", "BadRequestException", id="no_json"),
        pytest.param('{"phone": "1"}', "visit", "BadRequestException", id="no_unique_value"),
        pytest.param('{"id": null}', "visit", "BadRequestException", id="null_unique_value"),
        pytest.param('{"id": 1}', "none", "ResourceNotFoundException", id="unknown_type"),
        pytest.param(
            json.dumps({"id": 1, "x": "x" * 256_000}), "visit", "BadRequestException", id="too_big"
        ),
    ],
)
async def test_an_object_that_cannot_be_taken_is_refused(
    clinic: Profiling, content: str, kind: str, code: str
) -> None:
    refused = await refusal(
        clinic.sdk.put_profile_object(**IN_DOMAIN, ObjectTypeName=kind, Object=content)
    )
    assert refused["Error"]["Code"] == code
    assert (await clinic.simulator.control.refused("PutProfileObject"))[0].error


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"Keys": {"_phone": key("phone", of=("PROFILE",))}}, id="no_unique_key"),
        pytest.param(
            {"Keys": {"a": key("id", of=("UNIQUE",)), "b": key("phone", of=("UNIQUE",))}},
            id="two_unique_keys",
        ),
        pytest.param({"Keys": {"a": key("nothing", of=("UNIQUE",))}}, id="key_without_field"),
        pytest.param({"Fields": {**VISIT["Fields"], "x": {"Source": "phone"}}}, id="no_source"),
        pytest.param(
            {"Fields": {**VISIT["Fields"], "x": field("x", "Nickname")}}, id="unknown_target"
        ),
        pytest.param({"TemplateId": "CTR"}, id="fields_with_a_template"),
        pytest.param(
            {"Keys": {f"k{n}": key("id", of=("UNIQUE",) if n == 0 else ()) for n in range(11)}},
            id="eleven_keys",
        ),
    ],
)
async def test_a_mapping_that_cannot_work_is_refused(
    clinic: Profiling, change: dict[str, Any]
) -> None:
    refused = await refusal(
        clinic.sdk.put_profile_object_type(
            **IN_DOMAIN, ObjectTypeName="other", **{**VISIT, **change}
        )
    )
    assert refused["Error"]["Code"] == "BadRequestException"


async def test_a_type_is_shown_as_it_was_put_and_deleted_with_its_objects(
    clinic: Profiling,
) -> None:
    shown = await clinic.sdk.get_profile_object_type(**IN_DOMAIN, ObjectTypeName="visit")
    assert shown["Keys"] == VISIT["Keys"]
    assert shown["Fields"] == VISIT["Fields"]
    assert shown["AllowProfileCreation"] is True
    names = [
        item["ObjectTypeName"]
        for item in (await clinic.sdk.list_profile_object_types(**IN_DOMAIN))["Items"]
    ]
    assert names == ["visit"]
    await clinic.put(ANN)
    await clinic.sdk.delete_profile_object_type(**IN_DOMAIN, ObjectTypeName="visit")
    assert await clinic.search("visitId", "1") == []
    refused = await refusal(clinic.sdk.get_profile_object_type(**IN_DOMAIN, ObjectTypeName="visit"))
    assert refused["Error"]["Code"] == "ResourceNotFoundException"


async def test_the_world_document_brings_domains_types_and_profiles(clinic: Profiling) -> None:
    section = {
        "domains": [
            {
                "name": "clinic",
                "object_types": {"visit": VISIT},
                "profiles": [{"FirstName": "Ann", "PhoneNumber": PHONE}],
            }
        ]
    }
    await clinic.simulator.control.put_world({"customer_profiles": section})
    await clinic.put(ANN)
    [seen] = await clinic.view.profiles("clinic")
    assert seen.fields["FirstName"] == "Ann"
    assert [one.content for one in seen.objects] == [ANN]
    assert seen.keys["_phone"] == [[PHONE]]


async def test_a_batch_takes_the_good_objects_and_names_the_bad(clinic: Profiling) -> None:
    contents = [json.dumps({**ANN, "id": 1}), "{", json.dumps({"phone": PHONE})]
    items = [{"Id": f"i{n}", "Object": content} for n, content in enumerate(contents)]
    found = await clinic.sdk.batch_put_profile_object(
        **IN_DOMAIN, ObjectTypeName="visit", Items=items
    )
    assert [one["Id"] for one in found["Successful"]] == ["i0"]
    assert [(one["Id"], one["Code"]) for one in found["Failed"]] == [("i1", 400), ("i2", 400)]
    assert found["Successful"][0]["ProfileObjectUniqueKey"] == await clinic.put(ANN)
    [made] = await clinic.search("_phone", PHONE)
    assert len(await listed(clinic, made)) == 1


async def test_a_batch_of_another_shape_is_refused_whole(clinic: Profiling) -> None:
    one = {"Id": "i", "Object": json.dumps(ANN)}
    put = clinic.sdk.batch_put_profile_object
    many = [{**one, "Id": f"i{n}"} for n in range(11)]
    for items, kind, code in (
        ([one, one], "visit", "BadRequestException"),
        (many, "visit", "BadRequestException"),
        ([one], "none", "ResourceNotFoundException"),
    ):
        refused = await refusal(put(**IN_DOMAIN, ObjectTypeName=kind, Items=items))
        assert refused["Error"]["Code"] == code
    assert await clinic.view.profiles("clinic") == []


async def test_objects_of_a_batch_fail_alone_when_the_knob_says_so(clinic: Profiling) -> None:
    await clinic.simulator.control.set_knobs(customer_profiles={"batch_item_failures": 0.5})
    items = [{"Id": f"i{n}", "Object": json.dumps({**ANN, "id": n})} for n in range(10)]
    found = await clinic.sdk.batch_put_profile_object(
        **IN_DOMAIN, ObjectTypeName="visit", Items=items
    )
    failed = {one["Id"] for one in found["Failed"]}
    assert 0 < len(failed) < 10
    assert {one["Code"] for one in found["Failed"]} == {500}
    [made] = await clinic.search("_phone", PHONE)
    assert {f"i{visit['id']}" for visit in await listed(clinic, made)} | failed == {
        item["Id"] for item in items
    }
    facts = await clinic.simulator.control.ledger(operation="batch_item_failed")
    assert {fact.params["item"] for fact in facts} == failed
