"""A simulator that makes calls, with a reminder's flow, for the contract tests of voice."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from simulator.application import running
from simulator.client import SimulatorClient
from simulator.contact_centre.seeding import DEFAULT_INSTANCE_ID, DEFAULT_NUMBER
from simulator.contact_centre.voice.client import SeenCall, Telephones
from simulator.settings import SimulatorSettings
from tests.contract.simulator.conftest import CUSTOMER, Running

FLOW_ID = "66666666-6666-4666-8666-666666666666"
DIAL: dict[str, Any] = {
    "InstanceId": DEFAULT_INSTANCE_ID,
    "ContactFlowId": FLOW_ID,
    "DestinationPhoneNumber": CUSTOMER,
    "SourcePhoneNumber": DEFAULT_NUMBER,
    "Attributes": {"firstName": "Ann"},
}


def _block(name: str, kind: str, then: str | None, **parameters: Any) -> dict[str, Any]:
    transitions: dict[str, Any] = {} if then is None else {"NextAction": then}
    return {
        "Identifier": name,
        "Type": kind,
        "Parameters": parameters,
        "Transitions": transitions,
    }


def _asks() -> dict[str, Any]:
    text = "Hello $.Attributes.firstName. 1 confirm, 2 change, 3 agent."
    ask = _block("ask", "GetParticipantInput", "bye", Text=text, InputTimeLimitSeconds="8")
    targets = {"1": "confirm", "2": "change", "3": "queue"}
    ask["Transitions"]["Conditions"] = [
        {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [key]}}
        for key, target in targets.items()
    ]
    ask["Transitions"]["Errors"] = [
        {"NextAction": "again", "ErrorType": kind}
        for kind in ("InputTimeLimitExceeded", "NoMatchingCondition")
    ]
    return ask


def _again() -> dict[str, Any]:
    again = _block("again", "Loop", "bye", LoopCount="1")
    again["Transitions"]["Conditions"] = [
        {"NextAction": target, "Condition": {"Operator": "Equals", "Operands": [operand]}}
        for operand, target in (("ContinueLooping", "ask"), ("DoneLooping", "bye"))
    ]
    return again


def _status() -> dict[str, Any]:
    status = _block("status", "CheckOutboundCallStatus", "ask")
    status["Transitions"]["Conditions"] = [
        {"NextAction": "leave", "Condition": {"Operator": "Equals", "Operands": [operand]}}
        for operand in ("VoicemailBeep", "VoicemailNoBeep")
    ]
    status["Transitions"]["Errors"] = [
        {"NextAction": "ask", "ErrorType": kind}
        for kind in ("NoMatchingError", "NoMatchingCondition")
    ]
    return status


REMINDER = {
    "Version": "2019-10-30",
    "StartAction": "status",
    "Actions": [
        _status(),
        _asks(),
        _again(),
        _block("leave", "MessageParticipant", "left", SSML="<speak>Please call us.</speak>"),
        _block("left", "UpdateContactAttributes", "bye", Attributes={"answer": "LEFT"}),
        _block("confirm", "UpdateContactAttributes", "bye", Attributes={"answer": "CONFIRMED"}),
        _block("change", "UpdateContactAttributes", "bye", Attributes={"answer": "CHANGE"}),
        _block("queue", "TransferContactToQueue", "bye"),
        _block("bye", "DisconnectParticipant", None),
    ],
}
CONNECT_WORLD = {
    "instances": [
        {
            "id": DEFAULT_INSTANCE_ID,
            "flows": [{"id": FLOW_ID, "name": "Reminder", "content": REMINDER}],
            "phone_numbers": [DEFAULT_NUMBER, "+12065550188"],
            "queues": [
                {"name": "BasicQueue"},
                {"id": "desk", "name": "Desk", "outbound_number": "+12065550188"},
            ],
        }
    ]
}


@dataclass
class Calling:
    """The simulator, the SDK's client, and the telephones of the other side."""

    simulator: Running
    connect: Any
    phones: Telephones

    async def dial(self, **asked: Any) -> str:
        """StartOutboundVoiceContact; answers the contact id."""
        request = {k: v for k, v in (DIAL | asked).items() if v is not None}
        made = await self.connect.start_outbound_voice_contact(**request)
        return str(made["ContactId"])

    async def over(self, contact_id: str) -> SeenCall:
        """The call, once it has ended."""
        return await self.phones.wait_until_over(contact_id)

    async def described(self, contact_id: str) -> dict[str, Any]:
        """DescribeContact."""
        found = await self.connect.describe_contact(
            InstanceId=DEFAULT_INSTANCE_ID, ContactId=contact_id
        )
        contact: dict[str, Any] = found["Contact"]
        return contact

    async def events(self, contact_id: str) -> list[str]:
        """The contact events so far."""
        return [
            entry.params["event_type"]
            for entry in await self.simulator.control.ledger(operation="contact_event")
            if entry.params["contact_id"] == contact_id
        ]


@asynccontextmanager
async def calling(
    settings: Mapping[str, Any] | None = None, **knobs: Any
) -> AsyncIterator[Calling]:
    """A simulator whose calls take a two-hundredth of their time; `knobs` are voice's."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        world = await enter(
            running(SimulatorSettings(world={"connect": CONNECT_WORLD}, **(settings or {})))
        )
        simulator = Running(world, await enter(SimulatorClient(world.url)), stack)
        await simulator.control.set_knobs(voice={"time_scale": 0.005, **knobs})
        connect = await simulator.sdk("connect", app="worker-1")
        yield Calling(simulator, connect, await enter(Telephones(world.url)))
