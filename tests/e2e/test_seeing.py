"""What an operator sees of workers as shipped: log lines, metrics that add up, and spans."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from infra.local.endpoints import LocalAws
from tests.e2e.account import CONFIG, PLAIN
from tests.e2e.collector import Collector, Seen
from tests.e2e.stage import Customer, Stage, inbound_payload, sns_envelope, utc_now
from tests.e2e.test_privacy import forms
from tests.e2e.traced import traced

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
SAID, ANSWERED = "canary of the customer 4711", "canary of the agent 0815"
CUSTOMER = Customer("+12065561919", PLAIN)


@dataclass
class Played:
    """A conversation that is over, and everything that was to be seen of it."""

    stage: Stage
    collector: Collector
    conversation: str
    contact_id: str
    lines: list[dict[str, Any]]

    def line(self, event: str) -> dict[str, Any]:
        """The first line of this conversation with this event."""
        return next(
            line
            for line in self.lines
            if line["event"] == event and line.get("conversation") == self.conversation
        )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def played(backend_aws: LocalAws, tmp_path_factory: Any) -> AsyncIterator[Played]:
    """A text that brings a trace, an answer, its receipt, HELP, and STOP; by one traced worker."""
    folder = tmp_path_factory.mktemp("seeing")
    async with traced(backend_aws, folder, CONFIG) as (stage, collector):
        yield await _play(stage, collector)


async def _play(stage: Stage, collector: Collector) -> Played:
    await stage.sqs.send_message(
        QueueUrl=stage.world.provisioned.queue_urls["inbound-sms"],
        MessageBody=sns_envelope(
            stage.world.provisioned.topic_arns["inbound-sms"],
            json.dumps(inbound_payload(CUSTOMER, SAID)),
            utc_now(),
        ),
        MessageAttributes={"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}},
    )
    chat = await stage.chat(CUSTOMER)
    await stage.until_in_chat(chat, SAID)
    await stage.desk.say(chat.contact_id, ANSWERED)
    await stage.until_on_phone(CUSTOMER, ANSWERED)
    await _send_traced_help(stage)

    async def is_shown() -> bool:
        return len(await stage.on_phone(CUSTOMER)) >= 2 and "delivery_shown" in _log(stage)

    await stage.until(is_shown, "HELP is answered, and the first answer's receipt is shown")
    sid = str(chat.attributes["sb_session"])

    async def is_exported() -> bool:
        names = {span.name for span in collector.spans}
        needed = {"process delivery-receipts", "process chat-commands"}
        return needed <= names and bool(_texts_sent(collector.spans))

    await stage.until(is_exported, "the spans have reached the collector")
    lines = [json.loads(line) for line in _log(stage).splitlines() if line.startswith("{")]
    return Played(stage, collector, sid, chat.contact_id, lines)


async def _send_traced_help(stage: Stage) -> None:
    await stage.sqs.send_message(
        QueueUrl=stage.world.provisioned.queue_urls["inbound-sms"],
        MessageBody=sns_envelope(
            stage.world.provisioned.topic_arns["inbound-sms"],
            json.dumps(inbound_payload(CUSTOMER, "HELP")),
            utc_now(),
        ),
        MessageAttributes={"traceparent": {"DataType": "String", "StringValue": TRACEPARENT}},
    )


def _texts_sent(spans: list[Seen]) -> list[Seen]:
    """The calls that sent a text in the trace that the customer's texts were brought with."""
    return [
        span
        for span in spans
        if span.trace_id == TRACE and span.attributes.get("rpc.method") == "SendTextMessage"
    ]


def _log(stage: Stage) -> str:
    return "".join(path.read_text("utf-8") for path in stage.world.worker_logs())


def _one(spans: list[Seen], name: str) -> Seen:
    return next(span for span in spans if span.name == name)


