"""What each block of a contact flow asks of the contact centre.

Blocks that mean something in a chat become steps, set-up blocks (logging, recording, tags) are
passed, and every other block takes its error branch, as one that a channel does not support does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

_ATTRIBUTE = re.compile(r"\$\.Attributes\.([A-Za-z0-9_-]+)")
_PASSED = re.compile(r"(Update|Tag|Untag)[A-Za-z]+")
_TURN_S = 60.0
_SECONDS = (
    "TimeoutSeconds",
    "TimeLimitSeconds",
    "InterruptFrequencySeconds",
    "InputTimeLimitSeconds",
    "InputTimeoutSeconds",
)

Parameters = Mapping[str, Any]
Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Say:
    """A text to the participants, from the system."""

    text: str
    is_speech: bool = False
    """SSML, which a call speaks and a chat passes over."""


@dataclass(frozen=True, slots=True)
class SetAttributes:
    """User-defined contact attributes to merge."""

    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SetQueue:
    """The routing queue that a later transfer goes to."""

    queue: str


@dataclass(frozen=True, slots=True)
class SetHook:
    """The flow to run on an event of the contact, such as CustomerRemaining."""

    hook: str
    flow: str


@dataclass(frozen=True, slots=True)
class Check:
    """A question to the contact centre.

    `hours` is answered with True or False, `staff` with a number of agents.
    """

    what: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait for the time or for one of the events. Answered with the event's name."""

    seconds: float
    events: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SayInTurn:
    """Texts for whoever waits in a queue, over and over, this far apart."""

    texts: tuple[str, ...]
    every_s: float


@dataclass(frozen=True, slots=True)
class EnterQueue:
    """Transfer to the routing queue that was set. Ends the walk when it succeeds."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End the contact."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A text, and one key to be pressed within so many seconds of it. Answered with the key."""

    text: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class CallStatus:
    """What answering-machine detection has found."""


Step = (
    Say
    | SayInTurn
    | SetAttributes
    | SetQueue
    | SetHook
    | Check
    | Wait
    | EnterQueue
    | Disconnect
    | Ask
    | CallStatus
)


@dataclass(frozen=True, slots=True)
class Went:
    """How a step went: which condition's operand it met, or which error it ran into."""

    met: str | None = None
    error: str | None = None


def step_of(kind: str, parameters: Parameters, attributes: Attributes) -> Step | None:
    """What the contact centre must do for a block; None for what a flow settles by itself."""
    make = _STEPS.get(kind)
    return make(parameters, attributes) if make is not None else None


def settled(kind: str, parameters: Parameters, attributes: Attributes) -> Went:
    """How a block went that asks nothing of the contact centre."""
    if kind == "Compare":
        return Went(met=_filled(str(parameters.get("ComparisonValue", "")), attributes))
    # A MessageParticipant without a text says nothing and goes on.
    if kind == "MessageParticipant" or _PASSED.fullmatch(kind):
        return Went()
    return Went(error="NoMatchingError")


def _say(parameters: Parameters, attributes: Attributes) -> Step | None:
    text, speech = parameters.get("Text"), parameters.get("SSML")
    if not (text or speech):
        return None
    return Say(_filled(str(text or speech), attributes), is_speech=not text)


def _say_in_turn(parameters: Parameters, attributes: Attributes) -> Step:
    messages = parameters.get("Messages", ())
    texts = tuple(_filled(str(m["Text"]), attributes) for m in messages if m.get("Text"))
    return SayInTurn(texts, _seconds(parameters) or _TURN_S)


def _set_attributes(parameters: Parameters, attributes: Attributes) -> Step:
    pairs = parameters.get("Attributes", {}).items()
    return SetAttributes({str(key): _filled(str(value), attributes) for key, value in pairs})


def _set_queue(parameters: Parameters, _: Attributes) -> Step | None:
    return SetQueue(str(parameters["QueueId"])) if "QueueId" in parameters else None


def _set_hook(parameters: Parameters, _: Attributes) -> Step | None:
    for hook, flow in parameters.get("EventHooks", {}).items():
        return SetHook(str(hook), str(flow))
    return None


def _wait(parameters: Parameters, _: Attributes) -> Step:
    return Wait(_seconds(parameters), tuple(parameters.get("Events", ())))


def _ask(parameters: Parameters, attributes: Attributes) -> Step | None:
    # Input of several digits is not played: the block then takes its error branch.
    if str(parameters.get("StoreInput", "False")).lower() == "true":
        return None
    text = parameters.get("Text") or parameters.get("SSML") or ""
    return Ask(_filled(str(text), attributes), _seconds(parameters))


_STEPS: Mapping[str, Callable[[Parameters, Attributes], Step | None]] = {
    "MessageParticipant": _say,
    "MessageParticipantIteratively": _say_in_turn,
    "UpdateContactAttributes": _set_attributes,
    "UpdateContactTargetQueue": _set_queue,
    "UpdateContactEventHooks": _set_hook,
    "CheckHoursOfOperation": lambda _, __: Check("hours"),
    "CheckMetricData": lambda _, __: Check("staff"),
    "CheckOutboundCallStatus": lambda _, __: CallStatus(),
    "GetParticipantInput": _ask,
    "Wait": _wait,
    "TransferContactToQueue": lambda _, __: EnterQueue(),
    "DequeueContactAndTransferToQueue": lambda _, __: EnterQueue(),
    "DisconnectParticipant": lambda _, __: Disconnect(),
}


def _seconds(parameters: Parameters) -> float:
    for name in _SECONDS:
        if name in parameters:
            return float(parameters[name])
    return 0.0


def _filled(text: str, attributes: Attributes) -> str:
    return _ATTRIBUTE.sub(lambda found: attributes.get(found[1], ""), text)
