"""The gate: nobody who opted out is texted, and when it cannot be known nobody is."""

from __future__ import annotations

import pytest

from tests.unit.handlers.relay import THEIRS, Relay, brand_with
from workers.brands import MessageClass
from workers.errors import TransientError
from workers.handlers.chat_relay.gate import Gate
from workers.runtime.outcome import Wait

PROMOTIONAL = brand_with(message_class=MessageClass.PROMOTIONAL)
OTHER_LIST = brand_with(opt_out_list="marketing")


@pytest.fixture
def gate(relay: Relay) -> Gate:
    return relay.worker.performer.gate


async def test_it_is_open_until_it_is_closed_and_closed_until_it_is_opened(
    gate: Gate, relay: Relay
) -> None:
    assert await gate.closed_for(relay.brand, THEIRS) is None
    await gate.close(relay.brand, THEIRS, "text.1")
    closed = await gate.closed_for(relay.brand, THEIRS)
    assert closed is not None
    assert (closed.reason, closed.source) == ("opted_out", "text.1")
    await gate.open(relay.brand, THEIRS)
    assert await gate.closed_for(relay.brand, THEIRS) is None


async def test_the_first_cause_is_the_cause_however_often_it_is_repeated(
    gate: Gate, relay: Relay
) -> None:
    assert await gate.close(relay.brand, THEIRS, "text.1")
    assert await gate.close(relay.brand, THEIRS, "text.1")
    assert not await gate.close(relay.brand, THEIRS, "text.2")


async def test_an_opt_out_holds_for_every_class_and_brand_of_its_list_alone(
    gate: Gate, relay: Relay
) -> None:
    await gate.close(relay.brand, THEIRS, "text.1")
    assert await gate.closed_for(PROMOTIONAL, THEIRS) is not None
    assert await gate.closed_for(OTHER_LIST, THEIRS) is None
    assert await gate.closed_for(relay.brand, "+12065550101") is None


async def test_an_opt_out_of_one_class_leaves_the_other_open(gate: Gate, relay: Relay) -> None:
    await gate.close(relay.brand, THEIRS, "form.1", MessageClass.PROMOTIONAL)
    assert await gate.closed_for(PROMOTIONAL, THEIRS) is not None
    assert await gate.closed_for(relay.brand, THEIRS) is None


async def test_it_fails_closed(chatting: Relay) -> None:
    """What cannot be asked is not sent: the error goes up, and the agent's message waits."""
    chatting.faults.refuse("suppressions.query", TransientError("dynamodb_failed"))
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    assert isinstance(await chatting.streamed(message), Wait)
    assert chatting.carrier.sent == []
    await chatting.sleep(30)
    await chatting.streamed(message)
    assert chatting.carrier.bodies == ["Good day"]
