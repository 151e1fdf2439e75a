from __future__ import annotations

from typing import Any

import pytest

from simulator.contact_centre.flow import FlowError, read_flow, walk
from simulator.contact_centre.flow_blocks import (
    Check,
    Disconnect,
    EnterQueue,
    Say,
    SayInTurn,
    SetAttributes,
    SetHook,
    SetQueue,
    Step,
    Wait,
    Went,
)
from simulator.contact_centre.flow_texts import FlowTexts, flow_from_texts

TEXTS = FlowTexts(welcome="hello", closed="shut", no_agent="nobody")


def action(
    kind: str, parameters: dict[str, Any] | None = None, **transitions: Any
) -> dict[str, Any]:
    return {"Type": kind, "Parameters": parameters or {}, "Transitions": transitions}


def flow(*actions: dict[str, Any]) -> dict[str, Any]:
    """Actions named a, b, c ... in their order."""
    named = [entry | {"Identifier": chr(ord("a") + place)} for place, entry in enumerate(actions)]
    return {"Version": "2019-10-30", "StartAction": "a", "Actions": named}


def when(operator: str, operand: str, to: str) -> dict[str, Any]:
    return {"NextAction": to, "Condition": {"Operator": operator, "Operands": [operand]}}


def errors(**targets: str) -> list[dict[str, str]]:
    return [{"ErrorType": kind, "NextAction": to} for kind, to in targets.items()]


def steps(document: dict[str, Any], *went: Went, **attributes: str) -> list[Step]:
    """The steps of a walk whose steps went so, one after the other, and well after that."""
    walker = walk(read_flow(document), attributes)
    found: list[Step] = []
    answers = iter(went)
    step = next(walker, None)
    while step is not None:
        found.append(step)
        try:
            step = walker.send(next(answers, Went()))
        except StopIteration:
            step = None
    return found


@pytest.mark.parametrize(
    ("went", "expected"),
    [
        pytest.param(
            {Check("hours"): Went("True"), Check("staff"): Went("1")},
            [Check("hours"), Say("hello"), SetQueue("q"), Check("staff"), EnterQueue()],
            id="open_and_staffed_ends_in_the_queue",
        ),
        pytest.param(
            {Check("hours"): Went("False")},
            [Check("hours"), Say("shut"), Disconnect()],
            id="closed_says_so_and_ends",
        ),
        pytest.param(
            {Check("hours"): Went("True"), Check("staff"): Went("0")},
            [
                Check("hours"),
                Say("hello"),
                SetQueue("q"),
                Check("staff"),
                Say("nobody"),
                Disconnect(),
            ],
            id="nobody_there_says_so_and_ends",
        ),
        pytest.param(
            {
                Check("hours"): Went("True"),
                Check("staff"): Went("1"),
                EnterQueue(): Went(error="QueueAtCapacity"),
            },
            [
                Check("hours"),
                Say("hello"),
                SetQueue("q"),
                Check("staff"),
                EnterQueue(),
                Say("nobody"),
                Disconnect(),
            ],
            id="a_full_queue_ends",
        ),
    ],
)
def test_default_flow(went: dict[Step, Went], expected: list[Step]) -> None:
    walker = walk(read_flow(flow_from_texts(TEXTS, "q")), {})
    found = [next(walker)]
    while True:
        try:
            found.append(walker.send(went.get(found[-1], Went())))
        except StopIteration:
            break
    assert found == expected


def test_empty_texts_are_not_said() -> None:
    silent = read_flow(flow_from_texts(FlowTexts(welcome="", closed="", no_agent=""), "q"))
    walker = walk(silent, {})
    assert next(walker) == Check("hours")
    assert walker.send(Went("False")) == Disconnect()


