"""Sending a text: the gate, the pace, the intent, the send, a refusal, a file."""

from __future__ import annotations

from tests.fakes.wire import Faults
from tests.unit.handlers.relay import OURS, THEIRS, Relay, brand_with, only, written
from workers.errors import (
    InDoubt,
    OptedOut,
    PermanentError,
    TransientError,
)
from workers.runtime.outcome import Done, Wait
from workers.stores.protocols import ChatState, Lane, Stage

LONG = "word " * 400  # Two texts.
TIMEOUT = InDoubt("SendTextMessage", "timeout")


async def test_every_send_says_how_long_it_may_be_held_and_whose_it_is(chatting: Relay) -> None:
    message = written(chatting)
    await chatting.streamed(message)
    [sent] = chatting.carrier.sent
    session = await chatting.session()
    assert sent.text.ttl_s == 900
    assert (sent.text.configuration_set, sent.text.message_type) == ("texts", "TRANSACTIONAL")
    assert sent.text.context == {
        "sb": f"{chatting.sid}.{session.done[-1]}.0",
        "gen": str(session.gen),
        "of": "1",
        "m": message.id,
    }


async def test_replies_go_out_from_the_brands_identity() -> None:
    relay = Relay(brand_with(origination_identity="pool-1"))
    await relay.text()
    await relay.agent()
    assert relay.carrier.sent[0].text.origination_identity == "pool-1"


async def test_the_intent_is_in_the_journal_before_the_send(chatting: Relay) -> None:
    seen = []

    async def somebody_looks() -> None:
        seen.append(only(await chatting.session()))

    chatting.faults.meanwhile("texting.send", somebody_looks)
    await chatting.agent()
    [entry] = seen
    assert (entry.stage, entry.part, entry.tries) == (Stage.SENDING, 0, 1)
    assert entry.intent_at_ms > 0


async def test_our_own_rate_is_asked_before_the_intent(chatting: Relay) -> None:
    """Waiting for it between intent and socket would eat the send's deadline."""
    chatting.faults.calls.clear()
    await chatting.agent()
    calls = chatting.faults.calls
    assert calls.index("texting.admit") < calls.index("texting.send")
    assert calls[calls.index("texting.send") - 1] == "table.update"


async def test_the_rate_counts_what_the_carrier_counts(chatting: Relay) -> None:
    await chatting.agent("x" * 300)
    assert chatting.worker.deps.texting.admitted == [(OURS, 2)]  # type: ignore[attr-defined]
    assert chatting.meter.parts == {"Clinic": 2}


async def test_a_long_message_goes_out_part_by_part_one_a_second(chatting: Relay) -> None:
    chatting.faults.calls.clear()
    assert await chatting.agent(LONG) == Done()
    first, second = chatting.carrier.sent
    assert (first.text.context["sb"][-2:], second.text.context["sb"][-2:]) == (".0", ".1")
    assert first.text.context["of"] == "2"
    assert second.at_s - first.at_s >= 1
    assert chatting.faults.calls.count("table.update") == 4  # n + 2


async def test_two_messages_keep_a_second_between_them(chatting: Relay) -> None:
    await chatting.agent("one")
    await chatting.agent("two")
    first, second = chatting.carrier.sent
    assert second.at_s - first.at_s >= 1


async def test_a_killed_senders_successor_goes_on_with_the_next_part(chatting: Relay) -> None:
    """The first part is out, its receipt came, its worker is gone: only the second is sent."""
    message = written(chatting, LONG)
    chatting.faults.lose_answer("texting.send", TIMEOUT)
    await chatting.streamed(message)
    sid, entry_id, part = chatting.carrier.sent[0].text.context["sb"].split(".")
    assert await chatting.journal.note_receipt(sid, entry_id, int(part), "text-1")
    await chatting.sleep(15)
    other = chatting.world.worker("b", Faults())
    assert await other.stream.handle(message, chatting.world.delivery()) == Done()
    parts = [sent.text.context["sb"].rsplit(".", 1)[1] for sent in chatting.carrier.sent]
    assert parts == ["0", "1"]


# --- refused for good -----------------------------------------------------------------------------


async def test_a_text_that_eum_refuses_is_told_to_the_agent_once(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", PermanentError("destination_country_blocked"))
    message = written(chatting)
    assert await chatting.streamed(message) == Done()
    assert await chatting.streamed(message) == Done()
    assert chatting.carrier.sent == []
    assert chatting.centre.only_chat.said[1:] == [
        "[Not delivered to the customer: destination country blocked]"
    ]
    assert chatting.meter.effects["sms", "refused"] == 1


async def test_a_number_that_eum_knows_as_opted_out_is_recorded_and_told_once(
    chatting: Relay,
) -> None:
    """Managed opt-outs: the refusal is our only sign."""
    chatting.faults.refuse("texting.send", OptedOut("opted_out"))
    one, two = written(chatting, "one"), written(chatting, "two")
    assert await chatting.streamed(one) == Done()
    assert await chatting.streamed(two) == Done()
    assert chatting.carrier.sent == []
    assert chatting.faults.calls.count("texting.send") == 1  # The gate knows it now.
    assert chatting.centre.only_chat.said[1:] == [chatting.brand.texts.note_opted_out]
    gate = chatting.worker.performer.gate
    suppression = await gate.closed_for(chatting.brand, THEIRS)
    assert suppression is not None
    assert suppression.source.startswith("refused.")


async def test_an_end_that_may_not_be_told_is_an_end_all_the_same(chatting: Relay) -> None:
    await chatting.worker.performer.gate.close(chatting.brand, THEIRS, "form")
    assert await chatting.streamed(chatting.centre.end(chatting.centre.only_chat)) == Done()
    assert chatting.carrier.sent == []
    assert (await chatting.session()).state is ChatState.ENDED


# --- files ----------------------------------------------------------------------------------------


async def test_a_file_goes_out_as_a_link_after_the_words(chatting: Relay) -> None:
    message = chatting.centre.agent_sends_file(
        chatting.centre.only_chat, "form.pdf", "application/pdf"
    )
    assert await chatting.streamed(message) == Done()
    [sent] = chatting.carrier.sent
    [key] = chatting.world.shelf.stored
    assert sent.text.body == f"form.pdf: https://media.example/{key}?ttl=86400"
    assert sent.text.media_url is None
    assert chatting.world.shelf.stored[key].content == b"abc"


async def test_a_picture_goes_out_as_mms_where_the_brand_says_so() -> None:
    relay = Relay(brand_with(media="mms"))
    await relay.text()
    chat = relay.centre.only_chat
    await relay.streamed(relay.centre.agent_sends_file(chat, "map.png", "image/png"))
    await relay.streamed(relay.centre.agent_sends_file(chat, "form.pdf", "application/pdf"))
    picture, form = relay.carrier.sent
    assert (picture.text.body, bool(picture.text.media_url)) == ("", True)
    assert (bool(form.text.body), form.text.media_url) == (True, None)


async def test_a_file_that_cannot_be_fetched_yet_writes_no_intent(chatting: Relay) -> None:
    chatting.faults.refuse("chats.attachment", TransientError("attachment_not_served"))
    message = chatting.centre.agent_sends_file(chatting.centre.only_chat, "a.pdf", "x/y")
    assert isinstance(await chatting.streamed(message), Wait)
    assert only(await chatting.session(), Lane.OUT).stage is Stage.NEW
    await chatting.sleep(10)
    assert await chatting.streamed(message) == Done()
    assert len(chatting.carrier.sent) == 1
