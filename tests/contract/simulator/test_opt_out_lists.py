from __future__ import annotations

from typing import Any

from tests.contract.simulator.conftest import CUSTOMER, Running, reason, refusal

DAY_S = 86_400


async def test_a_list_is_made_once_per_client_token(sms: Any) -> None:
    first = await sms.create_opt_out_list(OptOutListName="Brand", ClientToken="t1")
    again = await sms.create_opt_out_list(OptOutListName="Brand", ClientToken="t1")
    assert first["OptOutListArn"] == again["OptOutListArn"]
    refused = await refusal(sms.create_opt_out_list(OptOutListName="Brand", ClientToken="t2"))
    assert reason(refused) == ("ConflictException", "RESOURCE_ALREADY_EXISTS")


async def test_lists_are_described_in_pages(sms: Any) -> None:
    for name in ("A", "B", "C"):
        await sms.create_opt_out_list(OptOutListName=name)
    pages = [
        page
        async for page in sms.get_paginator("describe_opt_out_lists").paginate(
            PaginationConfig={"PageSize": 2}
        )
    ]
    names = [one["OptOutListName"] for page in pages for one in page["OptOutLists"]]
    assert names == ["Default", "PoolList", "A", "B", "C"]
    assert len(pages) == 3
    refused = await refusal(sms.describe_opt_out_lists(NextToken="nonsense"))
    assert refused["Reason"] == "INVALID_NEXT_TOKEN"
    refused = await refusal(sms.describe_opt_out_lists(OptOutListNames=["none"]))
    assert reason(refused) == ("ResourceNotFoundException", None)
    assert refused["ResourceType"] == "opt-out-list"


async def test_an_account_has_room_for_so_many_lists(sms: Any) -> None:
    for number in range(23):
        await sms.create_opt_out_list(OptOutListName=f"L{number}")
    refused = await refusal(sms.create_opt_out_list(OptOutListName="one-more"))
    assert reason(refused) == ("ServiceQuotaExceededException", "OPT_OUT_LISTS_PER_ACCOUNT")


async def test_a_list_in_use_is_not_deleted(sms: Any) -> None:
    for name in ("Default", "PoolList"):
        refused = await refusal(sms.delete_opt_out_list(OptOutListName=name))
        assert refused["Reason"] == "RESOURCE_DELETION_NOT_ALLOWED"
    await sms.create_opt_out_list(OptOutListName="Brand")
    await sms.delete_opt_out_list(OptOutListName="Brand")
    await refusal(sms.delete_opt_out_list(OptOutListName="Brand"))


async def test_a_number_put_twice_keeps_its_first_time(simulator: Running, sms: Any) -> None:
    put = {"OptOutListName": "Default", "OptedOutNumber": CUSTOMER}
    first = await sms.put_opted_out_number(**put)
    await simulator.control.advance_clock(DAY_S)
    again = await sms.put_opted_out_number(**put)
    assert first["OptedOutTimestamp"] == again["OptedOutTimestamp"]
    assert again["EndUserOptedOut"] is False


async def test_a_number_is_taken_off_once_in_30_days(simulator: Running, sms: Any) -> None:
    entry = {"OptOutListName": "Default", "OptedOutNumber": CUSTOMER}
    refused = await refusal(sms.delete_opted_out_number(**entry))
    assert reason(refused) == ("ResourceNotFoundException", None)
    await sms.put_opted_out_number(**entry)
    await sms.delete_opted_out_number(**entry)
    await sms.put_opted_out_number(**entry)
    refused = await refusal(sms.delete_opted_out_number(**entry))
    assert reason(refused) == ("ValidationException", "PHONE_NUMBER_CANNOT_BE_OPTED_IN")
    await simulator.control.advance_clock(30 * DAY_S)
    await sms.delete_opted_out_number(**entry)


async def test_both_rules_of_opting_in_can_be_turned(simulator: Running, sms: Any) -> None:
    await simulator.control.put_world(
        {"sms_voice": {"opt_out_lists": [{"name": "Default", "numbers": {CUSTOMER: True}}]}}
    )
    entry = {"OptOutListName": "Default", "OptedOutNumber": CUSTOMER}
    await simulator.control.set_knobs(sms_voice={"end_user_opt_in_refused": True})
    refused = await refusal(sms.delete_opted_out_number(**entry))
    assert refused["Reason"] == "PHONE_NUMBER_CANNOT_BE_OPTED_IN"
    await simulator.control.set_knobs(sms_voice={"opt_in_once_per_30_days": False})
    for _ in range(2):
        await sms.delete_opted_out_number(**entry)
        await sms.put_opted_out_number(**entry)


async def test_opted_out_numbers_are_filtered_by_who_did_it(simulator: Running, sms: Any) -> None:
    numbers = {CUSTOMER: True, "+12065550101": False}
    await simulator.control.put_world(
        {"sms_voice": {"opt_out_lists": [{"name": "Default", "numbers": numbers}]}}
    )
    described = await sms.describe_opted_out_numbers(
        OptOutListName="Default", Filters=[{"Name": "end-user-opted-out", "Values": ["true"]}]
    )
    assert [one["OptedOutNumber"] for one in described["OptedOutNumbers"]] == [CUSTOMER]
    named = await sms.describe_opted_out_numbers(
        OptOutListName="Default", OptedOutNumbers=["+12065550101"]
    )
    assert len(named["OptedOutNumbers"]) == 1
    missing = sms.describe_opted_out_numbers(
        OptOutListName="Default", OptedOutNumbers=["+12065550102"]
    )
    assert (await refusal(missing))["ResourceType"] == "opted-out-number"