def test_texts_are_filled_with_the_attributes_of_that_moment() -> None:
    document = flow(
        action("UpdateContactAttributes", {"Attributes": {"b": "$.Attributes.a!"}}, NextAction="b"),
        action("MessageParticipant", {"Text": "$.Attributes.a and $.Attributes.missing."}),
    )
    assert steps(document, a="one") == [SetAttributes({"b": "one!"}), Say("one and .")]


def test_disconnect_flow_waits_for_the_customer() -> None:
    document = flow(
        action(
            "Wait",
            {"TimeLimitSeconds": "30", "Events": ["CustomerReturned"]},
            NextAction="c",
            Conditions=[when("Equals", "CustomerReturned", "b")],
        ),
        action("TransferContactToQueue"),
        action("DisconnectParticipant"),
    )
    wait = Wait(30, ("CustomerReturned",))
    assert steps(document, Went("CustomerReturned")) == [wait, EnterQueue()]
    assert steps(document, Went("WaitCompleted")) == [wait, Disconnect()]


def test_queue_flow_hook_and_loop_prompts() -> None:
    document = flow(
        action(
            "UpdateContactEventHooks", {"EventHooks": {"CustomerQueue": "q-flow"}}, NextAction="b"
        ),
        action(
            "MessageParticipantIteratively",
            {"Messages": [{"Text": "one"}, {"PromptId": "p"}], "InterruptFrequencySeconds": "9"},
        ),
    )
    assert steps(document) == [SetHook("CustomerQueue", "q-flow"), SayInTurn(("one",), 9)]


def test_compare_takes_the_branch_that_fits_first() -> None:
    document = flow(
        action(
            "Compare",
            {"ComparisonValue": "$.Attributes.lang"},
            Conditions=[when("TextStartsWith", "f", "b"), when("Equals", "en", "c")],
            Errors=errors(NoMatchingCondition="d"),
        ),
        action("MessageParticipant", {"Text": "bonjour"}),
        action("MessageParticipant", {"Text": "hello"}),
        action("MessageParticipant", {"Text": "?"}),
    )
    assert steps(document, lang="fr") == [Say("bonjour")]
    assert steps(document, lang="en") == [Say("hello")]
    assert steps(document, lang="sv") == [Say("?")]


def test_loop_goes_round_as_often_as_it_says() -> None:
    document = flow(
        action(
            "Loop",
            {"LoopCount": "2"},
            Conditions=[when("Equals", "ContinueLooping", "b"), when("Equals", "DoneLooping", "c")],
        ),
        action("MessageParticipant", {"Text": "again"}, NextAction="a"),
        action("DisconnectParticipant"),
    )
    assert steps(document) == [Say("again"), Say("again"), Disconnect()]


def test_setup_blocks_are_passed_and_unsupported_ones_take_their_error_branch() -> None:
    document = flow(
        action("UpdateFlowLoggingBehavior", {"FlowLoggingBehavior": "Enabled"}, NextAction="b"),
        action("InvokeLambdaFunction", NextAction="c", Errors=errors(NoMatchingError="d")),
        action("MessageParticipant", {"Text": "never"}),
        action("DisconnectParticipant"),
    )
    assert steps(document) == [Disconnect()]


def test_a_flow_that_turns_in_a_circle_stops() -> None:
    document = flow(action("UpdateContactData", NextAction="a"))
    assert steps(document) == []


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param({"Version": "2008"}, "Version", id="old_format"),
        pytest.param({"StartAction": "z"}, "StartAction", id="start_is_nowhere"),
        pytest.param({"Actions": [{"Type": "Wait"}]}, "Actions", id="action_without_a_name"),
        pytest.param(
            {"Actions": [action("Wait", NextAction="z") | {"Identifier": "a"}]},
            "Actions.a.Transitions",
            id="leads_nowhere",
        ),
    ],
)
def test_broken_flow_is_refused_with_its_place(change: dict[str, Any], place: str) -> None:
    with pytest.raises(FlowError, match=rf"^{place}$"):
        read_flow(flow(action("DisconnectParticipant")) | change)
