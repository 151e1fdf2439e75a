from __future__ import annotations

from datetime import timedelta

import pytest

from workers.errors import TransientError
from workers.runtime.dead_letters import DeadLetters, compose, record_key
from workers.runtime.failures import MemoryFailures
from workers.runtime.memory import MemoryQueue
from workers.runtime.sqs import MAX_BATCH_BYTES, Attribute, Message
from workers.runtime.verdict import Fate, Then, Verdict
from workers.testing import START, FakeClock

VERDICT = Verdict(
    Fate.DEAD_LETTERED,
    Then.BURY,
    "undecodable",
    error_type="ValidationError",
    path="detail.endpoint",
)


def message(body: str = "{}", attributes: dict[str, Attribute] | None = None) -> Message:
    return Message(
        message_id="m1",
        receipt_handle="h1",
        body=body,
        attributes=attributes or {},
        receive_count=3,
        sent_at=START,
        first_received_at=START + timedelta(seconds=1),
        trace_header="Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
    )


def composed(original: Message, verdict: Verdict = VERDICT) -> dict[str, str | bytes]:
    copy = compose(original, verdict, source_queue="work", event_id="e1")
    return {name: attribute.value for name, attribute in copy.outgoing.attributes.items()}


def test_a_copy_says_why_and_where_from_and_keeps_the_body() -> None:
    body = '{"text": "  \\u00e9 é \\n"}'
    assert compose(message(body), VERDICT, source_queue="w", event_id="").outgoing.body == body
    assert composed(message()) == {
        "reason": "undecodable",
        "error_type": "ValidationError",
        "schema_path": "detail.endpoint",
        "event_id": "e1",
        "trace_id": "1-5759e988-bd862e3fe1be46a994272793",
        "source_queue": "work",
        "receive_count": "3",
        "first_received_at": "2026-03-02T12:00:01.000+00:00",
    }


def test_w3c_trace_context_wins_over_x_ray() -> None:
    parent = Attribute("String", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    values = composed(message(attributes={"traceparent": parent}))
    assert values["trace_id"] == "0af7651916cd43dd8448eb211c80319c"


def test_original_attributes_are_kept_with_their_types_as_far_as_ten_go() -> None:
    originals = {
        "number": Attribute("Number.int", "5"),
        "bytes": Attribute("Binary", b"\x00\xff"),
        "third": Attribute("String", "x"),
    }
    copy = compose(message(attributes=originals), VERDICT, source_queue="w", event_id="e1")
    assert len(copy.outgoing.attributes) == 10
    assert copy.outgoing.attributes["number"] == originals["number"]
    assert copy.outgoing.attributes["bytes"] == originals["bytes"]
    assert copy.dropped_count == 1


def test_the_reason_of_an_earlier_death_gives_way() -> None:
    assert composed(message(attributes={"reason": Attribute("String", "old")}))["reason"] == (
        "undecodable"
    )


def test_names_types_and_values_count_towards_the_limit() -> None:
    copy = compose(message(), VERDICT, source_queue="work", event_id="e1")
    ours = sum(
        len(name) + len("String") + len(str(attribute.value))
        for name, attribute in copy.outgoing.attributes.items()
    )
    fits = message("é" * ((MAX_BATCH_BYTES - ours) // 2))
    assert composed(fits)
    too_big = message("é" * ((MAX_BATCH_BYTES - ours) // 2 + 1))
    bare = compose(too_big, VERDICT, source_queue="work", event_id="e1")
    assert bare.is_bare
    assert bare.reasons["reason"] == "undecodable"


def test_an_original_attribute_too_big_for_the_rest_is_dropped_alone() -> None:
    body = "x" * (MAX_BATCH_BYTES - 1000)
    originals = {"big": Attribute("String", "y" * 900), "small": Attribute("String", "z")}
    values = composed(message(body, originals))
    assert "big" not in values
    assert values["small"] == "z"


def test_no_user_data_and_nothing_that_sqs_refuses_gets_into_the_attributes() -> None:
    verdict = Verdict(Fate.DEAD_LETTERED, Then.BURY, "bad +14255550100\x00\ud800", path="")
    assert composed(message(), verdict)["reason"] == "bad ***??"


async def test_a_body_too_big_for_its_reason_goes_bare_and_the_reason_is_recorded() -> None:
    dlq, failures = MemoryQueue("work-dlq", FakeClock()), MemoryFailures()
    body = "x" * MAX_BATCH_BYTES
    await DeadLetters(dlq, source_queue="work", failures=failures).bury(
        message(body), VERDICT, event_id="e1"
    )
    [copy] = dlq.messages
    assert copy.body == body
    assert not copy.attributes
    for key in ("m1", record_key(copy.body)):
        assert failures.dead_letters["work", key]["reason"] == "undecodable"


async def test_contents_that_sqs_refuses_go_bare_too() -> None:
    dlq, failures = MemoryQueue("work-dlq", FakeClock()), MemoryFailures()
    answers = ["InvalidParameterValue", None]
    dlq.knobs.refuse = lambda *_: answers.pop(0)
    dlq.knobs.is_sender_fault = True
    await DeadLetters(dlq, source_queue="work", failures=failures).bury(
        message(), VERDICT, event_id=""
    )
    assert [copy.attributes for copy in dlq.messages] == [{}]
    assert failures.dead_letters["work", record_key(message().body)]["message_id"] == "m1"


async def test_a_refused_copy_is_an_error() -> None:
    dlq = MemoryQueue("work-dlq", FakeClock())
    dlq.knobs.refuse = lambda *_: "InternalError"
    with pytest.raises(TransientError):
        await DeadLetters(dlq, source_queue="work", failures=MemoryFailures()).bury(
            message(), VERDICT, event_id=""
        )


async def test_a_fifo_dead_letter_queue_gets_its_group_and_an_id_of_this_death() -> None:
    dlq = MemoryQueue("work-dlq.fifo", FakeClock())
    await DeadLetters(dlq, source_queue="work", failures=MemoryFailures()).bury(
        message(), VERDICT, event_id=""
    )
    [copy] = dlq.messages
    assert copy.group == "m1"
    assert copy.deduplication_id == "m1.3"


async def test_a_bare_copy_is_sent_only_when_its_reason_is_recorded() -> None:
    class Down(MemoryFailures):
        async def record_dead_letter(self, *_: object, **__: object) -> None:
            raise TransientError("store_down")

    dlq = MemoryQueue("work-dlq", FakeClock())
    with pytest.raises(TransientError):
        await DeadLetters(dlq, source_queue="work", failures=Down()).bury(
            message("x" * MAX_BATCH_BYTES), VERDICT, event_id=""
        )
    assert len(dlq) == 0
