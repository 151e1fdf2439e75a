"""What an operator sees of the runtime: every metric of the list, spans, and sums that add up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random

import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from tests.unit.runtime.fleet import ByKey, Handle, Plan, running
from tests.unit.runtime.schedules import MemoryParcels, MemorySchedules
from workers.clients.call import Api, Caller
from workers.limits import Limits
from workers.log import bind_conversation
from workers.metrics import IN_FLIGHT, PAUSED, PREFIX, Kind, Metrics, all_metrics
from workers.otlp import OtelTracer
from workers.runtime.backlog import Backlogs
from workers.runtime.breaker import Pause
from workers.runtime.config import ConsumerConfig
from workers.runtime.consumer import Consumer
from workers.runtime.deferral import Deferrals
from workers.runtime.delivery import Delivery
from workers.runtime.dispatch import Batched, Item, Job
from workers.runtime.failures import MemoryFailures
from workers.runtime.memory import MemoryQueue
from workers.runtime.outcome import DeadLetter, Defer, Done, Outcome
from workers.runtime.shared import Shared
from workers.testing import LoopClock

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
CANARY = "+14255550100 said: canary"


# --- metrics -------------------------------------------------------------------------------------


async def eventful(delivery: Delivery) -> Outcome:
    match delivery.body, delivery.receive_count:
        case "slow", 1:
            await asyncio.sleep(60)
        case "bug", 1:
            raise ZeroDivisionError
        case "bad", _:
            return DeadLetter("unreadable")
        case "later", 1:
            return Defer(delivery.sent_at + timedelta(days=3), "not_before")
        case _:
            pass
    return Done()


async def all_done(items: Sequence[Item[str]]) -> dict[Item[str], Outcome | BaseException]:
    return dict.fromkeys(items, Done())


def planned(delivery: Delivery) -> Job:
    if delivery.body == "flood":
        return Job(None, "opened", "OPENED", "opened-1", Batched(all_done, delivery.body))
    return Job(delivery.attributes.get("key"), "test_event", "TEST", "event-1", eventful)


def die_once() -> Callable[[str], Awaitable[None]]:
    planned = ["receive"]

    async def die(call: str) -> None:
        if call in planned:
            planned.remove(call)
            raise ZeroDivisionError

    return die


def never_kept(metrics: Metrics) -> set[str]:
    """The metrics of queues that nobody has kept. A gauge at 0 was: it has a series."""
    kept = {family.name for family in metrics.registry.collect() if family.samples}
    of_queues = [metric for metric in all_metrics() if metric.is_of_queue]
    return {
        metric.name
        for metric in of_queues
        if (metric.kind is Kind.GAUGE and PREFIX + metric.name not in kept)
        or (metric.kind is not Kind.GAUGE and not metrics.total(metric))
    }


class ShutAtFirst:
    """The gate of a quota that has tokens from its tenth look on."""

    reason = "test"

    def __init__(self) -> None:
        self._looks = 0

    def capacity(self) -> int:
        self._looks += 1
        return 100 if self._looks > 10 else 0


async def five(_queue: str) -> int:
    return 5


async def test_every_metric_of_a_queue_is_kept_by_a_scripted_day() -> None:
    """Refused acknowledgements, a lost lease, a bug, a dead letter, a dead poller, a pause."""

    def prepare(queue: MemoryQueue) -> None:
        queue.knobs.before = die_once()
        queue.knobs.refuse = lambda call, _: "InternalError" if call == "delete" else None
        for body in ("slow", "bug", "bad", "later", "flood", "good"):
            queue.put(body)

    def deferrals(queue: MemoryQueue) -> Deferrals:
        return Deferrals(MemorySchedules(queue, LoopClock()), MemoryParcels())

    async with running(
        plan=planned,
        before_start=prepare,
        deferrals=deferrals,
        lease_max_s=60,
        gate=ShutAtFirst(),
    ) as fleet:
        await fleet.clock.sleep(30)
        await Backlogs([fleet.queue.name], five, fleet.metrics, fleet.clock).look()
        fleet.queue.knobs.refuse = lambda call, _: (
            "ReceiptHandleIsInvalid" if call == "change_visibility" else None
        )
        await fleet.clock.sleep(60)
        pause = Pause(fleet.clock.now(), "maintenance", "operator")
        await fleet.shared.breaker.pause(fleet.queue.name, pause)
        await fleet.clock.sleep(40)
        assert fleet.metrics.total(PAUSED) == 1
        assert not never_kept(fleet.metrics), "in the list and never counted"


async def test_what_came_in_equals_what_went_out_and_what_is_here_at_every_look() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        await asyncio.sleep(len(delivery.body) / 10)
        if "bug" in delivery.body and delivery.receive_count < 3:
            raise ZeroDivisionError
        return DeadLetter("unreadable") if "bad" in delivery.body else Done()

    async with running(handle, slots=5, dead_letters_in_a_row=100) as fleet:
        for n in range(40):
            fleet.queue.put(("bug", "bad", "x" * (n % 7))[n % 3], {"key": str(n % 4)})
        in_hand_at_some_look = 0.0
        while len(fleet.queue):
            fleet.assert_adds_up()
            in_hand_at_some_look = max(in_hand_at_some_look, fleet.metrics.total(IN_FLIGHT))
            await fleet.clock.sleep(0.05)
        assert in_hand_at_some_look
        assert fleet.outcomes(outcome="done") + fleet.outcomes(outcome="dead_lettered") == 40


# --- spans ---------------------------------------------------------------------------------------


class Traced:
    """A consumer whose spans are kept, and a caller that makes AWS calls under them."""

    def __init__(self, handle: Handle, plan: Plan | None = None) -> None:
        self.spans = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.tracer = OtelTracer(provider)
        clock = LoopClock()
        self.clock = clock
        self.queue = MemoryQueue("work", clock)
        self.dlq = MemoryQueue("work-dlq", clock)
        self.caller = Caller(_Uncounted(), Limits(clock), tracer=self.tracer)
        shared = Shared(
            clock,
            Metrics(),
            MemoryFailures(),
            rng=Random(7),  # noqa: S311
            tracer=self.tracer,
        )
        self.consumer = Consumer(
            self.queue, self.dlq, ByKey(handle, plan), ConsumerConfig(), shared
        )

    async def consume(self, attributes: dict[str, str], body: str = "1") -> None:
        """Let one message be handled to its end."""
        self.queue.put(body, attributes)
        async with asyncio.TaskGroup() as tasks:
            self.consumer.start(tasks)
            while len(self.queue):
                await self.clock.sleep(0.5)
            await self.consumer.drain()

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans.get_finished_spans() if span.name == name]


class _Uncounted:
    def called(self, api: str, result: str) -> None:
        pass


async def ok() -> dict[str, str]:
    return {}


async def test_a_delivery_is_a_consumer_span_linked_to_and_below_what_it_brought() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        bind_conversation("conversation-1")
        return Done()

    traced = Traced(handle)
    await traced.consume({"traceparent": PARENT})
    [span] = traced.named("process work")
    assert span.kind is SpanKind.CONSUMER
    assert span.context is not None
    assert format_trace_id(span.context.trace_id) == TRACE
    assert span.parent is not None
    assert format_span_id(span.parent.span_id) == SPAN
    assert [format_span_id(link.context.span_id) for link in span.links] == [SPAN]
    attributes = dict(span.attributes or {})
    assert attributes.pop("messaging.message.id")
    assert attributes == {
        "messaging.system": "aws_sqs",
        "messaging.destination.name": "work",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.message.conversation_id": "conversation-1",
        "switchboard.event_id": "event-1",
        "switchboard.event_class": "test_event",
        "switchboard.receive_count": 1,
        "switchboard.outcome": "done",
    }


async def test_a_delivery_that_brings_nothing_begins_a_trace_and_each_has_its_own() -> None:
    traced = Traced(lambda _: _done())
    traced.queue.put("first", {"key": "lane"})
    await traced.consume({"key": "lane"}, "behind it in its lane")
    first, second = traced.named("process work")
    assert first.parent is None
    assert second.parent is None
    assert first.context is not None
    assert second.context is not None
    assert first.context.trace_id != second.context.trace_id
    assert not first.links


async def _done() -> Outcome:
    return Done()


async def test_a_batch_is_a_span_of_its_own_linked_to_what_each_delivery_brought() -> None:
    traced = Traced(lambda _: _done(), planned)
    other = PARENT.replace(SPAN, SPAN[::-1])
    traced.queue.put("flood", {"traceparent": other})
    await traced.consume({"traceparent": PARENT}, "flood")
    batch = next(
        s
        for s in traced.named("process work")
        if "messaging.batch.message_count" in (s.attributes or {})
    )
    assert (batch.attributes or {})["messaging.batch.message_count"] == 2
    assert "messaging.message.id" not in (batch.attributes or {})
    assert batch.parent is None
    assert {format_span_id(link.context.span_id) for link in batch.links} == {SPAN, SPAN[::-1]}
    deliveries = [span for span in traced.named("process work") if span is not batch]
    assert len(deliveries) == 2


async def test_an_aws_call_is_a_child_and_what_it_sends_carries_the_trace_on() -> None:
    carried: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        async def send() -> dict[str, str]:
            carried.append(traced.tracer.headers()["traceparent"])
            return {}

        await traced.caller.call(Api("sqs", "SendMessage", destination="commands"), send)
        await traced.caller.call(Api("connect", "StartChatContact"), ok)
        return Done()

    traced = Traced(handle)
    await traced.consume({"traceparent": PARENT})
    [process] = traced.named("process work")
    [sent], [called] = traced.named("send commands"), traced.named("connect/StartChatContact")
    assert (sent.kind, called.kind) == (SpanKind.PRODUCER, SpanKind.CLIENT)
    for child in (sent, called):
        assert child.parent is not None
        assert process.context is not None
        assert child.parent.span_id == process.context.span_id
    assert sent.context is not None
    assert carried == [f"00-{TRACE}-{format_span_id(sent.context.span_id)}-01"]
    assert (called.attributes or {})["rpc.method"] == "StartChatContact"


async def test_a_failure_leaves_its_word_on_the_span_and_never_its_text() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        async def refuse() -> None:
            raise ConnectionResetError(CANARY)

        if delivery.receive_count == 1:
            await traced.caller.call(Api("connect", "StartChatContact"), refuse)
        raise ValueError(CANARY)

    traced = Traced(handle)
    await traced.consume({"traceparent": PARENT})
    failed = traced.named("connect/StartChatContact")[0]
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "ConnectionResetError"
    last = traced.named("process work")[-1]
    assert (last.attributes or {})["switchboard.outcome"] == "dead_lettered"
    assert len(traced.named("process work")) > 1, "each delivery of a message has its span"
    shown = "".join(span.to_json() for span in traced.spans.get_finished_spans())
    assert CANARY not in shown
    assert "5550100" not in shown


async def test_a_dead_letter_keeps_the_traceparent_that_its_message_brought() -> None:
    async def handle(delivery: Delivery) -> Outcome:
        return DeadLetter("unreadable")

    traced = Traced(handle)
    await traced.consume({"traceparent": PARENT})
    [copy] = traced.dlq.messages
    assert copy.attributes["traceparent"].value == PARENT
    assert copy.attributes["trace_id"].value == TRACE


async def test_the_trace_not_sampled_by_its_sender_is_carried_on_and_not_recorded() -> None:
    carried: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        carried.append(traced.tracer.headers()["traceparent"])
        return Done()

    traced = Traced(handle)
    await traced.consume({"traceparent": PARENT[:-1] + "0"})
    assert not traced.spans.get_finished_spans()
    [header] = carried
    assert header.startswith(f"00-{TRACE}-")
    assert header.endswith("-00")


async def test_log_lines_name_the_trace() -> None:
    seen: list[str] = []

    async def handle(delivery: Delivery) -> Outcome:
        seen.append(structlog.contextvars.get_contextvars()["trace_id"])
        return Done()

    await Traced(handle).consume({"traceparent": PARENT})
    assert seen == [TRACE]
