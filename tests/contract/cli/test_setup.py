"""`switchboard setup` against the simulator over HTTP: what it makes, and that it does so once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from click.testing import CliRunner, Result

from infra.local.endpoints import LocalAws
from infra.shipped import object_types
from simulator.contact_centre.seeding import DEFAULT_INSTANCE_ID, DEFAULT_QUEUE_ID
from tests.contract.cli.conftest import ThreadedSimulator
from workers.cli import main

TOPICS = "arn:aws:sns:us-east-1:000000000000:prod-"
INBOUND = f"{TOPICS}inbound-sms"
RECEIPTS = f"{TOPICS}delivery-receipts"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:lookup"
BRANDS = """
version = 1

[[brands]]
name = "Plumbing"
numbers = ["+12065550199", "12345"]
configuration_set = "service"
contact_flow_id = "f"
opt_out_list = "service"

[[brands]]
name = "Club"
numbers = ["+12065550188"]
configuration_set = "club"
contact_flow_id = "f"
opt_out_list = "club"
opt_out_mode = "managed"

[profiles]
domain = "clinic"
objects.offers.type = "MarketingAssignedOffers"
"""
WORLD: dict[str, Any] = {
    "sms_voice": {
        "phone_numbers": [
            {"number": "+12065550199", "id": "phone-1"},
            {"number": "12345", "id": "phone-short", "type": "SHORT_CODE"},
            {"number": "+12065550188", "id": "phone-pooled", "pool": "pool-1"},
        ],
        "pools": [{"id": "pool-1", "self_managed_opt_outs": False}],
    },
    "connect": {"instances": [{}]},
    "customer_profiles": {"domains": [{"name": "clinic"}]},
}
ALL = [
    *("--instance-id", DEFAULT_INSTANCE_ID, "--chat-topic", f"{TOPICS}chat-stream"),
    *("--routing-queue", "BasicQueue", "--function", FUNCTION),
]


@pytest.fixture
def brands(account: ThreadedSimulator, local: LocalAws, tmp_path: Path) -> Path:
    account.put_world(WORLD)
    file = tmp_path / "switchboard.toml"
    file.write_text(BRANDS, "utf-8")
    return file


def run(brands: Path, *arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(
        main, ["setup", "--config", str(brands), *arguments], input=answer, catch_exceptions=False
    )


def planned(brands: Path, *arguments: str) -> dict[str, Any]:
    result = run(brands, "--json", "--dry-run", *arguments)
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def acts(document: dict[str, Any]) -> dict[str, str]:
    return {f"{one['kind']} {one['subject']}": one["act"] for one in document["steps"]}


def changed(account: ThreadedSimulator, since: int) -> list[str]:
    """What was accepted past the first `since` and changes something."""
    reads = ("Describe", "List", "Get")
    return [name for name in account.operations()[since:] if not name.startswith(reads)]


def test_everything_is_made_and_a_second_run_finds_nothing_to_do(
    brands: Path, account: ThreadedSimulator
) -> None:
    first = run(brands, *ALL, "--yes")
    assert first.exit_code == 0, first.output
    sms = boto3.client("pinpoint-sms-voice-v2")
    sets = {
        s["ConfigurationSetName"]: s for s in sms.describe_configuration_sets()["ConfigurationSets"]
    }
    assert sets.keys() == {"service", "club"}
    for one in sets.values():
        [destination] = one["EventDestinations"]
        assert destination["SnsDestination"] == {"TopicArn": RECEIPTS}
        assert destination["MatchingEventTypes"] == ["TEXT_ALL", "MEDIA_ALL"]
    numbers = {n["PhoneNumber"]: n for n in sms.describe_phone_numbers()["PhoneNumbers"]}
    for number, is_ours, opt_outs in (
        ("+12065550199", True, "service"),
        ("12345", True, "service"),
        ("+12065550188", False, "club"),
    ):
        assert numbers[number]["TwoWayChannelArn"] == INBOUND
        assert numbers[number]["SelfManagedOptOutsEnabled"] is is_ours
        assert numbers[number]["OptOutListName"] == opt_outs
    types = boto3.client("customer-profiles").list_profile_object_types(DomainName="clinic")
    made = {one["ObjectTypeName"] for one in types["Items"]}
    assert made == object_types().keys() - {"switchboard-offers"}
    connect = boto3.client("connect")
    functions = connect.list_lambda_functions(InstanceId=DEFAULT_INSTANCE_ID)
    assert functions["LambdaFunctions"] == [FUNCTION]

    before = len(account.operations())
    second = run(brands, *ALL, "--yes")
    assert second.exit_code == 0
    assert "Nothing to do." in second.output
    assert changed(account, before) == []


def test_flows_name_each_other_and_the_queue_and_take_chats(brands: Path) -> None:
    result = run(brands, *ALL, "flows", "--yes")
    assert result.exit_code == 0, result.output
    connect = boto3.client("connect")
    listed = connect.list_contact_flows(InstanceId=DEFAULT_INSTANCE_ID)
    flows = {one["Name"]: one for one in listed["ContactFlowSummaryList"]}
    shown = connect.describe_contact_flow(
        InstanceId=DEFAULT_INSTANCE_ID, ContactFlowId=flows["SMS chat"]["Id"]
    )
    content = shown["ContactFlow"]["Content"]
    assert "${" not in content
    assert flows["SMS chat: agent left"]["Arn"] in content
    assert f"queue/{DEFAULT_QUEUE_ID}" in content
    assert f"`contact_flow_id` of the brand: {flows['SMS chat']['Id']}" in result.output
    connect.start_chat_contact(
        InstanceId=DEFAULT_INSTANCE_ID,
        ContactFlowId=flows["SMS chat"]["Id"],
        ParticipantDetails={"DisplayName": "Ann"},
    )


def test_the_plan_alone_changes_nothing_and_masks_numbers(
    brands: Path, account: ThreadedSimulator
) -> None:
    before = len(account.operations())
    document = planned(brands, *ALL)
    assert document["changes"] == sum(
        one["act"] in {"create", "update"} for one in document["steps"]
    )
    assert document["made"] == 0
    assert acts(document)["number +1206•••0199"] == "update"
    assert acts(document)["configuration set club"] == "create"
    assert acts(document)["object type MarketingAssignedOffers"] == "leave"
    shown = run(brands, "--dry-run", *ALL)
    assert "+12065550199" not in shown.output
    assert f"TwoWayChannelArn: none -> {INBOUND}" in shown.output
    assert changed(account, before) == []


@pytest.mark.parametrize(("answer", "is_made"), [("y\n", True), ("n\n", False), ("", False)])
def test_it_asks_before_it_changes_anything(
    brands: Path, account: ThreadedSimulator, answer: str, is_made: bool
) -> None:
    before = len(account.operations())
    result = run(brands, "receipts", *ALL, answer=answer)
    assert (result.exit_code == 0) is is_made
    assert bool(changed(account, before)) is is_made
    assert ("nothing was changed" in result.output) is not is_made


def test_a_flow_that_was_edited_is_left_alone_until_it_is_to_be_replaced(brands: Path) -> None:
    run(brands, *ALL, "flows", "--yes")
    connect = boto3.client("connect")
    [flow] = [
        one
        for one in connect.list_contact_flows(InstanceId=DEFAULT_INSTANCE_ID)[
            "ContactFlowSummaryList"
        ]
        if one["Name"] == "SMS chat"
    ]
    named = {"InstanceId": DEFAULT_INSTANCE_ID, "ContactFlowId": flow["Id"]}
    content = connect.describe_contact_flow(**named)["ContactFlow"]["Content"]
    moved = json.loads(content)
    moved["Metadata"] = {"entryPointPosition": {"x": 9, "y": 9}}
    connect.update_contact_flow_content(**named, Content=json.dumps(moved))
    assert acts(planned(brands, *ALL, "flows"))["contact flow SMS chat"] == "same"

    edited = content.replace("An agent", "A colleague")
    assert edited != content
    connect.update_contact_flow_content(**named, Content=edited)
    assert acts(planned(brands, *ALL, "flows"))["contact flow SMS chat"] == "leave"
    result = run(brands, *ALL, "flows", "--replace-flows", "--yes")
    assert result.exit_code == 0
    now = connect.describe_contact_flow(**named)["ContactFlow"]["Content"]
    assert json.loads(now) == json.loads(content)


def test_what_differs_is_brought_to_what_is_wanted(
    brands: Path, account: ThreadedSimulator
) -> None:
    run(brands, *ALL, "--yes")
    sms = boto3.client("pinpoint-sms-voice-v2")
    sms.update_event_destination(
        ConfigurationSetName="club", EventDestinationName="switchboard", Enabled=False
    )
    sms.update_pool(PoolId="pool-1", SelfManagedOptOutsEnabled=True)
    wanted = object_types()["switchboard-paths"]
    other = {**wanted, "Description": "somebody else's"}
    boto3.client("customer-profiles").put_profile_object_type(DomainName="clinic", **other)
    found = {name: act for name, act in acts(planned(brands, *ALL)).items() if act == "update"}
    assert found.keys() == {
        "event destination club/switchboard",
        "pool pool-1",
        "object type switchboard-paths",
    }
    assert run(brands, *ALL, "--yes").exit_code == 0
    assert planned(brands, *ALL)["changes"] == 0


def test_a_destination_of_somebody_else_stays_and_will_do(brands: Path) -> None:
    sms = boto3.client("pinpoint-sms-voice-v2")
    sms.create_configuration_set(ConfigurationSetName="club")
    sms.create_event_destination(
        ConfigurationSetName="club",
        EventDestinationName="theirs",
        MatchingEventTypes=["ALL"],
        SnsDestination={"TopicArn": RECEIPTS},
    )
    found = acts(planned(brands, *ALL, "receipts"))
    assert found["event destination club"] == "same"
    assert found["event destination service/switchboard"] == "create"


def test_what_a_person_must_do_first_is_named_and_the_rest_is_made(
    brands: Path, account: ThreadedSimulator
) -> None:
    account.put_world({"sms_voice": {"phone_numbers": [{"number": "12345", "type": "SHORT_CODE"}]}})
    result = run(brands, "numbers", "profiles", *ALL, "--yes")
    assert result.exit_code == 1
    assert "+1206•••0199  (brand Plumbing: the account has no such number" in result.output
    sms = boto3.client("pinpoint-sms-voice-v2")
    [number] = sms.describe_phone_numbers()["PhoneNumbers"]
    assert number["TwoWayChannelArn"] == INBOUND
    account.put_world({"customer_profiles": {"domains": []}})
    result = run(brands, "profiles", *ALL, "--yes")
    assert result.exit_code == 1
    assert "the domain is not there" in result.output


def test_brands_that_disagree_about_their_pool_block_it(brands: Path, tmp_path: Path) -> None:
    text = BRANDS.replace('numbers = ["+12065550199", "12345"]', 'numbers = ["+12065550199"]')
    text = text.replace(
        'configuration_set = "service"', 'pools = ["pool-1"]\nconfiguration_set = "service"'
    )
    brands.write_text(text, "utf-8")
    document = planned(brands, *ALL, "numbers")
    blocked = [one for one in document["steps"] if one["act"] == "blocked"]
    assert [one["subject"] for one in blocked] == ["pool-1"]
    assert "Club" in blocked[0]["says"]


def test_a_refusal_ends_the_run_and_says_what_was_not_made(
    brands: Path, account: ThreadedSimulator
) -> None:
    account.refuse("pinpoint-sms-voice-v2", "CreateEventDestination", "AccessDeniedException")
    result = run(brands, "receipts", *ALL, "--yes")
    assert result.exit_code == 1
    assert "event destination club/switchboard was not made: AWS refused" in result.output
    assert "use an administrator's role" in result.output
    account.clear_faults()
    assert run(brands, "receipts", *ALL, "--yes").exit_code == 0
    assert planned(brands, "receipts", *ALL)["changes"] == 0


def test_a_part_that_lacks_something_says_which_option(brands: Path) -> None:
    result = run(brands, "flows", "--instance-id", DEFAULT_INSTANCE_ID, "--dry-run")
    assert result.exit_code == 2
    assert "flows: --routing-queue is not given" in result.output
    left = acts(planned(brands))
    assert left["flows all"] == left["receipts all"] == "leave"
    unknown = run(brands, *ALL, "flows", "--routing-queue", "Nobody", "--dry-run")
    assert unknown.exit_code == 1
    assert "it has BasicQueue" in unknown.output


def test_json_asks_nothing(brands: Path) -> None:
    assert run(brands, "--json", *ALL).exit_code == 2
    result = run(brands, "--json", "--yes", *ALL)
    document = json.loads(result.stdout)
    assert document["made"] == document["changes"] > 0
    assert all(one["done"] for one in document["steps"] if one["act"] in {"create", "update"})
