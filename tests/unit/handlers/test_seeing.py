"""What an operator sees of a conversation: each effect counted as listed, and said in one line."""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from random import Random
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from tests.unit.handlers.relay import OURS, THEIRS, Relay, Worker, brand_with
from tests.unit.handlers.test_receipts import told
from workers.clients.call import Api, Caller
from workers.clients.errors import SPEND_LIMIT
from workers.errors import InDoubt, OptedOut, PermanentError, QuotaFull, Throttled
from workers.limits import Limits
from workers.meter import Meter
from workers.metrics import (
    CALLS_ENDED,
    CALLS_HELD_BACK,
    EFFECTS,
    PROFILE_EVENTS,
    PROFILE_MERGED,
    PROFILE_WRITES,
    REMINDERS_CLOSED,
    Metrics,
    all_metrics,
)
from workers.runtime.outcome import Done
from workers.runtime.roster import LiveShare
from workers.stores.memory import MemoryTable
from workers.stores.roster import TableRoster

TIMEOUT = InDoubt("SendTextMessage", "timeout")
LONG = "word " * 400  # Two texts.
CANARIES = ("canary of the customer", "canary of the agent", THEIRS, OURS)

Line = MutableMapping[str, Any]


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[Line]]:
    structlog.contextvars.clear_contextvars()
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured
    structlog.contextvars.clear_contextvars()


def metered(relay: Relay, metrics: Metrics) -> Meter:
    """Let the relay's worker count on the list, as a real one does."""
    meter = Meter(metrics)
    relay.worker = Worker(relay.world, "a", relay.faults, Random(7), meter)  # noqa: S311
    return meter


async def until_concluded(relay: Relay, text: str) -> None:
    """The agent writes, the send gets no answer, and nobody ever hears what became of it."""
    message = relay.centre.agent_says(relay.centre.newest_chat, text)
    while await relay.streamed(message) != Done():
        await relay.sleep(9)


async def test_every_metric_of_what_handlers_do_is_kept_by_a_scripted_day() -> None:
    relay, metrics = Relay(), Metrics()
    meter = metered(relay, metrics)
    await relay.text("hello")
    await relay.text("what came late", age_s=60)
    await relay.agent("Good day")
    relay.faults.refuse("texting.send", TIMEOUT)
    await until_concluded(relay, "out or not")
    await relay.text("HELP")
    await relay.notices()
    crossing = relay.centre.agent_says(relay.centre.newest_chat, "One more thing")
    await relay.text("STOP")
    await relay.streamed(crossing)
    await relay.carrier_says("INVALID")

    async def refuse() -> None:
        raise Throttled("throttled")

    async def spent() -> None:
        raise QuotaFull(SPEND_LIMIT)

    LiveShare(TableRoster(MemoryTable(), relay.clock), "a", lambda _: None, relay.clock, metrics)
    caller = Caller(meter, Limits(relay.clock))
    with pytest.raises(Throttled):
        await caller.call(Api("connect", "StartChatContact"), refuse)
    with pytest.raises(QuotaFull):
        await caller.call(Api("pinpoint-sms-voice-v2", "SendTextMessage"), spent)
    never = {
        metric.name
        for metric in all_metrics()
        if not metric.is_of_queue and not metrics.total(metric)
    }
    of_others = {
        *(CALLS_ENDED.name, REMINDERS_CLOSED.name, CALLS_HELD_BACK.name),
        *(PROFILE_EVENTS.name, PROFILE_WRITES.name, PROFILE_MERGED.name),
    }
    assert never == of_others, "in the list and never counted: those have a day of their own"


async def test_an_uncertain_text_is_counted_once_and_as_nothing_else(chatting: Relay) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    await until_concluded(chatting, "out or not")
    assert chatting.meter.uncertain == 1
    assert chatting.meter.effects["sms", "done"] == 0
    assert chatting.meter.effects["sms", "in_doubt"] == 1


async def test_each_uncertain_part_counts_although_the_next_part_goes_out(
    chatting: Relay, lines: list[Line]
) -> None:
    chatting.faults.refuse("texting.send", TIMEOUT)
    await until_concluded(chatting, LONG)
    assert chatting.meter.uncertain == 1
    assert chatting.meter.effects["sms", "done"] == 1
    assert [line["part"] for line in lines if line["event"] == "sms_uncertain"] == [0]


async def test_a_text_sent_again_in_doubt_is_told_from_one_sent_once() -> None:
    relay = Relay(brand_with(in_doubt="resend"))
    await relay.text()
    relay.faults.refuse("texting.send", TIMEOUT)
    await until_concluded(relay, "once or twice")
    assert relay.meter.effects["sms", "resent_in_doubt"] == 1
    assert relay.meter.effects["sms", "done"] == 0
    assert relay.meter.uncertain == 0


