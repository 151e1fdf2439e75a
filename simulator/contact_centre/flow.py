"""Walks a contact flow's JSON (Flow language, version 2019-10-30), one step at a time.

Pure: the walker says what is to be done and is told how it went; it reaches no chat by itself.
Blocks that mean something in a chat are carried out, set-up blocks (logging, recording, tags) are
passed, and every other block takes its error branch, as a block that a channel does not support
does.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from simulator.contact_centre.flow_blocks import (
    Disconnect,
    EnterQueue,
    Step,
    Went,
    settled,
    step_of,
)

MAX_STEPS = 250


class FlowError(ValueError):
    """The JSON is no flow: carries the place, not the content."""


@dataclass(frozen=True, slots=True)
class Action:
    """One block."""

    type: str
    parameters: Mapping[str, Any]
    next_action: str | None
    conditions: tuple[tuple[str, tuple[str, ...], str], ...]
    """Operator, operands, next action."""
    errors: Mapping[str, str]

    def following(self, went: Went) -> str | None:
        """Which action comes next; None ends the walk."""
        if went.error is not None:
            return self._on_error(went.error)
        if went.met is None or not self.conditions:
            return self.next_action
        for operator, operands, target in self.conditions:
            if _holds(operator, went.met, operands):
                return target
        return self.errors.get("NoMatchingCondition", self.next_action)

    def _on_error(self, error: str) -> str | None:
        return self.errors.get(error, self.errors.get("NoMatchingError", self.next_action))


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow as read: its actions by identifier."""

    start: str
    actions: Mapping[str, Action]


def read_flow(document: Mapping[str, Any]) -> Flow:
    """Read flow JSON.

    Raises:
        FlowError: not version 2019-10-30, a member is missing, or an action leads nowhere.
    """
    if document.get("Version") != "2019-10-30":
        raise FlowError("Version")
    try:
        actions = {str(entry["Identifier"]): _read_action(entry) for entry in document["Actions"]}
        flow = Flow(str(document["StartAction"]), actions)
    except (KeyError, TypeError) as exc:
        raise FlowError("Actions") from exc
    for identifier, action in actions.items():
        targets = [action.next_action, *action.errors.values(), *(c[2] for c in action.conditions)]
        if any(target is not None and target not in actions for target in targets):
            raise FlowError(f"Actions.{identifier}.Transitions")
    if flow.start not in actions:
        raise FlowError("StartAction")
    return flow


def walk(flow: Flow, attributes: Mapping[str, str]) -> Generator[Step, Went, None]:
    """Yield each step to carry out; send back how it went.

    `attributes` is read live, so that a text after SetAttributes sees the new values. Stops after
    `MAX_STEPS` blocks, the most a flow may hold, as a guard against a flow that turns in a circle.
    """
    identifier: str | None = flow.start
    loops: dict[str, int] = {}
    for _ in range(MAX_STEPS):
        if identifier is None:
            return
        action = flow.actions[identifier]
        if action.type == "EndFlowExecution":
            return
        step = step_of(action.type, action.parameters, attributes)
        if step is not None:
            went = yield step
        elif action.type == "Loop":
            went = _looped(action, identifier, loops)
        else:
            went = settled(action.type, action.parameters, attributes)
        if isinstance(step, Disconnect) or (isinstance(step, EnterQueue) and went.error is None):
            return
        identifier = action.following(went)


def _read_action(entry: Mapping[str, Any]) -> Action:
    transitions = entry.get("Transitions", {})
    return Action(
        type=entry["Type"],
        parameters=entry.get("Parameters", {}),
        next_action=transitions.get("NextAction"),
        conditions=tuple(
            (c["Condition"]["Operator"], tuple(c["Condition"]["Operands"]), c["NextAction"])
            for c in transitions.get("Conditions", ())
        ),
        errors={e["ErrorType"]: e["NextAction"] for e in transitions.get("Errors", ())},
    )


def _holds(operator: str, value: str, operands: Sequence[str]) -> bool:
    match operator:
        case "Equals":
            return value in operands
        case "TextStartsWith":
            return value.startswith(tuple(operands))
        case "TextEndsWith":
            return value.endswith(tuple(operands))
        case "TextContains":
            return any(operand in value for operand in operands)
        case _:
            return _compares(operator, value, operands)


def _compares(operator: str, value: str, operands: Sequence[str]) -> bool:
    try:
        left, right = float(value), float(operands[0])
    except (ValueError, IndexError):
        return False
    return {
        "NumberGreaterThan": left > right,
        "NumberLessThan": left < right,
        "NumberGreaterOrEqualTo": left >= right,
        "NumberLessOrEqualTo": left <= right,
    }.get(operator, False)


def _looped(action: Action, identifier: str, loops: dict[str, int]) -> Went:
    loops[identifier] = loops.get(identifier, 0) + 1
    goes_on = loops[identifier] <= int(action.parameters.get("LoopCount", "0"))
    return Went(met="ContinueLooping" if goes_on else "DoneLooping")
