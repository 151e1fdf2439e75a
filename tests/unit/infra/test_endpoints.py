from __future__ import annotations

import boto3
import botocore.session
import pytest

from infra.local.endpoints import SIMULATED_SERVICES, LocalAws

EMULATOR = "http://127.0.0.1:4000"
SIMULATOR = "http://127.0.0.1:5000"


@pytest.mark.parametrize(
    ("service", "endpoint"),
    [
        ("sqs", EMULATOR),
        ("dynamodb", EMULATOR),
        ("connect", SIMULATOR),
        ("connectparticipant", SIMULATOR),
        ("pinpoint-sms-voice-v2", SIMULATOR),
    ],
)
def test_sdk_finds_each_service_by_the_environment(
    service: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in LocalAws(EMULATOR).with_simulator(SIMULATOR).environment().items():
        monkeypatch.setenv(name, text)
    client = botocore.session.Session().create_client(service)
    assert client.meta.endpoint_url == endpoint


def test_variables_are_spelled_as_botocore_spells_service_ids() -> None:
    session = botocore.session.Session()
    spelled = {
        session.get_service_model(name).service_id.upper().replace(" ", "_")
        for name in (
            "connect",
            "connectparticipant",
            "pinpoint-sms-voice-v2",
            "sesv2",
            "customer-profiles",
            "service-quotas",
        )
    }
    assert spelled == set(SIMULATED_SERVICES)


def test_endpoints_come_back_out_of_their_environment() -> None:
    aws = LocalAws(EMULATOR, {"DYNAMODB": SIMULATOR})
    assert LocalAws.from_environment(aws.environment()) == aws


def test_without_an_endpoint_it_is_no_local_world() -> None:
    with pytest.raises(KeyError):
        LocalAws.from_environment({"AWS_REGION": "us-east-1"})


def test_service_with_an_endpoint_of_its_own_is_found_there() -> None:
    aws = LocalAws(EMULATOR, {"DYNAMODB": SIMULATOR})
    client = boto3.client("dynamodb", **aws.client_arguments("DynamoDB"))
    assert client.meta.endpoint_url == SIMULATOR
    assert aws.url_of("SQS") == EMULATOR
