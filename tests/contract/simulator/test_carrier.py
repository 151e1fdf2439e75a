from __future__ import annotations

from typing import Any

import pytest

from simulator.ledger import Entry
from simulator.services.sms_voice.carrier import Behaviour
from tests.contract.simulator.conftest import CUSTOMER, OUR_NUMBER, Running

TO = {"DestinationPhoneNumber": CUSTOMER, "OriginationIdentity": OUR_NUMBER, "MessageBody": "hi"}


async def final_receipt(simulator: Running) -> Entry:
    """The last word on the only text sent."""
    seq = 0
    while True:
        entries = await simulator.control.ledger(after=seq, operation="receipt_emitted", wait_s=3)
        assert entries, "no final receipt came"
        for entry in entries:
            if entry.params["is_final"]:
                return entry
            seq = entry.seq


@pytest.mark.parametrize(
    ("behaviour", "event_type", "arrives"),
    [
        ("delivered", "TEXT_DELIVERED", True),
        ("successful", "TEXT_SUCCESSFUL", True),
        ("unreachable", "TEXT_UNREACHABLE", False),
        ("carrier_unreachable", "TEXT_CARRIER_UNREACHABLE", False),
        ("invalid", "TEXT_INVALID", False),
        ("blocked", "TEXT_BLOCKED", False),
        ("carrier_blocked", "TEXT_CARRIER_BLOCKED", False),
        ("spam", "TEXT_SPAM", False),
        ("ttl_expired", "TEXT_TTL_EXPIRED", False),
        ("protect_blocked", "TEXT_PROTECT_BLOCKED", False),
        ("unknown", "TEXT_UNKNOWN", False),
    ],
)
async def test_a_number_behaves_as_it_was_told(
    simulator: Running, sms: Any, behaviour: Behaviour, event_type: str, arrives: bool
) -> None:
    await simulator.control.set_carrier(behaviour, number=CUSTOMER)
    await sms.send_text_message(**TO)
    assert (await final_receipt(simulator)).params["event_type"] == event_type
    assert bool(await simulator.control.handset(CUSTOMER)) is arrives


async def test_a_text_slower_than_its_time_to_live_expires_at_it(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_carrier("slow", number=CUSTOMER, delay_ms=60_000)
    await sms.send_text_message(**TO, TimeToLive=30)
    await simulator.control.advance_clock(29)
    assert await simulator.control.ledger(operation="receipt_emitted", wait_s=1)
    await simulator.control.advance_clock(1)
    assert (await final_receipt(simulator)).params["event_type"] == "TEXT_TTL_EXPIRED"
    await simulator.control.advance_clock(60)
    assert await simulator.control.handset(CUSTOMER) == []


async def test_a_slow_text_within_its_time_to_live_is_delivered(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_carrier("slow", number=CUSTOMER, delay_ms=20_000)
    await sms.send_text_message(**TO, TimeToLive=30)
    assert await simulator.control.handset(CUSTOMER, wait_s=0.1) == []
    await simulator.control.advance_clock(21)
    assert (await final_receipt(simulator)).params["event_type"] == "TEXT_DELIVERED"


async def test_a_silent_carrier_is_given_up_after_72_hours(simulator: Running, sms: Any) -> None:
    await simulator.control.set_carrier("silent")
    await sms.send_text_message(**TO)
    assert len(await simulator.control.handset(CUSTOMER, wait_s=2)) == 1
    await simulator.control.advance_clock(71 * 3600)
    assert await simulator.control.ledger(operation="receipt_emitted", wait_s=0.1) == []
    await simulator.control.advance_clock(3600)
    assert (await final_receipt(simulator)).params["event_type"] == "TEXT_UNKNOWN"


async def test_a_number_of_its_own_rule_is_not_like_the_rest(simulator: Running, sms: Any) -> None:
    await simulator.control.set_carrier("unreachable")
    await simulator.control.set_carrier("delivered", number=CUSTOMER)
    await sms.send_text_message(**TO)
    assert len(await simulator.control.handset(CUSTOMER, wait_s=2)) == 1
    await simulator.control.clear_carrier()
    await sms.send_text_message(**{**TO, "DestinationPhoneNumber": "+12065550101"})
    assert len(await simulator.control.handset("+12065550101", wait_s=2)) == 1


async def test_the_next_text_waits_behind_a_slow_one_of_the_same_pair(
    simulator: Running, sms: Any
) -> None:
    await simulator.control.set_carrier("slow", number=CUSTOMER, delay_ms=5_000)
    await sms.send_text_message(**{**TO, "MessageBody": "first"})
    await simulator.control.clear_carrier()
    await sms.send_text_message(**{**TO, "MessageBody": "second"})
    await simulator.control.advance_clock(6)
    await simulator.control.handset(CUSTOMER, after=1, wait_s=2)
    bodies = [text.body for text in await simulator.control.handset(CUSTOMER)]
    assert bodies == ["first", "second"]
