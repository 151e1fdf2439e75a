"""The flows that ship: right by the rules of the flow language, and walkable."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.local.toolroom import ROOT
from simulator.contact_centre.flow import read_flow, walk
from simulator.contact_centre.flow_blocks import (
    Ask,
    CallStatus,
    Check,
    Disconnect,
    EnterQueue,
    Say,
    SetAttributes,
    Wait,
    Went,
)

FLOWS = ROOT / "infra" / "connect"
NAMES = ("inbound-chat", "chat-disconnect", "appointment-reminder")
PLACEHOLDERS = {"QueueArn": "arn:queue", "DisconnectFlowArn": "arn:flow"}

# Connect administrator guide, "Flow language actions": the error branches that each type must have.
ERRORS = {
    "MessageParticipant": {"NoMatchingError"},
    "UpdateContactEventHooks": {"NoMatchingError"},
    "UpdateContactTargetQueue": {"NoMatchingError"},
    "CheckHoursOfOperation": {"NoMatchingError"},
    "CheckMetricData": {"NoMatchingError", "NoMatchingCondition"},
    "TransferContactToQueue": {"QueueAtCapacity", "NoMatchingError"},
    "Wait": {"NoMatchingError"},
    "DisconnectParticipant": set(),
    "UpdateFlowLoggingBehavior": set(),
    "UpdateContactAttributes": {"NoMatchingError"},
    "Compare": {"NoMatchingCondition"},
    "CheckOutboundCallStatus": {"NoMatchingError", "NoMatchingCondition"},
    "GetParticipantInput": {"NoMatchingError", "NoMatchingCondition", "InputTimeLimitExceeded"},
    "Loop": set(),
}
CONDITIONS = {
    "CheckHoursOfOperation": {"True", "False"},
    "Wait": {"WaitCompleted", "CustomerReturned"},
    "CheckOutboundCallStatus": {"CallAnswered", "VoicemailBeep", "VoicemailNoBeep", "NotDetected"},
    "Loop": {"ContinueLooping", "DoneLooping"},
}


def source(name: str) -> str:
    return Path(FLOWS / f"{name}.flow.json").read_text("utf-8")


def flow(name: str) -> dict[str, Any]:
    text = re.sub(r"\$\{(\w+)\}", lambda match: PLACEHOLDERS[match[1]], source(name))
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def targets(action: dict[str, Any]) -> list[str]:
    transitions = action["Transitions"]
    branches = transitions.get("Conditions", []) + transitions.get("Errors", [])
    following = [transitions["NextAction"]] if "NextAction" in transitions else []
    return following + [branch["NextAction"] for branch in branches]


@pytest.mark.parametrize("name", NAMES)
def test_every_transition_resolves_and_no_action_is_an_orphan(name: str) -> None:
    document = flow(name)
    actions = {action["Identifier"]: action for action in document["Actions"]}
    assert len(actions) == len(document["Actions"]) <= 250
    assert all(re.fullmatch(r"[A-Za-z0-9-]{1,50}", identifier) for identifier in actions)
    reached, ahead = set(), [document["StartAction"]]
    while ahead:
        identifier = ahead.pop()
        if identifier not in reached:
            reached.add(identifier)
            ahead += targets(actions[identifier])
    assert reached == set(actions)


@pytest.mark.parametrize("name", NAMES)
def test_each_action_has_the_branches_that_its_type_asks_for(name: str) -> None:
    for action in flow(name)["Actions"]:
        transitions, kind = action["Transitions"], action["Type"]
        errors = {branch["ErrorType"] for branch in transitions.get("Errors", [])}
        assert errors == ERRORS[kind], action["Identifier"]
        operands = {c["Condition"]["Operands"][0] for c in transitions.get("Conditions", [])}
        assert operands >= CONDITIONS.get(kind, set()), action["Identifier"]
        assert (transitions == {}) == (kind == "DisconnectParticipant")


@pytest.mark.parametrize("name", NAMES)
def test_parameters_are_strings_and_placeholders_are_known(name: str) -> None:
    assert set(re.findall(r"\$\{(\w+)\}", source(name))) <= set(PLACEHOLDERS)
    for action in flow(name)["Actions"]:
        for value in action["Parameters"].values():
            assert isinstance(value, str | dict | list)


@pytest.mark.parametrize(
    ("is_open", "staff", "said", "is_queued"),
    [
        pytest.param("True", "1", "An agent will be with you", True, id="open_and_staffed"),
        pytest.param("False", "1", "closed", False, id="closed"),
        pytest.param("True", "0", "Nobody is free", False, id="no_agent"),
    ],
)
def test_the_branches_of_an_inbound_chat(
    is_open: str, staff: str, said: str, is_queued: bool
) -> None:
    walking = walk(read_flow(flow("inbound-chat")), {})
    heard: list[str] = []
    step: object = next(walking)
    while not isinstance(step, EnterQueue | Disconnect):
        went = Went()
        if isinstance(step, Say):
            heard.append(step.text)
        if isinstance(step, Check):
            went = Went(met=is_open if step.what == "hours" else staff)
        step = walking.send(went)
    assert said in " ".join(heard)
    assert isinstance(step, EnterQueue) == is_queued


@pytest.mark.parametrize(
    ("met", "is_queued"), [("CustomerReturned", True), ("WaitCompleted", False)]
)
def test_a_customer_whose_agent_left_may_return(met: str, is_queued: bool) -> None:
    walking = walk(read_flow(flow("chat-disconnect")), {})
    step: object = next(walking)
    while not isinstance(step, EnterQueue | Disconnect):
        step = walking.send(Went(met=met) if isinstance(step, Wait) else Went())
    assert isinstance(step, EnterQueue) == is_queued


@pytest.mark.parametrize(
    ("detects", "status", "keys", "written", "asked", "is_queued"),
    [
        pytest.param("no", "", "1", {"sb_answer": "confirmed"}, 1, False, id="confirms"),
        pytest.param("no", "", "-2", {"sb_answer": "another_time"}, 2, False, id="second_asking"),
        pytest.param("no", "", "3", {"sb_answer": "agent"}, 1, True, id="wants_an_agent"),
        pytest.param("no", "", "9", {"sb_answer": "opted_out"}, 1, False, id="opts_out"),
        pytest.param("no", "", "7--", {}, 3, False, id="three_times_in_vain"),
        pytest.param(
            "yes", "VoicemailBeep", "", {"sb_left_message": "yes"}, 0, False, id="a_machine"
        ),
        pytest.param(
            "yes", "CallAnswered", "1", {"sb_answer": "confirmed"}, 1, False, id="a_person"
        ),
    ],
)
def test_the_branches_of_a_reminder(
    detects: str, status: str, keys: str, written: dict[str, str], asked: int, is_queued: bool
) -> None:
    attributes = {"sb_detects_machines": detects, "sb_name": "Ann", "sb_when": "Monday"}
    walking = walk(read_flow(flow("appointment-reminder")), attributes)
    found: dict[str, str] = {}
    left = iter(keys)
    times = 0
    step: object = next(walking)
    while not isinstance(step, EnterQueue | Disconnect):
        went = Went()
        if isinstance(step, SetAttributes):
            found |= step.attributes
        if isinstance(step, CallStatus):
            went = Went(met=status)
        if isinstance(step, Ask):
            times += 1
            assert "Ann" in step.text
            assert "Monday" in step.text
            key = next(left, "-")
            went = Went(error="InputTimeLimitExceeded") if key == "-" else Went(met=key)
        step = walking.send(went)
    assert (found, times, isinstance(step, EnterQueue)) == (written, asked, is_queued)


def test_a_reminder_without_a_time_is_spoken_without_one() -> None:
    attributes = {"sb_detects_machines": "no", "sb_is_dated": "no", "sb_when": ""}
    walking = walk(read_flow(flow("appointment-reminder")), attributes)
    step: object = next(walking)
    while not isinstance(step, Ask):
        step = walking.send(Went())
    assert "about your appointment. To confirm" in step.text


def test_a_machine_hears_nothing_of_the_appointment() -> None:
    [leave] = [a for a in flow("appointment-reminder")["Actions"] if a["Identifier"] == "leave"]
    assert "sb_when" not in leave["Parameters"]["Text"]
    assert "sb_name" not in leave["Parameters"]["Text"]