async def test_automatic_texts_are_counted_by_what_became_of_them(chatting: Relay) -> None:
    for _ in range(4):
        await chatting.text("HELP")
        await chatting.notices()
    assert chatting.meter.automatic == {("help", "sent"): 3, ("help", "capped"): 1}


async def test_a_refused_automatic_text_and_one_for_somebody_who_left_are_counted(
    chatting: Relay,
) -> None:
    chatting.faults.refuse("texting.send", PermanentError("invalid_request"))
    await chatting.text("HELP")
    await chatting.notices()
    chat = chatting.centre.only_chat
    await chatting.worker.performer.gate.close(chatting.brand, THEIRS, "form")
    await chatting.streamed(chatting.centre.end(chat))
    assert chatting.meter.automatic == {("help", "refused"): 1, ("chat_ended", "suppressed"): 1}


async def test_a_persons_words_are_no_automatic_text(chatting: Relay) -> None:
    await chatting.agent("Good day")
    assert not chatting.meter.automatic


async def test_suppressed_sends_say_who_knew() -> None:
    stays = brand_with(end_chat_on_opt_out=False)
    relay = Relay(stays)
    await relay.text()
    relay.faults.refuse("texting.send", OptedOut("opted_out"))
    await relay.agent("EUM knows")
    await relay.agent("now the gate knows")
    assert relay.meter.unwanted == {
        ("transactional", "refused_by_eum"): 1,
        ("transactional", "opted_out"): 1,
    }
    assert relay.meter.effects["sms", "suppressed"] == 2


async def test_one_id_leads_from_the_text_to_the_chat_to_the_receipt(
    relay: Relay, lines: list[Line]
) -> None:
    await relay.text(CANARIES[0])
    await relay.agent(CANARIES[1])
    await told(relay, relay.carrier.sent[0], "DELIVERED")
    said = [line["event"] for line in lines if line.get("conversation") == relay.sid]
    wanted = [
        "event_journalled",
        "chat_started",
        "chat_message_sent",
        "event_journalled",
        "sms_sent",
        "receipt_recorded",
        "delivery_shown",
    ]
    assert [event for event in said if event in wanted] == wanted
    by_event = {line["event"]: line for line in lines}
    contact_id = relay.centre.only_chat.contact_id
    for event in ("chat_started", "chat_message_sent", "sms_sent"):
        assert by_event[event]["contact_id"] == contact_id, event
    sent, recorded = by_event["sms_sent"], by_event["receipt_recorded"]
    assert sent["sms_message_id"] == recorded["sms_message_id"]
    assert sent["entry"] == recorded["entry"] == by_event["delivery_shown"]["entry"]


async def test_every_effect_has_its_line_and_no_line_holds_what_was_said_or_to_whom(
    chatting: Relay, lines: list[Line]
) -> None:
    relay = chatting
    await relay.text(CANARIES[0])
    await relay.streamed(
        relay.centre.agent_sends_file(relay.centre.only_chat, "a.png", "image/png")
    )
    relay.faults.refuse("texting.send", PermanentError("invalid_request"))
    await relay.agent(CANARIES[1])
    relay.faults.refuse("texting.send", Throttled("throttled"))
    await relay.agent("later")
    await relay.sleep(30)
    relay.faults.refuse("texting.send", TIMEOUT)
    await until_concluded(relay, "out or not")
    crossing = relay.centre.agent_says(relay.centre.newest_chat, "nobody gets this")
    await relay.text("STOP")
    await relay.notices()
    await relay.streamed(crossing)
    await relay.streamed(relay.centre.end(relay.centre.only_chat))
    await relay.text("START")
    await relay.notices()
    assert {line["event"] for line in lines} >= {
        "chat_ended",
        "chat_hung_up",
        "chat_message_sent",
        "file_passed_on",
        "note_sent",
        "notice_requested",
        "opted_in",
        "opted_out",
        "sms_held_back",
        "sms_in_doubt",
        "sms_refused",
        "sms_sent",
        "sms_suppressed",
        "sms_uncertain",
    }
    shown = json.dumps(lines, default=str)
    assert not [canary for canary in CANARIES if canary in shown]


async def test_the_list_has_every_effect_that_the_relay_counts() -> None:
    """Kinds and results are stable words: a metric's label with an id in it would never end."""
    relay, metrics = Relay(), Metrics()
    metered(relay, metrics)
    for number in range(20):
        await relay.text(f"text {number}")
        await relay.agent(f"answer {number}")
    families = [f for f in metrics.registry.collect() if f.name == "switchboard_effects"]
    series = {
        tuple(s.labels.values()) for f in families for s in f.samples if s.name.endswith("_total")
    }
    assert metrics.total(EFFECTS) >= 40
    assert len(series) <= 4
