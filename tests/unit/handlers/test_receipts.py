"""The carrier's door: a text's fate reaches the agent by what Connect has, once."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from tests.fakes.carrier import Sent
from tests.unit.handlers.relay import Relay
from workers.errors import Fenced, InDoubt, PermanentError, Throttled, TransientError
from workers.handlers.chat_relay.receipts import FATE_ATTRIBUTE, Origin, read_origin
from workers.runtime.outcome import Discard, Done, Outcome, Wait
from workers.stores.protocols import Lane


@dataclass(frozen=True)
class Receipt:
    """What a carrier says of a text."""

    message_id: str
    status: str = "DELIVERED"
    is_final: bool = True
    context: dict[str, str] = field(default_factory=dict)


async def told(relay: Relay, sent: Sent, status: str, *, is_final: bool = True) -> Outcome:
    receipt = Receipt(sent.message_id, status, is_final, dict(sent.text.context))
    return await relay.worker.receipts.handle(receipt, relay.world.delivery())


async def test_delivered_is_a_receipt_in_the_chat(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    await chatting.streamed(message)
    assert await told(chatting, chatting.carrier.sent[0], "DELIVERED") == Done()
    assert chatting.centre.only_chat.delivered == [message.id]


async def test_a_receipt_that_comes_twice_is_one_receipt(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    await chatting.streamed(message)
    for _ in range(2):
        await told(chatting, chatting.carrier.sent[0], "DELIVERED")
    assert chatting.centre.only_chat.delivered == [message.id]


async def test_only_the_last_part_makes_a_message_delivered(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "word " * 400)
    await chatting.streamed(message)
    first, last = chatting.carrier.sent
    await told(chatting, first, "DELIVERED")
    assert chatting.centre.only_chat.delivered == []
    await told(chatting, last, "DELIVERED")
    assert chatting.centre.only_chat.delivered == [message.id]


async def test_sent_to_the_carrier_is_not_yet_delivered(chatting: Relay) -> None:
    await chatting.agent("Good day")
    assert await told(chatting, chatting.carrier.sent[0], "SUCCESSFUL", is_final=False) == Done()
    assert chatting.centre.only_chat.delivered == []
    await told(chatting, chatting.carrier.sent[0], "SUCCESSFUL")
    assert len(chatting.centre.only_chat.delivered) == 1


@pytest.mark.parametrize("status", ["CARRIER_UNREACHABLE", "BLOCKED", "TTL_EXPIRED", "INVALID"])
async def test_not_delivered_is_one_note_and_an_attribute(chatting: Relay, status: str) -> None:
    await chatting.agent("Good day")
    for _ in range(2):
        assert await told(chatting, chatting.carrier.sent[0], status) == Done()
    chat = chatting.centre.only_chat
    words = status.lower().replace("_", " ")
    assert chat.said[1:] == [f"[Not delivered to the customer: {words}]"]
    assert chat.attributes == {FATE_ATTRIBUTE: status.lower()}


async def test_a_state_that_is_not_final_is_not_told(chatting: Relay) -> None:
    await chatting.agent("Good day")
    assert await told(chatting, chatting.carrier.sent[0], "PENDING", is_final=False) == Done()
    assert chatting.centre.only_chat.said == ["first"]


async def test_a_text_that_is_not_ours_is_nobodys_matter(chatting: Relay) -> None:
    receipt = Receipt("m", context={"campaign": "spring"})
    outcome = await chatting.worker.receipts.handle(receipt, chatting.world.delivery())
    assert outcome == Discard("receipt_not_ours")


async def test_a_receipt_of_our_own_text_tells_no_agent(chatting: Relay) -> None:
    await chatting.text("HELP")
    await chatting.notices()
    assert await told(chatting, chatting.carrier.sent[0], "BLOCKED") == Done()
    assert chatting.centre.only_chat.said == ["first", "HELP"]


async def test_a_receipt_days_late_finds_the_chat_over(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.centre.end(chatting.centre.only_chat)
    assert await told(chatting, chatting.carrier.sent[0], "DELIVERED") == Discard("chat_over")
    assert await told(chatting, chatting.carrier.sent[0], "BLOCKED") == Done()
    assert chatting.meter.effects["note", "chat_over"] == 1


async def test_a_receipt_of_an_older_chat_does_not_mark_the_newer_one(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.centre.end(chatting.centre.only_chat)
    await chatting.text("again")
    await told(chatting, chatting.carrier.sent[0], "BLOCKED")
    newest = chatting.centre.newest_chat
    assert newest.attributes == {}
    assert newest.said == ["again"]


async def test_a_throttled_chat_makes_the_receipt_wait(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.faults.refuse("chats.delivered", Throttled("throttled", after_s=3))
    assert await told(chatting, chatting.carrier.sent[0], "DELIVERED") == Wait("throttled", 3)
    await told(chatting, chatting.carrier.sent[0], "DELIVERED")
    assert len(chatting.centre.only_chat.delivered) == 1


async def test_a_receipt_behind_messages_asks_more_and_more_seldom(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.faults.down("chats.delivered", Throttled("throttled", after_s=3))
    sent = chatting.carrier.sent[0]
    event = Receipt(sent.message_id, context=dict(sent.text.context))
    waits = []
    for receives in (1, 2, 3, 9):
        delivery = chatting.world.delivery(receive_count=receives)
        waits.append(await chatting.worker.receipts.handle(event, delivery))
    assert waits == [Wait("throttled", after_s) for after_s in (3, 6, 12, 120)]


async def test_a_service_that_is_away_is_not_swallowed(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.faults.refuse("chats.delivered", TransientError("server_error"))
    with pytest.raises(TransientError):
        await told(chatting, chatting.carrier.sent[0], "DELIVERED")


async def test_an_attribute_that_connect_refuses_is_counted(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.faults.refuse("chats.set_attributes", PermanentError("invalid_request"))
    assert await told(chatting, chatting.carrier.sent[0], "BLOCKED") == Done()
    assert chatting.meter.effects["attributes", "refused"] == 1
    assert len(chatting.centre.only_chat.said) == 2


async def test_without_a_lease_on_its_message_a_receipt_tells_nobody(chatting: Relay) -> None:
    await chatting.agent("Good day")
    sent = chatting.carrier.sent[0]
    receipt = Receipt(sent.message_id, context=dict(sent.text.context))
    with pytest.raises(Fenced):
        await chatting.worker.receipts.handle(receipt, chatting.world.delivery(lasts_s=0))
    assert chatting.centre.only_chat.delivered == []


async def test_any_receipt_ends_the_doubt_about_a_text(chatting: Relay) -> None:
    """W9: sent and its answer lost; the receipt says so, and the text is not sent again."""
    chatting.faults.lose_answer("texting.send", InDoubt("SendTextMessage", "timeout"))
    message = chatting.centre.agent_says(chatting.centre.only_chat, "Good day")
    assert isinstance(await chatting.streamed(message), Wait)
    await told(chatting, chatting.carrier.sent[0], "PENDING", is_final=False)
    [entry] = (await chatting.session()).entries
    assert entry.receipt == "text-1"
    await chatting.sleep(15)
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.bodies == ["Good day"]
    assert chatting.centre.only_chat.said == ["first"]  # The agent is not told of a doubt.


async def test_a_receipt_of_another_part_says_nothing_of_the_one_in_doubt(chatting: Relay) -> None:
    message = chatting.centre.agent_says(chatting.centre.only_chat, "word " * 400)
    chatting.faults.refuse("texting.send", *[InDoubt("SendTextMessage", "timeout")])
    await chatting.streamed(message)  # Part 0 is in doubt, and did not go out.
    context = {"sb": f"{chatting.sid}.{(await chatting.session()).entries[0].id}.1"}
    receipt = Receipt("text-9", context=context)
    await chatting.worker.receipts.handle(receipt, chatting.world.delivery())
    [entry] = [e for e in (await chatting.session()).entries if e.lane is Lane.OUT]
    assert entry.receipt is None


async def test_a_receipt_of_a_text_that_is_done_costs_no_write(chatting: Relay) -> None:
    await chatting.agent("Good day")
    chatting.faults.calls.clear()
    await told(chatting, chatting.carrier.sent[0], "QUEUED", is_final=False)
    assert chatting.faults.calls == ["table.get"]


@pytest.mark.parametrize(
    ("context", "expected"),
    [
        ({"sb": "s.e.2", "of": "3", "gen": "7", "m": "mid"}, Origin("s", "e", 2, 3, 7, "mid")),
        ({"sb": "s.e.0"}, Origin("s", "e", 0, 1, 0, None)),
        ({"sb": "s.e"}, None),
        ({"sb": "s.e.x"}, None),
        ({"sb": "s.e.0", "of": "many"}, None),
        ({}, None),
    ],
)
def test_our_own_context_is_read_back(context: dict[str, str], expected: Origin | None) -> None:
    assert read_origin(context) == expected


async def test_a_receipt_of_a_conversation_that_was_erased_is_discarded(relay: Relay) -> None:
    context = {"sb": f"{relay.sid}.entry.0", "m": "mid"}
    receipt = Receipt("text-1", "BLOCKED", context=context)
    outcome = await relay.worker.receipts.handle(receipt, relay.world.delivery())
    assert outcome == Discard("unknown_session")
