"""Customer Profiles: domains, profiles by hand, search, keys, merging."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from simulator.faults import FaultOrder
from tests.contract.simulator.conftest import refusal
from tests.contract.simulator.profiling import IN_DOMAIN, PHONE, VISIT, Profiling, profiling

NOBODY = "0" * 32


@pytest.fixture
async def clinic() -> AsyncIterator[Profiling]:
    async with profiling() as found:
        yield found


async def test_a_domain_is_made_once_and_counts_what_it_holds(clinic: Profiling) -> None:
    await clinic.sdk.create_domain(DomainName="new", DefaultExpirationDays=30)
    refused = await refusal(clinic.sdk.create_domain(DomainName="new", DefaultExpirationDays=30))
    assert refused["Error"]["Code"] == "BadRequestException"
    await clinic.put_type()
    for number in range(3):
        await clinic.put({"id": number, "phone": PHONE})
    stats = (await clinic.sdk.get_domain(**IN_DOMAIN))["Stats"]
    assert (stats["ProfileCount"], stats["ObjectCount"]) == (1, 3)
    names = [d["DomainName"] for d in (await clinic.sdk.list_domains())["Items"]]
    assert names == ["clinic", "new"]
    await clinic.sdk.delete_domain(DomainName="new")
    refused = await refusal(clinic.sdk.get_domain(DomainName="new"))
    assert refused["Error"]["Code"] == "ResourceNotFoundException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 404


async def test_the_same_profile_created_twice_is_two_profiles(clinic: Profiling) -> None:
    first = await clinic.create(PhoneNumber=PHONE)
    second = await clinic.create(PhoneNumber=PHONE)
    assert await clinic.search("_phone", PHONE) == [first, second]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_phone", "(206) 555-0100"),
        ("_phone", "+1 206 555 0100"),
        ("_phone", "+12065550177"),
        ("_email", "ANN@example.com"),
        ("_email", "ann@work.example"),
        ("_account", "A-1"),
        ("_fullName", "ann  LEE"),
    ],
)
async def test_a_profile_is_found_by_its_standard_fields(
    clinic: Profiling, name: str, value: str
) -> None:
    made = await clinic.create(
        PhoneNumber=PHONE,
        MobilePhoneNumber="+12065550177",
        EmailAddress="ann@example.com",
        BusinessEmailAddress="ann@work.example",
        AccountNumber="A-1",
        FirstName="Ann",
        LastName="Lee",
    )
    await clinic.create(PhoneNumber="+12065550999")
    assert await clinic.search(name, value) == [made]
    assert await clinic.search("_profileId", made) == [made]


async def test_an_account_number_is_looked_up_as_it_is_written(clinic: Profiling) -> None:
    await clinic.create(AccountNumber="A-1")
    assert await clinic.search("_account", "a-1") == []


async def test_search_keys_are_joined_by_or_and_by_and(clinic: Profiling) -> None:
    both = await clinic.create(PhoneNumber=PHONE, EmailAddress="ann@example.com")
    one = await clinic.create(PhoneNumber=PHONE)
    more = {"AdditionalSearchKeys": [{"KeyName": "_email", "Values": ["ann@example.com"]}]}
    assert await clinic.search("_phone", PHONE, **more) == [both, one]
    assert await clinic.search("_phone", PHONE, LogicalOperator="AND", **more) == [both]
    found = await clinic.sdk.search_profiles(
        **IN_DOMAIN, KeyName="_phone", Values=["nothing", PHONE], **more
    )
    by = [[item["KeyName"] for item in profile["FoundByItems"]] for profile in found["Items"]]
    assert by == [["_phone", "_email"], ["_phone"]]


async def test_a_search_comes_in_pages_of_twenty(clinic: Profiling) -> None:
    made = [await clinic.create(PhoneNumber=PHONE) for _ in range(25)]
    asked = {**IN_DOMAIN, "KeyName": "_phone", "Values": [PHONE]}
    first = await clinic.sdk.search_profiles(**asked)
    rest = await clinic.sdk.search_profiles(**asked, NextToken=first["NextToken"])
    ids = [item["ProfileId"] for page in (first, rest) for item in page["Items"]]
    assert (len(first["Items"]), ids) == (20, made)
    assert "NextToken" not in rest
    assert len((await clinic.sdk.search_profiles(**asked, MaxResults=100))["Items"]) == 25
    refused = await refusal(clinic.sdk.search_profiles(**asked, NextToken="mine"))
    assert refused["Error"]["Code"] == "BadRequestException"


async def test_a_search_sees_a_change_when_the_lag_is_over(clinic: Profiling) -> None:
    await clinic.simulator.control.set_knobs(customer_profiles={"search_lag_ms": 5_000})
    made = await clinic.create(PhoneNumber=PHONE, FirstName="Ann")
    assert await clinic.search("_phone", PHONE) == []
    assert [p.id for p in await clinic.view.profiles("clinic", key="_phone", value=PHONE)] == [made]
    await clinic.simulator.control.advance_clock(5)
    assert await clinic.search("_phone", PHONE) == [made]
    await clinic.sdk.update_profile(**IN_DOMAIN, ProfileId=made, PhoneNumber="+12065550101")
    await clinic.simulator.control.advance_clock(4)
    assert await clinic.search("_phone", PHONE) == [made]
    await clinic.simulator.control.advance_clock(1)
    assert await clinic.search("_phone", PHONE) == []
    assert await clinic.search("_phone", "+12065550101") == [made]


async def test_an_update_keeps_what_it_does_not_name_and_removes_what_is_empty(
    clinic: Profiling,
) -> None:
    made = await clinic.create(
        FirstName="Ann",
        PhoneNumber=PHONE,
        Attributes={"plan": "gold", "since": "2024"},
        Address={"City": "Seattle", "PostalCode": "98101"},
    )
    await clinic.sdk.update_profile(
        **IN_DOMAIN,
        ProfileId=made,
        FirstName="",
        Attributes={"plan": "", "opted_out": "yes"},
        Address={"City": ""},
    )
    assert await clinic.shown(made) == {
        "PhoneNumber": PHONE,
        "Attributes": {"since": "2024", "opted_out": "yes"},
        "Address": {"PostalCode": "98101"},
    }


async def test_an_added_key_finds_the_profile_until_it_is_taken_off(clinic: Profiling) -> None:
    made = await clinic.create()
    of_one = {**IN_DOMAIN, "ProfileId": made, "KeyName": "loyaltyId", "Values": ["L-1", "L-2"]}
    await clinic.sdk.add_profile_key(**of_one)
    assert await clinic.search("loyaltyId", "L-2") == [made]
    await clinic.sdk.delete_profile_key(**{**of_one, "Values": ["L-2"]})
    assert await clinic.search("loyaltyId", "L-2") == []
    assert await clinic.search("loyaltyId", "L-1") == [made]


async def test_a_deleted_profile_is_gone_with_its_objects(clinic: Profiling) -> None:
    await clinic.put_type()
    await clinic.put({"id": 1, "phone": PHONE})
    [made] = await clinic.search("_phone", PHONE)
    await clinic.sdk.delete_profile(**IN_DOMAIN, ProfileId=made)
    assert await clinic.search("_phone", PHONE) == []
    for call in (
        clinic.sdk.delete_profile(**IN_DOMAIN, ProfileId=made),
        clinic.sdk.list_profile_objects(**IN_DOMAIN, ProfileId=made, ObjectTypeName="visit"),
        clinic.sdk.update_profile(**IN_DOMAIN, ProfileId=made, FirstName="Ann"),
    ):
        assert (await refusal(call))["Error"]["Code"] == "ResourceNotFoundException"
    found = await clinic.sdk.batch_get_profile(**IN_DOMAIN, ProfileIds=[made])
    assert [error["ProfileId"] for error in found["Errors"]] == [made]
    # The same object again makes a profile again.
    await clinic.put({"id": 1, "phone": PHONE})
    assert len(await clinic.search("_phone", PHONE)) == 1


async def test_merging_unites_fields_moves_objects_and_keys_and_ends_the_others(
    clinic: Profiling,
) -> None:
    await clinic.put_type()
    await clinic.put({"id": 1, "phone": PHONE, "plan": "gold"})
    [other] = await clinic.search("_phone", PHONE)
    await clinic.sdk.add_profile_key(
        **IN_DOMAIN, ProfileId=other, KeyName="loyaltyId", Values=["L-1"]
    )
    main = await clinic.create(FirstName="Ann", LastName="Lee", Attributes={"plan": "silver"})
    third = await clinic.create(LastName="Li", EmailAddress="ann@example.com")
    await clinic.sdk.merge_profiles(
        **IN_DOMAIN,
        MainProfileId=main,
        ProfileIdsToBeMerged=[other, third],
        FieldSourceProfileIds={"LastName": third, "FirstName": third},
    )
    assert await clinic.shown(main) == {
        # Taken from the profile named, even where it has none.
        "LastName": "Li",
        "EmailAddress": "ann@example.com",
        "PhoneNumber": PHONE,
        "Attributes": {"plan": "silver"},
    }
    for name, value in (("_phone", PHONE), ("loyaltyId", "L-1"), ("visitId", "1")):
        assert await clinic.search(name, value) == [main]
    listed = await clinic.sdk.list_profile_objects(
        **IN_DOMAIN, ProfileId=main, ObjectTypeName="visit"
    )
    assert len(listed["Items"]) == 1
    missing = await clinic.sdk.batch_get_profile(**IN_DOMAIN, ProfileIds=[other, third])
    assert {error["ProfileId"] for error in missing["Errors"]} == {other, third}


async def test_merging_is_a_job_that_takes_its_time(clinic: Profiling) -> None:
    await clinic.simulator.control.set_knobs(customer_profiles={"merge_after_ms": 60_000})
    main, other = await clinic.create(), await clinic.create(PhoneNumber=PHONE)
    pair = {"MainProfileId": main, "ProfileIdsToBeMerged": [other]}
    await clinic.sdk.merge_profiles(**IN_DOMAIN, **pair)
    assert await clinic.search("_phone", PHONE) == [other]
    await clinic.simulator.control.advance_clock(60)
    assert await clinic.simulator.control.ledger(operation="profiles_merged", wait_s=2)
    assert await clinic.search("_phone", PHONE) == [main]
    for ids in ([main], [NOBODY]):
        bad = {"MainProfileId": main, "ProfileIdsToBeMerged": ids}
        await refusal(clinic.sdk.merge_profiles(**IN_DOMAIN, **bad))


async def test_rates_are_enforced_while_the_knob_is_on(clinic: Profiling) -> None:
    await clinic.simulator.control.set_knobs(rates=True)
    await clinic.put_type()
    refused = await refusal(
        clinic.sdk.put_profile_object_type(**IN_DOMAIN, ObjectTypeName="other", **VISIT)
    )
    assert refused["Error"]["Code"] == "ThrottlingException"
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 429
    await clinic.simulator.control.advance_clock(1)
    await clinic.put_type("other")


async def test_a_request_that_breaks_the_model_is_a_bad_request(clinic: Profiling) -> None:
    refused = await refusal(clinic.sdk.create_profile(**IN_DOMAIN, FirstName="x" * 256))
    assert refused["Error"]["Code"] == "BadRequestException"
    assert "x" * 256 not in refused["Error"]["Message"]
    refused = await refusal(clinic.sdk.update_profile(**IN_DOMAIN, ProfileId="not-an-id"))
    assert refused["Error"]["Code"] == "BadRequestException"
    refused = await refusal(clinic.sdk.create_profile(DomainName="none"))
    assert refused["Error"]["Code"] == "ResourceNotFoundException"


async def test_an_accepted_request_is_in_the_ledger_though_its_answer_is_lost(
    clinic: Profiling,
) -> None:
    await clinic.simulator.control.spoil(
        FaultOrder(
            service="customer-profiles", operation="CreateProfile", action="error_500_after_doing"
        )
    )
    refused = await refusal(clinic.sdk.create_profile(**IN_DOMAIN, PhoneNumber=PHONE))
    assert refused["Error"]["Code"] == "InternalServerException"
    [entry] = await clinic.simulator.control.ledger(operation="CreateProfile")
    assert (entry.outcome, entry.app) == ("failed_after", "worker-1")
    assert len(await clinic.search("_phone", PHONE)) == 1


async def test_a_late_change_does_not_undo_a_newer_one(clinic: Profiling) -> None:
    made = await clinic.create(PhoneNumber=PHONE)
    await clinic.simulator.control.set_knobs(customer_profiles={"search_lag_ms": 5_000})
    await clinic.sdk.update_profile(**IN_DOMAIN, ProfileId=made, PhoneNumber="+12065550101")
    await clinic.simulator.control.set_knobs(customer_profiles={})
    await clinic.sdk.update_profile(**IN_DOMAIN, ProfileId=made, PhoneNumber="+12065550102")
    await clinic.simulator.control.advance_clock(5)
    await clinic.simulator.world.tasks.settle()
    assert await clinic.search("_phone", "+12065550102") == [made]
    assert await clinic.search("_phone", "+12065550101") == []


async def test_what_was_written_by_hand_stays_so_through_a_merge(clinic: Profiling) -> None:
    await clinic.put_type()
    main = await clinic.create(PhoneNumber=PHONE)
    other = await clinic.create(Attributes={"plan": "gold"})
    await clinic.sdk.merge_profiles(**IN_DOMAIN, MainProfileId=main, ProfileIdsToBeMerged=[other])
    await clinic.put({"id": 1, "phone": PHONE, "plan": "silver"})
    assert (await clinic.shown(main))["Attributes"] == {"plan": "gold"}