async def test_one_id_leads_through_the_log_from_the_text_to_the_chat_to_the_receipt(
    played: Played,
) -> None:
    for event in ("chat_started", "chat_message_sent", "sms_sent"):
        assert played.line(event)["contact_id"] == played.contact_id, event
    sent, receipt = played.line("sms_sent"), played.line("receipt_recorded")
    assert sent["sms_message_id"] == receipt["sms_message_id"]
    assert sent["entry"] == played.line("delivery_shown")["entry"]
    for event in ("event_journalled", "chat_started", "sms_sent", "receipt_recorded"):
        line = played.line(event)
        assert line["event_id"], event
        assert line["trace_id"], event
        assert line["level"] == "info", event


async def test_metrics_add_up_for_every_queue_of_a_worker(played: Played) -> None:
    [page] = await played.stage.metric_pages()
    received: dict[str, float] = {}
    gone: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            queue = sample.labels.get("queue", "")
            match sample.name:
                case "switchboard_received_total":
                    received[queue] = sample.value
                case "switchboard_outcomes_total" | "switchboard_in_flight":
                    gone[queue] = gone.get(queue, 0) + sample.value
                case _:
                    pass
    assert {"inbound-sms", "chat-stream", "chat-commands", "delivery-receipts"} <= set(received)
    assert received == {queue: gone[queue] for queue in received}


async def test_a_texts_spans_share_a_trace_from_the_inbound_message_to_the_command_and_back(
    played: Played,
) -> None:
    spans = [span for span in played.collector.spans if span.trace_id == TRACE]
    brought = [span for span in spans if span.parent_id == SPAN]
    assert {span.name for span in brought} == {"process inbound-sms"}
    assert all(span.kind == "consumer" and SPAN in span.links for span in brought)
    # The chat's watch is sent too, and comes back a minute later.
    sent = {span.span_id: span for span in spans if span.name == "send chat-commands"}
    back = next(span for span in spans if span.name == "process chat-commands")
    assert back.links == (back.parent_id,)
    assert sent[back.parent_id].kind == "producer"
    assert sent[back.parent_id].parent_id in {span.span_id for span in brought}
    # Whoever holds the conversation sends it: the command's own worker, or the text's.
    [texted] = _texts_sent(spans)
    senders = [span for span in spans if texted in played.collector.below(span)]
    assert {span.name for span in senders} <= {"process chat-commands", "process inbound-sms"}
    assert senders


async def test_a_receipt_is_linked_to_the_send_that_it_is_about(played: Played) -> None:
    sends = {
        span.span_id
        for span in played.collector.spans
        if span.attributes.get("rpc.method") == "SendTextMessage"
    }
    receipts = [s for s in played.collector.spans if s.name == "process delivery-receipts"]
    assert any(set(receipt.links) & sends for receipt in receipts)


async def test_spans_say_what_the_conventions_ask_for_and_whose_conversation_it_is(
    played: Played,
) -> None:
    spans = played.collector.of_conversation(played.conversation)
    assert {"process inbound-sms", "process chat-stream", "process chat-commands"} <= {
        span.name for span in spans
    }
    first = _one(spans, "process inbound-sms")
    assert first.attributes["messaging.system"] == "aws_sqs"
    assert first.attributes["messaging.destination.name"] == "inbound-sms"
    assert first.attributes["messaging.operation.type"] == "process"
    assert first.attributes["messaging.message.id"]
    assert first.attributes["switchboard.outcome"] == "done"
    assert first.resource["service.name"] == "switchboard-worker"
    assert first.resource["deployment.environment.name"] == "test"
    called = {span.attributes.get("rpc.method") for span in played.collector.below(first)}
    assert {"StartChatContact", "StartContactStreaming", "UpdateItem"} <= called


async def test_no_span_holds_a_number_a_body_or_a_token(played: Played) -> None:
    tokens = {
        str(entry.params[name])
        for entry in await played.stage.simulator.ledger()
        for name in ("ConnectionToken", "ParticipantToken")
        if name in entry.params
    }
    assert tokens
    exported = b"".join(played.collector.raw).decode("utf-8", errors="replace").lower()
    for canary in (SAID, ANSWERED, CUSTOMER.number, PLAIN, *tokens):
        for form in forms(canary):
            assert form.lower() not in exported, form
