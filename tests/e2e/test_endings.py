"""The end of a chat, what is no end, and what comes after it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from simulator.contact_centre.client import DeskChat
from simulator.faults import FaultOrder
from tests.e2e.account import PLAIN, SHORT_LIMITS
from tests.e2e.stage import QUIET_S, Customer, Stage, utc_now
from tests.e2e.theatre import scene

ENDED = "Plain: This conversation has ended. Text us again any time."
TRANSFER_GRACE_S = 5.0
TRANSCRIPT_READY_S = 61.0
"""How long after an end the earlier chat can be attached to the next one."""


@scene()
async def test_a_transfer_is_no_end(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    moved = await stage.desk.transfer(chat.contact_id, "Omar")
    assert moved.current_contact_id != chat.contact_id
    await _until_agent(stage, chat, "Omar")
    await stage.text(customer, "still there?")
    await stage.until_in_chat(chat, "still there?")
    await stage.desk.say(chat.contact_id, "Omar here")
    await asyncio.sleep(TRANSFER_GRACE_S + QUIET_S)
    assert await stage.on_phone(customer) == ["Omar here"]
    assert await stage.chats_opened(customer) == 1


@scene()
async def test_one_of_two_agents_leaving_is_no_end(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.desk.join(chat.contact_id, "Omar")
    await stage.desk.leave(chat.contact_id, "Jane")
    await stage.desk.say(chat.contact_id, "I take over", agent="Omar")
    await stage.text(customer, "fine")
    await stage.until_in_chat(chat, "fine")
    assert await stage.until_on_phone(customer, "I take over") == ["I take over"]


@scene()
async def test_the_end_is_told_once_by_whichever_messenger_comes_first(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.desk.say(chat.contact_id, "bye")
    await stage.desk.end(chat.contact_id)
    await stage.until_on_phone(customer, "bye", ENDED)
    await stage.desk.emit_contact_event(chat.contact_id, "DISCONNECTED")
    await asyncio.sleep(TRANSFER_GRACE_S + QUIET_S)
    assert await stage.on_phone(customer) == ["bye", ENDED]


@scene()
async def test_the_end_is_told_when_its_stream_message_was_lost(stage: Stage) -> None:
    """DISCONNECTED of the last contact alone ends the chat, some seconds later."""
    customer = stage.customer()
    chat = await stage.begin(customer)
    # The chat goes on, but the bus says that its contact is over and has no successor.
    await stage.desk.emit_contact_event(chat.contact_id, "DISCONNECTED")
    await stage.until_on_phone(customer, ENDED, timeout_s=TRANSFER_GRACE_S + 15)
    await asyncio.sleep(QUIET_S)
    assert await stage.on_phone(customer) == [ENDED]


@scene()
async def test_a_text_soon_after_the_end_starts_anew(stage: Stage) -> None:
    customer = stage.customer()
    first = await stage.begin(customer)
    await stage.desk.end(first.contact_id)
    await stage.until_on_phone(customer, ENDED)
    second = await stage.begin(customer, "one more thing")
    assert second.contact_id != first.contact_id
    assert await stage.until_in_chat(second, "one more thing") == ["one more thing"]
    await stage.desk.say(second.contact_id, "yes?")
    await stage.until_on_phone(customer, "yes?")


@scene(slow=True)
async def test_a_later_text_starts_anew_with_the_earlier_chat_attached(stage: Stage) -> None:
    customer, refused = stage.customer(), stage.customer()
    chats = [await stage.begin(c, "the first time") for c in (customer, refused)]
    for one, chat in zip((customer, refused), chats, strict=True):
        await stage.desk.end(chat.contact_id)
        await stage.until_on_phone(one, ENDED)
    await asyncio.sleep(TRANSCRIPT_READY_S)
    await stage.simulator.spoil(
        FaultOrder(
            service="connect",
            operation="StartChatContact",
            action="refuse:InvalidRequestException",
            match={"PersistentChat": {"SourceContactId": chats[1].contact_id}},
        )
    )
    attached = await stage.begin(customer, "me again")
    assert attached.continued_from == chats[0].contact_id
    await stage.until_in_chat(attached, "me again")
    without = await stage.begin(refused, "me too")
    assert without.continued_from is None
    assert await stage.until_in_chat(without, "me too") == ["me too"]


@scene(slow=True)
async def test_a_quiet_chat_is_warned_and_then_closed(stage: Stage) -> None:
    customer = stage.customer(SHORT_LIMITS)
    chat = await stage.begin(customer)
    warning = "Short Limits: Are you still there? This conversation will close soon."
    closed = (
        "Short Limits: We closed this conversation because it was quiet. Text us again any time."
    )
    await stage.until_on_phone(customer, warning, timeout_s=90)
    texts = await stage.until_on_phone(customer, closed, timeout_s=60)
    assert texts == [warning, closed]
    assert (await stage.desk.chat(chat.contact_id)).state == "ended"


@scene()
async def test_a_message_said_before_the_end_is_not_lost_by_it(stage: Stage) -> None:
    customer = stage.customer()
    chat = await stage.begin(customer)
    await stage.desk.say(chat.contact_id, "one")
    await stage.desk.say(chat.contact_id, "two")
    await stage.desk.end(chat.contact_id)
    assert await stage.until_on_phone(customer, ENDED) == ["one", "two", ENDED]


@scene()
async def test_the_end_of_an_earlier_chat_does_not_end_the_newer_one(stage: Stage) -> None:
    customer = stage.customer()
    first = await stage.begin(customer)
    await stage.desk.end(first.contact_id)
    await stage.until_on_phone(customer, ENDED)
    second = await stage.begin(customer, "again")
    await stage.desk.emit_contact_event(first.contact_id, "DISCONNECTED")
    await asyncio.sleep(TRANSFER_GRACE_S + QUIET_S)
    await stage.text(customer, "still the same chat")
    await stage.until_in_chat(second, "still the same chat")
    assert await stage.chats_opened(customer) == 2


@scene()
async def test_an_agents_message_from_before_the_limit_becomes_a_note(stage: Stage) -> None:
    customer = Customer(stage.customer().number, SHORT_LIMITS)
    chat = await stage.begin(customer)
    await stage.publish_chat_item(chat.contact_id, "too late", utc_now() - timedelta(seconds=70))
    await stage.until_in_chat(
        chat, "[Not sent, it was too old: the customer did not get your message]"
    )
    assert await stage.on_phone(customer) == []


@scene()
async def test_a_text_from_before_the_limit_opens_no_chat_and_is_marked_in_an_open_one(
    stage: Stage,
) -> None:
    old = utc_now() - timedelta(hours=3)
    stranger, known = stage.customer(SHORT_LIMITS), stage.customer(SHORT_LIMITS)
    await stage.enqueue_text(stranger, "from this morning", old)
    chat = await stage.begin(known)
    await stage.enqueue_text(known, "from this morning", old)
    await stage.until_in_chat(chat, "[Sent 3 h ago] from this morning")

    async def look() -> bool:
        letters = await stage.dead_letters("inbound-sms")
        return any(stranger.number in letter.body for letter in letters)

    await stage.until(look, "the old text of a stranger is kept for somebody to look at")
    assert await stage.chats_opened(stranger) == 0


async def _until_agent(stage: Stage, chat: DeskChat, name: str) -> None:
    async def look() -> bool:
        return name in (await stage.desk.chat(chat.contact_id)).agents

    await stage.until(look, f"{name} is in the chat")


@scene()
async def test_every_send_carries_the_brands_time_to_live_and_its_configuration_set(
    stage: Stage,
) -> None:
    plain, short = stage.customer(PLAIN), stage.customer(SHORT_LIMITS)
    for customer, ttl_s in ((plain, 900), (short, 77)):
        chat = await stage.begin(customer)
        await stage.desk.say(chat.contact_id, "mind the time")
        await stage.until_on_phone(customer, "mind the time")
        [send] = await stage.sends(customer)
        assert send.params["TimeToLive"] == ttl_s
        assert send.params["ConfigurationSetName"] == "conversations"
        assert send.params["MessageType"] == "TRANSACTIONAL"
        assert customer.number not in str(send.params["Context"])
