"""The flow that an instance has if it brings none: hours, welcome, staff, queue, from texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

_OPEN = {"Operator": "Equals", "Operands": ["True"]}
_SHUT = {"Operator": "Equals", "Operands": ["False"]}
_STAFFED = {"MetricType": "NumberOfAgentsStaffed"}
_SOMEBODY = {"Operator": "NumberGreaterThan", "Operands": ["0"]}


class FlowTexts(BaseModel):
    """What such a flow says. Empty says nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    welcome: str = "Thanks for your message. An agent will be with you shortly."
    closed: str = "We are closed. Please write again during opening hours."
    no_agent: str = "All our agents are busy. Please try again later."


def flow_from_texts(texts: FlowTexts, queue_arn: str) -> dict[str, Any]:
    """Make the flow's JSON, for one routing queue."""
    return {
        "Version": "2019-10-30",
        "StartAction": "hours",
        "Actions": [
            _branch("hours", "CheckHoursOfOperation", {}, ("welcome", _OPEN), ("closed", _SHUT)),
            _plain("closed", "MessageParticipant", {"Text": texts.closed}, "bye"),
            _plain("welcome", "MessageParticipant", {"Text": texts.welcome}, "queue"),
            _plain("queue", "UpdateContactTargetQueue", {"QueueId": queue_arn}, "staff"),
            _branch("staff", "CheckMetricData", _STAFFED, ("transfer", _SOMEBODY)),
            _plain("nobody", "MessageParticipant", {"Text": texts.no_agent}, "bye"),
            _plain("transfer", "TransferContactToQueue", {}, "nobody"),
            {"Identifier": "bye", "Type": "DisconnectParticipant", "Transitions": {}},
        ],
    }


def _plain(name: str, kind: str, parameters: Mapping[str, str], then: str) -> dict[str, Any]:
    errors = [{"NextAction": then, "ErrorType": "NoMatchingError"}]
    transitions = {"NextAction": then, "Errors": errors}
    return {"Identifier": name, "Type": kind, "Parameters": parameters, "Transitions": transitions}


def _branch(
    name: str, kind: str, parameters: Mapping[str, str], *ways: tuple[str, dict[str, Any]]
) -> dict[str, Any]:
    """A question; what no condition answers goes to the last way's end, `nobody` for staff."""
    otherwise = "nobody" if kind == "CheckMetricData" else ways[-1][0]
    action = _plain(name, kind, parameters, otherwise)
    action["Transitions"]["Conditions"] = [
        {"NextAction": target, "Condition": condition} for target, condition in ways
    ]
    return action
