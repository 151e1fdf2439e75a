"""The gate: nobody who opted out is texted, and when it cannot be known nobody is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.decode import decode_document
from schemas.decoded import Decoded
from tests.events import load
from tests.unit.handlers.relay import THEIRS, Relay, brand_with
from workers.addresses import Channel
from workers.brands import MessageClass
from workers.config import BounceRules
from workers.errors import TransientError
from workers.handlers.gate import Gate, Message
from workers.runtime.outcome import Done, Wait

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


async def test_a_number_that_its_carrier_calls_invalid_gets_no_text_and_the_agent_is_told(
    chatting: Relay,
) -> None:
    """Nobody has left: the chat goes on, and the note says what it is."""
    await chatting.carrier_says("INVALID")
    assert await chatting.agent("Good day") == Done()
    assert chatting.carrier.sent == []
    [_, note] = chatting.centre.newest_chat.said
    assert "invalid number" in note
    assert chatting.meter.unwanted[chatting.brand.message_class, "invalid_number"] == 1
    assert not chatting.centre.newest_chat.is_ended


async def test_a_carriers_block_counts_as_leaving_for_its_class_and_list_alone(
    gate: Gate, relay: Relay
) -> None:
    await relay.carrier_says("BLOCKED", messageType="TRANSACTIONAL")
    closed = await gate.closed_for(relay.brand, THEIRS)
    assert closed is not None
    assert (closed.reason, closed.is_opt_out) == ("blocked", True)
    assert await gate.closed_for(PROMOTIONAL, THEIRS) is None
    assert await gate.closed_for(OTHER_LIST, THEIRS) is None


async def test_start_lifts_what_the_carrier_reported_as_leaving_and_nothing_else(
    gate: Gate, relay: Relay
) -> None:
    await relay.carrier_says("BLOCKED")
    await relay.sleep(1)
    await gate.open(relay.brand, THEIRS)
    assert await gate.closed_for(relay.brand, THEIRS) is None
    await relay.carrier_says("INVALID")
    await gate.open(relay.brand, THEIRS)
    closed = await gate.closed_for(relay.brand, THEIRS)
    assert closed is not None
    assert (closed.reason, closed.is_opt_out) == ("invalid_number", False)


async def test_a_return_to_one_list_leaves_a_block_of_unknown_origin_to_the_others(
    gate: Gate, relay: Relay
) -> None:
    await relay.carrier_says("BLOCKED", originationPhoneNumber="+12065550777")
    await relay.sleep(1)
    assert await gate.closed_for(OTHER_LIST, THEIRS) is not None
    await gate.open(relay.brand, THEIRS)
    assert await gate.closed_for(relay.brand, THEIRS) is None
    assert await gate.closed_for(OTHER_LIST, THEIRS) is not None


async def test_a_dead_number_may_still_write_to_us(relay: Relay) -> None:
    """Its owner has just shown that somebody is there: the agent reads it."""
    await relay.carrier_says("INVALID")
    await relay.text("hello")
    assert relay.centre.newest_chat.said == ["hello"]


async def test_it_fails_closed_when_the_address_cannot_be_asked(chatting: Relay) -> None:
    chatting.faults.refuse("health.get", TransientError("dynamodb_failed"))
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    assert isinstance(await chatting.streamed(message), Wait)
    assert chatting.carrier.sent == []


async def test_a_stop_by_text_holds_for_calls_of_the_same_list(gate: Gate, relay: Relay) -> None:
    await gate.close(relay.brand, THEIRS, "text.1")
    call = Message(Channel.VOICE, THEIRS, MessageClass.TRANSACTIONAL, relay.brand.opt_out_list)
    assert await gate.closed_to(call) is not None
    assert await gate.closed_to(replace(call, scope="another")) is None


async def test_a_dead_mailbox_is_closed_to_mail_and_says_nothing_of_the_number(
    gate: Gate, relay: Relay
) -> None:
    (bounce,) = decode_document(load("ses/bounce_eventbridge"))
    assert isinstance(bounce, Decoded)
    await relay.worker.bounces.handle(bounce, relay.world.delivery())
    mail = Message(Channel.EMAIL, "Pat@Example.com", MessageClass.TRANSACTIONAL)
    closed = await gate.closed_to(mail)
    assert closed is not None
    assert (closed.reason, closed.source) == ("hard_bounce", "address_record")
    assert await gate.closed_to(replace(mail, address="other@example.com")) is None


# --- whom a text went to --------------------------------------------------------------------------


@pytest.fixture
async def remembering() -> Relay:
    """A relay with a chat, which notes down whom each text goes to."""
    relay = Relay(bounces=BounceRules(eventbridge_receipts=True))
    await relay.text("first")
    return relay


async def test_a_receipt_on_the_bus_finds_whose_text_it_is_about(remembering: Relay) -> None:
    await remembering.agent("Good day")
    (sent,) = remembering.carrier.sent
    unnamed = {"messageId": sent.message_id, "destinationPhoneNumber": None}
    assert await remembering.carrier_says("INVALID", **unnamed) == Done()
    gate = remembering.worker.performer.gate
    assert await gate.closed_for(remembering.brand, THEIRS) is not None


async def test_a_text_is_out_whether_or_not_it_could_be_noted_down(remembering: Relay) -> None:
    remembering.faults.down("recipients.put", TransientError("dynamodb_failed"))
    assert await remembering.agent("Good day") == Done()
    assert remembering.carrier.bodies == ["Good day"]
