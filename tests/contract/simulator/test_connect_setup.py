"""What set-up tools call of Connect: flows that take contacts, functions, storage, quotas."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.contact_centre.flow_texts import FlowTexts, flow_from_texts
from simulator.contact_centre.seeding import DEFAULT_FLOW_ID, DEFAULT_INSTANCE_ID, DEFAULT_QUEUE_ID
from tests.contract.simulator.conftest import Running, refusal

INSTANCE = {"InstanceId": DEFAULT_INSTANCE_ID}
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:lookup"


def content(welcome: str = "hello") -> str:
    return json.dumps(flow_from_texts(FlowTexts(welcome=welcome), "queue"))


NEW: dict[str, Any] = {**INSTANCE, "Name": "Support", "Type": "CONTACT_FLOW", "Content": content()}


@pytest.fixture
async def connect(simulator: Running) -> Any:
    return await simulator.sdk("connect")


async def start(connect: Any, flow_id: str) -> Any:
    return await connect.start_chat_contact(
        **INSTANCE, ContactFlowId=flow_id, ParticipantDetails={"DisplayName": "Ann"}
    )


async def test_a_flow_that_was_made_takes_chats_and_is_described(connect: Any) -> None:
    made = await connect.create_contact_flow(**NEW, Description="texts")
    await start(connect, made["ContactFlowId"])
    shown = await connect.describe_contact_flow(**INSTANCE, ContactFlowId=made["ContactFlowArn"])
    flow = shown["ContactFlow"]
    assert (flow["Name"], flow["State"], flow["Status"]) == ("Support", "ACTIVE", "PUBLISHED")
    assert json.loads(flow["Content"]) == json.loads(content())
    assert flow["FlowContentSha256"] == made["FlowContentSha256"]


async def test_a_name_is_taken_once_for_each_type(connect: Any) -> None:
    await connect.create_contact_flow(**NEW)
    refused = await refusal(connect.create_contact_flow(**NEW))
    assert refused["Error"]["Code"] == "DuplicateResourceException"
    await connect.create_contact_flow(**NEW | {"Type": "CUSTOMER_QUEUE"})


async def test_content_that_is_no_flow_is_refused_with_its_problems(connect: Any) -> None:
    broken = json.loads(content())
    broken["StartAction"] = "nowhere"
    for text in (json.dumps(broken), "[]", "not JSON"):
        refused = await refusal(connect.create_contact_flow(**NEW | {"Content": text}))
        assert refused["Error"]["Code"] == "InvalidContactFlowException"
        assert len(refused["problems"]) == 1


async def test_new_content_is_walked_by_the_next_contact(connect: Any) -> None:
    await connect.update_contact_flow_content(
        **INSTANCE, ContactFlowId=DEFAULT_FLOW_ID, Content=content("other")
    )
    shown = await connect.describe_contact_flow(**INSTANCE, ContactFlowId=DEFAULT_FLOW_ID)
    assert "other" in shown["ContactFlow"]["Content"]
    refused = await refusal(
        connect.update_contact_flow_content(**INSTANCE, ContactFlowId="gone", Content=content())
    )
    assert refused["Error"]["Code"] == "ResourceNotFoundException"


async def test_a_flow_that_is_only_saved_takes_no_chats(connect: Any) -> None:
    made = await connect.create_contact_flow(**NEW | {"Status": "SAVED", "Content": "draft"})
    flow_id = made["ContactFlowId"]
    refused = await refusal(connect.describe_contact_flow(**INSTANCE, ContactFlowId=flow_id))
    assert refused["Error"]["Code"] == "ContactFlowNotPublishedException"
    saved = await connect.describe_contact_flow(**INSTANCE, ContactFlowId=f"{flow_id}:$SAVED")
    assert saved["ContactFlow"]["Status"] == "SAVED"
    assert (await refusal(start(connect, flow_id)))["Error"]["Code"] == "ResourceNotFoundException"
    await connect.update_contact_flow_content(**INSTANCE, ContactFlowId=flow_id, Content=content())
    await start(connect, flow_id)


async def test_flows_and_queues_are_listed_in_pages(connect: Any) -> None:
    await connect.create_contact_flow(**NEW)
    await connect.create_contact_flow(**NEW | {"Type": "CUSTOMER_QUEUE"})
    pages = connect.get_paginator("list_contact_flows").paginate(
        **INSTANCE, ContactFlowTypes=["CONTACT_FLOW"], PaginationConfig={"PageSize": 1}
    )
    found = [page["ContactFlowSummaryList"] async for page in pages]
    assert [[one["Name"] for one in page] for page in found] == [["Inbound chat"], ["Support"]]
    queues = await connect.list_queues(**INSTANCE)
    assert [one["Id"] for one in queues["QueueSummaryList"]] == [DEFAULT_QUEUE_ID]
    assert (await connect.list_queues(**INSTANCE, QueueTypes=["AGENT"]))["QueueSummaryList"] == []


async def test_a_function_is_associated_once(connect: Any) -> None:
    await connect.associate_lambda_function(**INSTANCE, FunctionArn=FUNCTION)
    assert (await connect.list_lambda_functions(**INSTANCE))["LambdaFunctions"] == [FUNCTION]
    again = await refusal(connect.associate_lambda_function(**INSTANCE, FunctionArn=FUNCTION))
    assert again["Error"]["Code"] == "ResourceConflictException"
    elsewhere = FUNCTION.replace("us-east-1", "eu-west-1")
    refused = await refusal(connect.associate_lambda_function(**INSTANCE, FunctionArn=elsewhere))
    assert refused["Error"]["Code"] == "InvalidRequestException"


async def test_an_instance_says_what_it_is_and_where_it_stores(
    simulator: Running, connect: Any
) -> None:
    shown = (await connect.describe_instance(**INSTANCE))["Instance"]
    assert (shown["Id"], shown["InstanceStatus"]) == (DEFAULT_INSTANCE_ID, "ACTIVE")
    asked = {**INSTANCE, "ResourceType": "CHAT_TRANSCRIPTS"}
    assert (await connect.list_instance_storage_configs(**asked))["StorageConfigs"] == []
    await simulator.control.put_world(
        {"connect": {"instances": [{"storage": {"CHAT_TRANSCRIPTS": "kept"}}]}}
    )
    [found] = (await connect.list_instance_storage_configs(**asked))["StorageConfigs"]
    assert found["S3Config"]["BucketName"] == "kept"
    refused = await refusal(connect.describe_instance(InstanceId="11111111"))
    assert refused["Error"]["Code"] == "ResourceNotFoundException"


async def test_quotas_are_those_of_a_new_account_or_of_the_world(simulator: Running) -> None:
    quotas = await simulator.sdk("service-quotas")

    async def values() -> dict[str, float]:
        listed = await quotas.list_service_quotas(ServiceCode="connect")
        return {one["QuotaName"]: one["Value"] for one in listed["Quotas"]}

    name = "Rate of StartChatContact API requests"
    assert (await values())[name] == 5
    await simulator.control.put_world({"service_quotas": {"connect": {name: 20}}})
    assert (await values())[name] == 20
    by_code = await quotas.list_service_quotas(ServiceCode="connect", QuotaCode="L-AA48CD49")
    assert [one["QuotaName"] for one in by_code["Quotas"]] == [name]
    refused = await refusal(quotas.list_service_quotas(ServiceCode="nothing"))
    assert refused["Error"]["Code"] == "NoSuchResourceException"
