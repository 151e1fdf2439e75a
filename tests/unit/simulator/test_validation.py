from __future__ import annotations

from typing import Any

import pytest

from simulator.validation import find_problems, report
from simulator.wire import service_model

SMS = service_model("pinpoint-sms-voice-v2")


def problems(operation: str, **params: Any) -> list[tuple[str, str]]:
    found = find_problems(SMS.operation_model(operation), params)
    return [(problem.path, problem.kind) for problem in found]


TO = {"DestinationPhoneNumber": "+12065550100"}


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        pytest.param({}, [("destinationPhoneNumber", "missing")], id="required_member"),
        pytest.param(TO, [], id="least_that_is_valid"),
        pytest.param({**TO, "MessageBody": "x" * 1600}, [], id="longest_body"),
        pytest.param({**TO, "MessageBody": "x" * 1601}, [("messageBody", "length")], id="too_long"),
        pytest.param({**TO, "MessageBody": " \n"}, [("messageBody", "pattern")], id="blank_body"),
        pytest.param({**TO, "TimeToLive": 4}, [("timeToLive", "range")], id="ttl_too_short"),
        pytest.param({**TO, "TimeToLive": 259_201}, [("timeToLive", "range")], id="ttl_too_long"),
        pytest.param({**TO, "MessageType": "OTHER"}, [("messageType", "enum")], id="enum"),
        pytest.param(
            {**TO, "Context": {str(n): "v" for n in range(6)}},
            [("context", "length")],
            id="six_context_keys",
        ),
        pytest.param(
            {**TO, "Context": {"k" * 101: "v"}}, [("context.key", "length")], id="long_context_key"
        ),
        pytest.param(
            {**TO, "Context": {"k": "v" * 801}}, [("context.value", "length")], id="long_value"
        ),
    ],
)
def test_a_send_is_held_against_the_model(
    params: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert problems("SendTextMessage", **params) == expected


def test_a_list_member_is_named_by_its_place() -> None:
    found = problems(
        "SendMediaMessage", **TO, OriginationIdentity="x", MediaUrls=["https://example.com/a"]
    )
    assert found == [("mediaUrls.1.member", "pattern")]


def test_a_union_takes_exactly_one_member() -> None:
    connect = service_model("connect")
    union = next(
        (name, member_name)
        for name in connect.operation_names
        if (shape := connect.operation_model(name).input_shape) is not None
        for member_name, member in shape.members.items()
        if getattr(member, "is_tagged_union", False)
    )
    operation, member = union
    found = find_problems(connect.operation_model(operation), {member: {}})
    assert "union" in {problem.kind for problem in found}


def test_a_sensitive_value_is_not_repeated_in_the_message() -> None:
    operation = service_model("connect").operation_model("StartChatContact")
    params = {
        "InstanceId": "i",
        "ContactFlowId": "f",
        "ParticipantDetails": {"DisplayName": "Ada"},
        "CustomerId": "Ada" * 100,
    }
    message = report(find_problems(operation, params))
    assert "customerId" in message
    assert "Ada" not in message
